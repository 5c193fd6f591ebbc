/* The recording owner of a connection. */
#include "support/h2_record.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_OF(s)                                                                                 \
  (fc_slice) { (const uint8_t *)(s), sizeof(s) - 1 }

struct h2_record_stream {
  struct fc__h2_stream stream;
  struct h2_record_stream *next;
};

/* The record has its own memory: allocations of the library are counted and made to fail by
 * tests. */
static void append_to(struct fc__buf *b, const void *data, size_t len) {
  if (b->cap - b->len < len + 1) {
    b->cap = 2 * (b->len + len + 64);
    b->data = realloc(b->data, b->cap);
    if (!b->data) abort();
  }
  if (len) memcpy(b->data + b->len, data, len);
  b->len += len;
  b->data[b->len] = 0;
}

static void append(struct h2_record *r, const void *data, size_t len) {
  append_to(&r->text, data, len);
}

__attribute__((format(printf, 2, 3))) static void print(struct h2_record *r, const char *format,
                                                        ...) {
  char line[256];
  va_list args;
  va_start(args, format);
  int len = vsnprintf(line, sizeof line, format, args);
  va_end(args);
  append(r, line, (size_t)len < sizeof line ? (size_t)len : sizeof line - 1);
}

static void print_bytes(struct h2_record *r, fc_slice bytes) {
  for (size_t i = 0; i < bytes.len; i++) {
    uint8_t ch = bytes.data[i];
    if (ch < 0x20 || ch > 0x7e || ch == '\\' || ch == '"') {
      print(r, "\\x%02x", ch);
    } else {
      append(r, &bytes.data[i], 1);
    }
  }
}

static void end_data_line(struct h2_record *r) {
  if (!r->data_id) return;
  if (r->data_len <= sizeof r->data_head) {
    print(r, "data %" PRIu32 " \"", r->data_id);
    print_bytes(r, (fc_slice){r->data_head, r->data_len});
    print(r, "\"");
  } else {
    print(r, "data %" PRIu32 " %zu bytes %08" PRIx32, r->data_id, r->data_len, r->data_sum);
  }
  print(r, "%s\n", r->data_end ? " end" : "");
  r->data_id = 0;
}

/* ---- streams ---- */

struct fc__h2_stream *h2_record_find(struct h2_record *r, uint32_t id) {
  for (struct h2_record_stream *s = r->streams; s; s = s->next) {
    if (s->stream.id == id) return &s->stream;
  }
  return NULL;
}

struct fc__h2_stream *h2_record_new_stream(struct h2_record *r) {
  struct h2_record_stream *s = calloc(1, sizeof *s);
  if (!s) abort();
  s->next = r->streams;
  r->streams = s;
  return &s->stream;
}

static void free_stream(struct h2_record *r, struct fc__h2_stream *stream) {
  struct h2_record_stream **at = &r->streams;
  while (&(*at)->stream != stream) at = &(*at)->next;
  struct h2_record_stream *s = *at;
  *at = s->next;
  free(s);
}

void h2_record_reset(struct h2_record *r, struct fc__h2_stream *s, uint32_t code) {
  fc__h2_reset(r->conn, s, code);
  free_stream(r, s);
}

/* ---- answering ---- */

static void answer(struct h2_record *r, struct fc__h2_stream *s) {
  struct fc__h2_conn *c = r->conn;
  fc__h2_block_begin(c, s);
  fc__h2_block_field(c, TEXT_OF(":status"), TEXT_OF("200"), FC__HPACK_INDEX);
  fc__h2_block_field(c, TEXT_OF("content-type"), TEXT_OF("application/grpc"), FC__HPACK_INDEX);
  if (fc__h2_block_end(c, s, false) != FC_OK) return;
  if (fc__h2_send(c, s, TEXT_OF("he"), NULL, TEXT_OF("llo"), false) != FC_OK) return;
  fc__h2_block_begin(c, s);
  fc__h2_block_field(c, TEXT_OF("grpc-status"), TEXT_OF("0"), FC__HPACK_INDEX);
  (void)fc__h2_block_end(c, s, true);
}

/* ---- events ---- */

static bool is_reset(struct h2_record *r, struct fc__h2_stream *s) {
  if (r->reset_every == 0 || ++r->resettable % r->reset_every) return false;
  end_data_line(r);
  r->in_block = false;
  print(r, "reset %" PRIu32 "\n", s->id);
  h2_record_reset(r, s, FC__H2_CANCEL);
  return true;
}

static struct fc__h2_stream *on_open(void *owner, uint32_t id) {
  struct h2_record *r = owner;
  end_data_line(r);
  print(r, "open %" PRIu32 "%s\n", id, r->refuse ? " refused" : "");
  r->in_block = false;
  if (r->refuse) return NULL;
  r->count++;
  return h2_record_new_stream(r);
}

