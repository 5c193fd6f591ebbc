/* What an encoder writes, byte for byte, and when its table changes. */
#include <stdlib.h>

#include "support/check.h"
#include "support/hpack_record.h"

enum { MOST = 1 << 20 };

static struct fc__hpack_encoder *encoder;
static struct fc__hpack_decoder *decoder; /* the peer's */
static struct fc__buf out;

static int start(void **state) {
  (void)state;
  encoder = fc__hpack_encoder_create();
  decoder = fc__hpack_decoder_create(FC__HPACK_TABLE_DEFAULT, MOST);
  fc__buf_init(&out, MOST);
  return encoder && decoder ? 0 : -1;
}

static int stop(void **state) {
  (void)state;
  fc__hpack_encoder_destroy(encoder);
  fc__hpack_decoder_destroy(decoder);
  fc__buf_finish(&out);
  return 0;
}

static void put(const char *name, const char *value, enum fc__hpack_indexing how) {
  assert_true(fc__hpack_encode(encoder, &out, fc_slice_from_string(name),
                               fc_slice_from_string(value), how));
}

/* Ends the block: it has these bytes, and the peer reads these fields. */
static void expect(const char *digits, const char *fields) {
  struct hpack_bytes expected = hpack_hex(digits);
  struct hpack_record r = {0};
  assert_int_equal(out.len, expected.len);
  assert_memory_equal(out.data, expected.data, expected.len);
  assert_int_equal(hpack_decode_block(decoder, (fc_slice){out.data, out.len}, SIZE_MAX, &r),
                   FC__HPACK_OK);
  assert_string_equal(hpack_record_text(&r), fields);
  hpack_record_clear(&r);
  free(expected.data);
  out.len = 0;
}

/* RFC 7541 section 6.1 and appendix A */
static void a_field_of_the_static_table_is_one_byte(void **state) {
  (void)state;
  put(":method", "POST", FC__HPACK_INDEX);
  put(":scheme", "https", FC__HPACK_LITERAL);
  put(":status", "200", FC__HPACK_INDEX);
  put(":status", "500", FC__HPACK_INDEX);
  put("accept-encoding", "gzip, deflate", FC__HPACK_INDEX);
  put("www-authenticate", "", FC__HPACK_INDEX);
  expect("83 87 88 8e 90 bd",
         ":method: POST\n:scheme: https\n:status: 200\n:status: 500\n"
         "accept-encoding: gzip, deflate\nwww-authenticate: \n");
}

static void an_indexed_field_is_one_byte_from_its_second_time_on(void **state) {
  (void)state;
  put("te", "trailers", FC__HPACK_INDEX);
  put(":path", "/a", FC__HPACK_INDEX);
  expect("40 02 7465 08 747261696c657273 44 02 2f61", "te: trailers\n:path: /a\n");
  put("te", "trailers", FC__HPACK_INDEX);
  put(":path", "/a", FC__HPACK_INDEX);
  put(":path", "/b", FC__HPACK_INDEX);
  put("te", "trailers", FC__HPACK_LITERAL); /* an exact match is used */
  expect("bf be 44 02 2f62 c0", "te: trailers\n:path: /a\n:path: /b\nte: trailers\n");
}

static void a_name_in_the_dynamic_table_is_used(void **state) {
  (void)state;
  put("grpc-status", "0", FC__HPACK_INDEX);
  put("grpc-status", "5", FC__HPACK_LITERAL);
  put("grpc-status", "6", FC__HPACK_NEVER);
  put("grpc-status", "7", FC__HPACK_INDEX);
  expect("40 0b 677270632d737461747573 01 30 0f 2f 01 35 1f 2f 01 36 7e 01 37",
         "grpc-status: 0\ngrpc-status: 5\nnever grpc-status: 6\ngrpc-status: 7\n");
}

/* RFC 7541 section 7.1.3: a field that must never be indexed is a literal even where it is in a
 * table. */
static void a_secret_is_never_an_index(void **state) {
  (void)state;
  put(":method", "GET", FC__HPACK_NEVER);
  put("te", "trailers", FC__HPACK_INDEX);
  out.len = 0;
  hpack_assert_block(decoder, "40 02 7465 08 747261696c657273", "te: trailers\n");
  uint64_t generation = fc__hpack_encoder_generation(encoder);
  put("te", "trailers", FC__HPACK_NEVER);
  put("authorization", "x", FC__HPACK_NEVER);
  expect("1f 2f 08 747261696c657273 1f 08 01 78", "never te: trailers\nnever authorization: x\n");
  assert_true(fc__hpack_encoder_generation(encoder) == generation);
}

