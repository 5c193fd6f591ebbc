/*
 * How messages are compressed, seen on the wire from either side: who chooses, what is announced, and the flag of each
 * message. Spec: grpc/grpc doc/compression.md
 */
#include <stdio.h>

#include "sim/answer_world.h"
#include "sim/request_world.h"

enum { LONG = 1000 };

/* ---- messages on the wire ---- */

struct wire {
  const uint8_t *at, *end;   /* frames */
  uint8_t payload[4 * LONG]; /* of DATA */
  size_t len;
};

static uint32_t number(const uint8_t *bytes, size_t len) {
  uint32_t n = 0;
  for (size_t i = 0; i < len; i++) n = n << 8 | bytes[i];
  return n;
}

static void gather_data(struct wire *w, const struct raw_end *end) {
  const uint8_t *at = end->peer.sent_bytes.data, *stop = at + end->peer.sent_bytes.len;
  for (w->len = 0; at < stop;) {
    uint32_t len = number(at, 3);
    if (at[3] == FC__H2_DATA) {
      assert_true(w->len + len <= sizeof w->payload);
      memcpy(w->payload + w->len, at + FC__H2_HEADER_LEN, len);
      w->len += len;
    }
    at += FC__H2_HEADER_LEN + len;
  }
}

/* The flags of all messages that one end has received, "01" for a plain and a compressed one; *length is that of the last.
 * Call it before what was received is read as text. */
static const char *flags_of(const struct raw_end *end, uint32_t *length) {
  static char flags[32];
  static struct wire w;
  size_t count = 0;
  gather_data(&w, end);
  for (size_t at = 0; at < w.len; at += 5 + *length) {
    flags[count++] = (char)('0' + w.payload[at]);
    *length = number(w.payload + at + 1, 4);
  }
  flags[count] = 0;
  return flags;
}

static fc_bytes *long_message(void) {
  uint8_t *data;
  fc_bytes *message = fc_bytes_create(LONG, &data);
  memset(data, 'm', LONG);
  return message;
}

/* ---- a client's requests ---- */

/* One call with these options sends a long message, a short one, none at all and one that is not to be compressed. */
static void expect_requests(fc_compression channel, fc_compression call, const char *encoding,
                            const char *flags) {
  fc_channel_options channel_options = FC_CHANNEL_OPTIONS_INIT;
  fc_call_options options = FC_CALL_OPTIONS_INIT;
  fc_call *c;
  uint32_t length;
  channel_options.compression = channel;
  options.compression = call;
  answers_restart(channel_options);
  assert_int_equal(fc_stream_stream(answers.channel, "/s/m", &options, &c, NULL), FC_OK);
  assert_int_equal(fc_call_send_copy(c, TEXT("x"), 0), FC_OK);
  assert_int_equal(fc_call_send_copy(c, TEXT(""), 0), FC_OK);
  assert_int_equal(fc_call_send(c, long_message(), FC_SEND_UNCOMPRESSED), FC_OK);
  assert_int_equal(fc_call_send(c, long_message(), FC_SEND_LAST), FC_OK);
  raw_end_go(&answers.end);
  assert_string_equal(flags_of(&answers.end, &length), flags);
  assert_int_equal(length < LONG, flags[3] == '1');
  const char *said = raw_end_said(&answers.end);
  if (encoding ? !strstr(said, encoding) : strstr(said, " grpc-encoding=") != NULL)
    fail_msg("%s", said);
  assert_non_null(strstr(said, " grpc-accept-encoding=identity, deflate, gzip"));
  fc_call_destroy(c);
}

/* What is not shorter for it goes as it is. */
static void a_call_chooses_for_its_requests(void **state) {
  (void)state;
  expect_requests(FC_COMPRESSION_UNSET, FC_COMPRESSION_GZIP, " grpc-encoding=gzip", "0001");
  expect_requests(FC_COMPRESSION_UNSET, FC_COMPRESSION_DEFLATE, " grpc-encoding=deflate", "0001");
  expect_requests(FC_COMPRESSION_UNSET, FC_COMPRESSION_UNSET, NULL, "0000");
  expect_requests(FC_COMPRESSION_UNSET, FC_COMPRESSION_NONE, NULL, "0000");
}

static void a_channel_chooses_for_calls_that_do_not(void **state) {
  (void)state;
  expect_requests(FC_COMPRESSION_DEFLATE, FC_COMPRESSION_UNSET, " grpc-encoding=deflate", "0001");
  expect_requests(FC_COMPRESSION_DEFLATE, FC_COMPRESSION_GZIP, " grpc-encoding=gzip", "0001");
  expect_requests(FC_COMPRESSION_GZIP, FC_COMPRESSION_NONE, NULL, "0000");
  expect_requests(FC_COMPRESSION_NONE, FC_COMPRESSION_UNSET, NULL, "0000");
}

