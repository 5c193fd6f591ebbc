/*
 * nghttp2 as the other end of header compression: it reads what our encoder writes and writes what
 * our decoder reads, field by field, with tables that change their size meanwhile.
 */
#include <nghttp2/nghttp2.h>

#include "base/random.h"
#include "support/check.h"
#include "support/hpack_record.h"

enum { MOST_FIELDS = 40, TEXT_ROOM = 4096, BLOCK_ROOM = 1 << 18 };

/* A header list; the bytes of its random strings are in room. */
struct list {
  size_t count;
  struct {
    fc_slice name, value;
    enum fc__hpack_indexing how;
  } fields[MOST_FIELDS];
  uint8_t room[MOST_FIELDS * 2 * TEXT_ROOM];
  size_t used;
};

static void add(struct list *l, fc_slice name, fc_slice value, enum fc__hpack_indexing how) {
  assert_true(l->count < MOST_FIELDS);
  l->fields[l->count].name = name;
  l->fields[l->count].value = value;
  l->fields[l->count++].how = how;
}

static void add_text(struct list *l, const char *name, const char *value,
                     enum fc__hpack_indexing how) {
  add(l, fc_slice_from_string(name), fc_slice_from_string(value), how);
}

/* ---- the lists ---- */

static const char *pick(struct fc__random *random, const char *const *from, size_t count) {
  return from[fc__random_below(random, count)];
}
#define PICK(random, array) pick(random, array, sizeof(array) / sizeof(array)[0])

