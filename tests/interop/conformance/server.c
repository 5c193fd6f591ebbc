/*
 * The server under test of the conformance suite of connectrpc.com/conformance: the runner says on standard input what it
 * shall be, and learns its port on standard output. What the methods do is told in the suite's service.proto.
 */
#include <farcall/server.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "common.h"

#define PACKAGE "connectrpc.conformance.v1."
#define SERVICE "/" PACKAGE "ConformanceService/"

typedef Connectrpc__Conformance__V1__UnaryResponseDefinition UnaryDefinition;
typedef Connectrpc__Conformance__V1__StreamResponseDefinition StreamDefinition;
typedef Connectrpc__Conformance__V1__ConformancePayload Payload;
typedef Connectrpc__Conformance__V1__ConformancePayload__RequestInfo RequestInfo;
typedef Connectrpc__Conformance__V1__Error Error;
typedef Connectrpc__Conformance__V1__ServerCompatRequest Request;

enum { REQUESTS_MAX = 1000 };

/* One call and what was seen of it. */
struct exchange {
  fc_call *call;
  struct arena arena;
  char *type_url; /* of the requests */
  Any *requests[REQUESTS_MAX];
  size_t request_count;
  int64_t timeout_ms;
  size_t sent;
};

static void begin(struct exchange *x, fc_call *call, const char *type) {
  memset(x, 0, sizeof *x);
  x->call = call;
  x->type_url = arena_take(&x->arena, 200);
  snprintf(x->type_url, 200, "type.googleapis.com/" PACKAGE "%s", type);
  int64_t remaining = fc_call_time_remaining(call);
  if (remaining != FC_NEVER) x->timeout_ms = remaining / FC_MILLISECOND;
}

/* The next request, kept to be told of; NULL after the last. */
static const Any *receive(struct exchange *x) {
  fc_bytes *message;
  if (x->request_count == REQUESTS_MAX || fc_call_recv(x->call, &message) != FC_OK) return NULL;
  Any *any = x->requests[x->request_count++] = arena_take(&x->arena, sizeof *any);
  google__protobuf__any__init(any);
  any->type_url = x->type_url;
  any->value = arena_copy(&x->arena, fc_bytes_slice(message));
  fc_bytes_unref(message);
  return any;
}

static ProtobufCMessage *unpack(const Any *any, const ProtobufCMessageDescriptor *descriptor) {
  return any ? protobuf_c_message_unpack(descriptor, NULL, any->value.len, any->value.data) : NULL;
}

static void free_message(ProtobufCMessage *message) {
  if (message) protobuf_c_message_free_unpacked(message, NULL);
}

static RequestInfo *request_info(struct exchange *x, bool with_headers) {
  const fc_metadata *metadata;
  RequestInfo *info = arena_take(&x->arena, sizeof *info);
  connectrpc__conformance__v1__conformance_payload__request_info__init(info);
  info->requests = x->requests;
  info->n_requests = x->request_count;
  if (with_headers && fc_call_initial_metadata(x->call, 0, &metadata) == FC_OK) {
    info->n_request_headers = headers_from(&x->arena, metadata, &info->request_headers);
    info->timeout_ms = x->timeout_ms;
  }
  return info;
}

/* What fails here fails because the client has gone, and then all that follows fails as well. */
static void send_metadata(struct exchange *x, Header **first, size_t first_count, Header **last,
                          size_t last_count) {
  fc_metadata *metadata = metadata_from(first, first_count);
  fc_result r = fc_call_send_initial_metadata(x->call, metadata);
  fc_metadata_destroy(metadata);
  metadata = metadata_from(last, last_count);
  if (r == FC_OK) r = fc_call_set_trailing_metadata(x->call, metadata);
  fc_metadata_destroy(metadata);
  require(r == FC_OK || r == FC_ERR_CLOSED, "metadata is refused");
}

/* False: the call is over. */
static bool pause_for(struct exchange *x, uint32_t ms) {
  return ms == 0 || fc_call_wait(x->call, ms * FC_MILLISECOND) == FC_ERR_TIMEOUT;
}

/* All responses have this form. */
static bool send_payload(struct exchange *x, ProtobufCBinaryData data, RequestInfo *info) {
  Connectrpc__Conformance__V1__UnaryResponse response =
      CONNECTRPC__CONFORMANCE__V1__UNARY_RESPONSE__INIT;
  Payload payload = CONNECTRPC__CONFORMANCE__V1__CONFORMANCE_PAYLOAD__INIT;
  payload.data = data;
  payload.request_info = info;
  response.payload = &payload;
  x->sent++;
  return fc_call_send_copy(x->call, slice_of(arena_pack(&x->arena, &response.base)), 0) == FC_OK;
}

