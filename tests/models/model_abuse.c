/*
 * The abuse bucket beside a fraction of two large numbers, at any rate, burst and times; and a connection that is fed what
 * costs a token and what does not, until it must fail, not one frame earlier or later.
 */
#include <stdio.h>

#include "http2/abuse.h"
#include "models/model.h"
#include "support/h2_peer.h"

const unsigned model_short_rounds = 800;

/* ---- the bucket ---- */

/* In billionths, with room for any time: burst is at most 2^32 tokens, so what has come is counted as far as that. */
struct plain {
  uint64_t level, burst, per_second;
  int64_t at;
};

static void plain_refill(struct plain *b, int64_t now) {
  if (now <= b->at) return;
  uint64_t elapsed = (uint64_t)now - (uint64_t)b->at, missing = b->burst - b->level;
  b->at = now;
  /* A nanosecond brings as many billionths as a second brings tokens. Longer than it takes to fill is long enough. */
  uint64_t enough = b->per_second ? missing / b->per_second + 1 : 0;
  uint64_t come = (elapsed < enough ? elapsed : enough) * b->per_second;
  b->level += come < missing ? come : missing;
}

static int64_t some_gap(struct fc__random *random) {
  static const int64_t edges[] = {0, 1, -1, 999999999, 1000000000, INT64_MAX / 2, -1000000000};
  if (model_chance(random, 30)) return MODEL_PICK(random, edges);
  return (int64_t)(fc__random_next(random) >> model_between(random, 20, 63));
}

static void play_bucket(struct fc__random *random) {
  static const uint32_t numbers[] = {0, 1, 2, 3, 33, 1000, 999999937, UINT32_MAX};
  uint32_t burst = MODEL_PICK(random, numbers), rate = MODEL_PICK(random, numbers);
  int64_t now = model_chance(random, 50) ? 0 : some_gap(random);
  struct fc__h2_bucket bucket;
  fc__h2_bucket_init(&bucket, burst, rate, now);
  struct plain plain = {burst * UINT64_C(1000000000), burst * UINT64_C(1000000000), rate, now};
  for (int i = 0; i < 200; i++) {
    int64_t gap = some_gap(random);
    if (gap > 0 ? now <= INT64_MAX / 2 - gap : now >= INT64_MIN / 4 - gap) now += gap;
    if (model_chance(random, 10)) {
      fc__h2_bucket_give(&bucket);
      plain.level +=
          plain.burst - plain.level < 1000000000 ? plain.burst - plain.level : 1000000000;
      continue;
    }
    plain_refill(&plain, now);
    bool right = plain.level >= 1000000000, taken = fc__h2_bucket_take(&bucket, now);
    if (right) plain.level -= 1000000000;
    MODEL_CHECK(taken == right, "burst %u, rate %u: with %llu billionths a token is %s", burst,
                rate, (unsigned long long)plain.level, taken ? "taken" : "refused");
  }
}

/* ---- a connection ---- */

static struct h2_peer peer;
static uint32_t next_id;

static void put_call(bool end) {
  h2_put_request(&peer, next_id, end ? FC__H2_END_STREAM : 0);
  next_id += 2;
}

/* What costs so many tokens. */
static unsigned put_costly(struct fc__random *random) {
  switch (model_between(random, 0, 9)) {
    case 0: /* a reset, which gives nothing back */
      put_call(false);
      h2_put_u32(&peer, FC__H2_RST_STREAM, next_id - 2, FC__H2_CANCEL);
      return 1;
    case 1: /* and one of a stream that is over */
      put_call(false);
      for (int i = 0; i < 2; i++) {
        h2_put_u32(&peer, FC__H2_RST_STREAM, next_id - 2, FC__H2_CANCEL);
      }
      return 2;
    case 2:
      h2_put_frame(&peer, FC__H2_PRIORITY, 0, 1, TEXT("\0\0\0\0\1"));
      return 1;
    case 3:
      h2_put_frame(&peer, FC__H2_SETTINGS, 0, 0, TEXT(""));
      return 1;
    case 4:
      h2_put_frame(&peer, 99, 0, 0, TEXT("unknown"));
      return 1;
    case 5:
      h2_put_ping(&peer, 1, true);
      return 1;
    case 6: /* malformed */
      h2_put_headers(&peer, next_id, 0, "x: y\n");
      next_id += 2;
      return 1;
    case 7: /* a PING with traffic before it, and one without */
      put_call(true);
      h2_put_ping(&peer, 1, false);
      h2_put_ping(&peer, 2, false);
      return 1;
    case 8: /* parts of a header block that carry nothing, then a reset */
      h2_put_frame(&peer, FC__H2_HEADERS, 0, next_id, TEXT(""));
      h2_put_frame(&peer, FC__H2_CONTINUATION, 0, next_id, TEXT(""));
      h2_put_frame(&peer, FC__H2_CONTINUATION, FC__H2_END_HEADERS, next_id,
                   h2_block_of(H2_REQUEST));
      h2_put_u32(&peer, FC__H2_RST_STREAM, next_id, FC__H2_CANCEL);
      next_id += 2;
      return 3;
    default: /* DATA that carries nothing, then a reset */
      put_call(false);
      h2_put_data(&peer, next_id - 2, 0, "");
      h2_put_u32(&peer, FC__H2_RST_STREAM, next_id - 2, FC__H2_CANCEL);
      return 2;
  }
}

