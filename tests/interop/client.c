/*
 * The test client of service.md: interop_client [--certs FOLDER [--mutual]] TARGET PEER [CASE ...]
 */
#include "client.h"

#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

fc_channel *channel;
const char *target;
const char *peer_name;
const char *certs;
bool mutual;

static char failure[512];

bool expect(bool ok, const char *format, ...) {
  if (ok || failure[0]) return ok;
  va_list args;
  va_start(args, format);
  vsnprintf(failure, sizeof failure, format, args);
  va_end(args);
  return false;
}

static void die(const char *what, const char *why) {
  fprintf(stderr, "interop_client: %s: %s\n", what, why);
  exit(1);
}

bool expect_code(fc_call *call, fc_code code) {
  const fc_status *status = fc_call_status(call);
  return expect(status->code == code, "%s ended %s (%s) instead of %s", fc_call_method(call),
                fc_code_name(status->code), status->message, fc_code_name(code));
}

bool expect_slice(fc_slice is, fc_slice wanted, const char *what) {
  return expect(is.len == wanted.len && (is.len == 0 || memcmp(is.data, wanted.data, is.len) == 0),
                "%s: %zu bytes, other than the %zu expected", what, is.len, wanted.len);
}

fc_metadata *wants(const char *key, ...) {
  fc_metadata *metadata = fc_metadata_create();
  fc_error err = FC_ERROR_INIT;
  va_list args;
  va_start(args, key);
  for (; metadata && key; key = va_arg(args, const char *)) {
    const char *value = va_arg(args, const char *);
    if (fc_metadata_add_string(metadata, key, value, &err) != FC_OK) die(key, err.message);
  }
  va_end(args);
  if (!metadata) die("metadata", "out of memory");
  return metadata;
}

long last_number(fc_call *call, const char *key) {
  fc_slice value;
  char digits[24] = "";
  if (!fc_metadata_find(fc_call_trailing_metadata(call), key, &value)) return -1;
  memcpy(digits, value.data, value.len < sizeof digits ? value.len : 0);
  return atol(digits);
}

fc_call_options options_of(fc_pattern pattern, fc_metadata *metadata) {
  fc_call_options options = FC_CALL_OPTIONS_INIT;
  options.pattern = pattern;
  options.metadata = metadata;
  options.timeout_ns = 60 * FC_SECOND; /* nothing here may hang */
  return options;
}

void free_options(fc_call_options *options) {
  fc_metadata_destroy((fc_metadata *)(uintptr_t)options->metadata);
}

fc_call *ask(const char *method, fc_slice request, fc_metadata *metadata, fc_bytes **response) {
  fc_call_options options = options_of(FC_PATTERN_UNARY_UNARY, metadata);
  fc_call *call;
  fc_bytes *bytes;
  fc_error err = FC_ERROR_INIT;
  (void)fc_unary_unary(channel, method, request, &options, &bytes, &call, &err);
  if (!call) die(method, err.message);
  free_options(&options);
  if (response) {
    *response = bytes;
  } else {
    fc_bytes_unref(bytes);
  }
  return call;
}

fc_call *open_call(const char *method, fc_pattern pattern, fc_metadata *metadata) {
  fc_call_options options = options_of(pattern, metadata);
  fc_call *call;
  fc_error err = FC_ERROR_INIT;
  if (fc_channel_call(channel, method, &options, &call, &err) != FC_OK) die(method, err.message);
  free_options(&options);
  return call;
}

bool send_all(fc_call *call, fc_slice message, int count) {
  for (int i = 0; i < count; i++) {
    fc_result r = fc_call_send_copy(call, message, 0);
    if (!expect(r == FC_OK, "send %d: %s", i, fc_result_text(r))) return false;
  }
  return true;
}

int receive_all(fc_call *call, size_t *bytes) {
  fc_bytes *message;
  int count = 0;
  for (*bytes = 0; fc_call_recv(call, &message) == FC_OK; count++) {
    *bytes += fc_bytes_slice(message).len;
    fc_bytes_unref(message);
  }
  return count;
}

void expect_alive(void) {
  fc_call *call = ask("/interop.Test/Unary", text("alive"), NULL, NULL);
  expect_code(call, FC_CODE_OK);
  fc_call_destroy(call);
}

