/*
 * What a connection waits for, and PINGs that come too often, beside a few numbers: deadlines of the peer's SETTINGS, of each
 * acknowledgement and of the end of a header block fall due at their very nanosecond; strikes are counted as gRFC A8 says.
 */
#include "http2/conn_internal.h"
#include "models/model.h"
#include "support/h2_peer.h"

const unsigned model_short_rounds = 1500;

static struct h2_peer peer;
static struct fc__random *rnd;

/* ---- deadlines ---- */

static struct {
  int64_t settings, ack, block; /* FC_NEVER: nothing is awaited */
  unsigned unacked, continuations;
} plain;

static int64_t span(void) { return peer.config.settings_timeout; }

static int64_t next(void) {
  int64_t at = plain.settings < plain.ack ? plain.settings : plain.ack;
  return plain.block < at ? plain.block : at;
}

static void feed(void) { MODEL_CHECK(h2_feed(&peer) == 0, "what is right is refused"); }

static void send_settings(void) {
  fc__h2_settings_send_window(peer.conn, 70000 + (uint32_t)model_between(rnd, 0, 100000));
  if (plain.unacked++ == 0) plain.ack = peer.now + span();
}

/* The next one that was sent is given as long as the first. */
static void acknowledge(void) {
  h2_put_settings_ack(&peer);
  feed();
  plain.ack = --plain.unacked ? peer.now + span() : FC_NEVER;
}

static void begin_block(uint32_t id) {
  fc_slice block = h2_block_of(H2_REQUEST);
  h2_put_frame(&peer, FC__H2_HEADERS, FC__H2_END_STREAM, id, (fc_slice){block.data, 5});
  feed();
  plain.block = peer.now + span();
  plain.continuations = 0;
}

/* Bytes of the block do not move its deadline. */
static void go_on_block(uint32_t id, bool end) {
  fc_slice block = h2_block_of(H2_REQUEST);
  if (!end) h2_put_frame(&peer, FC__H2_CONTINUATION, 0, id, TEXT(""));
  if (end) {
    fc_slice rest = {block.data + 5, block.len - 5};
    h2_put_frame(&peer, FC__H2_CONTINUATION, FC__H2_END_HEADERS, id, rest);
    plain.block = FC_NEVER;
  }
  feed();
}

static void step(uint32_t *id) {
  bool in_block = plain.block != FC_NEVER;
  size_t what = model_between(rnd, 0, 9);
  if (plain.settings != FC_NEVER) {
    if (what > 4) return;
    h2_put_frame(&peer, FC__H2_SETTINGS, 0, 0, TEXT(""));
    feed();
    plain.settings = FC_NEVER;
  } else if (what < 2) {
    send_settings();
  } else if (what < 6 && !in_block && plain.unacked) {
    acknowledge();
  } else if (what < 8 && in_block) {
    go_on_block(*id, what == 7 || ++plain.continuations == 8);
  } else if (!in_block) {
    begin_block(*id += 2);
  }
}

static void check_due(void) {
  MODEL_CHECK(fc__h2_next_at(peer.conn) == next(), "it wants to be called at %lld, not %lld",
              (long long)fc__h2_next_at(peer.conn), (long long)next());
  if (next() == FC_NEVER) return;
  MODEL_CHECK(fc__h2_tick(peer.conn, next() - 1) == 0, "a deadline falls due early");
  peer.now = next() - 1 > peer.now ? next() - 1 : peer.now;
  bool settings = plain.settings == next() || plain.ack == next();
  uint32_t code;
  MODEL_CHECK(fc__h2_tick(peer.conn, next()) == FC_ERR_PROTOCOL, "a deadline is not kept");
  (void)fc__h2_failure(peer.conn, &code);
  MODEL_CHECK(code == (settings ? FC__H2_SETTINGS_TIMEOUT : FC__H2_ENHANCE_YOUR_CALM),
              "a deadline has code %u", code);
}

static void play_deadlines(void) {
  static const int64_t spans[] = {1, 1000, 20 * FC_SECOND, FC_NEVER};
  uint32_t id = (uint32_t)-1;
  h2_peer_init(&peer, true);
  peer.config.bucket_burst = 1 << 30;
  peer.config.settings_timeout = spans[model_between(rnd, 0, 2)];
  peer.config.handshake_time = (int64_t)model_between(rnd, 0, (size_t)span() - 1);
  h2_peer_open(&peer);
  h2_put_preface(&peer);
  feed();
  plain.settings = peer.now - peer.config.handshake_time + span();
  plain.ack = peer.now + span();
  plain.block = FC_NEVER;
  plain.unacked = 1;
  for (size_t steps = model_between(rnd, 0, 40); steps > 0; steps--) {
    int64_t left = next() == FC_NEVER ? 100 : next() - peer.now;
    if (left > 1)
      peer.now +=
          (int64_t)model_between(rnd, 0, (size_t)(left < span() / 4 ? left - 1 : span() / 4));
    if (fc__h2_tick(peer.conn, peer.now)) MODEL_CHECK(false, "a deadline falls due early");
    step(&id);
    h2_drain(&peer);
  }
  check_due();
  h2_peer_finish(&peer);
}

/* ---- PINGs ---- */

/* Two that come within the interval after the one before are forgiven, and all of them when the server has sent something. */
static void play_pings(void) {
  int64_t interval = 300 * FC_SECOND, idle = 2 * 3600 * FC_SECOND, last = FC_NEVER;
  unsigned strikes = 0;
  h2_peer_init(&peer, true);
  peer.config.ping_without_calls = model_chance(rnd, 50);
  h2_peer_started(&peer);
  bool call = model_chance(rnd, 50);
  if (call) h2_put_request(&peer, 1, 0);
  feed();
  while (strikes < 3) {
    bool sends = call && model_chance(rnd, 20);
    if (sends) {
      struct fc__h2_stream *s = h2_record_find(&peer.record, 1);
      MODEL_CHECK(fc__h2_send(peer.conn, s, TEXT(""), NULL, TEXT("x"), false) == FC_OK,
                  "no memory");
      h2_drain(&peer);
      strikes = 0;
      last = FC_NEVER;
    }
    int64_t least = call || peer.config.ping_without_calls ? interval : idle;
    static const int64_t around[] = {-1, 0, 1, 1000};
    bool soon = model_chance(rnd, 50);
    peer.now += soon ? (int64_t)model_between(rnd, 0, 1000) : least + MODEL_PICK(rnd, around);
    if (last != FC_NEVER && peer.now - last < least) strikes++;
    last = peer.now;
    h2_put_ping(&peer, 1, false);
    MODEL_CHECK(h2_feed(&peer) == (strikes < 3 ? 0 : FC_ERR_PROTOCOL),
                "%u strikes: the connection %s", strikes, strikes < 3 ? "fails" : "does not fail");
    h2_drain(&peer);
  }
  h2_peer_finish(&peer);
}

void model_round(struct fc__random *random) {
  rnd = random;
  play_deadlines();
  play_pings();
}
