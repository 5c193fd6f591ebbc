/*
 * Header fields that the application calls secrets: neither when their block is sent nor when it is taken back, for
 * whatever reason, do they stay in memory, alive or freed. What is sent before and after is not disturbed.
 */
#include <stdio.h>

#include "support/failing_alloc.h"
#include "support/h2_peer.h"

#define SECRET "a-token-that-nobody-may-read"

enum { OTHERS = 40 }; /* fields behind the secret that make its buffer grow */

static struct h2_peer peer;
static size_t live;

static int start(bool server) {
  live = failing_alloc_live();
  h2_peer_start(&peer, server);
  failing_alloc_watch(TEXT(SECRET));
  return 0;
}

static int start_client(void **state) {
  (void)state;
  return start(false);
}

/* With a request, whose stream sends nothing at first. */
static int start_server(void **state) {
  (void)state;
  (void)start(true);
  h2_put_setting(&peer, FC__H2_INITIAL_WINDOW_SIZE, 0);
  h2_put_request(&peer, 1, FC__H2_END_STREAM);
  assert_int_equal(h2_feed(&peer), 0);
  (void)h2_sent(&peer);
  return 0;
}

static void expect_erased(void) {
  assert_int_equal(failing_alloc_holding(TEXT(SECRET)), 0);
  assert_int_equal(failing_alloc_spilled(), 0);
}

static int stop(void **state) {
  (void)state;
  h2_peer_finish(&peer);
  assert_int_equal(failing_alloc_spilled(), 0);
  failing_alloc_watch(FC_SLICE_EMPTY);
  assert_int_equal(failing_alloc_live(), live);
  return 0;
}

/* ---- blocks ---- */

static void add(const char *name, fc_slice value, enum fc__hpack_indexing how) {
  fc__h2_block_field(peer.conn, fc_slice_from_string(name), value, how);
}

/* The secret, twice, and as many other fields as asked for around it. */
static void add_secrets(int others) {
  char name[24];
  add("before", TEXT("value"), FC__HPACK_INDEX);
  add("token", TEXT("Bearer " SECRET), FC__HPACK_NEVER);
  for (int i = 0; i < others; i++) {
    snprintf(name, sizeof name, "other-%d", i);
    add(name, TEXT("a value that takes room"), FC__HPACK_LITERAL);
  }
  add("token", TEXT(SECRET), FC__HPACK_NEVER);
}

static struct fc__h2_stream *stream(void) { return h2_record_find(&peer.record, 1); }

static fc_result request(int others) {
  struct fc__h2_stream *s = h2_record_new_stream(&peer.record);
  fc__h2_block_begin(peer.conn, NULL);
  add(":method", TEXT("POST"), FC__HPACK_INDEX);
  add_secrets(others);
  fc_result r = fc__h2_block_end_request(peer.conn, s, true);
  if (r != FC_OK) s->id = 0; /* the record frees it in the end */
  return r;
}

static fc_result headers(int others, bool trailers) {
  fc__h2_block_begin(peer.conn, stream());
  add_secrets(others);
  return fc__h2_block_end(peer.conn, stream(), trailers);
}

/* Data that waits for the client's window, with trailers behind it to come. */
static void send_data(void) {
  assert_int_equal(fc__h2_send(peer.conn, stream(), TEXT("head:"), NULL, TEXT("message"), false),
                   FC_OK);
}

static void expect_good_request(void) {
  (void)h2_open_request(&peer, true);
  const char *sent = h2_sent(&peer);
  assert_non_null(strstr(sent, ":path=/s/m"));
  assert_null(strstr(sent, "before="));
}

/* ---- written ---- */

static void what_is_written_is_erased(void **state) {
  (void)state;
  for (int others = 0; others <= OTHERS; others += OTHERS) {
    assert_int_equal(request(others), FC_OK);
    assert_int_equal(failing_alloc_holding(TEXT(SECRET)), 1);
    assert_int_equal(failing_alloc_spilled(), 0);
    struct iovec iov[FC__H2_IOV_MAX];
    for (int count; (count = fc__h2_output(peer.conn, iov, peer.now)) > 0;)
      fc__h2_written(peer.conn, iov[0].iov_len > 1 ? iov[0].iov_len / 2 : 1, peer.now);
    expect_erased();
  }
}

