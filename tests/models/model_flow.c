/*
 * Receive windows: random DATA with padding, an owner that consumes and expects what it likes, and windows that are tuned, beside
 * the arithmetic of both ends. Seen from the peer, which has read everything: window = granted - sent.
 */
#include <stdio.h>
#include <stdlib.h>

#include "models/model.h"
#include "support/h2_peer.h"

const unsigned model_short_rounds = 200;

/* Behind the streams is one that the owner has reset, on which the peer still sends. */
enum { STREAMS = 4, UNLIMITED = 1 << 30, FRAME_MOST = 400000 };

struct view {
  int64_t granted, sent; /* by SETTINGS and WINDOW_UPDATEs; bytes of DATA frames */
  int64_t consumed;      /* of them, padding included */
  int64_t expected;      /* that the owner let come, as a value of granted */
  bool ended;
};

static struct h2_peer peer;
static struct fc__random *rnd;
static struct view streams[STREAMS], connection;
static int64_t target; /* a stream's window */

static int64_t window_of(const struct view *v) { return v->granted - v->sent; }

static struct fc__h2_stream *stream(size_t i) {
  return h2_record_find(&peer.record, (uint32_t)(2 * i + 1));
}

/* ---- what the peer reads ---- */

/* RFC 9113 section 6.9.2: windows of all streams change with the setting. */
static void take_window_setting(int64_t window) {
  MODEL_CHECK(window <= peer.config.max_window || window == peer.config.initial_window,
              "a window grows to %lld", (long long)window);
  for (size_t i = 0; i < STREAMS; i++) {
    streams[i].granted += window - target;
    streams[i].expected += window - target;
  }
  target = window;
  h2_put_settings_ack(&peer);
}

static void take_line(const char *line) {
  unsigned id, increment;
  if (sscanf(line, "WINDOW_UPDATE %u %u", &id, &increment) == 2) {
    MODEL_CHECK(id / 2 < STREAMS, "a window of a stream that was reset is given back");
    struct view *v = id ? &streams[id / 2] : &connection;
    MODEL_CHECK(!v->ended, "a window of a stream that has ended is given back");
    v->granted += increment;
  } else if (strncmp(line, "SETTINGS ", 9) == 0 && line[9] != 'a') {
    const char *entry = strstr(line, " 4="), *end = strchr(line, '\n');
    take_window_setting(entry && entry < end ? atoll(entry + 3) : target);
  } else if (strncmp(line, "PING 8", 6) == 0) {
    h2_put_ping(&peer, strtoull(line + 5, NULL, 16), true);
  } else {
    bool own = strncmp(line, "RST_STREAM 9 CANCEL\n", 20) == 0;
    MODEL_CHECK(own || (strncmp(line, "RST", 3) != 0 && strncmp(line, "GOAWAY", 6) != 0),
                "a peer that keeps to its windows gets %.40s", line);
  }
}

/* Until nothing comes any more: an acknowledgement can bring a larger window. */
static void read_all(void) {
  const char *line = h2_sent(&peer);
  while (*line) {
    for (; *line; line = strchr(line, '\n') + 1) take_line(line);
    if (peer.in.len) MODEL_CHECK(h2_feed(&peer) == 0, "the peer's answers are refused");
    line = h2_sent(&peer);
  }
  h2_record_clear(&peer.record);
}

/* ---- what must hold ---- */

/* What is not given back is less than half of the window, and nothing is given twice. */
static void check_stream(size_t i) {
  const struct view *v = &streams[i];
  if (v->ended) return;
  MODEL_CHECK(stream(i)->recv_window == window_of(v), "stream %zu: the ends count %lld and %lld", i,
              (long long)stream(i)->recv_window, (long long)window_of(v));
  int64_t most = v->consumed + target, least = most - (target / 2 ? target / 2 - 1 : 0);
  if (v->expected > most) most = v->expected;
  MODEL_CHECK(v->granted <= most, "stream %zu: %lld granted where %lld are right", i,
              (long long)v->granted, (long long)most);
  MODEL_CHECK(v->granted >= least, "stream %zu: %lld granted, at least %lld are due", i,
              (long long)v->granted, (long long)least);
}

