/* What a decoder must refuse and what it must not, rule by rule. */
#include <stdio.h>
#include <stdlib.h>

#include "support/check.h"
#include "support/hpack_record.h"

enum { TABLE = 256, MAX_STRING = 128 };

/* Decodes blocks, separated by "/", with a fresh decoder; all but the last must be good. */
static enum fc__hpack_result decode(const char *blocks) {
  struct fc__hpack_decoder *d = fc__hpack_decoder_create(TABLE, MAX_STRING);
  struct hpack_record r = {0};
  char *copy = strdup(blocks), *next = copy;
  enum fc__hpack_result result = FC__HPACK_OK;
  while (next) {
    assert_int_equal(result, FC__HPACK_OK);
    char *block = strsep(&next, "/");
    result = hpack_decode_hex(d, block, &r);
  }
  /* An error is for good: the tables can no longer be trusted. */
  assert_int_equal(hpack_decode_hex(d, "82", &r), result);
  hpack_record_clear(&r);
  fc__hpack_decoder_destroy(d);
  free(copy);
  return result;
}

#define assert_good(blocks) assert_int_equal(decode(blocks), FC__HPACK_OK)
#define assert_bad(blocks) assert_int_equal(decode(blocks), FC__HPACK_ERROR)

/* RFC 7541 section 6.1: index 0 is not used. */
static void index_zero_is_refused(void **state) {
  (void)state;
  assert_bad("80");
  assert_bad("82 80");
}

/* RFC 7541 section 2.3.3: an index greater than the length of both tables is an error. */
static void an_index_past_the_tables_is_refused(void **state) {
  (void)state;
  assert_good("bd");                           /* 61, the last static one */
  assert_bad("be");                            /* 62, with nothing inserted */
  assert_good("40 01 61 01 62 / be");          /* inserted before */
  assert_good("40 01 61 01 62 be");            /* inserted in the same block */
  assert_bad("40 01 61 01 62 / bf");           /* one more */
  assert_bad("40 01 61 01 62 / ff 80 7f");     /* far more */
  assert_bad("7f 00 01 62");                   /* 63 as the name of a literal: section 6.2.1 */
  assert_bad("0f 30 01 62");                   /* 6.2.2 */
  assert_bad("1f 30 01 62");                   /* 6.2.3 */
  assert_good("40 01 61 01 62 / 7e 01 63 bf"); /* 62 as a name */
}

/* RFC 7541 section 5.1, and a limit of ours: at most 16 bytes that only pad. CVE-2023-33953 */
static void integers_may_be_padded_a_little(void **state) {
  (void)state;
#define PAD4 "80 80 80 80 "
#define PAD16 PAD4 PAD4 PAD4 PAD4
  assert_good("1f 00 01 62");                           /* name index 15, no padding */
  assert_good("1f 80 00 01 62");                        /* one byte of it */
  assert_good("1f 80 80 80 80 80 " PAD16 "00 01 62");   /* as much as we take */
  assert_bad("1f 80 80 80 80 80 " PAD16 "80 00 01 62"); /* one more, section 5.1: octet length */
  assert_bad("1f " PAD16 PAD16 PAD16 PAD16);            /* without end */
  assert_good("00 01 61 7f 80 80 80 80 80 " PAD16
              "00" /* length 127 of a value */
              "61616161616161616161616161616161 61616161616161616161616161616161"
              "61616161616161616161616161616161 61616161616161616161616161616161"
              "61616161616161616161616161616161 61616161616161616161616161616161"
              "61616161616161616161616161616161 616161616161616161616161616161");
  assert_bad("00 01 61 7f 80 80 80 80 80 " PAD16 "80 00"); /* of a value */
  assert_bad("00 7f 80 80 80 80 80 " PAD16 "80 00");       /* of a name */
  assert_bad("3f 80 80 80 80 80 " PAD16 "80 00");          /* of a size update */
}

/* RFC 7541 section 5.1: a value past the decoder's limit is an error. */
static void integers_that_overflow_are_refused(void **state) {
  (void)state;
  assert_bad("ff ff ff ff ff ff 7f");                      /* more than 32 bits */
  assert_bad("ff 81 ff ff ff 0f");                         /* 2^32, which would wrap to 0 */
  assert_bad("ff 80 80 80 80 10");                         /* the 33rd bit alone */
  assert_bad("ff ff ff ff ff ff ff ff ff ff 01");          /* 64 bits */
  assert_bad("00 7f ff ff ff ff ff ff ff ff ff 01");       /* the length of a name */
  assert_bad("00 01 61 7f ff ff ff ff ff ff ff ff ff 01"); /* of a value */
  assert_bad("00 01 61 7f ff ff ff ff 0f");                /* 4 GiB of it */
}

/* RFC 7541 section 5.2: EOS, padding that is longer than 7 bits, and padding that is not the
 * beginning of EOS. */