static void finish_ok(struct exchange *x) {
  fc_call_finish(x->call, FC_CODE_OK, NULL, (fc_slice){0});
}

/* Without a response before it, an error tells of the request. */
static void finish_error(struct exchange *x, const Error *error) {
  Interop__RpcStatus status = INTEROP__RPC_STATUS__INIT;
  Any about = GOOGLE__PROTOBUF__ANY__INIT;
  char type[] = "type.googleapis.com/" PACKAGE "ConformancePayload.RequestInfo";
  status.details = arena_take(&x->arena, (error->n_details + 1) * sizeof *status.details);
  for (size_t i = 0; i < error->n_details; i++)
    status.details[status.n_details++] = error->details[i];
  if (x->sent == 0) {
    about.type_url = type;
    about.value = arena_pack(&x->arena, &request_info(x, true)->base);
    status.details[status.n_details++] = &about;
  }
  status.code = (int32_t)error->code;
  status.message = error->message;
  fc_call_finish(x->call, (fc_code)error->code, error->message,
                 slice_of(arena_pack(&x->arena, &status.base)));
}

/* Unary and ClientStream, whose requests have the same form. */
static void one_response(fc_call *call, void *type) {
  static const ProtobufCBinaryData nothing;
  struct exchange x;
  begin(&x, call, type);
  while (receive(&x)) continue;
  ProtobufCMessage *request =
      unpack(x.requests[0], &connectrpc__conformance__v1__unary_request__descriptor);
  const UnaryDefinition *wanted =
      request ? ((Connectrpc__Conformance__V1__UnaryRequest *)request)->response_definition : NULL;
  const Error *error = NULL;
  ProtobufCBinaryData data = nothing;
  if (wanted) {
    send_metadata(&x, wanted->response_headers, wanted->n_response_headers,
                  wanted->response_trailers, wanted->n_response_trailers);
    if (wanted->response_case ==
        CONNECTRPC__CONFORMANCE__V1__UNARY_RESPONSE_DEFINITION__RESPONSE_ERROR)
      error = wanted->error;
    if (wanted->response_case ==
        CONNECTRPC__CONFORMANCE__V1__UNARY_RESPONSE_DEFINITION__RESPONSE_RESPONSE_DATA)
      data = wanted->response_data;
  }
  if (!wanted || pause_for(&x, wanted->response_delay_ms)) {
    if (error) {
      finish_error(&x, error);
    } else if (send_payload(&x, data, request_info(&x, true))) {
      finish_ok(&x);
    }
  }
  free_message(request);
  arena_free(&x.arena);
}

static void begin_responses(struct exchange *x, const StreamDefinition *wanted) {
  if (wanted)
    send_metadata(x, wanted->response_headers, wanted->n_response_headers,
                  wanted->response_trailers, wanted->n_response_trailers);
}

/* Sends the next response that is wanted; false: there is none, or the call is over. */
static bool send_next(struct exchange *x, const StreamDefinition *wanted, bool in_turn) {
  if (!wanted || x->sent >= wanted->n_response_data || !pause_for(x, wanted->response_delay_ms))
    return false;
  RequestInfo *info = x->sent == 0 || in_turn ? request_info(x, x->sent == 0) : NULL;
  return send_payload(x, wanted->response_data[x->sent], info);
}

static void end_responses(struct exchange *x, const StreamDefinition *wanted) {
  while (send_next(x, wanted, false)) continue;
  if (wanted && wanted->error) {
    finish_error(x, wanted->error);
  } else {
    finish_ok(x);
  }
}

static void server_stream(fc_call *call, void *type) {
  struct exchange x;
  begin(&x, call, type);
  ProtobufCMessage *request =
      unpack(receive(&x), &connectrpc__conformance__v1__server_stream_request__descriptor);
  if (request) {
    const StreamDefinition *wanted =
        ((Connectrpc__Conformance__V1__ServerStreamRequest *)request)->response_definition;
    begin_responses(&x, wanted);
    end_responses(&x, wanted);
  }
  free_message(request);
  arena_free(&x.arena);
}