static void check_connection(void) {
  int64_t size = peer.config.connection_window;
  if (size < 2 * target && target > peer.config.initial_window) size = 2 * target;
  int64_t most = connection.sent + size;
  MODEL_CHECK(connection.granted <= most && connection.granted > most - size / 2,
              "connection: %lld granted where %lld are right", (long long)connection.granted,
              (long long)most);
}

static void check_all(void) {
  read_all();
  for (size_t i = 0; i < STREAMS; i++) check_stream(i);
  check_connection();
}

/* ---- steps ---- */

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

static void put_data(uint32_t id, size_t len, size_t padding, bool end) {
  static uint8_t payload[1 + FRAME_MOST];
  payload[0] = (uint8_t)(padding - 1);
  unsigned flags = (padding ? FC__H2_PADDED : 0) | (end ? FC__H2_END_STREAM : 0);
  fc_slice all = {payload + (padding ? 0 : 1), padding + len};
  h2_put_frame(&peer, FC__H2_DATA, flags, id, all);
}

/* padding: with the byte that tells it. Within both windows, and often all that is left of them. */
static void send_data(size_t i) {
  struct view *v = &streams[i];
  bool end = model_chance(rnd, 1);
  if (end) read_all(); /* what was given back before is right */
  int64_t most = smaller(smaller(window_of(v), window_of(&connection)), peer.config.max_frame_size);
  if (v->ended || most <= 0) return;
  size_t all = (size_t)most;
  if (model_chance(rnd, 60)) all = model_between(rnd, 0, all);
  size_t padding = !end && model_chance(rnd, 40) ? model_between(rnd, 0, all < 256 ? all : 256) : 0;
  put_data((uint32_t)(2 * i + 1), all - padding, padding, end);
  v->sent += (int64_t)all;
  v->consumed += (int64_t)padding;
  connection.sent += (int64_t)all;
  v->ended = end;
  MODEL_CHECK(h2_feed(&peer) == 0, "%zu bytes within the windows are refused", all);
}

/* Counts for the connection alone. */
static void send_late(void) {
  size_t len = (size_t)smaller(window_of(&connection), (int64_t)model_between(rnd, 0, 16384));
  put_data(2 * STREAMS + 1, len, 0, false);
  connection.sent += (int64_t)len;
  MODEL_CHECK(h2_feed(&peer) == 0, "%zu bytes on a stream that was reset are refused", len);
}

static void consume(size_t i) {
  struct view *v = &streams[i];
  if (!stream(i)) return; /* both sides have ended it */
  size_t unread = (size_t)(v->sent - v->consumed);
  size_t len = model_chance(rnd, 50) ? unread : model_between(rnd, 0, unread);
  v->consumed += (int64_t)len;
  fc__h2_consume(peer.conn, stream(i), len);
}

static void expect(size_t i) {
  struct view *v = &streams[i];
  static const size_t most[] = {10, 70000, 300000, UNLIMITED};
  size_t len = model_between(rnd, 0, MODEL_PICK(rnd, most));
  if (v->ended || v->sent + (int64_t)len > UNLIMITED) return;
  fc__h2_expect(peer.conn, stream(i), len);
  if (v->sent + (int64_t)len > v->expected) v->expected = v->sent + (int64_t)len;
  read_all();
  MODEL_CHECK(window_of(v) >= (int64_t)len, "stream %zu: %zu bytes are expected, %lld may come", i,
              len, (long long)window_of(v));
}

static void step(void) {
  size_t i = model_between(rnd, 0, STREAMS - 1), what = model_between(rnd, 0, 99);
  if (what < 60) {
    send_data(i);
  } else if (what < 65) {
    send_late();
  } else if (what < 95) {
    consume(i);
  } else {
    expect(i);
  }
}

/* What the peer does before it has read our SETTINGS goes by the default. */
static void play_early(void) {
  for (size_t steps = model_between(rnd, 0, 30); steps > 0; steps--) {
    size_t i = model_between(rnd, 0, STREAMS - 1);
    send_data(i);
    if (model_chance(rnd, 50)) consume(i);
  }
}

