/* The official cases of messages: empty, large, streamed, compressed, and ping-pong. */
#include "client.h"

#define SERVICE "/grpc.testing.TestService/"

typedef Grpc__Testing__ResponseParameters Parameters;

enum { LARGE_REQUEST = 271828, LARGE_RESPONSE = 314159 };

static void empty_unary(void) {
  Grpc__Testing__Empty request = GRPC__TESTING__EMPTY__INIT;
  fc_bytes *response;
  fc_call *call = unary(SERVICE "EmptyCall", &request.base, NULL, &response);
  require_status(call, FC_CODE_OK, NULL);
  require(response && fc_bytes_slice(response).len == 0, "the response is not empty");
  fc_bytes_unref(response);
  fc_call_destroy(call);
}

static void require_body(const Grpc__Testing__Payload *payload, size_t size) {
  require(payload && payload->body.len == size, "a body of %zu bytes instead of %zu",
          payload ? payload->body.len : 0, size);
  for (size_t i = 0; i < size; i++) require(payload->body.data[i] == 0, "byte %zu is not zero", i);
}

static void large_unary_with(Grpc__Testing__BoolValue *compressed) {
  Grpc__Testing__SimpleRequest request = GRPC__TESTING__SIMPLE_REQUEST__INIT;
  Grpc__Testing__Payload payload = message_payload(LARGE_REQUEST);
  fc_bytes *bytes;
  request.response_size = LARGE_RESPONSE;
  request.payload = &payload;
  request.response_compressed = compressed;
  fc_call *call = unary(SERVICE "UnaryCall", &request.base, NULL, &bytes);
  require_status(call, FC_CODE_OK, NULL);
  fc_slice packed = fc_bytes_slice(bytes);
  Grpc__Testing__SimpleResponse *response =
      grpc__testing__simple_response__unpack(NULL, packed.len, packed.data);
  require(response != NULL, "the response is no SimpleResponse");
  require_body(response->payload, LARGE_RESPONSE);
  grpc__testing__simple_response__free_unpacked(response, NULL);
  fc_bytes_unref(bytes);
  fc_call_destroy(call);
}

static void large_unary(void) { large_unary_with(NULL); }

static void server_compressed_unary(void) {
  Grpc__Testing__BoolValue compressed = GRPC__TESTING__BOOL_VALUE__INIT;
  compressed.value = 1;
  large_unary_with(&compressed);
  compressed.value = 0;
  large_unary_with(&compressed);
}

static void client_streaming(void) {
  static const size_t sizes[] = {27182, 8, 1828, 45904};
  fc_call *call = open_call(SERVICE "StreamingInputCall", FC_PATTERN_STREAM_UNARY, NULL);
  for (size_t i = 0; i < 4; i++) {
    Grpc__Testing__StreamingInputCallRequest request =
        GRPC__TESTING__STREAMING_INPUT_CALL_REQUEST__INIT;
    Grpc__Testing__Payload payload = message_payload(sizes[i]);
    request.payload = &payload;
    require(message_send(call, &request.base, 0), "send %zu failed", i);
  }
  fc_call_close_send(call);
  ProtobufCMessage *message =
      message_receive(call, &grpc__testing__streaming_input_call_response__descriptor);
  require_status(call, FC_CODE_OK, NULL);
  require(
      message &&
          ((Grpc__Testing__StreamingInputCallResponse *)message)->aggregated_payload_size == 74922,
      "another size");
  message_free(message);
  fc_call_destroy(call);
}

static void require_response(fc_call *call, size_t size) {
  ProtobufCMessage *message =
      message_receive(call, &grpc__testing__streaming_output_call_response__descriptor);
  require(message != NULL, "no response");
  require_body(((Grpc__Testing__StreamingOutputCallResponse *)message)->payload, size);
  message_free(message);
}

static void require_end(fc_call *call) {
  fc_bytes *message;
  require(fc_call_recv(call, &message) == FC_END, "a response too many");
  require_status(call, FC_CODE_OK, NULL);
  fc_call_destroy(call);
}

/* A StreamingOutputCall for responses with these parameters. */
static void output_call(Parameters *parameters, size_t count) {
  Grpc__Testing__StreamingOutputCallRequest request =
      GRPC__TESTING__STREAMING_OUTPUT_CALL_REQUEST__INIT;
  Parameters *pointers[4];
  for (size_t i = 0; i < count; i++) pointers[i] = &parameters[i];
  request.response_parameters = pointers;
  request.n_response_parameters = count;
  fc_call *call = open_call(SERVICE "StreamingOutputCall", FC_PATTERN_UNARY_STREAM, NULL);
  require(message_send(call, &request.base, FC_SEND_LAST), "send failed");
  for (size_t i = 0; i < count; i++) require_response(call, (size_t)parameters[i].size);
  require_end(call);
}

static const int32_t response_sizes[] = {31415, 9, 2653, 58979};

static void server_streaming(void) {
  Parameters parameters[4];
  for (size_t i = 0; i < 4; i++) {
    grpc__testing__response_parameters__init(&parameters[i]);
    parameters[i].size = response_sizes[i];
  }
  output_call(parameters, 4);
}

static void server_compressed_streaming(void) {
  Grpc__Testing__BoolValue yes = GRPC__TESTING__BOOL_VALUE__INIT,
                           no = GRPC__TESTING__BOOL_VALUE__INIT;
  Parameters parameters[2] = {GRPC__TESTING__RESPONSE_PARAMETERS__INIT,
                              GRPC__TESTING__RESPONSE_PARAMETERS__INIT};
  yes.value = 1;
  parameters[0].compressed = &yes;
  parameters[0].size = 31415;
  parameters[1].compressed = &no;
  parameters[1].size = 92653;
  output_call(parameters, 2);
}

static void ping_pong(void) {
  static const size_t request_sizes[] = {27182, 8, 1828, 45904};
  fc_call *call = open_call(SERVICE "FullDuplexCall", FC_PATTERN_STREAM_STREAM, NULL);
  for (size_t i = 0; i < 4; i++) {
    Grpc__Testing__StreamingOutputCallRequest request =
        GRPC__TESTING__STREAMING_OUTPUT_CALL_REQUEST__INIT;
    Grpc__Testing__Payload payload = message_payload(request_sizes[i]);
    Parameters wanted = GRPC__TESTING__RESPONSE_PARAMETERS__INIT, *parameters = &wanted;
    wanted.size = response_sizes[i];
    request.payload = &payload;
    request.response_parameters = &parameters;
    request.n_response_parameters = 1;
    require(message_send(call, &request.base, 0), "send %zu failed", i);
    require_response(call, (size_t)response_sizes[i]);
  }
  fc_call_close_send(call);
  require_end(call);
}

static void empty_stream(void) {
  fc_call *call = open_call(SERVICE "FullDuplexCall", FC_PATTERN_STREAM_STREAM, NULL);
  fc_call_close_send(call);
  require_end(call);
}

const struct test_case message_cases[] = {
    {"empty_unary", empty_unary},
    {"large_unary", large_unary},
    {"server_compressed_unary", server_compressed_unary},
    {"client_streaming", client_streaming},
    {"server_streaming", server_streaming},
    {"server_compressed_streaming", server_compressed_streaming},
    {"ping_pong", ping_pong},
    {"empty_stream", empty_stream},
    {NULL, NULL},
};