void expect_noticed(const char *id) {
  fc_bytes *answer;
  fc_call *call = ask("/interop.Test/Noticed", text(id), NULL, &answer);
  if (expect_code(call, FC_CODE_OK))
    expect(fc_slice_equals(fc_bytes_slice(answer), "yes"), "the server did not notice");
  fc_bytes_unref(answer);
  fc_call_destroy(call);
}

fc_channel *connect_to(const char *address, const fc_channel_options *options) {
  fc_channel_options o = FC_CHANNEL_OPTIONS_INIT;
  fc_channel_credentials *credentials = NULL;
  fc_channel *made;
  fc_error err = FC_ERROR_INIT;
  if (options) o = *options;
  if (!o.credentials) o.credentials = credentials = credentials_of("ca", own_identity());
  if (fc_channel_create(address, &o, &made, &err) != FC_OK) die(address, err.message);
  fc_channel_credentials_destroy(credentials);
  return made;
}

static const char *cert_file(char out[512], const char *name, const char *ending) {
  snprintf(out, 512, "%s/%s%s", certs, name, ending);
  return out;
}

fc_channel_credentials *credentials_with(fc_tls_client_options *options, const char *authority,
                                         const char *identity) {
  char roots[512], chain[512], key[512];
  fc_tls_identity shown = {0};
  fc_channel_credentials *credentials;
  fc_error err = FC_ERROR_INIT;
  options->roots_file = cert_file(roots, authority, ".pem");
  if (identity) {
    shown.certificate_chain_file = cert_file(chain, identity, ".pem");
    shown.private_key_file = cert_file(key, identity, ".key");
    options->identity = &shown;
  }
  if (fc_channel_credentials_tls(options, &credentials, &err) != FC_OK) die(certs, err.message);
  return credentials;
}

fc_channel_credentials *credentials_of(const char *authority, const char *identity) {
  fc_tls_client_options options = FC_TLS_CLIENT_OPTIONS_INIT;
  return certs ? credentials_with(&options, authority, identity) : NULL;
}

const char *own_identity(void) { return mutual ? "client" : NULL; }

fc_slice text(const char *chars) { return fc_slice_from_string(chars); }

fc_slice filler(size_t size) {
  static uint8_t bytes[6 << 20];
  if (bytes[1] == 0)
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 7 + i / 4096);
  if (size > sizeof bytes) die("filler", "too long");
  return (fc_slice){bytes, size};
}

int64_t now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool starts_with(const char *name, const char *prefix) {
  return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* Whether a case is for channels like this run's, and wanted. */
static bool wanted(const char *name, char **names) {
  if (starts_with(name, "tls_") && !certs) return false;
  if (starts_with(name, "mutual_") && !mutual) return false;
  if (starts_with(name, "clear_") && certs) return false;
  if (!*names) return true;
  for (; *names; names++)
    if (fnmatch(*names, name, 0) == 0) return true;
  return false;
}

static int run(const struct test_case *cases, char **names) {
  int failed = 0;
  for (; cases->name; cases++) {
    if (!wanted(cases->name, names)) continue;
    failure[0] = '\0';
    cases->run();
    failed += failure[0] != '\0';
    printf(failure[0] ? "FAIL %s: %s\n" : "ok %s\n", cases->name, failure);
    fflush(stdout);
  }
  return failed;
}

int main(int argc, char **argv) {
  const struct test_case *groups[] = {
      basic_cases, metadata_cases, status_cases,     compression_cases, size_cases,
      load_cases,  time_cases,     connection_cases, security_cases,    token_cases};
  int failed = 0, at = 1;
  for (; at < argc && argv[at][0] == '-'; at++) {
    if (strcmp(argv[at], "--mutual") == 0) mutual = true;
    if (strcmp(argv[at], "--certs") == 0 && at + 1 < argc) certs = argv[++at];
  }
  if (argc < at + 2)
    die("usage", "interop_client [--certs FOLDER [--mutual]] TARGET PEER [CASE ...]");
  target = argv[at];
  peer_name = argv[at + 1];
  channel = connect_to(target, NULL);
  for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
    failed += run(groups[i], argv + at + 2);
  fc_channel_destroy(channel);
  return failed > 0;
}