static void bidi_stream(fc_call *call, void *type) {
  struct exchange x;
  begin(&x, call, type);
  ProtobufCMessage *message =
      unpack(receive(&x), &connectrpc__conformance__v1__bidi_stream_request__descriptor);
  Connectrpc__Conformance__V1__BidiStreamRequest *request =
      (Connectrpc__Conformance__V1__BidiStreamRequest *)message;
  const StreamDefinition *wanted = request ? request->response_definition : NULL;
  begin_responses(&x, wanted);
  if (request && request->full_duplex) {
    while (send_next(&x, wanted, true)) {
      x.request_count = 0;
      if (!receive(&x)) break;
    }
  } else if (request) {
    while (receive(&x)) continue;
  }
  end_responses(&x, wanted);
  free_message(message);
  arena_free(&x.arena);
}

static const struct {
  const char *name;
  fc_pattern pattern;
  fc_handler_fn fn;
  const char *request;
} methods[] = {
    {SERVICE "Unary", FC_PATTERN_UNARY_UNARY, one_response, "UnaryRequest"},
    {SERVICE "IdempotentUnary", FC_PATTERN_UNARY_UNARY, one_response, "IdempotentUnaryRequest"},
    {SERVICE "ClientStream", FC_PATTERN_STREAM_UNARY, one_response, "ClientStreamRequest"},
    {SERVICE "ServerStream", FC_PATTERN_UNARY_STREAM, server_stream, "ServerStreamRequest"},
    {SERVICE "BidiStream", FC_PATTERN_STREAM_STREAM, bidi_stream, "BidiStreamRequest"},
};

static fc_server_credentials *credentials_of(const Request *asked) {
  fc_tls_server_options options = FC_TLS_SERVER_OPTIONS_INIT;
  fc_tls_identity identity;
  fc_server_credentials *credentials;
  fc_error err = FC_ERROR_INIT;
  fc_result r;
  if (asked->use_tls) {
    require(asked->server_creds != NULL, "the runner gives no certificate");
    identity = identity_of(asked->server_creds);
    options.identities = &identity;
    options.identity_count = 1;
    if (asked->client_tls_cert.len) options.client_auth = FC_TLS_CLIENT_AUTH_REQUIRE;
    options.client_roots = slice_of(asked->client_tls_cert);
    r = fc_server_credentials_tls(&options, &credentials, &err);
  } else {
    r = fc_server_credentials_insecure(&credentials, &err);
  }
  require(r == FC_OK, err.message);
  return credentials;
}

static fc_server *serve(const Request *asked, int *port) {
  fc_server_credentials *credentials = credentials_of(asked);
  fc_server_options options = FC_SERVER_OPTIONS_INIT;
  fc_server *server = NULL;
  fc_error err = FC_ERROR_INIT;
  options.max_receive_message_bytes = asked->message_receive_limit;
  options.compression = FC_COMPRESSION_GZIP; /* where the client accepts it */
  fc_result r = fc_server_create(&options, &server, &err);
  for (size_t i = 0; r == FC_OK && i < sizeof methods / sizeof methods[0]; i++) {
    fc_handler handler = FC_HANDLER_INIT;
    handler.pattern = methods[i].pattern;
    handler.fn = methods[i].fn;
    handler.user = (void *)(uintptr_t)methods[i].request;
    r = fc_server_register(server, methods[i].name, &handler, &err);
  }
  if (r == FC_OK) r = fc_server_listen_secure(server, "127.0.0.1:0", credentials, port, &err);
  if (r == FC_OK) r = fc_server_start(server, &err);
  require(r == FC_OK, err.message);
  fc_server_credentials_destroy(credentials);
  return server;
}

int main(void) {
  Connectrpc__Conformance__V1__ServerCompatResponse answer =
      CONNECTRPC__CONFORMANCE__V1__SERVER_COMPAT_RESPONSE__INIT;
  char host[] = "127.0.0.1";
  int port, signal_number;
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop, NULL); /* before the library starts threads, which inherit it */
  ProtobufCMessage *message =
      runner_read(&connectrpc__conformance__v1__server_compat_request__descriptor);
  const Request *asked = (const Request *)message;
  require(asked != NULL, "the runner asks for nothing");
  fc_server *server = serve(asked, &port);
  answer.host = host;
  answer.port = (uint32_t)port;
  if (asked->use_tls) answer.pem_cert = asked->server_creds->cert;
  runner_write(&answer.base);
  free_message(message);
  sigwait(&stop, &signal_number);
  fc_server_destroy(server);
  return 0;
}
