/*
 * The client under test of the conformance suite of connectrpc.com/conformance: it reads from standard input which calls to
 * make, and writes to standard output what came of each. What is asked for is told in the suite's client_compat.proto.
 */
#include <farcall/channel.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "common.h"

typedef Connectrpc__Conformance__V1__ClientCompatRequest Request;
typedef Connectrpc__Conformance__V1__ClientCompatRequest__Cancel Cancel;
typedef Connectrpc__Conformance__V1__ClientResponseResult Result;
typedef Connectrpc__Conformance__V1__ConformancePayload Payload;
typedef Connectrpc__Conformance__V1__UnaryResponse Response;

enum { THREADS = 8, PAYLOADS_MAX = 1000 };

#define CANCEL(WHEN)                                                                               \
  CONNECTRPC__CONFORMANCE__V1__CLIENT_COMPAT_REQUEST__CANCEL__CANCEL_TIMING_##WHEN

struct attempt {
  const Request *request;
  fc_call *call;
  struct arena arena;
  Payload *payloads[PAYLOADS_MAX];
  Result result;
};

static fc_pattern pattern_of(const Request *request) {
  switch (request->stream_type) {
    case CONNECTRPC__CONFORMANCE__V1__STREAM_TYPE__STREAM_TYPE_UNARY:
      return FC_PATTERN_UNARY_UNARY;
    case CONNECTRPC__CONFORMANCE__V1__STREAM_TYPE__STREAM_TYPE_CLIENT_STREAM:
      return FC_PATTERN_STREAM_UNARY;
    case CONNECTRPC__CONFORMANCE__V1__STREAM_TYPE__STREAM_TYPE_SERVER_STREAM:
      return FC_PATTERN_UNARY_STREAM;
    default:
      return FC_PATTERN_STREAM_STREAM;
  }
}

static fc_compression compression_of(const Request *request) {
  switch (request->compression) {
    case CONNECTRPC__CONFORMANCE__V1__COMPRESSION__COMPRESSION_GZIP:
      return FC_COMPRESSION_GZIP;
    case CONNECTRPC__CONFORMANCE__V1__COMPRESSION__COMPRESSION_DEFLATE:
      return FC_COMPRESSION_DEFLATE;
    default:
      return FC_COMPRESSION_NONE;
  }
}

/* NULL: in the clear. */
static fc_channel_credentials *credentials_of(const Request *request) {
  fc_tls_client_options options = FC_TLS_CLIENT_OPTIONS_INIT;
  fc_tls_identity identity;
  fc_channel_credentials *credentials;
  fc_error err = FC_ERROR_INIT;
  if (request->server_tls_cert.len == 0) return NULL;
  options.roots = slice_of(request->server_tls_cert);
  if (request->client_tls_creds) {
    identity = identity_of(request->client_tls_creds);
    options.identity = &identity;
  }
  require(fc_channel_credentials_tls(&options, &credentials, &err) == FC_OK, err.message);
  return credentials;
}

static fc_channel *connect_to(const Request *request) {
  fc_channel_options options = FC_CHANNEL_OPTIONS_INIT;
  fc_channel *channel;
  fc_error err = FC_ERROR_INIT;
  char target[300];
  snprintf(target, sizeof target, "%s:%u", request->host, request->port);
  options.max_receive_message_bytes = request->message_receive_limit;
  options.credentials = credentials_of(request);
  require(fc_channel_create(target, &options, &channel, &err) == FC_OK, err.message);
  fc_channel_credentials_destroy(options.credentials);
  return channel;
}

static fc_call *start(const Request *request, fc_channel *channel) {
  fc_call_options options = FC_CALL_OPTIONS_INIT;
  fc_metadata *metadata = metadata_from(request->request_headers, request->n_request_headers);
  fc_error err = FC_ERROR_INIT;
  fc_call *call;
  char method[300];
  snprintf(method, sizeof method, "/%s/%s", request->service, request->method);
  options.pattern = pattern_of(request);
  options.compression = compression_of(request);
  options.metadata = metadata;
  options.timeout_ns = request->timeout_ms * FC_MILLISECOND;
  require(fc_channel_call(channel, method, &options, &call, &err) == FC_OK, err.message);
  fc_metadata_destroy(metadata);
  return call;
}

static bool cancels(const Request *request, int when) {
  return request->cancel && (int)request->cancel->cancel_timing_case == when;
}

static void cancel(struct attempt *a) { fc_call_cancel(a->call, FC_CODE_CANCELLED, NULL); }

/* Receives a response, and cancels behind it if so told. False: there is none. */
static bool receive(struct attempt *a) {
  fc_bytes *bytes;
  if (a->result.n_payloads == PAYLOADS_MAX || fc_call_recv(a->call, &bytes) != FC_OK) return false;
  fc_slice packed = fc_bytes_slice(bytes);
  /* All responses have this form. */
  Response *response =
      connectrpc__conformance__v1__unary_response__unpack(NULL, packed.len, packed.data);
  fc_bytes_unref(bytes);
  require(response != NULL, "a response is no message of the suite");
  Payload *payload = response->payload;
  response->payload = NULL;
  connectrpc__conformance__v1__unary_response__free_unpacked(response, NULL);
  if (!payload) payload = connectrpc__conformance__v1__conformance_payload__unpack(NULL, 0, NULL);
  a->result.payloads[a->result.n_payloads++] = payload;
  if (cancels(a->request, CANCEL(AFTER_NUM_RESPONSES)) &&
      a->result.n_payloads == a->request->cancel->after_num_responses)
    cancel(a);
  return true;
}

