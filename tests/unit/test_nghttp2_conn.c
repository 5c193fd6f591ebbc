/* The same exchanges with nghttp2 as the other end, in memory, as client and as server. */
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/h2_peer.h"

enum { LARGE = 500000 };

/* nghttp2's side: its session, what it says of streams, what it sends on them. */
struct other {
  nghttp2_session *session;
  struct fc__buf text; /* events, as h2_record writes them */
  size_t body_len;     /* sent on each stream */
  bool answers;
  bool held; /* does not give windows back by itself */
  size_t received;
  struct fc__buf to_send;
};

static struct other other;
static struct h2_record ours;
static int64_t now = 1000 * FC_SECOND;

static void append(struct fc__buf *b, const void *data, size_t len) {
  if (b->cap - b->len < len + 1) {
    b->cap = 2 * (b->len + len + 1);
    b->data = realloc(b->data, b->cap);
    assert_non_null(b->data);
  }
  if (len) memcpy(b->data + b->len, data, len);
  b->len += len;
  b->data[b->len] = 0;
}

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...) {
  char line[512];
  va_list args;
  va_start(args, format);
  int len = vsnprintf(line, sizeof line, format, args);
  va_end(args);
  append(&other.text, line, (size_t)len);
}

/* ---- nghttp2's callbacks ---- */

static uint8_t byte_at(size_t i) { return (uint8_t)(i * 31 + i / 509); }

static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *buf, size_t length,
                         uint32_t *flags, nghttp2_data_source *source, void *user) {
  (void)user;
  size_t at = (size_t)(uintptr_t)nghttp2_session_get_stream_user_data(session, id);
  size_t n = other.body_len - at < length ? other.body_len - at : length;
  for (size_t i = 0; i < n; i++) buf[i] = byte_at(at + i);
  at += n;
  nghttp2_session_set_stream_user_data(session, id, (void *)(uintptr_t)at);
  if (at == other.body_len) {
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (source->ptr) { /* trailers follow */
      static const nghttp2_nv trailer = {(uint8_t *)"grpc-status", (uint8_t *)"0", 11, 1, 0};
      *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      assert_int_equal(nghttp2_submit_trailer(session, id, &trailer, 1), 0);
    }
  }
  return (ssize_t)n;
}

static void submit_answer(int32_t id) {
  static const nghttp2_nv nv[] = {
      {(uint8_t *)":status", (uint8_t *)"200", 7, 3, 0},
      {(uint8_t *)"content-type", (uint8_t *)"application/grpc", 12, 16, 0}};
  nghttp2_data_provider body = {{.ptr = &other}, read_body};
  nghttp2_session_set_stream_user_data(other.session, id, NULL);
  assert_int_equal(nghttp2_submit_response(other.session, id, nv, 2, &body), 0);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *user) {
  (void)session, (void)flags, (void)user;
  say("field %d %.*s: %.*s\n", frame->hd.stream_id, (int)name_len, name, (int)value_len, value);
  return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
  (void)session, (void)user;
  bool ends = frame->hd.type <= NGHTTP2_HEADERS && frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
  if (ends) say("end %d\n", frame->hd.stream_id);
  if (ends && other.answers) submit_answer(frame->hd.stream_id);
  if (frame->hd.type == NGHTTP2_GOAWAY) {
    say("goaway %d %u %.*s\n", frame->goaway.last_stream_id, frame->goaway.error_code,
        (int)frame->goaway.opaque_data_len, frame->goaway.opaque_data);
  }
  if (frame->hd.type == NGHTTP2_PING && frame->hd.flags & NGHTTP2_FLAG_ACK) say("pong\n");
  return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                   size_t len, void *user) {
  (void)session, (void)flags, (void)id, (void)data, (void)user;
  other.received += len;
  return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t code, void *user) {
  (void)session, (void)user;
  say("closed %d %s\n", id, fc__h2_error_name(code));
  return 0;
}

static int on_invalid(nghttp2_session *session, const nghttp2_frame *frame, int code, void *user) {
  (void)session, (void)user;
  fail_msg("nghttp2 finds a frame of type %u invalid: %s", frame->hd.type, nghttp2_strerror(code));
  return 0;
}

/* ---- the two ends ---- */