/* The frames go on to read what comes after: the table has not changed. */
static void what_was_never_written_is_erased_with_its_connection(void **state) {
  (void)state;
  assert_int_equal(request(OTHERS), FC_OK);
}

/* ---- taken back ---- */

static void a_block_over_the_limit_is_erased(void **state) {
  (void)state;
  h2_put_setting(&peer, FC__H2_MAX_HEADER_LIST_SIZE, 300);
  assert_int_equal(h2_feed(&peer), 0);
  for (int others = 0; others <= OTHERS; others += 10) {
    assert_int_equal(request(others), others ? FC_ERR_LIMIT : FC_OK);
    if (others) expect_erased();
    (void)h2_sent(&peer);
    expect_erased();
    expect_good_request();
  }
}

static void a_block_without_memory_is_erased(void **state) {
  (void)state;
  fc_result r = FC_ERR_NO_MEMORY;
  for (size_t n = 0; r != FC_OK; n++) {
    stop(NULL);
    start_client(NULL);
    struct fc__h2_stream *s = h2_record_new_stream(&peer.record);
    failing_alloc_arm(n, FAILING_ALLOC_FROM_THEN);
    fc__h2_block_begin(peer.conn, NULL);
    add(":method", TEXT("POST"), FC__HPACK_INDEX);
    for (int i = 0; i < 50; i++) add_secrets(OTHERS);
    r = fc__h2_block_end_request(peer.conn, s, true);
    (void)failing_alloc_disarm();
    if (r == FC_OK) break;
    assert_int_equal(r, FC_ERR_NO_MEMORY);
    expect_erased();
    expect_good_request();
  }
}

static void a_block_on_a_closed_connection_is_erased(void **state) {
  (void)state;
  h2_put_goaway(&peer, 0, FC__H2_NO_ERROR, "");
  assert_int_equal(h2_feed(&peer), 0);
  assert_int_equal(request(OTHERS), FC_ERR_CLOSED);
  expect_erased();
  h2_put_goaway(&peer, 1, FC__H2_NO_ERROR, "");
  h2_expect_failure(&peer, FC__H2_PROTOCOL_ERROR);
  assert_int_equal(request(OTHERS), FC_ERR_CLOSED);
  expect_erased();
}

/* What waits to be written before it stays as it is. */
static void only_the_block_that_is_taken_back_is_erased(void **state) {
  (void)state;
  h2_put_setting(&peer, FC__H2_MAX_HEADER_LIST_SIZE, 300);
  assert_int_equal(h2_feed(&peer), 0);
  (void)h2_sent(&peer);
  fc__h2_ping(peer.conn, 7);
  assert_int_equal(request(0), FC_OK);
  assert_int_equal(request(OTHERS), FC_ERR_LIMIT);
  assert_int_equal(failing_alloc_spilled(), 0);
  assert_string_equal(h2_sent(&peer),
                      "PING 7\nHEADERS 1 end :method=POST before=value never:token=Bearer " SECRET
                      " never:token=" SECRET "\n");
  expect_erased();
  expect_good_request();
}

/* ---- an answer's ---- */

/* The block is so short that it may be kept in another place than longer ones, in front of a body. */
static void a_short_secret_before_a_large_body_is_erased(void **state) {
  (void)state;
  static const uint8_t body[3000];
  failing_alloc_watch(TEXT("S3cr3t"));
  h2_put_u32(&peer, FC__H2_WINDOW_UPDATE, 1, 100000);
  assert_int_equal(h2_feed(&peer), 0);
  fc__h2_block_begin(peer.conn, stream());
  add("k", TEXT("S3cr3t"), FC__HPACK_NEVER);
  assert_int_equal(fc__h2_block_end(peer.conn, stream(), false), FC_OK);
  fc_slice bytes = {body, sizeof body};
  assert_int_equal(fc__h2_send(peer.conn, stream(), FC_SLICE_EMPTY, NULL, bytes, true), FC_OK);
  assert_string_equal(h2_sent(&peer), "HEADERS 1 never:k=S3cr3t\nDATA 1 3000 end\n");
  assert_int_equal(failing_alloc_holding(TEXT("S3cr3t")), 0);
  assert_int_equal(failing_alloc_spilled(), 0);
}