/* RFC 7541 section 5.2 leaves the choice; code would cost both ends more than the bytes it saves. */
static void a_secret_is_not_huffman_coded(void **state) {
  (void)state;
  put("authorization", "Bearer aaaa", FC__HPACK_NEVER);
  expect("1f 08 0b 4265617265722061616161", "never authorization: Bearer aaaa\n");
  put("authorization", "Bearer aaaaaaaa", FC__HPACK_NEVER);
  expect("1f 08 0f 426561726572206161616161616161", "never authorization: Bearer aaaaaaaa\n");
}

static void a_literal_does_not_enter_the_table(void **state) {
  (void)state;
  for (int i = 0; i < 2; i++) {
    put("x", "1", FC__HPACK_LITERAL);
    expect("00 01 78 01 31", "x: 1\n");
  }
}

/* RFC 7541 section 5.2: Huffman code where it is shorter; short strings are not worth it. */
static void long_strings_are_huffman_coded_when_shorter(void **state) {
  (void)state;
  put(":authority", "www.example.com", FC__HPACK_LITERAL);
  expect("01 8c f1e3c2e5f23a6ba0ab90f4ff", ":authority: www.example.com\n");
  put(":authority", "aaaaaaaaaaa", FC__HPACK_LITERAL);
  expect("01 0b 6161616161616161616161", ":authority: aaaaaaaaaaa\n");
  put(":authority", "\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01", FC__HPACK_LITERAL);
  expect("01 0c 010101010101010101010101",
         ":authority: \\x01\\x01\\x01\\x01\\x01\\x01\\x01\\x01\\x01\\x01\\x01\\x01\n");
}

/* A field that would evict most of the others is sent as it is. */
static void a_field_that_would_fill_the_table_is_not_inserted(void **state) {
  (void)state;
  static char value[3072];
  memset(value, 'z', sizeof value - 1);
  uint64_t generation = fc__hpack_encoder_generation(encoder);
  put("x", value, FC__HPACK_INDEX);
  assert_true(fc__hpack_encoder_generation(encoder) == generation);
  value[3072 - 32 - 1] = '\0';
  put("x", value, FC__HPACK_INDEX);
  assert_false(fc__hpack_encoder_generation(encoder) == generation);
}

/* RFC 7541 section 4.2: the smallest size and the final one, at the beginning of the next block. */
static void a_smaller_table_is_announced(void **state) {
  (void)state;
  put("x", "1", FC__HPACK_INDEX);
  expect("40 01 78 01 31", "x: 1\n");
  fc__hpack_encoder_set_table_max(encoder, 100);
  put("x", "1", FC__HPACK_INDEX);
  put("x", "1", FC__HPACK_INDEX);
  expect("3f45 be be", "x: 1\nx: 1\n");
  fc__hpack_encoder_set_table_max(encoder, 0);
  fc__hpack_encoder_set_table_max(encoder, 200);
  put("x", "1", FC__HPACK_INDEX);
  expect("20 3fa901 40 01 78 01 31", "x: 1\n");
  fc__hpack_encoder_set_table_max(encoder, 0);
  put("x", "1", FC__HPACK_INDEX);
  put("x", "1", FC__HPACK_INDEX);
  expect("20 00 01 78 01 31 00 01 78 01 31", "x: 1\nx: 1\n");
}

/* More than we use of it anyway is nothing to announce. */
static void a_larger_table_is_not_used(void **state) {
  (void)state;
  fc__hpack_encoder_set_table_max(encoder, 1 << 30);
  put(":method", "GET", FC__HPACK_INDEX);
  expect("82", ":method: GET\n");
  fc__hpack_encoder_set_table_max(encoder, 4095);
  fc__hpack_encoder_set_table_max(encoder, 1 << 30);
  put(":method", "GET", FC__HPACK_INDEX);
  expect("3fe01f 3fe11f 82", ":method: GET\n");
}