static void broken_huffman_strings_are_refused(void **state) {
  (void)state;
  assert_good("00 01 61 81 1f");            /* "a", padded with 3 ones */
  assert_bad("00 01 61 81 1e");             /* with 110 */
  assert_bad("00 01 61 81 18");             /* with zeros */
  assert_bad("00 01 61 82 1f ff");          /* with 11 ones */
  assert_bad("00 01 61 81 ff");             /* 8 ones and no symbol */
  assert_bad("00 01 61 84 ff ff ff ff");    /* EOS */
  assert_bad("00 01 61 84 ff ff ff fc");    /* EOS, then zeros */
  assert_bad("00 01 61 85 1f ff ff ff ff"); /* EOS behind a symbol */
  assert_bad("00 81 ff 01 61");             /* in a name */
  assert_good("00 01 61 80");               /* nothing at all */
  assert_good("00 01 61 84 ff ff ff f3");   /* LF, one of the longest codes, and its padding */
}

/* RFC 7541 section 4.2: updates come first in a block, at most two; 6.3: and not above what we
 * advertised. */
static void size_updates_have_their_place_and_limit(void **state) {
  (void)state;
  assert_good("20 / 82");
  assert_good("3f e1 01 82"); /* 256 */
  assert_bad("3f e2 01 82");  /* 257 */
  assert_good("20 3f e1 01 82");
  assert_good("20 3f e1 01"); /* a block of updates alone */
  assert_bad("20 20 20 82");
  assert_bad("82 20");
  assert_bad("82 3f e1 01");
  assert_bad("20 82 20");
  assert_bad("04 01 61 20");
  assert_good("20 / 20 / 20 20 / 82"); /* each block anew */
  assert_bad("3f e1 01 20 3f e1 01 82");
}

/* RFC 7541 section 4.3: a smaller size evicts; 4.2: size 0 clears the table. */
static void size_updates_evict(void **state) {
  (void)state;
  assert_good("40 01 61 01 62 40 01 63 01 64 / bf");
  assert_good("40 01 61 01 62 40 01 63 01 64 / 3f 03 be"); /* 34: room for one */
  assert_bad("40 01 61 01 62 40 01 63 01 64 / 3f 03 bf");
  assert_bad("40 01 61 01 62 40 01 63 01 64 / 3f 02 be"); /* 33: for none */
  assert_bad("40 01 61 01 62 / 20 3f e1 01 be");
}

static struct fc__hpack_decoder *decoder_told(const size_t *sizes, size_t count) {
  struct fc__hpack_decoder *d = fc__hpack_decoder_create(TABLE, MAX_STRING);
  for (size_t i = 0; i < count; i++) fc__hpack_decoder_set_table_max(d, sizes[i]);
  return d;
}

static void assert_after_settings(const size_t *sizes, size_t count, const char *block,
                                  enum fc__hpack_result expected) {
  struct fc__hpack_decoder *d = decoder_told(sizes, count);
  struct hpack_record r = {0};
  assert_int_equal(hpack_decode_hex(d, block, &r), expected);
  hpack_record_clear(&r);
  fc__hpack_decoder_destroy(d);
}

/* RFC 7541 section 4.2: the change must be signalled where the first block after it begins. */
static void a_reduction_of_ours_must_be_followed(void **state) {
  (void)state;
  const size_t lower[] = {100}, dip[] = {100, TABLE}, higher[] = {1000}, none[] = {0};
  assert_after_settings(lower, 1, "82", FC__HPACK_ERROR);
  assert_after_settings(lower, 1, "04 01 61", FC__HPACK_ERROR);
  assert_after_settings(lower, 1, "3f 45 82", FC__HPACK_OK);    /* 100 */
  assert_after_settings(lower, 1, "3f 46 82", FC__HPACK_ERROR); /* 101 */
  assert_after_settings(lower, 1, "20 3f 45 82", FC__HPACK_OK); /* lower still, then it */
  assert_after_settings(dip, 2, "82", FC__HPACK_ERROR);         /* the smallest must be signalled */
  assert_after_settings(dip, 2, "3f e1 01 82", FC__HPACK_ERROR);
  assert_after_settings(dip, 2, "3f 45 3f e1 01 82", FC__HPACK_OK);
  assert_after_settings(higher, 1, "82", FC__HPACK_OK); /* more is an offer */
  assert_after_settings(higher, 1, "3f c9 07 82", FC__HPACK_OK);
  assert_after_settings(higher, 1, "3f ca 07 82", FC__HPACK_ERROR); /* 1,001 */
  assert_after_settings(none, 1, "20 40 01 61 01 62 be", FC__HPACK_ERROR);
}

/* A peer that uses less anyway has nothing to follow; and one signal is enough. */
static void a_reduction_to_what_is_used_needs_no_signal(void **state) {
  (void)state;
  const size_t some[] = {TABLE};
  struct fc__hpack_decoder *d = decoder_told(some, 1);
  hpack_assert_block(d, "3f 45 82", ":method: GET\n");
  fc__hpack_decoder_set_table_max(d, 100);
  hpack_assert_block(d, "82", ":method: GET\n");
  fc__hpack_decoder_set_table_max(d, 50);
  hpack_assert_block(d, "3f 13 82", ":method: GET\n");
  hpack_assert_block(d, "82", ":method: GET\n");
  fc__hpack_decoder_destroy(d);
}