static void open_other(bool server, bool held, const nghttp2_settings_entry *entries,
                       size_t count) {
  nghttp2_session_callbacks *callbacks;
  nghttp2_option *option;
  other = (struct other){.held = held, .answers = server, .body_len = 5};
  assert_int_equal(nghttp2_session_callbacks_new(&callbacks), 0);
  assert_int_equal(nghttp2_option_new(&option), 0);
  nghttp2_option_set_no_auto_window_update(option, held);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
  nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, on_invalid);
  int made = server ? nghttp2_session_server_new2(&other.session, callbacks, NULL, option)
                    : nghttp2_session_client_new2(&other.session, callbacks, NULL, option);
  assert_int_equal(made, 0);
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
  assert_int_equal(nghttp2_submit_settings(other.session, 0, entries, count), 0);
}

static void open_ours(const struct fc__h2_config *config) {
  h2_record_init(&ours);
  ours.conn = fc__h2_conn_create(config, &h2_record_events, &ours, now);
  assert_non_null(ours.conn);
}

static void open_both(bool our_server, bool held, const nghttp2_settings_entry *entries,
                      size_t count) {
  struct fc__h2_config config;
  fc__h2_config_defaults(&config, our_server);
  open_other(!our_server, held, entries, count);
  open_ours(&config);
}

static void close_both(void) {
  fc__h2_conn_destroy(ours.conn);
  h2_record_finish(&ours);
  nghttp2_session_del(other.session);
  free(other.text.data);
  free(other.to_send.data);
}

static bool ours_to_other(void) {
  struct iovec iov[FC__H2_IOV_MAX];
  bool any = false;
  for (int count; (count = fc__h2_output(ours.conn, iov, now)) > 0; any = true) {
    size_t total = 0;
    for (int i = 0; i < count; i++) {
      ssize_t n = nghttp2_session_mem_recv(other.session, iov[i].iov_base, iov[i].iov_len);
      if (n < 0) fail_msg("nghttp2: %s", nghttp2_strerror((int)n));
      assert_int_equal(n, iov[i].iov_len);
      total += iov[i].iov_len;
    }
    fc__h2_written(ours.conn, total, now);
  }
  return any;
}

static bool other_to_ours(void) {
  bool any = false;
  const uint8_t *data;
  for (ssize_t n; (n = nghttp2_session_mem_send(other.session, &data)) > 0; any = true) {
    uint32_t code;
    if (fc__h2_receive(ours.conn, (fc_slice){data, (size_t)n}, now) != 0) {
      fail_msg("%s", fc__h2_failure(ours.conn, &code));
    }
  }
  return any;
}

static void talk(void) {
  bool any;
  do {
    any = ours_to_other();
    any = other_to_ours() || any;
  } while (any);
}

static const char *other_text(void) {
  append(&other.text, "", 0);
  return (const char *)other.text.data;
}

/* ---- their client, our server ---- */

static int32_t request_of_theirs(bool body, bool trailers) {
  static const nghttp2_nv nv[] = {
      {(uint8_t *)":method", (uint8_t *)"POST", 7, 4, 0},
      {(uint8_t *)":scheme", (uint8_t *)"http", 7, 4, 0},
      {(uint8_t *)":path", (uint8_t *)"/pkg.Service/Method", 5, 19, 0},
      {(uint8_t *)":authority", (uint8_t *)"localhost", 10, 9, 0},
      {(uint8_t *)"te", (uint8_t *)"trailers", 2, 8, 0},
      {(uint8_t *)"authorization", (uint8_t *)"secret", 13, 6, NGHTTP2_NV_FLAG_NO_INDEX},
      {(uint8_t *)"user-agent", (uint8_t *)"other/1.0 (some long text)", 10, 26, 0}};
  nghttp2_data_provider provider = {{.ptr = trailers ? &other : NULL}, read_body};
  int32_t id = nghttp2_submit_request(other.session, NULL, nv, 7, body ? &provider : NULL, NULL);
  assert_true(id > 0);
  return id;
}

