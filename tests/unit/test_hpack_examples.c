/* The examples of RFC 7541 appendix C, all of them, whole and split in every way. */
#include <stdlib.h>

#include "support/check.h"
#include "support/hpack_record.h"

struct example {
  const char *block, *fields;
};

/* Blocks of one connection, and what the dynamic table holds after the last, newest first. */
struct group {
  const char *section;
  size_t table_max, count;
  struct example examples[3];
  const char *table[4];
};

#define REQUEST_1 ":method: GET\n:scheme: http\n:path: /\n:authority: www.example.com\n"
#define REQUEST_2 REQUEST_1 "cache-control: no-cache\n"
#define REQUEST_3                                                                                  \
  ":method: GET\n:scheme: https\n:path: /index.html\n:authority: www.example.com\n"                \
  "custom-key: custom-value\n"
#define REQUEST_TABLES                                                                             \
  {                                                                                                \
    ":authority: www.example.com\n", "cache-control: no-cache\n:authority: www.example.com\n",     \
        "custom-key: custom-value\ncache-control: no-cache\n:authority: www.example.com\n",        \
  }

#define DATE_21 "date: Mon, 21 Oct 2013 20:13:21 GMT\n"
#define DATE_22 "date: Mon, 21 Oct 2013 20:13:22 GMT\n"
#define LOCATION "location: https://www.example.com\n"
#define COOKIE "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1\n"
#define RESPONSE_1 ":status: 302\ncache-control: private\n" DATE_21 LOCATION
#define RESPONSE_2 ":status: 307\ncache-control: private\n" DATE_21 LOCATION
#define RESPONSE_3                                                                                 \
  ":status: 200\ncache-control: private\n" DATE_22 LOCATION "content-encoding: gzip\n" COOKIE
#define RESPONSE_TABLES                                                                            \
  {                                                                                                \
    LOCATION DATE_21 "cache-control: private\n:status: 302\n",                                     \
        ":status: 307\n" LOCATION DATE_21 "cache-control: private\n",                              \
        COOKIE "content-encoding: gzip\n" DATE_22,                                                 \
  }

static const struct group groups[] = {
    {"C.2.1",
     4096,
     1,
     {{"400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
       "custom-key: custom-header\n"}},
     {"custom-key: custom-header\n"}},
    {"C.2.2", 4096, 1, {{"040c 2f73 616d 706c 652f 7061 7468", ":path: /sample/path\n"}}, {""}},
    {"C.2.3",
     4096,
     1,
     {{"1008 7061 7373 776f 7264 0673 6563 7265 74", "never password: secret\n"}},
     {""}},
    {"C.2.4", 4096, 1, {{"82", ":method: GET\n"}}, {""}},
    {"C.3",
     4096,
     3,
     {{"8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", REQUEST_1},
      {"8286 84be 5808 6e6f 2d63 6163 6865", REQUEST_2},
      {"8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65", REQUEST_3}},
     REQUEST_TABLES},
    {"C.4",
     4096,
     3,
     {{"8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", REQUEST_1},
      {"8286 84be 5886 a8eb 1064 9cbf", REQUEST_2},
      {"8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf", REQUEST_3}},
     REQUEST_TABLES},
    {"C.5",
     256,
     3,
     {{"4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a"
       "3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
       RESPONSE_1},
      {"4803 3330 37c1 c0bf", RESPONSE_2},
      {"88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04"
       "677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49"
       "553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31",
       RESPONSE_3}},
     RESPONSE_TABLES},
    {"C.6",
     256,
     3,
     {{"4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e"
       "919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
       RESPONSE_1},
      {"4883 640e ffc1 c0bf", RESPONSE_2},
      {"88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7"
       "821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed"
       "4ee5 b106 3d50 07",
       RESPONSE_3}},
     RESPONSE_TABLES},
};

enum { GROUPS = sizeof groups / sizeof groups[0], NO_LIMIT = 65536 };

/* A decoder that has read the first count blocks of a group. */
static struct fc__hpack_decoder *decoder_after(const struct group *g, size_t count) {
  struct fc__hpack_decoder *d = fc__hpack_decoder_create(g->table_max, NO_LIMIT);
  assert_non_null(d);
  for (size_t i = 0; i < count; i++) {
    hpack_assert_block(d, g->examples[i].block, g->examples[i].fields);
  }
  return d;
}

static size_t lines(const char *text) {
  size_t count = 0;
  for (; *text; text++) count += *text == '\n';
  return count;
}

/* Reads the dynamic table through its indices, and one index more, which must not exist. */
static void assert_table(struct fc__hpack_decoder *d, const char *expected) {
  struct hpack_record r = {0};
  uint8_t indices[128];
  size_t count = lines(expected);
  for (size_t i = 0; i <= count; i++) indices[i] = (uint8_t)(0x80 + 62 + i);
  assert_int_equal(fc__hpack_decode(d, (fc_slice){indices, count}, true, hpack_record_field, &r),
                   FC__HPACK_OK);
  assert_string_equal(hpack_record_text(&r), expected);
  assert_int_equal(hpack_decode_block(d, (fc_slice){indices + count, 1}, 1, &r), FC__HPACK_ERROR);
  hpack_record_clear(&r);
}

