/* Certificates, keys and roots in files that change while they are in use; roots that nobody named; the key log. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/tls_context.h"
#include "support/certs.h"
#include "support/check.h"
#include "support/tls_pair.h"

static char folder[] = "/tmp/farcall-tls-XXXXXX";
static char chain_file[64], key_file[64], roots_file[64], log_file[64];
static fc_tls_client_options client;
static fc_tls_server_options server;
static fc_tls_identity identity, files;
static struct fc__tls *client_tls, *server_tls;
static struct tls_party ends[2]; /* the client, the server */

/* In place: whoever has the file open sees the change too. */
static void put(const char *path, fc_slice text) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, text.data, text.len), text.len);
  close(fd);
}

static int fresh(void **state) {
  (void)state;
  put(chain_file, cert_text("server.pem"));
  put(key_file, cert_text("server.key"));
  put(roots_file, cert_text("ca.pem"));
  unsetenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH");
  identity = cert_identity("server");
  files = (fc_tls_identity){.certificate_chain_file = chain_file, .private_key_file = key_file};
  client = (fc_tls_client_options)FC_TLS_CLIENT_OPTIONS_INIT;
  client.roots = cert_text("ca.pem");
  server = (fc_tls_server_options)FC_TLS_SERVER_OPTIONS_INIT;
  server.identities = &files;
  server.identity_count = 1;
  return 0;
}

static int forget(void **state) {
  (void)state;
  tls_forget(ends);
  fc__tls_unref(client_tls);
  fc__tls_unref(server_tls);
  client_tls = server_tls = NULL;
  return 0;
}

static int make_folder(void **state) {
  (void)state;
  if (!mkdtemp(folder)) return -1;
  snprintf(chain_file, sizeof chain_file, "%s/chain.pem", folder);
  snprintf(key_file, sizeof key_file, "%s/key.pem", folder);
  snprintf(roots_file, sizeof roots_file, "%s/roots.pem", folder);
  snprintf(log_file, sizeof log_file, "%s/keys.log", folder);
  return 0;
}

static int remove_folder(void **state) {
  (void)state;
  unlink(chain_file), unlink(key_file), unlink(roots_file), unlink(log_file);
  return rmdir(folder);
}

static void make_both(void) {
  fc_error err = FC_ERROR_INIT;
  forget(NULL);
  if (fc__tls_client_create(&client, &client_tls, &err) != FC_OK ||
      fc__tls_server_create(&server, NULL, &server_tls, &err) != FC_OK) {
    fail_msg("%s", err.message);
  }
}

static bool meet(void) {
  tls_forget(ends);
  return tls_meet(client_tls, "localhost", server_tls, ends);
}

/* The server's common name is the certificate's name. */
static void expect_server(const char *common_name) {
  if (!meet()) fail_msg("\"%s\", \"%s\"", ends[0].reason, ends[1].reason);
  assert_string_equal(tls_sees(&ends[0], "x509_common_name"), common_name);
}

static void expect_failure(const char *client_reason) {
  assert_false(meet());
  if (!strstr(ends[0].reason, client_reason)) fail_msg("\"%s\"", ends[0].reason);
}

/* ---- files that change ---- */

static void a_new_pair_is_used_from_then_on(void **state) {
  (void)state;
  make_both();
  expect_server("server");
  put(chain_file, cert_text("renewed.pem"));
  put(key_file, cert_text("renewed.key"));
  expect_server("renewed");
}

static void a_pair_is_replaced_by_renaming_too(void **state) {
  (void)state;
  char other[80];
  make_both();
  expect_server("server");
  snprintf(other, sizeof other, "%s.new", chain_file);
  put(other, cert_text("renewed.pem"));
  assert_int_equal(rename(other, chain_file), 0);
  snprintf(other, sizeof other, "%s.new", key_file);
  put(other, cert_text("renewed.key"));
  expect_server("server"); /* not both yet */
  assert_int_equal(rename(other, key_file), 0);
  expect_server("renewed");
}

static void one_half_of_a_new_pair_changes_nothing(void **state) {
  (void)state;
  make_both();
  put(key_file, cert_text("renewed.key"));
  for (int i = 0; i < 3; i++) expect_server("server");
  put(chain_file, cert_text("renewed.pem"));
  expect_server("renewed");
}

