/* The official cases of metadata, statuses, cancellation and time. */
#include "client.h"

#define SERVICE "/grpc.testing.TestService/"

typedef Grpc__Testing__StreamingOutputCallRequest OutputRequest;

/* One request on a FullDuplexCall; a size of 0 asks for no response. */
static fc_call *duplex(const fc_call_options *options, int32_t size, size_t payload_size,
                       Grpc__Testing__EchoStatus *status) {
  OutputRequest request = GRPC__TESTING__STREAMING_OUTPUT_CALL_REQUEST__INIT;
  Grpc__Testing__ResponseParameters wanted = GRPC__TESTING__RESPONSE_PARAMETERS__INIT,
                                    *parameters = &wanted;
  Grpc__Testing__Payload payload = message_payload(payload_size);
  wanted.size = size;
  request.response_parameters = &parameters;
  request.n_response_parameters = size > 0;
  request.payload = payload_size ? &payload : NULL;
  request.response_status = status;
  fc_call *call = open_call(SERVICE "FullDuplexCall", FC_PATTERN_STREAM_STREAM, options);
  (void)message_send(call, &request.base, 0); /* a call that is over already tells its status */
  return call;
}

static void require_echo(fc_call *call) {
  const fc_metadata *first;
  fc_slice value;
  require_status(call, FC_CODE_OK, NULL);
  require(fc_call_initial_metadata(call, 0, &first) == FC_OK &&
              fc_metadata_find(first, "x-grpc-test-echo-initial", &value) &&
              fc_slice_equals(value, "test_initial_metadata_value"),
          "not in the initial metadata");
  require(
      fc_metadata_find(fc_call_trailing_metadata(call), "x-grpc-test-echo-trailing-bin", &value) &&
          fc_slice_equals(value, "\xab\xab\xab"),
      "not in the trailing metadata");
  fc_call_destroy(call);
}

static void custom_metadata(void) {
  Grpc__Testing__SimpleRequest request = GRPC__TESTING__SIMPLE_REQUEST__INIT;
  Grpc__Testing__Payload payload = message_payload(271828);
  fc_call_options options = FC_CALL_OPTIONS_INIT;
  fc_metadata *metadata = fc_metadata_create();
  fc_bytes *response;
  require(metadata &&
              fc_metadata_add_string(metadata, "x-grpc-test-echo-initial",
                                     "test_initial_metadata_value", NULL) == FC_OK &&
              fc_metadata_add_string(metadata, "x-grpc-test-echo-trailing-bin", "\xab\xab\xab",
                                     NULL) == FC_OK,
          "the metadata is refused");
  request.response_size = 314159;
  request.payload = &payload;
  require_echo(unary(SERVICE "UnaryCall", &request.base, metadata, &response));
  fc_bytes_unref(response);
  options.metadata = metadata;
  fc_call *call = duplex(&options, 314159, 271828, NULL);
  fc_call_close_send(call);
  require(fc_call_recv(call, &response) == FC_OK, "no response");
  fc_bytes_unref(response);
  require_echo(call);
  fc_metadata_destroy(metadata);
}

static void unary_status(Grpc__Testing__EchoStatus *status) {
  Grpc__Testing__SimpleRequest request = GRPC__TESTING__SIMPLE_REQUEST__INIT;
  request.response_status = status;
  fc_call *call = unary(SERVICE "UnaryCall", &request.base, NULL, NULL);
  require_status(call, FC_CODE_UNKNOWN, status->message);
  fc_call_destroy(call);
}

static void status_code_and_message(void) {
  Grpc__Testing__EchoStatus status = GRPC__TESTING__ECHO_STATUS__INIT;
  char message[] = "test status message";
  status.code = FC_CODE_UNKNOWN;
  status.message = message;
  unary_status(&status);
  fc_call *call = duplex(NULL, 0, 0, &status);
  fc_call_close_send(call);
  require_status(call, FC_CODE_UNKNOWN, message);
  fc_call_destroy(call);
}

static void special_status_message(void) {
  Grpc__Testing__EchoStatus status = GRPC__TESTING__ECHO_STATUS__INIT;
  char message[] = "\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \U0001f608\t\n";
  status.code = FC_CODE_UNKNOWN;
  status.message = message;
  unary_status(&status);
}

static void require_unimplemented(const char *method) {
  Grpc__Testing__Empty request = GRPC__TESTING__EMPTY__INIT;
  fc_call *call = unary(method, &request.base, NULL, NULL);
  require_status(call, FC_CODE_UNIMPLEMENTED, NULL);
  fc_call_destroy(call);
}

static void unimplemented_method(void) { require_unimplemented(SERVICE "UnimplementedCall"); }

static void unimplemented_service(void) {
  require_unimplemented("/grpc.testing.UnimplementedService/UnimplementedCall");
}

static void cancel(fc_call *call) {
  fc_call_cancel(call, FC_CODE_CANCELLED, NULL);
  require_status(call, FC_CODE_CANCELLED, NULL);
  fc_call_destroy(call);
}

static void cancel_after_begin(void) {
  cancel(open_call(SERVICE "StreamingInputCall", FC_PATTERN_STREAM_UNARY, NULL));
}

static void cancel_after_first_response(void) {
  fc_bytes *response;
  fc_call *call = duplex(NULL, 31415, 27182, NULL);
  require(fc_call_recv(call, &response) == FC_OK, "no response");
  fc_bytes_unref(response);
  cancel(call);
}

static void timeout_on_sleeping_server(void) {
  fc_call_options options = FC_CALL_OPTIONS_INIT;
  options.timeout_ns = FC_MILLISECOND;
  fc_call *call = duplex(&options, 0, 27182, NULL);
  require_status(call, FC_CODE_DEADLINE_EXCEEDED, NULL);
  fc_call_destroy(call);
}

const struct test_case status_cases[] = {
    {"custom_metadata", custom_metadata},
    {"status_code_and_message", status_code_and_message},
    {"special_status_message", special_status_message},
    {"unimplemented_method", unimplemented_method},
    {"unimplemented_service", unimplemented_service},
    {"cancel_after_begin", cancel_after_begin},
    {"cancel_after_first_response", cancel_after_first_response},
    {"timeout_on_sleeping_server", timeout_on_sleeping_server},
    {NULL, NULL},
};