static void their_client_is_answered(void **state) {
  (void)state;
  open_both(true, false, NULL, 0);
  ours.answer = true;
  request_of_theirs(false, false);
  request_of_theirs(true, false);
  request_of_theirs(true, true);
  talk();
  const char *events = h2_record_text(&ours);
  assert_non_null(strstr(events, "field 1 authorization: secret\n"));
  assert_non_null(strstr(events, "field 5 user-agent: other/1.0 (some long text)\nblock 5\n"));
  assert_non_null(strstr(events, "trailer 5 grpc-status: 0\nblock 5 end trailers\n"));
  const char *text = other_text();
  for (int id = 1; id <= 5; id += 2) {
    char expected[128];
    snprintf(expected, sizeof expected,
             "field %d :status: 200\nfield %d content-type: application/grpc\n", id, id);
    assert_non_null(strstr(text, expected));
    snprintf(expected, sizeof expected, "field %d grpc-status: 0\nend %d\nclosed %d NO_ERROR\n", id,
             id, id);
    assert_non_null(strstr(text, expected));
  }
  assert_int_equal(other.received, 3 * 5);
  close_both();
}

static void their_client_sends_much(void **state) {
  (void)state;
  open_both(true, false, NULL, 0);
  ours.answer = true;
  other.body_len = LARGE;
  for (int i = 0; i < 5; i++) request_of_theirs(true, false);
  talk();
  uint32_t sum = UINT32_C(2166136261);
  for (size_t i = 0; i < LARGE; i++) sum = (sum ^ byte_at(i)) * UINT32_C(16777619);
  assert_int_equal(ours.total, 5 * LARGE);
  h2_record_clear(&ours);
  request_of_theirs(true, false);
  talk();
  char expected[64];
  snprintf(expected, sizeof expected, "data 11 %d bytes %08x end\n", LARGE, sum);
  assert_non_null(strstr(h2_record_text(&ours), expected));
  assert_non_null(strstr(other_text(), "closed 11 NO_ERROR\n"));
  close_both();
}

static void their_client_makes_many_calls(void **state) {
  (void)state;
  open_both(true, false, NULL, 0);
  ours.answer = true;
  for (int round = 0; round < 50; round++) {
    for (int i = 0; i < 100; i++) request_of_theirs(i % 2, i % 3 == 0);
    talk();
    h2_record_clear(&ours);
  }
  assert_int_equal(ours.count, 5000);
  assert_non_null(strstr(other_text(), "closed 9999 NO_ERROR\n"));
  assert_null(strstr(other_text(), "REFUSED"));
  close_both();
}

static void their_client_cancels(void **state) {
  (void)state;
  open_both(true, false, NULL, 0);
  other.body_len = LARGE;
  int32_t id = request_of_theirs(true, false);
  assert_true(other_to_ours());
  assert_int_equal(nghttp2_submit_rst_stream(other.session, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL),
                   0);
  talk();
  assert_non_null(strstr(h2_record_text(&ours), "closed 1 CANCEL remote\n"));
  close_both();
}

static void our_server_resets_and_goes_away(void **state) {
  (void)state;
  open_both(true, false, NULL, 0);
  other.body_len = LARGE;
  request_of_theirs(true, false);
  request_of_theirs(false, false);
  assert_true(other_to_ours());
  h2_record_reset(&ours, h2_record_find(&ours, 1), FC__H2_CANCEL);
  fc__h2_goaway(ours.conn, FC__H2_NO_ERROR, "max_age", false);
  fc__h2_ping(ours.conn, 5);
  talk();
  assert_non_null(strstr(h2_record_text(&ours), "pong 5\n"));
  fc__h2_goaway(ours.conn, FC__H2_NO_ERROR, "max_age", true);
  talk();
  const char *text = other_text();
  assert_non_null(strstr(text, "closed 1 CANCEL\n"));
  assert_non_null(strstr(text, "goaway 2147483647 0 max_age\n"));
  assert_non_null(strstr(text, "goaway 3 0 max_age\n"));
  close_both();
}