static void on_field(void *owner, struct fc__h2_stream *s, const struct fc__field *field,
                     bool trailers) {
  struct h2_record *r = owner;
  if (r->quiet) return;
  end_data_line(r);
  if (!r->in_block) r->block_at = r->text.len;
  r->in_block = true;
  print(r, "%s %" PRIu32 " ", trailers ? "trailer" : "field", s->id);
  print_bytes(r, field->name);
  append(r, ": ", 2);
  print_bytes(r, field->value);
  append(r, "\n", 1);
  (void)is_reset(r, s);
}

static void on_block(void *owner, struct fc__h2_stream *s, const struct fc__h2_block *block) {
  struct h2_record *r = owner;
  end_data_line(r);
  r->in_block = false;
  print(r, "block %" PRIu32 "%s%s%s%s\n", s->id, block->end_stream ? " end" : "",
        block->trailers ? " trailers" : "", block->too_large ? " large" : "",
        block->informational ? " informational" : "");
  if (is_reset(r, s)) return;
  if (block->end_stream && r->answer) answer(r, s);
}

/* Kept as it was written down, without the number of the stream. */
static bool on_run(void *owner, struct fc__h2_stream *s) {
  struct h2_record *r = owner;
  const char *line = (const char *)r->text.data + r->block_at;
  char start[32];
  size_t skip = (size_t)snprintf(start, sizeof start, "field %" PRIu32 " ", s->id);
  r->run.len = 0;
  for (const char *end; *line; line = end + 1) {
    end = strchr(line, '\n');
    append_to(&r->run, line + skip, (size_t)(end + 1 - line) - skip);
  }
  return true;
}

static void on_run_again(void *owner, struct fc__h2_stream *s) {
  struct h2_record *r = owner;
  end_data_line(r);
  r->runs_again++;
  r->block_at = r->text.len;
  r->in_block = true;
  for (const char *line = (const char *)r->run.data, *end; line && *line; line = end + 1) {
    end = strchr(line, '\n');
    print(r, "field %" PRIu32 " ", s->id);
    append(r, line, (size_t)(end + 1 - line));
  }
}

static void on_data(void *owner, struct fc__h2_stream *s, fc_slice data, bool end_stream) {
  struct h2_record *r = owner;
  if (r->data_id != s->id) {
    end_data_line(r);
    r->data_id = s->id;
    r->data_len = 0;
    r->data_sum = UINT32_C(2166136261); /* FNV-1a */
  }
  for (size_t i = 0; i < data.len; i++) {
    if (r->data_len < sizeof r->data_head) r->data_head[r->data_len] = data.data[i];
    r->data_len++;
    r->data_sum = (r->data_sum ^ data.data[i]) * UINT32_C(16777619);
  }
  r->data_end = end_stream;
  r->total += data.len;
  if (!r->hoard) fc__h2_consume(r->conn, s, data.len);
  if (end_stream && is_reset(r, s)) return;
  if (end_stream && r->answer) answer(r, s);
}

static void on_closed(void *owner, struct fc__h2_stream *s, uint32_t code, bool remote) {
  struct h2_record *r = owner;
  end_data_line(r);
  r->in_block = false;
  print(r, "closed %" PRIu32 " %s %s\n", s->id, fc__h2_error_name(code),
        remote ? "remote" : "local");
  if (s->open) abort();
  free_stream(r, s);
}

static void on_writable(void *owner, struct fc__h2_stream *s) {
  struct h2_record *r = owner;
  end_data_line(r);
  print(r, "writable %" PRIu32 "\n", s->id);
}

static void on_goaway(void *owner, uint32_t last_id, uint32_t code, fc_slice debug) {
  struct h2_record *r = owner;
  end_data_line(r);
  print(r, "goaway %" PRIu32 " %s ", last_id, fc__h2_error_name(code));
  print_bytes(r, debug);
  append(r, "\n", 1);
}

static void on_settings(void *owner) {
  struct h2_record *r = owner;
  end_data_line(r);
  append(r, "settings\n", 9);
}

static void on_ping_ack(void *owner, uint64_t opaque, int64_t now) {
  struct h2_record *r = owner;
  (void)now;
  end_data_line(r);
  print(r, "pong %" PRIu64 "\n", opaque);
}

#define EVENTS                                                                                     \
  .on_open = on_open, .on_field = on_field, .on_block = on_block, .on_data = on_data,              \
  .on_closed = on_closed, .on_writable = on_writable, .on_goaway = on_goaway,                      \
  .on_settings = on_settings, .on_ping_ack = on_ping_ack

const struct fc__h2_events h2_record_events = {EVENTS};

const struct fc__h2_events h2_record_events_of_runs = {EVENTS, .on_run = on_run,
                                                       .on_run_again = on_run_again};

/* ---- life ---- */

void h2_record_init(struct h2_record *r) { *r = (struct h2_record){.conn = NULL}; }

void h2_record_finish(struct h2_record *r) {
  while (r->streams) {
    struct h2_record_stream *s = r->streams;
    r->streams = s->next;
    free(s);
  }
  free(r->text.data);
  free(r->run.data);
}

const char *h2_record_text(struct h2_record *r) {
  end_data_line(r);
  append(r, "", 0);
  return (const char *)r->text.data;
}

void h2_record_clear(struct h2_record *r) {
  end_data_line(r);
  r->text.len = 0;
}
