/* The other end of a connection under test. */
#include "support/h2_peer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void append(struct fc__buf *b, fc_slice bytes) {
  if (b->cap - b->len < bytes.len) {
    b->cap = 2 * (b->len + bytes.len);
    b->data = realloc(b->data, b->cap);
    assert_non_null(b->data);
  }
  if (bytes.len) memcpy(b->data + b->len, bytes.data, bytes.len);
  b->len += bytes.len;
}

/* ---- life ---- */

void h2_peer_init(struct h2_peer *p, bool server) {
  *p = (struct h2_peer){.now = 1000 * FC_SECOND};
  fc__h2_config_defaults(&p->config, server);
  h2_record_init(&p->record);
  h2_record_init(&p->sent);
}

void h2_peer_decode_anew(struct h2_peer *p) {
  fc__hpack_decoder_destroy(p->decoder);
  p->decoder = fc__hpack_decoder_create(FC__HPACK_TABLE_DEFAULT, 1 << 20);
  assert_non_null(p->decoder);
  p->settings_built = p->settings_acked = 0;
  p->table_size_count = 0;
}

void h2_peer_open(struct h2_peer *p) {
  h2_peer_decode_anew(p);
  p->conn = fc__h2_conn_create(&p->config, &h2_record_events, &p->record, p->now);
  assert_non_null(p->conn);
  p->record.conn = p->conn;
}

void h2_peer_started(struct h2_peer *p) {
  h2_peer_open(p);
  if (p->config.server) h2_put_preface(p);
  h2_put_frame(p, FC__H2_SETTINGS, 0, 0, TEXT(""));
  h2_put_settings_ack(p);
  assert_int_equal(h2_feed(p), 0);
  (void)h2_sent(p);
  (void)h2_events(p);
}

void h2_peer_start(struct h2_peer *p, bool server) {
  h2_peer_init(p, server);
  h2_peer_started(p);
}

void h2_peer_finish(struct h2_peer *p) {
  fc__h2_conn_destroy(p->conn);
  fc__hpack_decoder_destroy(p->decoder);
  h2_record_finish(&p->record);
  h2_record_finish(&p->sent);
  free(p->in.data);
  free(p->sent_bytes.data);
}

/* ---- frames to the connection ---- */

void h2_put_bytes(struct h2_peer *p, fc_slice bytes) { append(&p->in, bytes); }