/* ---- a server's responses ---- */

struct choice {
  fc_compression compression;
  bool choose;
  unsigned flags;
};

static void respond(fc_call *call, void *user) {
  const struct choice *choice = user;
  if (choice->choose) assert_int_equal(fc_call_set_compression(call, choice->compression), FC_OK);
  assert_int_equal(fc_call_send(call, long_message(), choice->flags), FC_OK);
  assert_int_equal(fc_call_finish(call, FC_CODE_OK, NULL, FC_SLICE_EMPTY), FC_OK);
  fc_call_destroy(call);
}

static void expect_response(fc_compression server, const struct choice *choice, const char *accepts,
                            const char *encoding, bool compressed) {
  fc_server_options options = FC_SERVER_OPTIONS_INIT;
  fc_handler handler = FC_HANDLER_INIT;
  struct choice mine = *choice;
  char fields[300];
  uint32_t length;
  options.compression = server;
  raw_end_finish(&requests.end);
  rig_close(&requests.rig);
  requests_create(&options);
  handler.kind = FC_HANDLER_ASYNC;
  handler.pattern = FC_PATTERN_UNARY_UNARY;
  handler.fn = respond;
  handler.user = &mine;
  assert_int_equal(fc_server_register(requests.rig.server, "/t/Respond", &handler, NULL), FC_OK);
  requests_connect();
  snprintf(fields, sizeof fields, REQUEST("/t/Respond") "%s", accepts);
  requests_begin(fields, 0);
  raw_end_message(&requests.end, requests.id, FC__H2_END_STREAM, 0, TEXT("request"));
  raw_end_go(&requests.end);
  assert_string_equal(flags_of(&requests.end, &length), compressed ? "1" : "0");
  assert_int_equal(length < LONG, compressed);
  requests.said = raw_end_said(&requests.end);
  bool right = encoding ? strstr(requests.said, encoding) != NULL
                        : strstr(requests.said, " grpc-encoding=") == NULL;
  if (!right) fail_msg("%s", requests.said);
  requests_expect(FC_CODE_OK, "");
}

#define ACCEPTS "grpc-accept-encoding: identity, gzip\n"

static void a_handler_chooses_for_its_responses(void **state) {
  (void)state;
  struct choice gzip = {FC_COMPRESSION_GZIP, true, 0}, none = {FC_COMPRESSION_NONE, true, 0};
  struct choice unset = {FC_COMPRESSION_UNSET, true, 0}, nothing = {.choose = false};
  expect_response(FC_COMPRESSION_UNSET, &gzip, ACCEPTS, " grpc-encoding=gzip", true);
  expect_response(FC_COMPRESSION_UNSET, &nothing, ACCEPTS, NULL, false);
  expect_response(FC_COMPRESSION_GZIP, &nothing, ACCEPTS, " grpc-encoding=gzip", true);
  expect_response(FC_COMPRESSION_GZIP, &unset, ACCEPTS, " grpc-encoding=gzip", true);
  expect_response(FC_COMPRESSION_GZIP, &none, ACCEPTS, NULL, false);
}

static void a_message_may_go_as_it_is(void **state) {
  (void)state;
  struct choice gzip = {FC_COMPRESSION_GZIP, true, FC_SEND_UNCOMPRESSED};
  expect_response(FC_COMPRESSION_UNSET, &gzip, ACCEPTS, " grpc-encoding=gzip", false);
}

static void what_the_client_does_not_accept_is_not_used(void **state) {
  (void)state;
  struct choice deflate = {FC_COMPRESSION_DEFLATE, true, 0}, nothing = {.choose = false};
  expect_response(FC_COMPRESSION_UNSET, &deflate, ACCEPTS, NULL, false);
  expect_response(FC_COMPRESSION_GZIP, &nothing, "", NULL, false);
  expect_response(FC_COMPRESSION_GZIP, &nothing, "grpc-accept-encoding: snappy\n", NULL, false);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      ANSWER_TEST_WHOLE(a_call_chooses_for_its_requests),
      ANSWER_TEST_WHOLE(a_channel_chooses_for_calls_that_do_not),
      REQUEST_TEST_WHOLE(a_handler_chooses_for_its_responses),
      REQUEST_TEST_WHOLE(a_message_may_go_as_it_is),
      REQUEST_TEST_WHOLE(what_the_client_does_not_accept_is_not_used),
  };
  return requests_run(tests, sizeof tests / sizeof *tests);
}
