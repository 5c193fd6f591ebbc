/*
 * The client of the official interop test cases, grpc/grpc doc/interop-test-descriptions.md:
 * official_client --server_port=N [--server_host=HOST] [--use_tls=true --ca_file=FILE] [--test_case=NAME]. Without a case it
 * lists them.
 */
#include "client.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

fc_channel *channel;

void require(bool ok, const char *format, ...) {
  va_list args;
  if (ok) return;
  va_start(args, format);
  vfprintf(stderr, format, args);
  va_end(args);
  fputc('\n', stderr);
  exit(1);
}

void require_status(fc_call *call, fc_code code, const char *message) {
  const fc_status *status = fc_call_status(call);
  require(status->code == code, "%s (%s) instead of %s", fc_code_name(status->code),
          status->message, fc_code_name(code));
  if (message) require(strcmp(status->message, message) == 0, "message '%s'", status->message);
}

fc_call *open_call(const char *method, fc_pattern pattern, const fc_call_options *given) {
  fc_call_options options = FC_CALL_OPTIONS_INIT;
  fc_call *call;
  fc_error err = FC_ERROR_INIT;
  if (given) options = *given;
  options.pattern = pattern;
  if (!options.timeout_ns) options.timeout_ns = 30 * FC_SECOND;
  require(fc_channel_call(channel, method, &options, &call, &err) == FC_OK, "%s", err.message);
  return call;
}

fc_call *unary(const char *method, const ProtobufCMessage *request, const fc_metadata *metadata,
               fc_bytes **response) {
  fc_call_options options = FC_CALL_OPTIONS_INIT;
  fc_bytes *packed = message_pack(request);
  fc_call *call;
  fc_error err = FC_ERROR_INIT;
  options.metadata = metadata;
  options.timeout_ns = 30 * FC_SECOND;
  (void)fc_unary_unary(channel, method, fc_bytes_slice(packed), &options, response, &call, &err);
  require(call != NULL, "%s", err.message);
  fc_bytes_unref(packed);
  return call;
}

static const char *option(const char *argument, const char *name) {
  size_t len = strlen(name);
  return strncmp(argument, name, len) == 0 && argument[len] == '=' ? argument + len + 1 : NULL;
}

/* Runs the case of that name, or lists all. */
static bool run(const struct test_case *cases, const char *name) {
  for (; cases->name; cases++) {
    if (!name) {
      puts(cases->name);
    } else if (strcmp(cases->name, name) == 0) {
      cases->run();
      return true;
    }
  }
  return false;
}

static void connect_to(const char *target, const char *roots) {
  fc_channel_options options = FC_CHANNEL_OPTIONS_INIT;
  fc_tls_client_options tls = FC_TLS_CLIENT_OPTIONS_INIT;
  fc_error err = FC_ERROR_INIT;
  tls.roots_file = roots;
  fc_result r = roots ? fc_channel_credentials_tls(&tls, &options.credentials, &err) : FC_OK;
  if (r == FC_OK) r = fc_channel_create(target, &options, &channel, &err);
  require(r == FC_OK, "%s", err.message);
  fc_channel_credentials_destroy(options.credentials);
}

int main(int argc, char **argv) {
  const char *host = "127.0.0.1", *port = "10000", *name = NULL, *roots = NULL, *value;
  char target[300];
  for (int i = 1; i < argc; i++) {
    if ((value = option(argv[i], "--server_host"))) host = value;
    if ((value = option(argv[i], "--server_port"))) port = value;
    if ((value = option(argv[i], "--ca_file"))) roots = value;
    if ((value = option(argv[i], "--test_case"))) name = value;
  }
  snprintf(target, sizeof target, "%s:%s", host, port);
  connect_to(target, roots);
  bool ran = run(message_cases, name) || run(status_cases, name);
  require(ran || !name, "there is no case %s", name);
  fc_channel_destroy(channel);
  return 0;
}
