/*
 * The server of the official interop test cases, grpc/grpc doc/interop-test-descriptions.md:
 * official_server [--port=N] [--use_tls=true --tls_cert_file=FILE --tls_key_file=FILE]. Prints its port, serves until
 * SIGTERM.
 */
#include <farcall/server.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"

typedef Grpc__Testing__SimpleRequest SimpleRequest;
typedef Grpc__Testing__StreamingInputCallRequest InputRequest;
typedef Grpc__Testing__StreamingOutputCallRequest OutputRequest;

static void finish(fc_call *call, fc_code code, const char *message) {
  fc_call_finish(call, code, message, (fc_slice){0});
}

/* The feature "Echo Metadata". What fails here fails because the client has gone. */
static void echo_metadata(fc_call *call) {
  static const char first_key[] = "x-grpc-test-echo-initial";
  static const char last_key[] = "x-grpc-test-echo-trailing-bin";
  const fc_metadata *request;
  fc_slice value;
  fc_metadata *first = fc_metadata_create(), *last = fc_metadata_create();
  if (first && last && fc_call_initial_metadata(call, 0, &request) == FC_OK) {
    fc_result r = FC_OK;
    if (fc_metadata_find(request, first_key, &value)) {
      r = fc_metadata_add(first, first_key, value, NULL);
      if (r == FC_OK) r = fc_call_send_initial_metadata(call, first);
    }
    if (r == FC_OK && fc_metadata_find(request, last_key, &value)) {
      r = fc_metadata_add(last, last_key, value, NULL);
      if (r == FC_OK) r = fc_call_set_trailing_metadata(call, last);
    }
  }
  fc_metadata_destroy(first);
  fc_metadata_destroy(last);
}

/* The feature "Echo Status"; true when the call has ended by it. */
static bool echo_status(fc_call *call, const Grpc__Testing__EchoStatus *status) {
  if (!status || status->code == 0) return false;
  finish(call, (fc_code)status->code, status->message);
  return true;
}

static bool size_is_fine(fc_call *call, int32_t size) {
  if (size >= 0 && size <= PAYLOAD_MAX) return true;
  finish(call, FC_CODE_INVALID_ARGUMENT, "no such size");
  return false;
}

static unsigned flags_of(const Grpc__Testing__BoolValue *compressed) {
  return compressed && compressed->value ? 0 : FC_SEND_UNCOMPRESSED;
}

static void empty_call(fc_call *call, void *user) {
  Grpc__Testing__Empty response = GRPC__TESTING__EMPTY__INIT;
  ProtobufCMessage *request = message_receive(call, &grpc__testing__empty__descriptor);
  (void)user;
  if (request && message_send(call, &response.base, 0)) finish(call, FC_CODE_OK, NULL);
  message_free(request);
}

static void unary_call(fc_call *call, void *user) {
  Grpc__Testing__SimpleResponse response = GRPC__TESTING__SIMPLE_RESPONSE__INIT;
  ProtobufCMessage *message = message_receive(call, &grpc__testing__simple_request__descriptor);
  SimpleRequest *request = (SimpleRequest *)message;
  (void)user;
  if (!request) return;
  if (fc_call_set_compression(call, FC_COMPRESSION_GZIP) == FC_OK) echo_metadata(call);
  if (!echo_status(call, request->response_status) && size_is_fine(call, request->response_size)) {
    Grpc__Testing__Payload payload = message_payload((size_t)request->response_size);
    char server_id[] = "farcall";
    response.payload = &payload;
    if (request->fill_server_id) response.server_id = server_id;
    if (message_send(call, &response.base, flags_of(request->response_compressed)))
      finish(call, FC_CODE_OK, NULL);
  }
  message_free(message);
}

static void streaming_input_call(fc_call *call, void *user) {
  Grpc__Testing__StreamingInputCallResponse response =
      GRPC__TESTING__STREAMING_INPUT_CALL_RESPONSE__INIT;
  ProtobufCMessage *message;
  (void)user;
  while (
      (message = message_receive(call, &grpc__testing__streaming_input_call_request__descriptor))) {
    InputRequest *request = (InputRequest *)message;
    if (request->payload) response.aggregated_payload_size += (int32_t)request->payload->body.len;
    message_free(message);
  }
  if (message_send(call, &response.base, 0)) finish(call, FC_CODE_OK, NULL);
}