static void examples_decode_and_leave_the_table_shown(void **state) {
  (void)state;
  for (size_t g = 0; g < GROUPS; g++) {
    for (size_t i = 0; i < groups[g].count; i++) {
      struct fc__hpack_decoder *d = decoder_after(&groups[g], i + 1);
      assert_table(d, groups[g].table[i]);
      fc__hpack_decoder_destroy(d);
    }
  }
}

static void decode_in_three(const struct group *g, size_t i, fc_slice block, size_t first,
                            size_t second) {
  struct fc__hpack_decoder *d = decoder_after(g, i);
  struct hpack_record r = {0};
  const size_t ends[] = {first, second, block.len};
  for (size_t part = 0, at = 0; part < 3; at = ends[part++]) {
    uint8_t *exact = exact_copy((fc_slice){block.data + at, ends[part] - at});
    fc_slice slice = {exact, ends[part] - at};
    assert_int_equal(fc__hpack_decode(d, slice, part == 2, hpack_record_field, &r), FC__HPACK_OK);
    test_free(exact);
  }
  assert_string_equal(hpack_record_text(&r), g->examples[i].fields);
  hpack_record_clear(&r);
  fc__hpack_decoder_destroy(d);
}

static void examples_decode_alike_however_they_are_split(void **state) {
  (void)state;
  for (size_t g = 0; g < GROUPS; g++) {
    for (size_t i = 0; i < groups[g].count; i++) {
      struct hpack_bytes bytes = hpack_hex(groups[g].examples[i].block);
      fc_slice block = {bytes.data, bytes.len};
      for (size_t first = 0; first <= block.len; first++) {
        /* Every pair where strings are Huffman-coded would take seconds and show nothing new. */
        size_t step = block.len > 60 ? 7 : 1;
        for (size_t second = first; second <= block.len; second += step) {
          decode_in_three(&groups[g], i, block, first, second);
        }
      }
      free(bytes.data);
    }
  }
}

static void examples_decode_byte_by_byte(void **state) {
  (void)state;
  for (size_t g = 0; g < GROUPS; g++) {
    struct fc__hpack_decoder *d = decoder_after(&groups[g], 0);
    for (size_t i = 0; i < groups[g].count; i++) {
      struct hpack_bytes bytes = hpack_hex(groups[g].examples[i].block);
      struct hpack_record r = {0};
      assert_int_equal(hpack_decode_block(d, (fc_slice){bytes.data, bytes.len}, 1, &r),
                       FC__HPACK_OK);
      assert_string_equal(hpack_record_text(&r), groups[g].examples[i].fields);
      hpack_record_clear(&r);
      free(bytes.data);
    }
    fc__hpack_decoder_destroy(d);
  }
}

/* Marks the places of a group's first block where a field has just been reported. */
static void find_ends_of_fields(const struct group *g, fc_slice block, bool *ends) {
  struct fc__hpack_decoder *d = decoder_after(g, 0);
  struct hpack_record r = {0};
  ends[0] = true;
  for (size_t at = 0, fields = 0; at < block.len; at++, fields = r.fields) {
    fc_slice byte = {block.data + at, 1};
    assert_int_equal(fc__hpack_decode(d, byte, false, hpack_record_field, &r), FC__HPACK_OK);
    ends[at + 1] = r.fields > fields;
  }
  hpack_record_clear(&r);
  fc__hpack_decoder_destroy(d);
}

/* RFC 7541 section 6: a block is a sequence of representations, so it cannot end within one. */
static void examples_cut_within_a_field_are_refused(void **state) {
  (void)state;
  for (size_t g = 0; g < GROUPS; g++) {
    bool ends[128];
    struct hpack_bytes bytes = hpack_hex(groups[g].examples[0].block);
    find_ends_of_fields(&groups[g], (fc_slice){bytes.data, bytes.len}, ends);
    for (size_t len = 0; len <= bytes.len; len++) {
      struct fc__hpack_decoder *d = decoder_after(&groups[g], 0);
      struct hpack_record r = {0};
      assert_int_equal(hpack_decode_block(d, (fc_slice){bytes.data, len}, SIZE_MAX, &r),
                       ends[len] ? FC__HPACK_OK : FC__HPACK_ERROR);
      hpack_record_clear(&r);
      fc__hpack_decoder_destroy(d);
    }
    free(bytes.data);
  }
}

/* C.1.1 and C.1.2: 10 and 1337 with a prefix of five bits, which size updates have. */
static void integers_are_written_as_shown(void **state) {
  (void)state;
  static const struct {
    size_t size;
    const char *block;
  } known[] = {{10, "2a"}, {1337, "3f9a0a"}};
  for (size_t i = 0; i < 2; i++) {
    struct fc__hpack_encoder *e = fc__hpack_encoder_create();
    struct fc__buf out;
    struct hpack_bytes expected = hpack_hex(known[i].block);
    fc__buf_init(&out, 64);
    fc__hpack_encoder_set_table_max(e, known[i].size);
    assert_true(fc__hpack_encode_updates(e, &out));
    assert_int_equal(out.len, expected.len);
    assert_memory_equal(out.data, expected.data, expected.len);
    fc__buf_finish(&out);
    fc__hpack_encoder_destroy(e);
    free(expected.data);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(examples_decode_and_leave_the_table_shown),
      cmocka_unit_test(examples_decode_alike_however_they_are_split),
      cmocka_unit_test(examples_decode_byte_by_byte),
      cmocka_unit_test(examples_cut_within_a_field_are_refused),
      cmocka_unit_test(integers_are_written_as_shown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
