/*
 * Send windows: a client with messages on several streams, and a peer that changes SETTINGS and windows as it likes, up to
 * the largest, below zero and past the limit. What leaves must be all that the windows allow, and not a byte more.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "models/model.h"
#include "support/h2_peer.h"

const unsigned model_short_rounds = 2000;

enum { STREAMS = 6 };

struct view {
  bool open, answered, ended; /* answered: its other side has ended */
  int64_t window;
  size_t queued; /* given to the connection, not seen yet */
};

static struct h2_peer peer;
static struct fc__random *rnd;
static struct view streams[STREAMS];
static int64_t connection, initial;
static uint32_t max_frame;
static bool failed;

static struct fc__h2_stream *stream(size_t i) {
  return h2_record_find(&peer.record, (uint32_t)(2 * i + 1));
}

/* ---- what leaves ---- */

static void take_data(size_t i, size_t len, bool end) {
  struct view *v = &streams[i];
  MODEL_CHECK(v->open && !v->ended, "DATA on stream %zu, which is over", i);
  MODEL_CHECK(len <= v->queued && len <= max_frame, "DATA of %zu bytes, %zu are queued", len,
              v->queued);
  v->queued -= len;
  v->window -= (int64_t)len;
  connection -= (int64_t)len;
  MODEL_CHECK(len == 0 || (v->window >= 0 && connection >= 0),
              "stream %zu: windows are %lld and %lld after %zu bytes", i, (long long)v->window,
              (long long)connection, len);
  v->ended = end;
  if (end && v->answered) v->open = false;
}

static void read_all(const char *expected) {
  bool seen = false;
  for (const char *line = h2_sent(&peer); *line; line = strchr(line, '\n') + 1) {
    size_t id, len;
    if (sscanf(line, "DATA %zu %zu", &id, &len) == 2) {
      const char *end = strstr(line, " end\n");
      take_data(id / 2, len, end && end < strchr(line, '\n'));
    } else if (*line == 'R' || *line == 'G') {
      seen = expected && strncmp(line, expected, strlen(expected)) == 0;
      MODEL_CHECK(seen, "%.40s, expected %s", line, expected ? expected : "nothing");
    }
  }
  MODEL_CHECK(seen || !expected, "%s does not come", expected);
  h2_record_clear(&peer.record);
}

/* Nothing waits that may leave. */
static void check_progress(void) {
  for (size_t i = 0; i < STREAMS && !failed; i++) {
    const struct view *v = &streams[i];
    if (!v->open) continue;
    MODEL_CHECK(v->queued == 0 || v->window <= 0 || connection <= 0,
                "%zu bytes wait on stream %zu, its window is %lld, the connection's %lld",
                v->queued, i, (long long)v->window, (long long)connection);
    MODEL_CHECK(v->ended || stream(i)->send_window == v->window,
                "stream %zu: the ends count %lld and %lld", i, (long long)stream(i)->send_window,
                (long long)v->window);
  }
}

/* ---- what the peer says ---- */

static void feed(bool fails, const char *expected) {
  MODEL_CHECK(h2_feed(&peer) == (fails ? FC_ERR_PROTOCOL : 0), "the connection %s",
              fails ? "does not fail" : "fails");
  failed = fails;
  read_all(expected);
}

static int64_t some_window(void) {
  static const int64_t edges[] = {0,     1,       100,           16384,    65535,
                                  65536, 1 << 20, INT32_MAX - 1, INT32_MAX};
  return model_chance(rnd, 50) ? MODEL_PICK(rnd, edges) : (int64_t)model_between(rnd, 0, 200000);
}

/* RFC 9113 section 6.9.2: the change counts for all streams, and may not lift one above the limit. */
static void change_initial(void) {
  int64_t window = some_window();
  bool fails = false;
  for (size_t i = 0; i < STREAMS; i++) {
    if (!streams[i].open) continue;
    streams[i].window += window - initial;
    fails = fails || streams[i].window > INT32_MAX;
  }
  initial = window;
  h2_put_setting(&peer, FC__H2_INITIAL_WINDOW_SIZE, (uint32_t)window);
  feed(fails, fails ? "GOAWAY 0 FLOW_CONTROL_ERROR" : NULL);
}