static void play(void) {
  for (size_t steps = model_between(rnd, 1, 300); steps > 0; steps--) {
    step();
    if (model_chance(rnd, 70)) check_all();
  }
  check_all();
}

/* ---- the end: a byte too many ---- */

static bool fill(size_t i) {
  struct view *v = &streams[i];
  if (window_of(v) > 1 << 20) return false;
  while (!v->ended && window_of(v) > 0 && window_of(&connection) > 0) {
    int64_t most = smaller(smaller(window_of(v), window_of(&connection)), 16384);
    put_data((uint32_t)(2 * i + 1), (size_t)most, 0, false);
    v->sent += most;
    connection.sent += most;
    MODEL_CHECK(h2_feed(&peer) == 0, "%lld bytes within the windows are refused", (long long)most);
    read_all();
  }
  return !v->ended && window_of(v) == 0;
}

/* RFC 9113 section 6.9.1: a receiver may answer either with an error. */
static void exceed_connection(size_t i) {
  put_data((uint32_t)(2 * i + 1), (size_t)window_of(&connection) + 1, 0, false);
  MODEL_CHECK(h2_feed(&peer) == FC_ERR_PROTOCOL, "a byte beyond the connection's window is taken");
  MODEL_CHECK(strstr(h2_sent(&peer), "FLOW_CONTROL_ERROR"), "the connection fails otherwise");
}

static void exceed(size_t i) {
  int64_t most = smaller(peer.config.max_frame_size, window_of(&streams[i]));
  if (!streams[i].ended && window_of(&connection) < most) {
    exceed_connection(i);
    return;
  }
  if (!fill(i)) return;
  put_data((uint32_t)(2 * i + 1), 1 - model_between(rnd, 0, 1), 1, false);
  MODEL_CHECK(h2_feed(&peer) == 0, "a stream's error is the connection's");
  char reset[64];
  snprintf(reset, sizeof reset, "RST_STREAM %zu FLOW_CONTROL_ERROR", 2 * i + 1);
  MODEL_CHECK(strstr(h2_sent(&peer), reset), "a byte beyond the window is taken");
}

static void start(bool server) {
  h2_peer_open(&peer);
  peer.record.hoard = true;
  if (server) h2_put_preface(&peer);
  h2_put_frame(&peer, FC__H2_SETTINGS, 0, 0, TEXT(""));
  for (uint32_t id = 1; id <= 2 * STREAMS + 1; id += 2) {
    if (server) h2_put_request(&peer, id, 0);
    if (!server) h2_open_request(&peer, true), h2_put_headers(&peer, id, 0, H2_RESPONSE);
  }
  MODEL_CHECK(h2_feed(&peer) == 0, "streams are refused");
  h2_record_reset(&peer.record, stream(STREAMS), FC__H2_CANCEL);
  target = 65535;
  connection = (struct view){.granted = target};
  for (size_t i = 0; i < STREAMS; i++) {
    streams[i] = (struct view){.granted = target, .expected = target};
  }
}

void model_round(struct fc__random *random) {
  static const uint32_t windows[] = {0, 1, 2, 3, 100, 16383, 65534, 65535, 65536, 200000};
  bool server = model_chance(random, 50);
  rnd = random;
  h2_peer_init(&peer, server);
  peer.config.bucket_burst = 1 << 30;
  if (model_chance(random, 40)) peer.config.max_frame_size = FRAME_MOST;
  peer.config.initial_window = MODEL_PICK(random, windows);
  peer.config.connection_window = (uint32_t)model_between(random, 65535, 300000);
  static const uint32_t largest[] = {1, 3, 1000000};
  uint64_t max_window = (uint64_t)peer.config.initial_window * MODEL_PICK(random, largest);
  if (max_window < peer.config.max_window) peer.config.max_window = (uint32_t)max_window;
  start(server);
  play_early();
  read_all();
  play();
  exceed(model_between(random, 0, STREAMS - 1));
  h2_peer_finish(&peer);
}