void h2_put_preface(struct h2_peer *p) {
  h2_put_bytes(p, TEXT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
}

static void note_settings(struct h2_peer *p, fc_slice payload) {
  p->settings_built++;
  for (size_t i = 0; i + 6 <= payload.len; i += 6) {
    const uint8_t *entry = payload.data + i;
    if (entry[0] != 0 || entry[1] != FC__H2_HEADER_TABLE_SIZE) continue;
    assert_true(p->table_size_count < H2_TABLE_SIZES);
    p->table_sizes[p->table_size_count++] =
        (struct h2_table_size){p->settings_built, fc__h2_get_u32(entry + 2)};
  }
}

void h2_put_frame(struct h2_peer *p, unsigned type, unsigned flags, uint32_t id, fc_slice payload) {
  if (type == FC__H2_SETTINGS && !(flags & FC__H2_ACK)) note_settings(p, payload);
  uint8_t header[FC__H2_HEADER_LEN];
  fc__h2_frame_write(
      header,
      (struct fc__h2_frame){
          .len = (uint32_t)payload.len, .type = (uint8_t)type, .flags = (uint8_t)flags, .id = id});
  append(&p->in, (fc_slice){header, sizeof header});
  append(&p->in, payload);
}

void h2_put_u32(struct h2_peer *p, unsigned type, uint32_t id, uint32_t value) {
  uint8_t payload[4];
  fc__h2_put_u32(payload, value);
  h2_put_frame(p, type, 0, id, (fc_slice){payload, sizeof payload});
}

void h2_put_setting(struct h2_peer *p, unsigned setting, uint32_t value) {
  uint8_t payload[6] = {(uint8_t)(setting >> 8), (uint8_t)setting};
  fc__h2_put_u32(payload + 2, value);
  h2_put_frame(p, FC__H2_SETTINGS, 0, 0, (fc_slice){payload, sizeof payload});
}

void h2_put_settings_ack(struct h2_peer *p) {
  h2_put_frame(p, FC__H2_SETTINGS, FC__H2_ACK, 0, TEXT(""));
}

void h2_put_ping(struct h2_peer *p, uint64_t opaque, bool ack) {
  uint8_t payload[8];
  fc__h2_put_u32(payload, (uint32_t)(opaque >> 32));
  fc__h2_put_u32(payload + 4, (uint32_t)opaque);
  h2_put_frame(p, FC__H2_PING, ack ? FC__H2_ACK : 0, 0, (fc_slice){payload, sizeof payload});
}

void h2_put_goaway(struct h2_peer *p, uint32_t last, uint32_t code, const char *debug) {
  uint8_t payload[8 + 1024];
  size_t len = strlen(debug);
  assert_true(len <= 1024);
  fc__h2_put_u32(payload, last);
  fc__h2_put_u32(payload + 4, code);
  memcpy(payload + 8, debug, len);
  h2_put_frame(p, FC__H2_GOAWAY, 0, 0, (fc_slice){payload, 8 + len});
}

fc_slice h2_block_of(const char *fields) {
  static struct fc__buf block;
  static uint8_t memory[65536];
  /* Written by hand, without the encoder under test: literals that are not indexed, RFC 7541
   * 6.2.2. */
  block = (struct fc__buf){.data = memory, .cap = sizeof memory, .max = sizeof memory};
  while (*fields) {
    const char *colon = strstr(fields, ": "), *end = strchr(fields, '\n');
    assert_true(colon && end && colon < end);
    fc_slice parts[] = {{(const uint8_t *)fields, (size_t)(colon - fields)},
                        {(const uint8_t *)colon + 2, (size_t)(end - colon - 2)}};
    memory[block.len++] = 0;
    for (int i = 0; i < 2; i++) {
      size_t left = parts[i].len;
      memory[block.len++] = (uint8_t)(left < 127 ? left : 127);
      if (left >= 127) {
        for (left -= 127; left >= 128; left >>= 7) memory[block.len++] = (uint8_t)(left | 128);
        memory[block.len++] = (uint8_t)left;
      }
      memcpy(memory + block.len, parts[i].data, parts[i].len);
      block.len += parts[i].len;
    }
    fields = end + 1;
  }
  return (fc_slice){block.data, block.len};
}

void h2_put_headers(struct h2_peer *p, uint32_t id, unsigned flags, const char *fields) {
  h2_put_frame(p, FC__H2_HEADERS, flags | FC__H2_END_HEADERS, id, h2_block_of(fields));
}

void h2_put_request(struct h2_peer *p, uint32_t id, unsigned flags) {
  h2_put_headers(p, id, flags, H2_REQUEST);
}

void h2_put_data(struct h2_peer *p, uint32_t id, unsigned flags, const char *text) {
  h2_put_frame(p, FC__H2_DATA, flags, id, (fc_slice){(const uint8_t *)text, strlen(text)});
}

void h2_put_zeros(struct h2_peer *p, uint32_t id, unsigned flags, size_t len) {
  uint8_t *zeros = calloc(1, len ? len : 1);
  assert_non_null(zeros);
  h2_put_frame(p, FC__H2_DATA, flags, id, (fc_slice){zeros, len});
  free(zeros);
}

int h2_feed(struct h2_peer *p) {
  int result = 0;
  for (size_t at = 0; at < p->in.len;) {
    size_t len = p->chunk && p->chunk < p->in.len - at ? p->chunk : p->in.len - at;
    uint8_t *copy = exact_copy((fc_slice){p->in.data + at, len});
    result = fc__h2_receive(p->conn, (fc_slice){copy, len}, p->now);
    test_free(copy);
    at += len;
  }
  p->in.len = 0;
  return result;
}

/* ---- from the connection ---- */

const char *h2_events(struct h2_peer *p) {
  static char *copy;
  free(copy);
  copy = strdup(h2_record_text(&p->record));
  h2_record_clear(&p->record);
  return copy;
}

void h2_drain(struct h2_peer *p) {
  struct iovec iov[FC__H2_IOV_MAX];
  for (int count; (count = fc__h2_output(p->conn, iov, p->now)) > 0;) {
    size_t total = 0;
    for (int i = 0; i < count; i++) {
      append(&p->sent_bytes, (fc_slice){iov[i].iov_base, iov[i].iov_len});
      total += iov[i].iov_len;
    }
    fc__h2_written(p->conn, total, p->now);
  }
  assert_false(fc__h2_wants_write(p->conn));
}

__attribute__((format(printf, 2, 3))) static void say(struct fc__buf *to, const char *format, ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  int len = vsnprintf(text, sizeof text, format, args);
  va_end(args);
  append(to, (fc_slice){(const uint8_t *)text, (size_t)len});
}

static void say_field(void *user, const struct fc__field *field, size_t size, bool too_large) {
  (void)size;
  assert_false(too_large);
  struct fc__buf *to = user;
  append(to, field->never_indexed ? TEXT(" never:") : TEXT(" "));
  append(to, field->name);
  append(to, TEXT("="));
  append(to, field->value);
}

/* payload starts with 8 bytes at least for PING and GOAWAY: the frame's length was asserted. */
static uint64_t get_u64(const uint8_t *p) {
  return (uint64_t)fc__h2_get_u32(p) << 32 | fc__h2_get_u32(p + 4);
}

/* RFC 9113 section 4.3.1 */
static void take_settings_ack(struct h2_peer *p) {
  p->settings_acked++;
  for (size_t i = 0; i < p->table_size_count; i++) {
    if (p->table_sizes[i].frame == p->settings_acked)
      fc__hpack_decoder_set_table_max(p->decoder, p->table_sizes[i].size);
  }
}

static void say_settings(struct fc__buf *to, struct fc__h2_frame f, const uint8_t *payload) {
  append(to, TEXT("SETTINGS"));
  for (uint32_t i = 0; i < f.len; i += 6) {
    say(to, " %u=%" PRIu32, payload[i] << 8 | payload[i + 1], fc__h2_get_u32(payload + i + 2));
  }
}

static void say_block(struct h2_peer *p, struct fc__h2_frame f, const uint8_t *payload) {
  struct fc__buf *to = &p->sent.text;
  const char *kind = f.type == FC__H2_HEADERS ? "HEADERS" : "CONTINUATION";
  bool end_stream = f.type == FC__H2_HEADERS && f.flags & FC__H2_END_STREAM;
  say(to, "%s %" PRIu32 "%s%s", kind, f.id, end_stream ? " end" : "",
      f.flags & FC__H2_END_HEADERS ? "" : " more");
  fc_slice fragment = {payload, f.len};
  bool last = f.flags & FC__H2_END_HEADERS;
  assert_int_equal(fc__hpack_decode(p->decoder, fragment, last, say_field, to), FC__HPACK_OK);
}

static void say_frame(struct h2_peer *p, struct fc__h2_frame f, const uint8_t *payload) {
  struct fc__buf *to = &p->sent.text;
  const char *ack = f.flags & FC__H2_ACK ? " ack" : "";
  switch (f.type) {
    case FC__H2_DATA:
      say(to, "DATA %" PRIu32 " %" PRIu32 "%s", f.id, f.len, *ack ? " end" : "");
      break;
    case FC__H2_HEADERS:
    case FC__H2_CONTINUATION:
      say_block(p, f, payload);
      break;
    case FC__H2_RST_STREAM:
      assert_int_equal(f.len, 4);
      say(to, "RST_STREAM %" PRIu32 " %s", f.id, fc__h2_error_name(fc__h2_get_u32(payload)));
      break;
    case FC__H2_SETTINGS:
      say_settings(to, f, payload);
      say(to, "%s", ack);
      if (*ack) take_settings_ack(p);
      break;
    case FC__H2_PING:
      assert_int_equal(f.len, 8);
      say(to, "PING %" PRIx64 "%s", get_u64(payload), ack);
      break;
    case FC__H2_GOAWAY:
      assert_true(f.len >= 8);
      say(to, "GOAWAY %" PRIu32 " %s %.*s", fc__h2_get_u32(payload),
          fc__h2_error_name(fc__h2_get_u32(payload + 4)), (int)(f.len - 8), payload + 8);
      break;
    case FC__H2_WINDOW_UPDATE:
      assert_int_equal(f.len, 4);
      say(to, "WINDOW_UPDATE %" PRIu32 " %" PRIu32, f.id, fc__h2_get_u32(payload));
      break;
    default:
      fail_msg("a frame of type %u is sent", f.type);
  }
  say(to, "\n");
}

const char *h2_said(struct h2_peer *p) {
  p->sent.text.len = 0;
  const uint8_t *at = p->sent_bytes.data;
  size_t left = p->sent_bytes.len;
  if (left >= 24 && memcmp(at, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24) == 0) at += 24, left -= 24;
  while (left > 0) {
    assert_true(left >= FC__H2_HEADER_LEN);
    struct fc__h2_frame f = fc__h2_frame_read(at);
    assert_true(left >= FC__H2_HEADER_LEN + f.len);
    say_frame(p, f, at + FC__H2_HEADER_LEN);
    at += FC__H2_HEADER_LEN + f.len;
    left -= FC__H2_HEADER_LEN + f.len;
  }
  p->sent_bytes.len = 0;
  append(&p->sent.text, (fc_slice){(const uint8_t *)"", 1});
  return (const char *)p->sent.text.data;
}

const char *h2_sent(struct h2_peer *p) {
  h2_drain(p);
  return h2_said(p);
}

struct fc__h2_stream *h2_open_request(struct h2_peer *p, bool end_stream) {
  struct fc__h2_stream *s = h2_record_new_stream(&p->record);
  fc__h2_block_begin(p->conn, NULL);
  fc__h2_block_field(p->conn, TEXT(":method"), TEXT("POST"), FC__HPACK_INDEX);
  fc__h2_block_field(p->conn, TEXT(":scheme"), TEXT("http"), FC__HPACK_INDEX);
  fc__h2_block_field(p->conn, TEXT(":path"), TEXT("/s/m"), FC__HPACK_INDEX);
  fc__h2_block_field(p->conn, TEXT(":authority"), TEXT("a"), FC__HPACK_INDEX);
  fc__h2_block_field(p->conn, TEXT("te"), TEXT("trailers"), FC__HPACK_INDEX);
  assert_int_equal(fc__h2_block_end_request(p->conn, s, end_stream), FC_OK);
  return s;
}

void h2_expect_failure(struct h2_peer *p, uint32_t code) {
  assert_int_equal(h2_feed(p), FC_ERR_PROTOCOL);
  uint32_t got;
  assert_string_not_equal(fc__h2_failure(p->conn, &got), "");
  assert_string_equal(fc__h2_error_name(got), fc__h2_error_name(code));
  const char *goaway = strstr(h2_sent(p), "GOAWAY");
  assert_non_null(goaway);
  assert_non_null(strstr(goaway, fc__h2_error_name(code)));
}

void h2_expect_reset(struct h2_peer *p, uint32_t id, uint32_t code) {
  char expected[64];
  snprintf(expected, sizeof expected, "RST_STREAM %" PRIu32 " %s\n", id, fc__h2_error_name(code));
  assert_int_equal(h2_feed(p), 0);
  assert_non_null(strstr(h2_sent(p), expected));
}
