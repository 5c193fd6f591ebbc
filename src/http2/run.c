/*
 * Header fields that come again. A peer begins the headers of most calls with the same run of
 * indexed fields, one byte each. While the dynamic table does not change they mean the same, so
 * what the last run came to, here and at the owner, is kept, and a block that begins with the same
 * bytes is not decoded that far.
 */
#include "http2/conn_internal.h"

enum { WORTH_KEEPING = 3 }; /* fields */

/* RFC 7541 section 6.1: an index below 127 in one byte. */
static bool is_indexed(uint8_t byte) { return byte >= 0x80 && byte < 0xff; }

/* A size update, RFC 7541 section 6.3, is right only before any field: the decoder is to judge
 * it. */
static bool is_size_update(uint8_t byte) { return (byte & 0xe0) == 0x20; }

/* At the start of a request, or of a response's first block: trailers are short and differ.
 * Later the same bytes may lie within a string. */
static bool is_first(const struct fc__h2_conn *c) {
  const struct fc__h2_block_in *b = &c->block;
  return b->stream && !b->begun && !b->check.trailers;
}

size_t fc__h2_run_begins(const struct fc__h2_conn *c, fc_slice block) {
  size_t len = 0;
  if (!c->events->on_run || !is_first(c)) return 0;
  while (len < block.len && is_indexed(block.data[len])) len++;
  return len < WORTH_KEEPING || len > FC__H2_RUN_MAX ? 0 : len;
}

void fc__h2_run_keep(struct fc__h2_conn *c, fc_slice run) {
  const struct fc__h2_block_in *b = &c->block;
  struct fc__h2_run *r = &c->run;
  r->len = 0;
  if (!b->stream || b->malformed || b->too_large || !c->events->on_run(c->owner, b->stream)) return;
  memcpy(r->bytes, run.data, run.len);
  r->len = (uint8_t)run.len;
  r->generation = fc__hpack_decoder_generation(c->decoder);
  r->fields = b->fields;
  r->size = b->bytes;
  r->check = b->check;
}

size_t fc__h2_run_again(struct fc__h2_conn *c, fc_slice block, bool end) {
  const struct fc__h2_run *r = &c->run;
  if (r->len == 0 || block.len < r->len || memcmp(block.data, r->bytes, r->len) != 0) return 0;
  if (!is_first(c) || r->generation != fc__hpack_decoder_generation(c->decoder)) return 0;
  if (block.len > r->len ? is_size_update(block.data[r->len]) : !end) return 0;
  struct fc__h2_block_in *b = &c->block;
  b->fields = r->fields;
  b->bytes = r->size;
  b->check = r->check;
  c->events->on_run_again(c->owner, b->stream);
  return r->len;
}