/* RFC 7541 section 4.4: a field larger than the table empties it, and is no error. */
static void a_field_larger_than_the_table_empties_it(void **state) {
  (void)state;
  const char *insert_large = "3f 21 40 01 61 01 62 40 01 63 10 64646464 64646464 64646464 64646464";
  char blocks[128];
  snprintf(blocks, sizeof blocks, "%s be", insert_large); /* 64 bytes of room, 49 needed */
  assert_good(blocks);
  snprintf(blocks, sizeof blocks, "%s bf", insert_large);
  assert_bad(blocks);
  assert_bad("3f 03 40 01 61 01 62 40 01 63 02 64 64 be"); /* 34 of room, 35 needed */
  assert_good("3f 03 40 01 61 01 62 40 01 63 02 64 64 / 40 01 61 01 62 be");
}

/* RFC 7541 section 4.4: the name may be that of an entry that the insertion evicts. */
static void a_name_outlives_its_evicted_entry(void **state) {
  (void)state;
  struct fc__hpack_decoder *d = fc__hpack_decoder_create(64, MAX_STRING);
  hpack_assert_block(d, "40 03 6b 65 79 03 6f 6e 65", "key: one\n");
  for (int i = 0; i < 200; i++) { /* through each place in the table's memory */
    hpack_assert_block(d, "7e 04 66 6f 75 72 be", "key: four\nkey: four\n");
    hpack_assert_block(d, "7e 03 74 77 6f be", "key: two\nkey: two\n");
  }
  fc__hpack_decoder_destroy(d);
}

/* RFC 7541 section 2.3.2: duplicate entries are no error. */
static void duplicates_are_allowed(void **state) {
  (void)state;
  struct fc__hpack_decoder *d = fc__hpack_decoder_create(TABLE, MAX_STRING);
  hpack_assert_block(d, "40 01 61 01 62 40 01 61 01 62 be bf", "a: b\na: b\na: b\na: b\n");
  fc__hpack_decoder_destroy(d);
}

/* RFC 7541 section 6.2.2 and 6.2.3: neither enters the table; 7.1.3: the second is told apart. */
static void fields_not_to_be_indexed_are_not(void **state) {
  (void)state;
  struct fc__hpack_decoder *d = fc__hpack_decoder_create(TABLE, MAX_STRING);
  hpack_assert_block(d, "00 01 61 01 62 10 01 61 01 62 1f 08 01 62 0f 08 01 62",
                     "a: b\nnever a: b\nnever authorization: b\nauthorization: b\n");
  fc__hpack_decoder_destroy(d);
  assert_bad("00 01 61 01 62 / be");
  assert_bad("10 01 61 01 62 / be");
}

/* A fragment without bytes, as an empty CONTINUATION has, changes nothing. */
static void empty_fragments_change_nothing(void **state) {
  (void)state;
  struct fc__hpack_decoder *d = fc__hpack_decoder_create(TABLE, MAX_STRING);
  struct hpack_record r = {0};
  const fc_slice nothing = {NULL, 0}, byte = {(const uint8_t *)"\x82", 1};
  assert_int_equal(fc__hpack_decode(d, nothing, false, hpack_record_field, &r), FC__HPACK_OK);
  assert_int_equal(fc__hpack_decode(d, byte, false, hpack_record_field, &r), FC__HPACK_OK);
  assert_int_equal(fc__hpack_decode(d, nothing, true, hpack_record_field, &r), FC__HPACK_OK);
  assert_string_equal(hpack_record_text(&r), ":method: GET\n");
  hpack_record_clear(&r);
  fc__hpack_decoder_destroy(d);
}

/* What strings hold is not HPACK's business: any byte, and nothing at all. */
static void strings_hold_anything(void **state) {
  (void)state;
  struct fc__hpack_decoder *d = fc__hpack_decoder_create(TABLE, MAX_STRING);
  hpack_assert_block(d, "00 00 00 40 00 00 be 00 02 54 45 03 00 0a ff 00 80 80",
                     ": \n: \n: \nTE: \\x00\\x0a\\xff\n: \n");
  fc__hpack_decoder_destroy(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(index_zero_is_refused),
      cmocka_unit_test(an_index_past_the_tables_is_refused),
      cmocka_unit_test(integers_may_be_padded_a_little),
      cmocka_unit_test(integers_that_overflow_are_refused),
      cmocka_unit_test(broken_huffman_strings_are_refused),
      cmocka_unit_test(size_updates_have_their_place_and_limit),
      cmocka_unit_test(size_updates_evict),
      cmocka_unit_test(a_reduction_of_ours_must_be_followed),
      cmocka_unit_test(a_reduction_to_what_is_used_needs_no_signal),
      cmocka_unit_test(a_field_larger_than_the_table_empties_it),
      cmocka_unit_test(a_name_outlives_its_evicted_entry),
      cmocka_unit_test(duplicates_are_allowed),
      cmocka_unit_test(fields_not_to_be_indexed_are_not),
      cmocka_unit_test(empty_fragments_change_nothing),
      cmocka_unit_test(strings_hold_anything),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