static fc_slice random_text(struct list *l, struct fc__random *random, size_t most, bool name) {
  static const char in_names[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
  uint8_t *text = l->room + l->used;
  size_t len = fc__random_below(random, most + 1) + name;
  for (size_t i = 0; i < len; i++) {
    text[i] = name ? (uint8_t)in_names[fc__random_below(random, sizeof in_names - 1)]
                   : (uint8_t)fc__random_below(random, 256);
  }
  l->used += len;
  assert_true(l->used <= sizeof l->room);
  return (fc_slice){text, len};
}

static void make_request(struct list *l, struct fc__random *random) {
  static const char *const paths[] = {"/grpc.testing.TestService/UnaryCall",
                                      "/grpc.testing.TestService/StreamingOutputCall",
                                      "/grpc.health.v1.Health/Check", "/place.Places/Find"};
  static const char *const timeouts[] = {"1S", "999999u", "4999871u", "20M", "99999999n"};
  add_text(l, ":method", "POST", FC__HPACK_INDEX);
  add_text(l, ":scheme", "http", FC__HPACK_INDEX);
  add_text(l, ":path", PICK(random, paths), FC__HPACK_INDEX);
  add_text(l, ":authority", "localhost:50051", FC__HPACK_INDEX);
  add_text(l, "te", "trailers", FC__HPACK_INDEX);
  add_text(l, "content-type", "application/grpc", FC__HPACK_INDEX);
  add_text(l, "user-agent", "grpc-c/1.0 (linux; farcall)", FC__HPACK_INDEX);
  add_text(l, "grpc-accept-encoding", "identity, deflate, gzip", FC__HPACK_INDEX);
  add_text(l, "grpc-timeout", PICK(random, timeouts), FC__HPACK_LITERAL);
  add_text(l, "authorization", "Bearer eyJhbGciOiJIUzI1NiJ9.e30", FC__HPACK_NEVER);
}

static void make_response(struct list *l, struct fc__random *random) {
  static const char *const messages[] = {"", "not found: %E2%82%AC", "deadline exceeded"};
  add_text(l, ":status", "200", FC__HPACK_INDEX);
  add_text(l, "content-type", "application/grpc+proto", FC__HPACK_INDEX);
  add_text(l, "grpc-encoding", "gzip", FC__HPACK_INDEX);
  add_text(l, "grpc-status", "0", FC__HPACK_INDEX);
  add_text(l, "grpc-message", PICK(random, messages), FC__HPACK_LITERAL);
}

/* Neither cookie nor authorization: nghttp2 itself decides that short ones must never be indexed.
 */
static void add_metadata(struct list *l, struct fc__random *random) {
  static const char *const names[] = {"x-request-id", "trace-bin", "referer", "date",
                                      "accept-encoding"};
  size_t most = fc__random_below(random, 8) ? 40 : TEXT_ROOM - 1;
  bool known = fc__random_below(random, 2);
  fc_slice name =
      known ? fc_slice_from_string(PICK(random, names)) : random_text(l, random, 20, true);
  add(l, name, random_text(l, random, most, false),
      (enum fc__hpack_indexing)fc__random_below(random, 3));
}

static void make_list(struct list *l, struct fc__random *random) {
  l->count = l->used = 0;
  if (fc__random_below(random, 2)) {
    make_request(l, random);
  } else {
    make_response(l, random);
  }
  for (size_t n = fc__random_below(random, 12); n > 0; n--) add_metadata(l, random);
}

/* ---- comparing ---- */

struct progress {
  const struct list *list;
  size_t at;
};

static void assert_next(struct progress *p, fc_slice name, fc_slice value, bool never) {
  assert_true(p->at < p->list->count);
  fc_slice a = p->list->fields[p->at].name, b = p->list->fields[p->at].value;
  assert_int_equal(name.len, a.len);
  assert_int_equal(value.len, b.len);
  assert_memory_equal(name.data, a.data, a.len);
  if (b.len) assert_memory_equal(value.data, b.data, b.len);
  assert_int_equal(never, p->list->fields[p->at].how == FC__HPACK_NEVER);
  p->at++;
}

static void inflate(nghttp2_hd_inflater *inflater, fc_slice block, const struct list *list) {
  struct progress progress = {list, 0};
  for (;;) {
    nghttp2_nv nv;
    int flags = 0;
    ssize_t used = nghttp2_hd_inflate_hd2(inflater, &nv, &flags, block.data, block.len, 1);
    assert_true(used >= 0);
    block.data += used;
    block.len -= (size_t)used;
    if (flags & NGHTTP2_HD_INFLATE_EMIT) {
      assert_next(&progress, (fc_slice){nv.name, nv.namelen}, (fc_slice){nv.value, nv.valuelen},
                  nv.flags & NGHTTP2_NV_FLAG_NO_INDEX);
    }
    if (flags & NGHTTP2_HD_INFLATE_FINAL) break;
  }
  assert_int_equal(nghttp2_hd_inflate_end_headers(inflater), 0);
  assert_int_equal(block.len, 0);
  assert_int_equal(progress.at, list->count);
}

static size_t deflate(nghttp2_hd_deflater *deflater, const struct list *list, uint8_t *block) {
  nghttp2_nv fields[MOST_FIELDS];
  for (size_t i = 0; i < list->count; i++) {
    fc_slice name = list->fields[i].name, value = list->fields[i].value;
    bool never = list->fields[i].how == FC__HPACK_NEVER;
    fields[i] = (nghttp2_nv){(uint8_t *)name.data, (uint8_t *)value.data, name.len, value.len,
                             never ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE};
  }
  ssize_t len = nghttp2_hd_deflate_hd(deflater, block, BLOCK_ROOM, fields, list->count);
  assert_true(len >= 0);
  return (size_t)len;
}

static void expect_next(void *user, const struct fc__field *field, size_t size, bool too_large) {
  (void)size;
  assert_false(too_large);
  assert_int_equal(field->token, fc__token_of(field->name));
  assert_next(user, field->name, field->value, field->never_indexed);
}

static void decode(struct fc__hpack_decoder *d, fc_slice block, size_t chunk,
                   const struct list *list) {
  struct progress progress = {list, 0};
  size_t len;
  do {
    len = block.len < chunk ? block.len : chunk;
    uint8_t *exact = exact_copy((fc_slice){block.data, len});
    block.data += len;
    block.len -= len;
    assert_int_equal(
        fc__hpack_decode(d, (fc_slice){exact, len}, !block.len, expect_next, &progress),
        FC__HPACK_OK);
    test_free(exact);
  } while (block.len);
  assert_int_equal(progress.at, list->count);
}

/* ---- tests ---- */

/* RFC 7541 appendix A, as nghttp2 has it. */
static void both_have_the_same_static_table(void **state) {
  (void)state;
  nghttp2_hd_inflater *inflater;
  struct fc__hpack_decoder *d = fc__hpack_decoder_create(4096, 4096);
  uint8_t block[61];
  assert_int_equal(nghttp2_hd_inflate_new(&inflater), 0);
  for (size_t i = 1; i <= 61; i++) {
    const nghttp2_nv *nv = nghttp2_hd_inflate_get_table_entry(inflater, i);
    static struct list one;
    one.count = 0;
    add(&one, (fc_slice){nv->name, nv->namelen}, (fc_slice){nv->value, nv->valuelen},
        FC__HPACK_INDEX);
    block[i - 1] = (uint8_t)(0x80 | i);
    decode(d, (fc_slice){&block[i - 1], 1}, 1, &one);
  }
  nghttp2_hd_inflate_del(inflater);
  fc__hpack_decoder_destroy(d);
}

static void nghttp2_reads_what_we_write(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 20; seed++) {
    static struct list list;
    nghttp2_hd_inflater *inflater;
    struct fc__hpack_encoder *e = fc__hpack_encoder_create();
    struct fc__random random;
    struct fc__buf out;
    fc__random_init(&random, seed);
    fc__buf_init(&out, BLOCK_ROOM);
    assert_int_equal(nghttp2_hd_inflate_new(&inflater), 0);
    for (int block = 0; block < 150; block++) {
      for (size_t changes = fc__random_below(&random, 40); changes < 3; changes++) {
        size_t size = fc__random_below(&random, 6000);
        assert_int_equal(nghttp2_hd_inflate_change_table_size(inflater, size), 0);
        fc__hpack_encoder_set_table_max(e, size);
      }
      if (fc__random_below(&random, 40) == 0) fc__hpack_encoder_restart(e);
      make_list(&list, &random);
      for (size_t i = 0; i < list.count; i++) {
        assert_true(fc__hpack_encode(e, &out, list.fields[i].name, list.fields[i].value,
                                     list.fields[i].how));
      }
      inflate(inflater, (fc_slice){out.data, out.len}, &list);
      out.len = 0;
    }
    fc__buf_finish(&out);
    fc__hpack_encoder_destroy(e);
    nghttp2_hd_inflate_del(inflater);
  }
}

