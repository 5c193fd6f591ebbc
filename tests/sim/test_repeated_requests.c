/*
 * Requests that begin with the same indexed fields as the one before are not decoded that far: to
 * handlers it must make no difference. Each test runs byte by byte too, which takes the way without
 * that.
 */
#include "sim/request_seen.h"

static struct raw_block block;

static void insert(const char *name, const char *value) {
  raw_block_literal(&block, RAW_INSERTED, name, fc_slice_from_string(value));
}

static void plain(const char *name, const char *value) {
  raw_block_literal(&block, RAW_PLAIN, name, fc_slice_from_string(value));
}

static void indexes(const char *bytes) {
  for (; *bytes; bytes++) raw_block_index(&block, (uint8_t)*bytes & 0x7f);
}

/* A method, and what a client puts into the table with its first call. */
#define POST_HTTP "\x83\x86"

static void first_request(void) {
  requests_stop(NULL);
  requests_serve_seen();
  block.len = 0;
  indexes(POST_HTTP);
  insert(":path", "/s/m");
  insert(":authority", "test");
  insert("te", "trailers");
  insert("content-type", "application/grpc");
  insert("k", "v");
  requests_ask_block(raw_block_slice(&block));
  requests_expect(FC_CODE_OK, "");
}

/* The same fields: the last inserted has index 62. */
#define RUN POST_HTTP "\xc2\xc1\xc0\xbf\xbe"

static void begin_run(const char *run) {
  block.len = 0;
  indexes(run);
}

static void ask(const char *expected) {
  request_seen[0] = 0;
  requests_ask_block(raw_block_slice(&block));
  requests_expect(FC_CODE_OK, "");
  assert_string_equal(request_seen, expected);
}

static void the_same_run_is_the_same_request(void **state) {
  (void)state;
  first_request();
  for (int i = 0; i < 4; i++) {
    begin_run(RUN);
    ask("/s/m k=v (7)\n");
  }
}

static void what_follows_the_run_is_read_each_time(void **state) {
  (void)state;
  first_request();
  begin_run(RUN);
  ask("/s/m k=v (7)\n");
  begin_run(RUN);
  plain("grpc-timeout", "100S");
  plain("a", "1");
  ask("/s/m in 100 s k=v a=1 (7)\n");
  begin_run(RUN);
  plain("a", "2");
  plain("k", "w");
  ask("/s/m k=v a=2 k=w (7)\n");
  begin_run(RUN);
  ask("/s/m k=v (7)\n");
  begin_run(RUN "\xbe");
  ask("/s/m k=v k=v (7)\n");
}

static void a_part_of_the_run_is_not_the_run(void **state) {
  (void)state;
  first_request();
  begin_run(RUN);
  ask("/s/m k=v (7)\n");
  begin_run(POST_HTTP "\xc2\xc1\xc0\xbf");
  ask("/s/m (7)\n");
  begin_run(RUN);
  ask("/s/m k=v (7)\n");
}

static void the_same_bytes_mean_other_fields_in_another_table(void **state) {
  (void)state;
  first_request();
  begin_run(RUN);
  ask("/s/m k=v (7)\n");
  begin_run(RUN);
  insert("a", "1"); /* all indexes move */
  ask("/s/m k=v a=1 (7)\n");
  begin_run("\x83\x86\xc3\xc2\xc1\xc0\xbf\xbe");
  ask("/s/m k=v a=1 (7)\n");
  requests_ask_block((block.len = 0, indexes(RUN), raw_block_slice(&block))); /* no path in it */
  requests_expect_reset(FC__H2_PROTOCOL_ERROR);
}

static void an_entry_that_changes_its_meaning_is_not_taken_for_the_old(void **state) {
  (void)state;
  first_request();
  begin_run(RUN);
  ask("/s/m k=v (7)\n");
  block.len = 0;
  indexes("\x83\x86\xc1\xc0\xbf\xbe");
  insert(":path", "/s/wrong"); /* late, so malformed, and in the table */
  requests_ask_block(raw_block_slice(&block));
  requests_expect_reset(FC__H2_PROTOCOL_ERROR);
  begin_run("\x83\x86\xbe\xc2\xc1\xc0\xbf");
  ask("/s/wrong k=v (7)\n");
  begin_run("\x83\x86\xbe\xc2\xc1\xc0\xbf");
  ask("/s/wrong k=v (7)\n");
  begin_run("\x83\x86\xc3\xc2\xc1\xc0\xbf");
  ask("/s/m k=v (7)\n");
}

static void methods_may_alternate(void **state) {
  (void)state;
  first_request();
  block.len = 0;
  indexes(POST_HTTP);
  insert(":path", "/s/other");
  indexes("\xc2\xc1\xc0");
  ask("/s/other (7)\n");
  for (int i = 0; i < 4; i++) {
    begin_run("\x83\x86\xbe\xc2\xc1\xc0");
    ask("/s/other (7)\n");
    begin_run("\x83\x86\xc3\xc2\xc1\xc0\xbf");
    ask("/s/m k=v (7)\n");
  }
}