/* The least that is not nothing: a byte of headers, a byte of data. */
static void put_free(struct fc__random *random) {
  fc_slice block = h2_block_of(H2_REQUEST), first = {block.data, 1};
  fc_slice second = {block.data + 1, 1}, rest = {block.data + 2, block.len - 2};
  uint32_t id = next_id;
  next_id += 2;
  h2_put_frame(&peer, FC__H2_HEADERS, 0, id, first);
  h2_put_frame(&peer, FC__H2_CONTINUATION, 0, id, second);
  h2_put_frame(&peer, FC__H2_CONTINUATION, FC__H2_END_HEADERS, id, rest);
  if (model_chance(random, 50)) h2_put_data(&peer, id, 0, "d");
  h2_put_u32(&peer, FC__H2_WINDOW_UPDATE, id, 1);
  h2_put_data(&peer, id, FC__H2_END_STREAM, "");
}

/* An answer to a whole request gives a token back, unless the request was rejected, which costs one. */
static void answer(struct plain *plain, struct fc__h2_stream *s, bool rejects) {
  if (rejects) {
    fc__h2_reject(peer.conn, s);
    plain->level -= FC__H2_TOKEN;
  }
  fc__h2_block_begin(peer.conn, s);
  fc__h2_block_field(peer.conn, TEXT(":status"), TEXT("200"), FC__HPACK_INDEX);
  MODEL_CHECK(fc__h2_block_end(peer.conn, s, true) == FC_OK, "no answer");
  h2_drain(&peer);
  if (rejects) return;
  uint64_t missing = plain->burst - plain->level;
  plain->level += missing < FC__H2_TOKEN ? missing : FC__H2_TOKEN;
}

static void answer_all(struct fc__random *random, struct plain *plain) {
  while (peer.record.streams) {
    struct fc__h2_stream *s = NULL;
    for (uint32_t id = 1; !s; id += 2) s = h2_record_find(&peer.record, id);
    struct plain filled = *plain; /* the library looks at the time only when it takes a token */
    plain_refill(&filled, peer.now);
    bool rejects = filled.level >= FC__H2_TOKEN && model_chance(random, 30);
    if (rejects) *plain = filled;
    answer(plain, s, rejects);
  }
}

static void play_connection(struct fc__random *random) {
  uint32_t burst = (uint32_t)model_between(random, 5, 40),
           rate = (uint32_t)model_between(random, 0, 5);
  h2_peer_init(&peer, true);
  peer.config.bucket_burst = burst;
  peer.config.bucket_per_second = rate;
  peer.config.ping_min_interval = 0;
  peer.config.max_concurrent_streams = 100000;
  h2_peer_started(&peer);
  struct plain plain = {burst * UINT64_C(1000000000), burst * UINT64_C(1000000000), rate, peer.now};
  next_id = 1;
  put_free(random);
  int result = 0;
  while (result == 0) {
    if (model_chance(random, 20)) peer.now += (int64_t)model_between(random, 1, 1500000000);
    if (model_chance(random, 20)) put_free(random);
    unsigned cost = model_chance(random, 90) ? put_costly(random) : 0;
    result = h2_feed(&peer);
    if (cost) plain_refill(&plain, peer.now);
    bool fails = plain.level < cost * UINT64_C(1000000000);
    MODEL_CHECK((result != 0) == fails, "with %llu billionths %u tokens %s",
                (unsigned long long)plain.level, cost, result ? "fail" : "do not fail");
    if (result == 0) plain.level -= cost * UINT64_C(1000000000);
    if (result == 0 && cost && model_chance(random, 10)) answer_all(random, &plain);
    h2_drain(&peer);
  }
  uint32_t code;
  (void)fc__h2_failure(peer.conn, &code);
  MODEL_CHECK(code == FC__H2_ENHANCE_YOUR_CALM, "the connection fails with %u", code);
  h2_peer_finish(&peer);
}

void model_round(struct fc__random *random) {
  play_bucket(random);
  play_connection(random);
}