/* Sends what a request asks for; false when the call has ended. */
static bool answer(fc_call *call, const OutputRequest *request) {
  if (echo_status(call, request->response_status)) return false;
  for (size_t i = 0; i < request->n_response_parameters; i++) {
    const Grpc__Testing__ResponseParameters *wanted = request->response_parameters[i];
    Grpc__Testing__StreamingOutputCallResponse response =
        GRPC__TESTING__STREAMING_OUTPUT_CALL_RESPONSE__INIT;
    if (wanted->interval_us > 0 &&
        fc_call_wait(call, wanted->interval_us * FC_MICROSECOND) != FC_ERR_TIMEOUT)
      return false;
    if (!size_is_fine(call, wanted->size)) return false;
    Grpc__Testing__Payload payload = message_payload((size_t)wanted->size);
    response.payload = &payload;
    if (!message_send(call, &response.base, flags_of(wanted->compressed))) return false;
  }
  return true;
}

/* StreamingOutputCall, and FullDuplexCall, which has many requests. */
static void output_call(fc_call *call, void *user) {
  ProtobufCMessage *message;
  (void)user;
  if (fc_call_set_compression(call, FC_COMPRESSION_GZIP) == FC_OK) echo_metadata(call);
  while ((message =
              message_receive(call, &grpc__testing__streaming_output_call_request__descriptor))) {
    bool goes_on = answer(call, (OutputRequest *)message);
    message_free(message);
    if (!goes_on) return;
  }
  finish(call, FC_CODE_OK, NULL);
}

static const struct {
  const char *name;
  fc_pattern pattern;
  fc_handler_fn fn;
} methods[] = {
    {"/grpc.testing.TestService/EmptyCall", FC_PATTERN_UNARY_UNARY, empty_call},
    {"/grpc.testing.TestService/UnaryCall", FC_PATTERN_UNARY_UNARY, unary_call},
    {"/grpc.testing.TestService/StreamingInputCall", FC_PATTERN_STREAM_UNARY, streaming_input_call},
    {"/grpc.testing.TestService/StreamingOutputCall", FC_PATTERN_UNARY_STREAM, output_call},
    {"/grpc.testing.TestService/FullDuplexCall", FC_PATTERN_STREAM_STREAM, output_call},
};

static fc_result credentials_of(const fc_tls_identity *identity, fc_server_credentials **out,
                                fc_error *err) {
  fc_tls_server_options options = FC_TLS_SERVER_OPTIONS_INIT;
  if (!identity->certificate_chain_file) return fc_server_credentials_insecure(out, err);
  options.identities = identity;
  options.identity_count = 1;
  return fc_server_credentials_tls(&options, out, err);
}

static fc_result set_up(const char *address, const fc_tls_identity *identity, fc_server **server,
                        int *port, fc_error *err) {
  fc_server_credentials *credentials = NULL;
  fc_result r = fc_server_create(NULL, server, err);
  for (size_t i = 0; r == FC_OK && i < sizeof methods / sizeof methods[0]; i++) {
    fc_handler handler = FC_HANDLER_INIT;
    handler.pattern = methods[i].pattern;
    handler.fn = methods[i].fn;
    r = fc_server_register(*server, methods[i].name, &handler, err);
  }
  if (r == FC_OK) r = credentials_of(identity, &credentials, err);
  if (r == FC_OK) r = fc_server_listen_secure(*server, address, credentials, port, err);
  fc_server_credentials_destroy(credentials);
  if (r == FC_OK) r = fc_server_start(*server, err);
  return r;
}

static const char *option(const char *argument, const char *name) {
  size_t len = strlen(name);
  return strncmp(argument, name, len) == 0 && argument[len] == '=' ? argument + len + 1 : NULL;
}

int main(int argc, char **argv) {
  fc_error err = FC_ERROR_INIT;
  fc_server *server = NULL;
  fc_tls_identity identity = {0};
  const char *value;
  int port, asked = 0, signal_number;
  char address[32];
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop, NULL); /* before the library starts threads, which inherit it */
  for (int i = 1; i < argc; i++) {
    if ((value = option(argv[i], "--port"))) asked = atoi(value);
    if ((value = option(argv[i], "--tls_cert_file"))) identity.certificate_chain_file = value;
    if ((value = option(argv[i], "--tls_key_file"))) identity.private_key_file = value;
  }
  snprintf(address, sizeof address, "127.0.0.1:%d", asked);
  bool failed = set_up(address, &identity, &server, &port, &err) != FC_OK;
  if (failed) {
    fprintf(stderr, "official_server: %s\n", err.message);
  } else {
    printf("%d\n", port);
    fflush(stdout);
    sigwait(&stop, &signal_number);
  }
  fc_server_destroy(server);
  return failed;
}