static void an_answers_block_over_the_limit_is_erased(void **state) {
  (void)state;
  h2_put_setting(&peer, FC__H2_MAX_HEADER_LIST_SIZE, 300);
  assert_int_equal(h2_feed(&peer), 0);
  assert_int_equal(headers(OTHERS, false), FC_ERR_LIMIT);
  expect_erased();
  send_data();
  assert_int_equal(headers(OTHERS, true), FC_ERR_LIMIT); /* behind the data */
  expect_erased();
  assert_int_equal(headers(0, true), FC_OK);
  assert_int_equal(failing_alloc_holding(TEXT(SECRET)), 1);
  h2_put_u32(&peer, FC__H2_WINDOW_UPDATE, 1, 100);
  assert_int_equal(h2_feed(&peer), 0);
  assert_non_null(strstr(h2_sent(&peer), "never:token=" SECRET "\n"));
  expect_erased();
}

static void trailers_that_have_waited_are_erased_when_they_are_written(void **state) {
  (void)state;
  send_data();
  assert_int_equal(headers(OTHERS, true), FC_OK);
  h2_put_u32(&peer, FC__H2_WINDOW_UPDATE, 1, 100);
  assert_int_equal(h2_feed(&peer), 0);
  assert_non_null(strstr(h2_sent(&peer), "never:token=" SECRET "\n"));
  expect_erased();
}

static void trailers_that_wait_are_erased_with_their_stream(void **state) {
  (void)state;
  send_data();
  assert_int_equal(headers(OTHERS, true), FC_OK);
  assert_int_equal(failing_alloc_spilled(), 0);
  h2_put_u32(&peer, FC__H2_RST_STREAM, 1, FC__H2_CANCEL);
  assert_int_equal(h2_feed(&peer), 0);
  expect_erased();
}

static void trailers_that_wait_are_erased_with_their_connection(void **state) {
  (void)state;
  send_data();
  assert_int_equal(headers(OTHERS, true), FC_OK);
}

static void trailers_without_memory_are_erased(void **state) {
  (void)state;
  fc_result r = FC_ERR_NO_MEMORY;
  for (size_t n = 0; r != FC_OK; n++) {
    stop(NULL);
    start_server(NULL);
    send_data();
    failing_alloc_arm(n, FAILING_ALLOC_FROM_THEN);
    r = headers(OTHERS, true);
    (void)failing_alloc_disarm();
    assert_true(r == FC_OK || r == FC_ERR_NO_MEMORY);
    if (r != FC_OK) expect_erased();
  }
}

#define CLIENT_TEST(name) cmocka_unit_test_setup_teardown(name, start_client, stop)
#define SERVER_TEST(name) cmocka_unit_test_setup_teardown(name, start_server, stop)

int main(void) {
  const struct CMUnitTest tests[] = {
      CLIENT_TEST(what_is_written_is_erased),
      CLIENT_TEST(what_was_never_written_is_erased_with_its_connection),
      CLIENT_TEST(a_block_over_the_limit_is_erased),
      CLIENT_TEST(a_block_without_memory_is_erased),
      CLIENT_TEST(a_block_on_a_closed_connection_is_erased),
      CLIENT_TEST(only_the_block_that_is_taken_back_is_erased),
      SERVER_TEST(a_short_secret_before_a_large_body_is_erased),
      SERVER_TEST(an_answers_block_over_the_limit_is_erased),
      SERVER_TEST(trailers_that_have_waited_are_erased_when_they_are_written),
      SERVER_TEST(trailers_that_wait_are_erased_with_their_stream),
      SERVER_TEST(trailers_that_wait_are_erased_with_their_connection),
      SERVER_TEST(trailers_without_memory_are_erased),
  };
  failing_alloc_install();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
