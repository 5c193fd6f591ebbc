/* What the encoder writes, the decoder reads: at random, through every Huffman code, and without
 * memory. */
#include "base/random.h"
#include "support/check.h"
#include "support/failing_alloc.h"
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

static fc_slice random_text(struct fc__random *random, uint8_t *room, size_t most,
                            unsigned symbols) {
  size_t len = fc__random_below(random, most + 1);
  for (size_t i = 0; i < len; i++) room[i] = (uint8_t)fc__random_below(random, symbols);
  return (fc_slice){room, len};
}

struct sent {
  fc_slice name, value;
  bool never, seen;
};

static void expect_sent(void *user, const struct fc__field *field, size_t size, bool too_large) {
  struct sent *sent = user;
  (void)size;
  assert_false(too_large || sent->seen);
  assert_int_equal(field->never_indexed, sent->never);
  assert_int_equal(field->name.len, sent->name.len);
  assert_int_equal(field->value.len, sent->value.len);
  if (sent->name.len) assert_memory_equal(field->name.data, sent->name.data, sent->name.len);
  if (sent->value.len) assert_memory_equal(field->value.data, sent->value.data, sent->value.len);
  sent->seen = true;
}

/* One field a block, never past its bound; few different names and values, so that all ways of
 * writing occur. */
static void send_random_field(struct fc__random *random) {
  static const char *const names[] = {":path", ":status", "grpc-status",
                                      "x-a",   "x-b",     "user-agent"};
  static uint8_t name_room[5000], value_room[5000];
  struct sent sent = {0};
  enum fc__hpack_indexing how = (enum fc__hpack_indexing)fc__random_below(random, 3);
  bool large = fc__random_below(random, 50) == 0;
  size_t before = out.len;
  if (fc__random_below(random, 4)) {
    sent.name = fc_slice_from_string(names[fc__random_below(random, 6)]);
  } else {
    sent.name = random_text(random, name_room, large ? 5000 : 2, large ? 256 : 3);
  }
  bool long_value = fc__random_below(random, 3) == 0;
  sent.value = random_text(random, value_room,
                           large        ? 5000
                           : long_value ? 60
                                        : 1,
                           long_value ? 256 : 5);
  sent.never = how == FC__HPACK_NEVER;
  assert_true(fc__hpack_encode(encoder, &out, sent.name, sent.value, how));
  assert_true(out.len - before <= fc__hpack_bound(sent.name.len, sent.value.len));
  assert_int_equal(
      fc__hpack_decode(decoder, (fc_slice){out.data, out.len}, true, expect_sent, &sent),
      FC__HPACK_OK);
  assert_true(sent.seen);
  out.len = 0;
}

static void what_is_written_is_read(void **state) {
  (void)state;
  struct fc__random random;
  fc__random_init(&random, 1);
  for (int i = 0; i < 40000; i++) {
    if (fc__random_below(&random, 500) == 0) {
      fc__hpack_encoder_set_table_max(encoder, fc__random_below(&random, 5000));
    }
    if (fc__random_below(&random, 2000) == 0) fc__hpack_encoder_restart(encoder);
    send_random_field(&random);
  }
}

/* Each byte, and each pair of neighbours, through the Huffman code. */
static void every_byte_survives_huffman(void **state) {
  (void)state;
  struct sent sent = {.name = TEXT("x")};
  uint8_t text[16];
  sent.value = (fc_slice){text, sizeof text};
  for (unsigned first = 0; first < 256; first++) {
    for (unsigned second = 0; second < 256; second++) {
      memset(text, 'e', sizeof text);
      text[first % 8] = (uint8_t)first;
      text[first % 8 + 1] = (uint8_t)second;
      sent.seen = false;
      assert_true(fc__hpack_encode(encoder, &out, sent.name, sent.value, FC__HPACK_LITERAL));
      assert_int_equal(
          fc__hpack_decode(decoder, (fc_slice){out.data, out.len}, true, expect_sent, &sent),
          FC__HPACK_OK);
      assert_true(sent.seen);
      out.len = 0;
    }
  }
}

/* An encoder that cannot insert sends literals, and the peer still understands what follows. */
static void without_memory_fields_are_literals(void **state) {
  (void)state;
  struct fc__random random;
  for (size_t n = 0; n < 40; n++) {
    assert_int_equal(stop(NULL), 0);
    assert_int_equal(start(NULL), 0);
    assert_non_null(fc__buf_reserve(&out, 20000));
    fc__random_init(&random, n);
    for (int i = 0; i < 200; i++) {
      struct sent sent = {.name = TEXT("some-name"), .value = {out.data + 10000, 60}};
      memset(out.data + 10000, (int)('a' + fc__random_below(&random, 20)), 60);
      failing_alloc_arm(n % 3, FAILING_ALLOC_ONCE);
      bool encoded = fc__hpack_encode(encoder, &out, sent.name, sent.value, FC__HPACK_INDEX);
      failing_alloc_disarm();
      assert_true(encoded);
      assert_int_equal(
          fc__hpack_decode(decoder, (fc_slice){out.data, out.len}, true, expect_sent, &sent),
          FC__HPACK_OK);
      out.len = 0;
    }
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(what_is_written_is_read),
      TEST(every_byte_survives_huffman),
      TEST(without_memory_fields_are_literals),
  };
  failing_alloc_install();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
