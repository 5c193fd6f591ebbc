/*
 * Certificates that change while a server runs: handshakes that begin later show the new ones, connections that stand notice
 * nothing, and what does not fit together changes nothing. Row 62 of the hostile inputs
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/failing_alloc.h"
#include "support/stage.h"
#include "support/tls_credentials.h"

static void open_stage(struct stage *stage, void **state) {
  stage_open(stage, state);
  stage->options.credentials = tls_channel_as(NULL);
}

static void start(struct stage *stage) {
  stage_serve(stage, "/t/Echo", FC_PATTERN_STREAM_STREAM, FC_HANDLER_BLOCKING, stage_echo, NULL);
  stage_start(stage);
}

/* ---- who serves ---- */

static void expect_name(fc_call *call, const char *name) {
  fc_slice found;
  const fc_auth_context *context = fc_call_auth_context(call);
  assert_true(fc_auth_context_find(context, "x509_common_name", &found));
  if (!fc_slice_equals(found, name)) fail_msg("%.*s, not %s", FC_SLICE_PRINT(found), name);
}

static void exchange(fc_call *call) {
  assert_int_equal(fc_call_send_copy(call, TEXT("hello"), 0), FC_OK);
  stage_expect(call, "hello");
}

static void finish(fc_call *call) {
  assert_int_equal(fc_call_close_send(call), FC_OK);
  stage_expect_end(call, FC_CODE_OK);
}

/* A channel of its own makes a handshake of its own; its call goes on. */
struct visit {
  fc_channel *channel;
  fc_call *call;
};

static void visit_begin(struct visit *v, struct stage *stage, const char *name) {
  fc_error err = FC_ERROR_INIT;
  assert_int_equal(fc_channel_create(stage->target, &stage->options, &v->channel, NULL), FC_OK);
  if (fc_stream_stream(v->channel, "/t/Echo", NULL, &v->call, &err) != FC_OK)
    fail_msg("%s", err.message);
  exchange(v->call);
  expect_name(v->call, name);
}

static void visit_end(struct visit *v) {
  exchange(v->call);
  finish(v->call);
  fc_channel_destroy(v->channel);
}

static void expect_served_by(struct stage *stage, const char *name) {
  struct visit v;
  visit_begin(&v, stage, name);
  visit_end(&v);
}

static fc_result update(struct stage *stage, const char *name, fc_error *err) {
  fc_tls_identity identity = cert_identity(name);
  return fc_server_credentials_update(stage->credentials, &identity, 1, FC_SLICE_EMPTY, err);
}

/* ---- updates ---- */

static void row_62_an_update_leaves_streams_alone(void **state) {
  struct stage stage;
  struct visit before, between;
  open_stage(&stage, state);
  stage.credentials = tls_server("server", FC_TLS_CLIENT_AUTH_NONE);
  start(&stage);
  visit_begin(&before, &stage, "server");
  assert_int_equal(update(&stage, "renewed", NULL), FC_OK);
  exchange(before.call);
  visit_begin(&between, &stage, "renewed");
  assert_int_equal(update(&stage, "server", NULL), FC_OK);
  expect_served_by(&stage, "server");
  visit_end(&between);
  visit_end(&before);
  stage_close(&stage);
}

static void row_62_an_update_that_does_not_fit_changes_nothing(void **state) {
  struct stage stage;
  fc_error err = FC_ERROR_INIT;
  open_stage(&stage, state);
  stage.credentials = tls_server("server", FC_TLS_CLIENT_AUTH_NONE);
  start(&stage);
  fc_tls_identity mixed = cert_identity("renewed");
  mixed.private_key = cert_text("server.key");
  assert_int_equal(fc_server_credentials_update(stage.credentials, &mixed, 1, FC_SLICE_EMPTY, &err),
                   FC_ERR_INVALID);
  assert_non_null(strstr(err.message, "is not the key of the certificate in"));
  expect_served_by(&stage, "server");
  mixed.certificate_chain.len /= 2;
  assert_int_equal(fc_server_credentials_update(stage.credentials, &mixed, 1, FC_SLICE_EMPTY, &err),
                   FC_ERR_INVALID);
  assert_int_equal(fc_server_credentials_update(stage.credentials, NULL, 0, FC_SLICE_EMPTY, &err),
                   FC_ERR_INVALID);
  expect_served_by(&stage, "server");
  stage_close(&stage);
}

/* ---- asked at each handshake ---- */

struct fetcher {
  atomic_int asked, dropped;
};

/* Each connection gets the other certificate. */
static void fetch(fc_server_credentials *credentials, void *user) {
  struct fetcher *f = user;
  fc_tls_identity identity = cert_identity(f->asked++ % 2 ? "server" : "renewed");
  MUST(fc_server_credentials_update(credentials, &identity, 1, FC_SLICE_EMPTY, NULL) == FC_OK);
}

static void fetcher_dropped(void *user) { ((struct fetcher *)user)->dropped++; }

static void a_fetcher_is_asked_before_each_handshake(void **state) {
  struct stage stage;
  struct fetcher fetcher = {0};
  open_stage(&stage, state);
  fc_tls_server_options o = FC_TLS_SERVER_OPTIONS_INIT;
  fc_tls_identity identity = cert_identity("rsa_server");
  o.identities = &identity;
  o.identity_count = 1;
  o.on_handshake = fetch;
  o.handshake_user = &fetcher;
  o.handshake_drop = fetcher_dropped;
  stage.credentials = tls_server_with(&o);
  start(&stage); /* the first */
  for (int i = 0; i < 4; i++) expect_served_by(&stage, i % 2 ? "renewed" : "server");
  assert_int_equal(fetcher.asked, 5);
  fc_channel_destroy(stage.channel);
  stage.channel = NULL;
  fc_server_credentials_destroy(stage.credentials);
  stage.credentials = NULL;
  assert_int_equal(fetcher.dropped, 0); /* the server has them still */
  stage_close(&stage);
  assert_int_equal(fetcher.dropped, 1);
}