static void our_server_answers_before_the_request_has_ended(void **state) {
  (void)state;
  open_both(true, false, NULL, 0);
  other.body_len = 10 * LARGE;
  request_of_theirs(true, false);
  assert_true(other_to_ours());
  struct fc__h2_stream *s = h2_record_find(&ours, 1);
  fc__h2_block_begin(ours.conn, s);
  fc__h2_block_field(ours.conn, TEXT(":status"), TEXT("200"), FC__HPACK_INDEX);
  fc__h2_block_field(ours.conn, TEXT("grpc-status"), TEXT("8"), FC__HPACK_INDEX);
  assert_int_equal(fc__h2_block_end(ours.conn, s, true), FC_OK);
  talk();
  assert_non_null(strstr(other_text(), "field 1 grpc-status: 8\nend 1\n"));
  assert_non_null(strstr(other_text(), "closed 1 NO_ERROR\n"));
  close_both();
}

/* ---- our client, their server ---- */

static struct fc__h2_stream *request_of_ours(bool end_stream) {
  struct fc__h2_stream *s = h2_record_new_stream(&ours);
  fc__h2_block_begin(ours.conn, NULL);
  fc__h2_block_field(ours.conn, TEXT(":method"), TEXT("POST"), FC__HPACK_INDEX);
  fc__h2_block_field(ours.conn, TEXT(":scheme"), TEXT("http"), FC__HPACK_INDEX);
  fc__h2_block_field(ours.conn, TEXT(":path"), TEXT("/pkg.Service/Method"), FC__HPACK_INDEX);
  fc__h2_block_field(ours.conn, TEXT(":authority"), TEXT("localhost"), FC__HPACK_INDEX);
  fc__h2_block_field(ours.conn, TEXT("te"), TEXT("trailers"), FC__HPACK_INDEX);
  fc__h2_block_field(ours.conn, TEXT("authorization"), TEXT("secret"), FC__HPACK_NEVER);
  assert_int_equal(fc__h2_block_end_request(ours.conn, s, end_stream), FC_OK);
  return s;
}

static void our_client_is_answered(void **state) {
  (void)state;
  open_both(false, false, NULL, 0);
  for (int i = 0; i < 3; i++) {
    struct fc__h2_stream *s = request_of_ours(false);
    assert_int_equal(fc__h2_send(ours.conn, s, TEXT("head"), NULL, TEXT("body"), true), FC_OK);
  }
  talk();
  const char *text = other_text();
  assert_non_null(strstr(text, "field 5 :path: /pkg.Service/Method\n"));
  assert_non_null(strstr(text, "field 5 authorization: secret\nend 5\n"));
  assert_int_equal(other.received, 3 * 8);
  const char *events = h2_record_text(&ours);
  assert_non_null(strstr(events, "field 5 :status: 200\n"));
  assert_non_null(strstr(events, "data 5 \"\\x00\\x1f>]|\"\ntrailer 5 grpc-status: 0\n"));
  assert_non_null(strstr(events, "closed 5 NO_ERROR local\n"));
  close_both();
}

static void our_client_sends_much_through_small_windows(void **state) {
  (void)state;
  static const nghttp2_settings_entry entries[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1000}};
  static uint8_t large[LARGE];
  open_both(false, false, entries, 1);
  fc_bytes *body = fc_bytes_wrap(large, LARGE, NULL, NULL);
  for (int i = 0; i < 10; i++) {
    struct fc__h2_stream *s = request_of_ours(false);
    assert_int_equal(fc__h2_send(ours.conn, s, TEXT("head"), body, TEXT(""), i % 2), FC_OK);
    if (i % 2 == 0) assert_int_equal(fc__h2_send_end(ours.conn, s), FC_OK);
  }
  fc_bytes_unref(body);
  talk();
  assert_int_equal(other.received, 10 * (LARGE + 4));
  assert_non_null(strstr(h2_record_text(&ours), "closed 19 NO_ERROR local\n"));
  close_both();
}