/* Often up to the very limit or one byte beyond. */
static uint32_t some_increment(int64_t window) {
  int64_t most = INT32_MAX - window;
  if (model_chance(rnd, 10) && most > 0 && most < INT32_MAX) return (uint32_t)most;
  if (model_chance(rnd, 2) && most < INT32_MAX) return (uint32_t)most + 1;
  return (uint32_t)model_between(rnd, 1, 100000);
}

static void widen_connection(void) {
  uint32_t increment = some_increment(connection);
  connection += increment;
  h2_put_u32(&peer, FC__H2_WINDOW_UPDATE, 0, increment);
  feed(connection > INT32_MAX, connection > INT32_MAX ? "GOAWAY 0 FLOW_CONTROL_ERROR" : NULL);
}

static void widen_stream(size_t i) {
  struct view *v = &streams[i];
  if (!v->open || v->ended) return;
  uint32_t increment = some_increment(v->window), id = (uint32_t)(2 * i + 1);
  char reset[64];
  v->window += increment;
  h2_put_u32(&peer, FC__H2_WINDOW_UPDATE, id, increment);
  snprintf(reset, sizeof reset, "RST_STREAM %" PRIu32 " FLOW_CONTROL_ERROR", id);
  v->open = v->window <= INT32_MAX;
  feed(false, v->open ? NULL : reset);
}

static void change_max_frame(void) {
  max_frame = (uint32_t)model_between(rnd, 16384, model_chance(rnd, 50) ? 16384 : 70000);
  h2_put_setting(&peer, FC__H2_MAX_FRAME_SIZE, max_frame);
  feed(false, NULL);
}

/* ---- what the owner does ---- */

static void send(size_t i) {
  static const uint8_t text[FC__H2_INLINE_MAX];
  struct view *v = &streams[i];
  if (!v->open || v->ended || stream(i)->local_end) return;
  for (size_t times = model_between(rnd, 1, model_chance(rnd, 10) ? 60 : 3); times > 0; times--) {
    size_t len = model_between(rnd, 0, sizeof text);
    bool end = model_chance(rnd, 1);
    fc_result result =
        fc__h2_send(peer.conn, stream(i), TEXT(""), NULL, (fc_slice){text, len}, end);
    MODEL_CHECK(result == FC_OK, "a message is refused: %d", result);
    v->queued += len;
    if (end) break;
  }
  read_all(NULL);
}

static void step(void) {
  size_t i = model_between(rnd, 0, STREAMS - 1), what = model_between(rnd, 0, 99);
  if (what < 40) {
    send(i);
  } else if (what < 60) {
    widen_stream(i);
  } else if (what < 75) {
    widen_connection();
  } else if (what < 90) {
    change_initial();
  } else {
    change_max_frame();
  }
}

/* Some are answered at once: such a stream is half closed, and its request goes on. */
static void open_streams(void) {
  for (size_t i = 0; i < STREAMS; i++) {
    struct fc__h2_stream *s = h2_open_request(&peer, false);
    streams[i] = (struct view){.open = true, .window = initial};
    streams[i].answered = model_chance(rnd, 30);
    if (streams[i].answered) h2_put_headers(&peer, s->id, FC__H2_END_STREAM, H2_RESPONSE);
    feed(false, NULL);
    if (model_chance(rnd, 30)) change_initial();
    if (failed) return;
  }
}

void model_round(struct fc__random *random) {
  rnd = random;
  failed = false;
  for (size_t i = 0; i < STREAMS; i++) streams[i].open = false;
  connection = initial = 65535;
  max_frame = 16384;
  h2_peer_init(&peer, false);
  peer.config.bucket_burst = 1 << 30;
  h2_peer_started(&peer);
  open_streams();
  for (size_t steps = model_between(random, 1, 100); steps > 0 && !failed; steps--) {
    step();
    check_progress();
  }
  h2_peer_finish(&peer);
}