/* ---- files ---- */

struct files {
  char folder[64], certificate[80], key[80];
};

/* As tools do it that want nobody to see half of a file. */
static void put(const char *path, const char *from, size_t len) {
  char beside[100];
  fc_slice text = cert_text(from);
  snprintf(beside, sizeof beside, "%s.new", path);
  FILE *out = fopen(beside, "wb");
  assert_non_null(out);
  if (len > text.len) len = text.len;
  assert_int_equal(fwrite(text.data, 1, len, out), len);
  assert_int_equal(fclose(out), 0);
  assert_int_equal(rename(beside, path), 0);
}

static void files_open(struct files *f, struct stage *stage) {
  snprintf(f->folder, sizeof f->folder, "/tmp/farcall-rotation-XXXXXX");
  assert_non_null(mkdtemp(f->folder));
  snprintf(f->certificate, sizeof f->certificate, "%s/cert", f->folder);
  snprintf(f->key, sizeof f->key, "%s/key", f->folder);
  put(f->certificate, "server.pem", SIZE_MAX);
  put(f->key, "server.key", SIZE_MAX);
  fc_tls_server_options o = FC_TLS_SERVER_OPTIONS_INIT;
  fc_tls_identity identity = {.certificate_chain_file = f->certificate, .private_key_file = f->key};
  o.identities = &identity;
  o.identity_count = 1;
  stage->credentials = tls_server_with(&o);
}

static void files_close(struct files *f) {
  (void)unlink(f->certificate);
  (void)unlink(f->key);
  assert_int_equal(rmdir(f->folder), 0);
}

static void row_62_files_are_read_again_when_they_change(void **state) {
  struct stage stage;
  struct files files;
  struct visit before;
  open_stage(&stage, state);
  files_open(&files, &stage);
  start(&stage);
  visit_begin(&before, &stage, "server");
  put(files.certificate, "renewed.pem", SIZE_MAX); /* its key is not there yet */
  expect_served_by(&stage, "server");
  put(files.key, "renewed.key", SIZE_MAX);
  expect_served_by(&stage, "renewed");
  visit_end(&before);
  stage_close(&stage);
  files_close(&files);
}

static void row_62_files_that_are_half_there_are_not_used(void **state) {
  struct stage stage;
  struct files files;
  open_stage(&stage, state);
  files_open(&files, &stage);
  start(&stage);
  put(files.certificate, "renewed.pem", 300);
  put(files.key, "renewed.key", SIZE_MAX);
  expect_served_by(&stage, "server");
  put(files.certificate, "renewed.pem", 0);
  expect_served_by(&stage, "server");
  assert_int_equal(unlink(files.certificate), 0);
  expect_served_by(&stage, "server");
  put(files.certificate, "renewed.pem", SIZE_MAX);
  expect_served_by(&stage, "renewed");
  stage_close(&stage);
  files_close(&files);
}

/* ---- under load ---- */

enum { CALLERS = 3, ROUNDS = 60 };

struct load {
  struct stage *stage;
  atomic_bool over;
  atomic_int calls;
};

/* Half of the calls go on the connection that stands, half make one of their own. */
static void *call_on(void *user) {
  struct load *load = user;
  struct stage *stage = load->stage;
  fc_channel *own;
  while (!load->over) {
    MUST(fc_channel_create(stage->target, &stage->options, &own, NULL) == FC_OK);
    fc_channel *channels[2] = {stage->channel, own};
    for (int i = 0; i < 2; i++) {
      fc_error err = FC_ERROR_INIT;
      fc_bytes *response;
      fc_code code =
          fc_unary_unary(channels[i], "/t/Echo", TEXT("hi"), NULL, &response, NULL, &err);
      if (code != FC_CODE_OK) fprintf(stderr, "%s: %s\n", fc_code_name(code), err.message);
      MUST(code == FC_CODE_OK && fc_slice_equals(fc_bytes_slice(response), "hi"));
      fc_bytes_unref(response);
    }
    fc_channel_destroy(own);
    load->calls++;
  }
  return NULL;
}

static void row_62_certificates_change_under_load(void **state) {
  struct stage stage;
  struct load load = {.stage = &stage};
  pthread_t threads[CALLERS];
  open_stage(&stage, state);
  stage.credentials = tls_server("server", FC_TLS_CLIENT_AUTH_NONE);
  start(&stage);
  for (int i = 0; i < CALLERS; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, call_on, &load), 0);
  }
  for (int i = 0; i < ROUNDS; i++) {
    int calls = load.calls;
    assert_int_equal(update(&stage, i % 2 ? "server" : "renewed", NULL), FC_OK);
    while (load.calls == calls) sched_yield(); /* somebody has shaken hands with it */
  }
  load.over = true;
  for (int i = 0; i < CALLERS; i++) pthread_join(threads[i], NULL);
  expect_served_by(&stage, "server");
  stage_close(&stage);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(row_62_an_update_leaves_streams_alone),
      cmocka_unit_test(row_62_an_update_that_does_not_fit_changes_nothing),
      cmocka_unit_test(a_fetcher_is_asked_before_each_handshake),
      cmocka_unit_test(row_62_files_are_read_again_when_they_change),
      cmocka_unit_test(row_62_files_that_are_half_there_are_not_used),
      cmocka_unit_test(row_62_certificates_change_under_load),
  };
  failing_alloc_install();
  return drive_run_tests(tests, sizeof tests / sizeof *tests);
}