static void what_is_half_written_changes_nothing(void **state) {
  (void)state;
  make_both();
  fc_slice text = cert_text("renewed.pem"), key = cert_text("renewed.key");
  put(key_file, key);
  for (size_t len = 0; len < text.len - 1; len += 50) {
    put(chain_file, (fc_slice){text.data, len});
    expect_server("server");
  }
  put(chain_file, text);
  for (size_t len = 0; len + 30 < key.len; len += 50) {
    put(key_file, (fc_slice){key.data, len});
    expect_server("server");
  }
  put(key_file, key);
  expect_server("renewed");
}

static void files_that_are_gone_change_nothing(void **state) {
  (void)state;
  make_both();
  expect_server("server");
  assert_int_equal(unlink(chain_file), 0);
  expect_server("server");
  put(key_file, cert_text("encrypted.key"));
  expect_server("server");
  put(chain_file, cert_text("renewed.pem"));
  put(key_file, cert_text("renewed.key"));
  expect_server("renewed");
}

static void set_time(const char *path, time_t when) {
  struct timespec times[2] = {{.tv_sec = when}, {.tv_sec = when}};
  assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* Neither size nor time of modification tell: two writes within one step of the file system's clock look like this. */
static void a_change_that_no_stamp_shows_is_seen_while_it_is_fresh(void **state) {
  (void)state;
  char padded[8192];
  fc_slice one = cert_text("server.pem"), other = cert_text("renewed.pem");
  fc_slice shorter = one.len < other.len ? one : other, longer = one.len < other.len ? other : one;
  memset(padded, '\n', sizeof padded);
  memcpy(padded, shorter.data, shorter.len);
  fc_slice equal = {(const uint8_t *)padded, longer.len};
  put(chain_file, shorter.data == one.data ? equal : one);
  set_time(chain_file, 1000000000);
  make_both();
  expect_server("server");
  /* The time of change cannot be set: the stamp is made to say what it would say. */
  put(chain_file, shorter.data == one.data ? other : equal);
  set_time(chain_file, 1000000000);
  put(key_file, cert_text("renewed.key"));
  struct stat s;
  assert_int_equal(stat(chain_file, &s), 0);
  fc__tls_material_of(server_tls->context)->identities[0].chain.stamp.changed = s.st_ctim;
  expect_server("renewed");
}

static void one_bad_identity_keeps_back_all(void **state) {
  (void)state;
  fc_tls_identity both[] = {files, {.private_key_file = key_file}};
  both[1].certificate_chain = cert_text("server.pem");
  server.identities = both;
  server.identity_count = 2;
  make_both();
  put(chain_file, cert_text("renewed.pem"));
  put(key_file, cert_text("renewed.key")); /* not the second's any more */
  expect_server("server");
}

/* Tools write again what is there already, with a new time. */
static void files_with_the_same_content_change_nothing(void **state) {
  (void)state;
  make_both();
  SSL_CTX *before = server_tls->context;
  for (int i = 0; i < 3; i++) {
    put(chain_file, cert_text("server.pem"));
    put(key_file, cert_text("server.key"));
    expect_server("server");
  }
  assert_ptr_equal(server_tls->context, before);
  assert_string_equal(tls_sees(&ends[0], "ssl_session_reused"), "true");
}

/* OpenSSL's part of a connection keeps what it began with. */
static void a_connection_that_stands_is_not_touched(void **state) {
  (void)state;
  make_both();
  struct tls_party c = {.tls = client_tls, .name = "localhost"}, s = {.tls = server_tls};
  assert_true(tls_join(&c, &s));
  put(chain_file, cert_text("renewed.pem"));
  put(key_file, cert_text("renewed.key"));
  expect_server("renewed");
  char word[6] = "";
  assert_int_equal(SSL_write(c.ssl, "hello", 5), 5);
  assert_int_equal(SSL_read(s.ssl, word, 5), 5);
  assert_string_equal(word, "hello");
  tls_part(&c, &s);
}

static void a_client_reads_its_roots_again_and_forgets_sessions(void **state) {
  (void)state;
  client.roots = FC_SLICE_EMPTY;
  client.roots_file = roots_file;
  make_both();
  expect_server("server");
  expect_server("server");
  assert_string_equal(tls_sees(&ends[0], "ssl_session_reused"), "true");
  put(roots_file, cert_text("other_ca.pem"));
  expect_failure("unable to get local issuer certificate");
  put(roots_file, TEXT("-----BEGIN"));
  expect_failure("unable to get local issuer certificate");
  put(roots_file, cert_text("bundle.pem"));
  expect_server("server");
  assert_string_equal(tls_sees(&ends[0], "ssl_session_reused"), "false");
}

static void a_client_shows_its_new_certificate(void **state) {
  (void)state;
  put(chain_file, cert_text("client.pem"));
  put(key_file, cert_text("client.key"));
  client.identity = &files;
  server.identities = &identity;
  server.client_auth = FC_TLS_CLIENT_AUTH_REQUIRE;
  server.client_roots_file = roots_file;
  make_both();
  expect_server("server");
  assert_string_equal(fc_auth_context_identity(ends[1].auth), "x509_subject_alternative_name");
  put(chain_file, cert_text("cn_client.pem"));
  put(key_file, cert_text("cn_client.key"));
  expect_server("server");
  assert_string_equal(fc_auth_context_identity(ends[1].auth), "x509_common_name");
  put(roots_file, cert_text("other_ca.pem"));
  expect_failure("alert unknown ca");
}

/* ---- updates ---- */

static void a_refused_update_changes_nothing(void **state) {
  (void)state;
  fc_tls_identity mixed = cert_identity("renewed"), none = {0};
  fc_error err = FC_ERROR_INIT;
  make_both();
  mixed.private_key = identity.private_key;
  assert_int_equal(fc__tls_server_update(server_tls, &mixed, 1, FC_SLICE_EMPTY, &err),
                   FC_ERR_INVALID);
  assert_non_null(strstr(err.message, "identities[0].private_key is not the key"));
  assert_int_equal(fc__tls_server_update(server_tls, &none, 1, FC_SLICE_EMPTY, &err),
                   FC_ERR_INVALID);
  assert_non_null(strstr(err.message, "identities[0].certificate_chain is not given"));
  assert_int_equal(fc__tls_server_update(server_tls, NULL, 1, FC_SLICE_EMPTY, &err),
                   FC_ERR_INVALID);
  assert_int_equal(fc__tls_server_update(server_tls, &identity, 0, FC_SLICE_EMPTY, &err),
                   FC_ERR_INVALID);
  assert_non_null(strstr(err.message, "identities is empty"));
  assert_int_equal(fc__tls_server_update(server_tls, &identity, 1, TEXT("nothing"), &err),
                   FC_ERR_INVALID);
  assert_non_null(strstr(err.message, "client_roots: there is no certificate in it"));
  expect_server("server");
}

static void an_update_takes_the_place_of_files(void **state) {
  (void)state;
  fc_tls_identity other = cert_identity("rsa_server");
  make_both();
  assert_int_equal(fc__tls_server_update(server_tls, &other, 1, FC_SLICE_EMPTY, NULL), FC_OK);
  expect_server("rsa_server");
  put(chain_file, cert_text("renewed.pem"));
  put(key_file, cert_text("renewed.key"));
  expect_server("rsa_server");
  assert_int_equal(fc__tls_server_update(server_tls, &files, 1, FC_SLICE_EMPTY, NULL), FC_OK);
  expect_server("renewed");
}

static void roots_from_a_file_stay_with_an_update(void **state) {
  (void)state;
  fc_tls_identity shown = cert_identity("client");
  client.identity = &shown;
  server.client_auth = FC_TLS_CLIENT_AUTH_REQUIRE;
  server.client_roots_file = roots_file;
  make_both();
  assert_int_equal(fc__tls_server_update(server_tls, &identity, 1, FC_SLICE_EMPTY, NULL), FC_OK);
  expect_server("server");
  put(roots_file, cert_text("other_ca.pem"));
  expect_failure("alert unknown ca");
}

static void update_in_hook(fc_server_credentials *credentials, void *user) {
  assert_ptr_equal(credentials, &identity); /* whatever was given at creation */
  unsigned *called = user;
  fc_tls_identity next = cert_identity(++*called % 2 ? "renewed" : "server");
  assert_int_equal(fc__tls_server_update(server_tls, &next, 1, FC_SLICE_EMPTY, NULL), FC_OK);
}

static void the_hook_may_update_before_each_handshake(void **state) {
  (void)state;
  unsigned called = 0;
  server.on_handshake = update_in_hook;
  server.handshake_user = &called;
  make_both();
  fc__tls_unref(server_tls);
  assert_int_equal(
      fc__tls_server_create(&server, (fc_server_credentials *)&identity, &server_tls, NULL), FC_OK);
  expect_server("renewed");
  expect_server("server");
  expect_server("renewed");
  assert_int_equal(called, 3);
}

/* ---- roots that nobody named ---- */

static void the_environment_names_roots(void **state) {
  (void)state;
  client.roots = FC_SLICE_EMPTY;
  setenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", roots_file, 1);
  make_both();
  expect_server("server");
  put(roots_file, cert_text("other_ca.pem")); /* like any file */
  expect_failure("unable to get local issuer certificate");
}

static void roots_of_the_options_go_before_the_environment(void **state) {
  (void)state;
  setenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", cert_path("other_ca.pem"), 1);
  make_both();
  expect_server("server");
  client.roots = FC_SLICE_EMPTY;
  client.roots_file = roots_file;
  make_both();
  expect_server("server");
  client.roots_file = NULL;
  make_both();
  expect_failure("unable to get local issuer certificate");
}

static void an_environment_that_names_nothing_usable_is_an_error(void **state) {
  (void)state;
  fc_error err = FC_ERROR_INIT;
  client.roots = FC_SLICE_EMPTY;
  setenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", "/does/not/exist", 1);
  assert_int_equal(fc__tls_client_create(&client, &client_tls, &err), FC_ERR_SYSTEM);
  assert_non_null(
      strstr(err.message, "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH \"/does/not/exist\": No such file"));
  client.insecure_skip_verify = true; /* needs no roots */
  make_both();
  expect_server("server");
}

/* OpenSSL's own variables say where the system's are. */
static void without_any_the_systems_roots_are_trusted(void **state) {
  (void)state;
  client.roots = FC_SLICE_EMPTY;
  make_both();
  expect_failure("unable to get local issuer certificate");
  setenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", "", 1);
  setenv("SSL_CERT_FILE", roots_file, 1);
  make_both();
  expect_server("server");
  unsetenv("SSL_CERT_FILE");
}

/* ---- the key log ---- */

static size_t lines_with(const char *label) {
  char line[512];
  size_t count = 0;
  FILE *log = fopen(log_file, "r");
  while (log && fgets(line, sizeof line, log)) count += strncmp(line, label, strlen(label)) == 0;
  if (log) fclose(log);
  return count;
}

static void secrets_are_written_only_where_the_option_says(void **state) {
  (void)state;
  make_both();
  expect_server("server");
  assert_int_equal(access(log_file, F_OK), -1);
  client.insecure_key_log_file = log_file;
  make_both();
  expect_server("server");
  assert_int_equal(lines_with("CLIENT_TRAFFIC_SECRET_0 "), 1);
  expect_server("server");
  client.insecure_key_log_file = NULL;
  server.insecure_key_log_file = log_file; /* the same file, and what is in it stays */
  make_both();
  expect_server("server");
  assert_int_equal(lines_with("CLIENT_TRAFFIC_SECRET_0 "), 3);
  struct stat s;
  assert_int_equal(stat(log_file, &s), 0);
  assert_int_equal(s.st_mode & 0777, 0600);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, fresh, forget)
      CASE(a_new_pair_is_used_from_then_on),
      CASE(a_pair_is_replaced_by_renaming_too),
      CASE(one_half_of_a_new_pair_changes_nothing),
      CASE(what_is_half_written_changes_nothing),
      CASE(files_that_are_gone_change_nothing),
      CASE(a_change_that_no_stamp_shows_is_seen_while_it_is_fresh),
      CASE(one_bad_identity_keeps_back_all),
      CASE(files_with_the_same_content_change_nothing),
      CASE(a_connection_that_stands_is_not_touched),
      CASE(a_client_reads_its_roots_again_and_forgets_sessions),
      CASE(a_client_shows_its_new_certificate),
      CASE(a_refused_update_changes_nothing),
      CASE(an_update_takes_the_place_of_files),
      CASE(roots_from_a_file_stay_with_an_update),
      CASE(the_hook_may_update_before_each_handshake),
      CASE(the_environment_names_roots),
      CASE(roots_of_the_options_go_before_the_environment),
      CASE(an_environment_that_names_nothing_usable_is_an_error),
      CASE(without_any_the_systems_roots_are_trusted),
      CASE(secrets_are_written_only_where_the_option_says),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