static void nghttp2_reads_what_we_write_stateless(void **state) {
  (void)state;
  static struct list list;
  nghttp2_hd_inflater *inflater;
  struct fc__hpack_encoder *e = fc__hpack_encoder_create();
  struct fc__random random;
  struct fc__buf out;
  fc__random_init(&random, 1);
  fc__buf_init(&out, BLOCK_ROOM);
  assert_int_equal(nghttp2_hd_inflate_new(&inflater), 0);
  for (int block = 0; block < 200; block++) {
    size_t size = fc__random_below(&random, 6000);
    assert_int_equal(nghttp2_hd_inflate_change_table_size(inflater, size), 0);
    fc__hpack_encoder_set_table_max(e, size);
    make_list(&list, &random);
    assert_true(fc__hpack_encode_updates(e, &out));
    for (size_t i = 0; i < list.count; i++) {
      assert_true(fc__hpack_encode_stateless(&out, list.fields[i].name, list.fields[i].value,
                                             list.fields[i].how == FC__HPACK_NEVER));
    }
    inflate(inflater, (fc_slice){out.data, out.len}, &list);
    out.len = 0;
  }
  fc__buf_finish(&out);
  fc__hpack_encoder_destroy(e);
  nghttp2_hd_inflate_del(inflater);
}

static void we_read_what_nghttp2_writes(void **state) {
  (void)state;
  static uint8_t room[BLOCK_ROOM];
  static const size_t chunks[] = {1, 2, 3, 7, 9, 64, 16384};
  for (uint64_t seed = 1; seed <= 20; seed++) {
    static struct list list;
    nghttp2_hd_deflater *deflater;
    struct fc__hpack_decoder *d = fc__hpack_decoder_create(4096, TEXT_ROOM);
    struct fc__random random;
    fc__random_init(&random, seed);
    assert_int_equal(nghttp2_hd_deflate_new(&deflater, 8192), 0);
    for (int block = 0; block < 150; block++) {
      for (size_t changes = fc__random_below(&random, 40); changes < 3; changes++) {
        size_t size = fc__random_below(&random, 10000);
        assert_int_equal(nghttp2_hd_deflate_change_table_size(deflater, size), 0);
        fc__hpack_decoder_set_table_max(d, size);
      }
      make_list(&list, &random);
      size_t len = deflate(deflater, &list, room);
      decode(d, (fc_slice){room, len}, chunks[fc__random_below(&random, 7)], &list);
    }
    fc__hpack_decoder_destroy(d);
    nghttp2_hd_deflate_del(deflater);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(both_have_the_same_static_table),
      cmocka_unit_test(nghttp2_reads_what_we_write),
      cmocka_unit_test(nghttp2_reads_what_we_write_stateless),
      cmocka_unit_test(we_read_what_nghttp2_writes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