/* RFC 7541 section 4.2 */
static void a_size_update_behind_the_run_ends_the_connection(void **state) {
  (void)state;
  first_request();
  begin_run(RUN);
  ask("/s/m k=v (7)\n");
  begin_run(RUN);
  block.bytes[block.len++] = 0x20;
  requests_ask_block(raw_block_slice(&block));
  assert_non_null(strstr(requests.said, "COMPRESSION_ERROR"));
  assert_null(requests.end.transport);
}

static void a_size_update_before_the_run_changes_what_it_means(void **state) {
  (void)state;
  first_request();
  begin_run(RUN);
  ask("/s/m k=v (7)\n");
  block.len = 0;
  block.bytes[block.len++] = 0x20; /* empties the table */
  indexes(RUN);
  requests_ask_block(raw_block_slice(&block));
  assert_non_null(strstr(requests.said, "COMPRESSION_ERROR"));
}

static void errors_in_a_run_are_found_each_time(void **state) {
  (void)state;
  first_request();
  block.len = 0;
  indexes("\x83\x86\xc2\xc1\xc0\xbf");
  insert("k-bin", "%%%");
  for (int i = 0; i < 4; i++) {
    requests_ask_block(raw_block_slice(&block));
    requests_expect(FC_CODE_INTERNAL, "base64");
    begin_run("\x83\x86\xc3\xc2\xc1\xc0\xbe");
  }
  begin_run("\x83\x86\xc3\xc2\xc0\xbf"); /* without te */
  for (int i = 0; i < 3; i++) {
    requests_ask_block(raw_block_slice(&block));
    requests_expect(FC_CODE_UNKNOWN, "te");
  }
  begin_run("\x83\x86\xc3\xc2\xc1\xc0");
  ask("/s/m (7)\n");
}

static void what_a_run_may_say_once_it_may_not_say_again_behind(void **state) {
  (void)state;
  first_request();
  begin_run("\x83\x86\xc2\xc1\xc0\xbf");
  insert("grpc-timeout", "100S");
  ask("/s/m in 100 s (7)\n");
  for (int i = 0; i < 3; i++) {
    begin_run("\x83\x86\xc3\xc2\xc1\xc0\xbe");
    ask("/s/m in 100 s (7)\n");
    begin_run("\x83\x86\xc3\xc2\xc1\xc0\xbe");
    plain("grpc-timeout", "100S");
    requests_ask_block(raw_block_slice(&block));
    requests_expect(FC_CODE_INTERNAL, "grpc-timeout");
    begin_run("\x83\x86\xc3\xc2\xc1\xc0\xbe\xc3"); /* the path */
    requests_ask_block(raw_block_slice(&block));
    requests_expect_reset(FC__H2_PROTOCOL_ERROR);
  }
}

static void a_runs_encoding_and_content_length_hold(void **state) {
  (void)state;
  first_request();
  begin_run("\x83\x86\xc2\xc1\xc0\xbf");
  insert("grpc-encoding", "snappy");
  requests_ask_block(raw_block_slice(&block));
  requests_expect(FC_CODE_UNIMPLEMENTED, "grpc-encoding");
  begin_run("\x83\x86\xc3\xc2\xc1\xc0");
  insert("content-length", "12");
  ask("/s/m (7)\n");
  for (int i = 0; i < 3; i++) {
    begin_run("\x83\x86\xc4\xc3\xc2\xc1\xbe");
    ask("/s/m (7)\n");
    begin_run("\x83\x86\xc4\xc3\xc2\xc1\xbf");
    requests_ask_block(raw_block_slice(&block));
    requests_expect(FC_CODE_UNIMPLEMENTED, "grpc-encoding");
  }
  begin_run("\x83\x86\xc4\xc3\xc2\xc1\xbe");
  requests_begin("", 0); /* takes the number; the block is another */
  requests.end.peer.in.len = 0;
  raw_end_block(&requests.end, requests.id, 0, raw_block_slice(&block));
  raw_end_message(&requests.end, requests.id, FC__H2_END_STREAM, 0, TEXT("longer than that"));
  requests_go();
  assert_non_null(strstr(requests.said, "PROTOCOL_ERROR"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      REQUEST_TEST(the_same_run_is_the_same_request),
      REQUEST_TEST(what_follows_the_run_is_read_each_time),
      REQUEST_TEST(a_part_of_the_run_is_not_the_run),
      REQUEST_TEST(the_same_bytes_mean_other_fields_in_another_table),
      REQUEST_TEST(an_entry_that_changes_its_meaning_is_not_taken_for_the_old),
      REQUEST_TEST(methods_may_alternate),
      REQUEST_TEST(a_size_update_behind_the_run_ends_the_connection),
      REQUEST_TEST(a_size_update_before_the_run_changes_what_it_means),
      REQUEST_TEST(errors_in_a_run_are_found_each_time),
      REQUEST_TEST(what_a_run_may_say_once_it_may_not_say_again_behind),
      REQUEST_TEST(a_runs_encoding_and_content_length_hold),
  };
  return requests_run(tests, sizeof tests / sizeof *tests);
}