static bool pause_for(struct attempt *a, uint32_t ms) {
  return ms == 0 || fc_call_wait(a->call, ms * FC_MILLISECOND) == FC_ERR_TIMEOUT;
}

/* Gives the number of messages that were sent. */
static size_t send_requests(struct attempt *a) {
  const Request *request = a->request;
  bool in_turn = request->stream_type ==
                 CONNECTRPC__CONFORMANCE__V1__STREAM_TYPE__STREAM_TYPE_FULL_DUPLEX_BIDI_STREAM;
  for (size_t i = 0; i < request->n_request_messages; i++) {
    if (!pause_for(a, request->request_delay_ms) ||
        fc_call_send_copy(a->call, slice_of(request->request_messages[i]->value), 0) != FC_OK)
      return i;
    if (in_turn && !receive(a)) return i + 1;
  }
  return request->n_request_messages;
}

static void finish_sending(struct attempt *a) {
  if (cancels(a->request, CANCEL(BEFORE_CLOSE_SEND))) {
    cancel(a);
    return;
  }
  fc_call_close_send(a->call);
  bool at_once = cancels(a->request, CANCEL(_NOT_SET));
  if (!at_once && !cancels(a->request, CANCEL(AFTER_CLOSE_SEND_MS))) return;
  if (at_once || pause_for(a, a->request->cancel->after_close_send_ms)) cancel(a);
}

static Connectrpc__Conformance__V1__Error *error_of(struct attempt *a, const fc_status *status) {
  Connectrpc__Conformance__V1__Error *error = arena_take(&a->arena, sizeof *error);
  connectrpc__conformance__v1__error__init(error);
  error->code = (Connectrpc__Conformance__V1__Code)status->code;
  error->message = arena_text(&a->arena, fc_slice_from_string(status->message));
  Interop__RpcStatus *details =
      interop__rpc_status__unpack(NULL, status->details.len, status->details.data);
  if (!details) return error;
  error->n_details = details->n_details;
  error->details = arena_take(&a->arena, details->n_details * sizeof *error->details);
  for (size_t i = 0; i < details->n_details; i++) {
    Any *any = error->details[i] = arena_take(&a->arena, sizeof *any);
    google__protobuf__any__init(any);
    any->type_url = arena_text(&a->arena, fc_slice_from_string(details->details[i]->type_url));
    any->value = arena_copy(&a->arena, slice_of(details->details[i]->value));
  }
  interop__rpc_status__free_unpacked(details, NULL);
  return error;
}

static void tell(struct attempt *a) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  Connectrpc__Conformance__V1__ClientCompatResponse answer =
      CONNECTRPC__CONFORMANCE__V1__CLIENT_COMPAT_RESPONSE__INIT;
  const fc_status *status = fc_call_status(a->call);
  const fc_metadata *first;
  if (fc_call_initial_metadata(a->call, 0, &first) == FC_OK)
    a->result.n_response_headers = headers_from(&a->arena, first, &a->result.response_headers);
  a->result.n_response_trailers =
      headers_from(&a->arena, fc_call_trailing_metadata(a->call), &a->result.response_trailers);
  if (status->code != FC_CODE_OK) a->result.error = error_of(a, status);
  answer.test_name = a->request->test_name;
  answer.result_case = CONNECTRPC__CONFORMANCE__V1__CLIENT_COMPAT_RESPONSE__RESULT_RESPONSE;
  answer.response = &a->result;
  pthread_mutex_lock(&lock);
  runner_write(&answer.base);
  pthread_mutex_unlock(&lock);
}

static void run(const Request *request) {
  struct attempt a = {.request = request,
                      .result = CONNECTRPC__CONFORMANCE__V1__CLIENT_RESPONSE_RESULT__INIT};
  fc_channel *channel = connect_to(request);
  a.result.payloads = a.payloads;
  a.call = start(request, channel);
  size_t sent = send_requests(&a);
  finish_sending(&a);
  while (receive(&a)) continue;
  if (sent < request->n_request_messages)
    a.result.num_unsent_requests = (int32_t)(request->n_request_messages - sent);
  tell(&a);
  for (size_t i = 0; i < a.result.n_payloads; i++)
    connectrpc__conformance__v1__conformance_payload__free_unpacked(a.payloads[i], NULL);
  fc_call_destroy(a.call);
  fc_channel_destroy(channel);
  arena_free(&a.arena);
}

static void *work(void *unused) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  for (;;) {
    pthread_mutex_lock(&lock);
    ProtobufCMessage *request =
        runner_read(&connectrpc__conformance__v1__client_compat_request__descriptor);
    pthread_mutex_unlock(&lock);
    if (!request) return unused;
    run((const Request *)request);
    protobuf_c_message_free_unpacked(request, NULL);
  }
}

int main(void) {
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++)
    require(pthread_create(&threads[i], NULL, work, NULL) == 0, "no thread");
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  return 0;
}