static void windows_shrink_below_what_was_sent(void **state) {
  (void)state;
  static const nghttp2_settings_entry small[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 100}};
  static uint8_t large[LARGE];
  open_both(false, true, NULL, 0);
  struct fc__h2_stream *s = request_of_ours(false);
  fc_bytes *body = fc_bytes_wrap(large, LARGE, NULL, NULL);
  assert_int_equal(fc__h2_send(ours.conn, s, TEXT(""), body, TEXT(""), true), FC_OK);
  fc_bytes_unref(body);
  talk();
  assert_int_equal(other.received, 65535);
  assert_int_equal(nghttp2_submit_settings(other.session, 0, small, 1), 0);
  talk();
  assert_int_equal(s->send_window, 100 - 65535);
  for (size_t given = 0; given < LARGE; given += 50000) {
    nghttp2_session_consume(other.session, 1, other.received - given < 50000 ? 0 : 50000);
    assert_int_equal(nghttp2_submit_window_update(other.session, 0, 1, 50000), 0);
    assert_int_equal(nghttp2_submit_window_update(other.session, 0, 0, 50000), 0);
    talk();
  }
  assert_true(other.received > LARGE - 70000);
  close_both();
}

static void our_client_receives_much(void **state) {
  (void)state;
  open_both(false, false, NULL, 0);
  other.body_len = 20 * LARGE;
  request_of_ours(true);
  talk();
  char expected[64];
  snprintf(expected, sizeof expected, "data 1 %d bytes", 20 * LARGE);
  assert_non_null(strstr(h2_record_text(&ours), expected));
  /* On the way the windows have grown. */
  assert_true(nghttp2_session_get_remote_settings(other.session,
                                                  NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE) > 1000000);
  close_both();
}

static void our_client_keeps_to_their_stream_limit(void **state) {
  (void)state;
  static const nghttp2_settings_entry entries[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 7}};
  open_both(false, false, entries, 1);
  talk();
  int done = 0;
  while (done < 100) {
    while (fc__h2_can_open(ours.conn)) request_of_ours(true), done++;
    assert_int_equal(fc__h2_stream_count(ours.conn), 7);
    talk();
    assert_int_equal(fc__h2_stream_count(ours.conn), 0);
  }
  assert_null(strstr(h2_record_text(&ours), "REFUSED"));
  close_both();
}

static void their_server_resets_and_goes_away(void **state) {
  (void)state;
  open_both(false, false, NULL, 0);
  other.answers = false;
  for (int i = 0; i < 3; i++) request_of_ours(true);
  talk();
  assert_int_equal(nghttp2_submit_rst_stream(other.session, 0, 3, NGHTTP2_REFUSED_STREAM), 0);
  assert_int_equal(nghttp2_submit_shutdown_notice(other.session), 0);
  talk();
  assert_int_equal(nghttp2_submit_goaway(other.session, 0, 3, 0, (const uint8_t *)"bye", 3), 0);
  submit_answer(1);
  talk();
  const char *events = h2_record_text(&ours);
  assert_non_null(strstr(events, "closed 3 REFUSED_STREAM remote\ngoaway 2147483647 NO_ERROR \n"));
  assert_non_null(strstr(events, "goaway 3 NO_ERROR bye\nclosed 5 REFUSED_STREAM remote\n"));
  assert_non_null(strstr(events, "closed 1 NO_ERROR local\n"));
  close_both();
}

static void header_tables_change_their_size(void **state) {
  (void)state;
  open_both(false, false, NULL, 0);
  for (uint32_t i = 0; i < 60; i++) {
    nghttp2_settings_entry entry = {NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, i % 7 * 100};
    if (i % 3 == 0) assert_int_equal(nghttp2_submit_settings(other.session, 0, &entry, 1), 0);
    request_of_ours(true);
    talk();
  }
  assert_non_null(strstr(other_text(), "field 119 authorization: secret\nend 119\n"));
  assert_non_null(strstr(h2_record_text(&ours), "closed 119 NO_ERROR local\n"));
  close_both();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(their_client_is_answered),
      cmocka_unit_test(their_client_sends_much),
      cmocka_unit_test(their_client_makes_many_calls),
      cmocka_unit_test(their_client_cancels),
      cmocka_unit_test(our_server_resets_and_goes_away),
      cmocka_unit_test(our_server_answers_before_the_request_has_ended),
      cmocka_unit_test(our_client_is_answered),
      cmocka_unit_test(our_client_sends_much_through_small_windows),
      cmocka_unit_test(windows_shrink_below_what_was_sent),
      cmocka_unit_test(our_client_receives_much),
      cmocka_unit_test(our_client_keeps_to_their_stream_limit),
      cmocka_unit_test(their_server_resets_and_goes_away),
      cmocka_unit_test(header_tables_change_their_size),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
