/* Runs of indexed fields that begin block after block are told at once, and mean the same as
 * ever. */
#include <stdio.h>

#include "support/h2_peer.h"

#define INSERTING "\x44\4/s/m\x40\1k\1v" /* :path: /s/m and k: v */

static struct h2_peer peer;

static int start_server(void **state) {
  (void)state;
  h2_peer_init(&peer, true);
  h2_peer_open(&peer);
  fc__h2_conn_destroy(peer.conn);
  peer.conn = fc__h2_conn_create(&peer.config, &h2_record_events_of_runs, &peer.record, peer.now);
  peer.record.conn = peer.conn;
  h2_put_preface(&peer);
  h2_put_frame(&peer, FC__H2_SETTINGS, 0, 0, TEXT(""));
  h2_put_frame(&peer, FC__H2_HEADERS, FC__H2_END_HEADERS, 1, TEXT("\x83\x86" INSERTING));
  assert_int_equal(h2_feed(&peer), 0);
  (void)h2_sent(&peer);
  (void)h2_events(&peer);
  return 0;
}

static int stop(void **state) {
  (void)state;
  h2_peer_finish(&peer);
  return 0;
}

static void put_block(uint32_t id, fc_slice block) {
  h2_put_frame(&peer, FC__H2_HEADERS, FC__H2_END_HEADERS, id, block);
}

/* POST, http, and the two entries that the first request has left. */
#define RUN "\x83\x86\xbf\xbe"

static void expect_run(uint32_t id, const char *more, size_t runs) {
  char expected[512];
  assert_int_equal(h2_feed(&peer), 0);
  snprintf(expected, sizeof expected,
           "open %u\nfield %u :method: POST\nfield %u :scheme: http\nfield %u :path: /s/m\n"
           "field %u k: v\n%sblock %u\n",
           id, id, id, id, id, more, id);
  assert_string_equal(h2_events(&peer), expected);
  assert_int_equal(peer.record.runs_again, runs);
}

static void a_run_is_told_again(void **state) {
  (void)state;
  put_block(3, TEXT(RUN));
  expect_run(3, "", 0);
  put_block(5, TEXT(RUN));
  expect_run(5, "", 1);
  put_block(7, TEXT(RUN "\x00\1l\1w"));
  expect_run(7, "field 7 l: w\n", 2);
}

static void an_insertion_ends_a_run(void **state) {
  (void)state;
  put_block(3, TEXT(RUN "\x40\1l\1w"));
  expect_run(3, "field 3 l: w\n", 0);
  put_block(5, TEXT("\x83\x86\xc0\xbf\xbe")); /* the indexes have moved */
  expect_run(5, "field 5 l: w\n", 0);
  put_block(7, TEXT("\x83\x86\xc0\xbf\xbe"));
  expect_run(7, "field 7 l: w\n", 1);
}

static void a_malformed_run_is_not_kept(void **state) {
  (void)state;
  put_block(3, TEXT("\x83\x86\xbe\xbf"));
  h2_expect_reset(&peer, 3, FC__H2_PROTOCOL_ERROR);
  put_block(5, TEXT("\x83\x86\xbe\xbf"));
  h2_expect_reset(&peer, 5, FC__H2_PROTOCOL_ERROR);
  assert_int_equal(peer.record.runs_again, 0);
}

/* The bytes of a run mean nothing of the kind inside a string: a block cut there must not be
 * taken for one. */
static void a_string_that_looks_like_a_run_is_a_string(void **state) {
  (void)state;
  for (size_t chunk = 1; chunk < 40; chunk++) {
    stop(NULL);
    start_server(NULL);
    put_block(3, TEXT(RUN));
    assert_int_equal(h2_feed(&peer), 0);
    (void)h2_events(&peer);
    put_block(5, TEXT("\x00\5:path\4" RUN "\x83\x86"));
    put_block(7, TEXT("\x03\4" RUN RUN));
    peer.chunk = chunk;
    assert_int_equal(h2_feed(&peer), 0);
    assert_non_null(strstr(h2_events(&peer), "field 5 :path: \\x83\\x86\\xbf\\xbe\n"));
  }
}

/* RFC 7541 section 4.2: after a field it is an error, also when that field was told as a part of
 * a run. */
static void a_size_update_after_a_run_is_an_error(void **state) {
  (void)state;
  for (size_t at = 0; at < 2; at++) {
    stop(NULL);
    start_server(NULL);
    put_block(3, TEXT(RUN));
    put_block(5, TEXT(RUN));
    assert_int_equal(h2_feed(&peer), 0);
    assert_int_equal(peer.record.runs_again, 1);
    if (at == 0) {
      put_block(7, TEXT(RUN "\x3f\x01"));
    } else {
      h2_put_frame(&peer, FC__H2_HEADERS, 0, 7, TEXT(RUN));
      h2_put_frame(&peer, FC__H2_CONTINUATION, FC__H2_END_HEADERS, 7, TEXT("\x3f\x01"));
    }
    h2_expect_failure(&peer, FC__H2_COMPRESSION_ERROR);
  }
}

static void runs_count_for_the_limit(void **state) {
  (void)state;
  put_block(3, TEXT(RUN));
  char block[4 + 130];
  memcpy(block, RUN, 4);
  memset(block + 4, 0xbe, 130);
  put_block(5, (fc_slice){(uint8_t *)block, 4 + 124});
  put_block(7, (fc_slice){(uint8_t *)block, 4 + 125});
  assert_int_equal(h2_feed(&peer), 0);
  const char *events = h2_events(&peer);
  assert_non_null(strstr(events, "block 5\n"));
  assert_non_null(strstr(events, "block 7 large\n"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start_server, stop)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_run_is_told_again),
      TEST(an_insertion_ends_a_run),
      TEST(a_malformed_run_is_not_kept),
      TEST(a_string_that_looks_like_a_run_is_a_string),
      TEST(a_size_update_after_a_run_is_an_error),
      TEST(runs_count_for_the_limit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