static void a_restart_empties_both_tables(void **state) {
  (void)state;
  put("x", "1", FC__HPACK_INDEX);
  out.len = 0; /* never sent */
  fc__hpack_encoder_restart(encoder);
  put("x", "1", FC__HPACK_INDEX);
  expect("20 3fe11f 40 01 78 01 31", "x: 1\n");
  put("x", "1", FC__HPACK_INDEX);
  expect("be", "x: 1\n");
}

static void updates_can_be_sent_before_a_stateless_block(void **state) {
  (void)state;
  assert_true(fc__hpack_encode_updates(encoder, &out));
  expect("", "");
  fc__hpack_encoder_set_table_max(encoder, 100);
  uint64_t generation = fc__hpack_encoder_generation(encoder);
  assert_true(fc__hpack_encode_updates(encoder, &out));
  assert_false(fc__hpack_encoder_generation(encoder) == generation);
  assert_true(fc__hpack_encode_stateless(&out, TEXT("x"), TEXT("1"), false));
  assert_true(fc__hpack_encode_stateless(&out, TEXT(":method"), TEXT("GET"), false));
  assert_true(fc__hpack_encode_stateless(&out, TEXT(":method"), TEXT("GET"), true));
  assert_true(fc__hpack_encode_stateless(&out, TEXT(":status"), TEXT("201"), false));
  expect("3f45 00 01 78 01 31 82 12 03 474554 08 03 323031",
         "x: 1\n:method: GET\nnever :method: GET\n:status: 201\n");
}

/* The bytes of a run may be sent again as long as the generation is the same. */
static void the_generation_tells_when_bytes_may_be_replayed(void **state) {
  (void)state;
  uint64_t first = fc__hpack_encoder_generation(encoder);
  assert_true(first != 0);
  put("x", "1", FC__HPACK_INDEX);
  expect("40 01 78 01 31", "x: 1\n");
  uint64_t second = fc__hpack_encoder_generation(encoder);
  assert_true(second != first);
  put("x", "1", FC__HPACK_INDEX);
  put("y", "2", FC__HPACK_LITERAL);
  assert_true(fc__hpack_encoder_generation(encoder) == second);
  assert_true(fc__buf_append(&out, "\xbe", 1));
  expect("be 00 01 79 01 32 be", "x: 1\ny: 2\nx: 1\n");
  fc__hpack_encoder_set_table_max(encoder, 4096);
  assert_true(fc__hpack_encoder_generation(encoder) == second);
  fc__hpack_encoder_set_table_max(encoder, 1000);
  uint64_t third = fc__hpack_encoder_generation(encoder);
  assert_true(third != second);
  put("x", "1", FC__HPACK_INDEX);
  assert_true(fc__hpack_encoder_generation(encoder) != third); /* an update was written */
}

static void without_room_nothing_changes(void **state) {
  (void)state;
  uint8_t room[64];
  size_t bound = fc__hpack_bound(1, 1);
  struct fc__buf small = {.data = room, .cap = bound - 1, .max = bound - 1};
  uint64_t generation = fc__hpack_encoder_generation(encoder);
  assert_false(fc__hpack_encode(encoder, &small, TEXT("x"), TEXT("1"), FC__HPACK_INDEX));
  assert_false(fc__hpack_encode_stateless(&small, TEXT("x"), TEXT("1"), false));
  assert_int_equal(small.len, 0);
  assert_true(fc__hpack_encoder_generation(encoder) == generation);
  fc__hpack_encoder_set_table_max(encoder, 100);
  small.max = small.cap = 1;
  assert_false(fc__hpack_encode_updates(encoder, &small));
  put(":method", "GET", FC__HPACK_INDEX);
  expect("3f45 82", ":method: GET\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_field_of_the_static_table_is_one_byte),
      TEST(an_indexed_field_is_one_byte_from_its_second_time_on),
      TEST(a_name_in_the_dynamic_table_is_used),
      TEST(a_secret_is_never_an_index),
      TEST(a_secret_is_not_huffman_coded),
      TEST(a_literal_does_not_enter_the_table),
      TEST(long_strings_are_huffman_coded_when_shorter),
      TEST(a_field_that_would_fill_the_table_is_not_inserted),
      TEST(a_smaller_table_is_announced),
      TEST(a_larger_table_is_not_used),
      TEST(a_restart_empties_both_tables),
      TEST(updates_can_be_sent_before_a_stateless_block),
      TEST(the_generation_tells_when_bytes_may_be_replayed),
      TEST(without_room_nothing_changes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
