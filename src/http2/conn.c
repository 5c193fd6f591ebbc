/*
 * A connection as a whole: made, going away, failing, closed, and what is due at which time.
 */
#include "http2/conn_internal.h"

#include <assert.h>

#include "base/mem.h"

static const char PREFACE[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"; /* RFC 9113 section 3.4 */

/* Of the SETTINGS that allow it, until they have come: RFC 9113 section 6.5.2 recommends no
 * less. */
enum { STREAMS_UNTIL_SETTINGS = 100 };

enum { WINDOW_MOST = 1 << 30 }; /* of ours: leaves room for what fc__h2_expect adds */

const char *fc__h2_error_name(uint32_t code) {
  static const char *const names[] = {
      "NO_ERROR",
      "PROTOCOL_ERROR",
      "INTERNAL_ERROR",
      "FLOW_CONTROL_ERROR",
      "SETTINGS_TIMEOUT",
      "STREAM_CLOSED",
      "FRAME_SIZE_ERROR",
      "REFUSED_STREAM",
      "CANCEL",
      "COMPRESSION_ERROR",
      "CONNECT_ERROR",
      "ENHANCE_YOUR_CALM",
      "INADEQUATE_SECURITY",
      "HTTP_1_1_REQUIRED",
  };
  return code < sizeof names / sizeof names[0] ? names[code] : "unknown error";
}

/* ---- making and ending ---- */

void fc__h2_config_defaults(struct fc__h2_config *config, bool server) {
  *config = (struct fc__h2_config){
      .server = server,
      .max_concurrent_streams = 100,
      .initial_window = FC__H2_DEFAULT_WINDOW,
      .max_window = 8 * 1024 * 1024,
      .connection_window = 1024 * 1024,
      .max_frame_size = FC__H2_FRAME_MIN_MAX,
      .max_header_list_bytes = 16 * 1024,
      .max_header_fields = 128,
      .bucket_burst = 1000,
      .bucket_per_second = 33,
      .ping_min_interval = 300 * FC_SECOND,
      .settings_timeout = 20 * FC_SECOND,
  };
}

static uint32_t between(uint32_t value, uint32_t least, uint32_t most) {
  return value < least ? least : value > most ? most : value;
}

static void take_config(struct fc__h2_conn *c, const struct fc__h2_config *config) {
  c->config = *config;
  c->config.initial_window = between(config->initial_window, 0, WINDOW_MOST);
  c->config.max_window = between(config->max_window, c->config.initial_window, WINDOW_MOST);
  c->config.connection_window =
      between(config->connection_window, FC__H2_DEFAULT_WINDOW, WINDOW_MOST);
  c->config.max_frame_size =
      between(config->max_frame_size, FC__H2_FRAME_MIN_MAX, FC__H2_FRAME_MAX_MAX);
}

static void init_windows(struct fc__h2_conn *c) {
  c->send_window = c->recv_window = FC__H2_DEFAULT_WINDOW;
  c->recv_target = c->config.connection_window;
  c->stream_target = c->config.initial_window;
  c->window_unacked = c->stream_target < FC__H2_DEFAULT_WINDOW;
  c->tuning = c->stream_target < c->config.max_window;
  c->peer_initial_window = FC__H2_DEFAULT_WINDOW;
  c->peer_max_frame = FC__H2_FRAME_MIN_MAX;
  c->peer_max_streams = STREAMS_UNTIL_SETTINGS;
  c->peer_max_header_list = UINT32_MAX;
  c->updates_free = FC__H2_UPDATES_FIRST;
}

static void queue_preface(struct fc__h2_conn *c) {
  if (!c->server && !fc__buf_append(&c->out.buf, PREFACE, sizeof PREFACE - 1)) {
    fc__h2_fail_memory(c);
  }
  fc__h2_settings_send_first(c);
  uint32_t more = (uint32_t)(c->recv_target - c->recv_window);
  if (more > 0) fc__h2_put_u32_frame(c, FC__H2_WINDOW_UPDATE, 0, more);
  c->recv_window = c->recv_target;
}

struct fc__h2_conn *fc__h2_conn_create(const struct fc__h2_config *config,
                                       const struct fc__h2_events *events, void *owner,
                                       int64_t now) {
  struct fc__h2_conn *c = fc__alloc_zero(sizeof *c);
  if (!c) return NULL;
  c->events = events;
  c->owner = owner;
  c->server = config->server;
  c->now = now;
  take_config(c, config);
  fc__h2_table_init(&c->table);
  fc__node_init(&c->all);
  fc__node_init(&c->ready);
  fc__node_init(&c->done);
  bool has_output = fc__h2_out_init(&c->out);
  fc__h2_bucket_init(&c->bucket, config->bucket_burst, config->bucket_per_second, now);
  c->in.state = c->server ? FC__H2_IN_PREFACE : FC__H2_IN_HEADER;
  c->block.deadline = c->ack_deadline = c->last_ping = FC_NEVER;
  c->settings_deadline = fc__h2_after(now - config->handshake_time, config->settings_timeout);
  init_windows(c);
  c->decoder = fc__hpack_decoder_create(FC__HPACK_TABLE_DEFAULT, config->max_header_list_bytes);
  c->encoder = fc__hpack_encoder_create();
  bool complete = has_output && c->decoder && c->encoder;
  if (complete) queue_preface(c);
  if (!complete || c->result) {
    fc__h2_conn_destroy(c);
    return NULL;
  }
  return c;
}

void fc__h2_conn_destroy(struct fc__h2_conn *c) {
  if (!c) return;
  for (struct fc__node *n; (n = fc__list_first(&c->all));) {
    struct fc__h2_stream *s = FC__CONTAINER(n, struct fc__h2_stream, all);
    s->open = false;
    fc__h2_stream_detach(c, s, FC__H2_LOCAL_RESET);
  }
  for (struct fc__node *n; (n = fc__list_first(&c->done));) {
    fc__list_remove(n);
    FC__CONTAINER(n, struct fc__h2_stream, ready)->open = false;
  }
  assert(c->table.count == 0 && c->queued == 0 && "streams take what they have queued along");
  fc__h2_out_finish(c);
  fc__h2_spare_finish(c);
  fc__h2_table_finish(&c->table);
  fc__hpack_decoder_destroy(c->decoder);
  fc__hpack_encoder_destroy(c->encoder);
  fc__free(c);
}

void fc__h2_close(struct fc__h2_conn *c, uint32_t code, bool remote) {
  c->closed = true;
  if (c->result == 0) c->result = FC_ERR_CLOSED;
  fc__h2_report_done(c);
  for (struct fc__node *n; (n = fc__list_first(&c->all));) {
    fc__h2_stream_close(c, FC__CONTAINER(n, struct fc__h2_stream, all), FC__H2_LOCAL_RESET, code,
                        remote);
  }
}

/* ---- going away ---- */

static void put_goaway(struct fc__h2_conn *c, uint32_t last, uint32_t code, const char *debug) {
  uint8_t payload[FC__H2_CONTROL_MAX];
  size_t len = strlen(debug);
  if (len > sizeof payload - 8) len = sizeof payload - 8;
  fc__h2_put_u32(payload, last);
  fc__h2_put_u32(payload + 4, code);
  memcpy(payload + 8, debug, len);
  fc__h2_put_frame(c, FC__H2_GOAWAY, 0, 0, payload, (uint32_t)(8 + len));
}

/* The last stream of the peer's that was or might be processed. Servers open none. */
static uint32_t last_of_peer(const struct fc__h2_conn *c) {
  return c->server ? c->history.last : 0;
}

void fc__h2_goaway(struct fc__h2_conn *c, uint32_t code, const char *debug, bool final) {
  uint8_t step = final || !c->server ? FC__H2_GOAWAY_FINAL : FC__H2_GOAWAY_ANNOUNCED;
  if (c->result || c->goaway_sent >= step) return;
  c->goaway_sent = step;
  put_goaway(c, step == FC__H2_GOAWAY_FINAL ? last_of_peer(c) : FC__H2_ID_MAX, code, debug);
}

bool fc__h2_going_away(const struct fc__h2_conn *c) { return c->goaway_received || c->goaway_sent; }

/* ---- failing ---- */

void fc__h2_fail(struct fc__h2_conn *c, uint32_t code, const char *text) {
  if (c->result) return;
  c->result = FC_ERR_PROTOCOL;
  c->failure_code = code;
  c->failure = text;
  put_goaway(c, last_of_peer(c), code, text);
}

void fc__h2_fail_memory(struct fc__h2_conn *c) {
  if (c->result) return;
  c->result = FC_ERR_NO_MEMORY;
  c->failure_code = FC__H2_INTERNAL_ERROR;
  c->failure = "out of memory";
  put_goaway(c, last_of_peer(c), FC__H2_INTERNAL_ERROR, ""); /* if there is room for it */
}

const char *fc__h2_failure(const struct fc__h2_conn *c, uint32_t *code) {
  *code = c->failure_code;
  return c->failure ? c->failure : "";
}

void fc__h2_charge(struct fc__h2_conn *c) {
  if (c->result || fc__h2_bucket_take(&c->bucket, c->now)) return;
  fc__h2_fail(c, FC__H2_ENHANCE_YOUR_CALM, "abuse budget is spent");
}

/* ---- time ---- */

int64_t fc__h2_next_at(const struct fc__h2_conn *c) {
  if (c->closed) return FC_NEVER;
  if (c->result) return c->now; /* a failure outside fc__h2_receive is told by fc__h2_tick */
  int64_t at = c->settings_deadline;
  if (c->ack_deadline < at) at = c->ack_deadline;
  if (c->block.active && c->block.deadline < at) at = c->block.deadline;
  return at;
}

int fc__h2_tick(struct fc__h2_conn *c, int64_t now) {
  c->now = now;
  if (now >= c->settings_deadline) {
    fc__h2_fail(c, FC__H2_SETTINGS_TIMEOUT, "no SETTINGS came in time");
  } else if (now >= c->ack_deadline) {
    fc__h2_fail(c, FC__H2_SETTINGS_TIMEOUT, "SETTINGS were not acknowledged in time");
  } else if (c->block.active && now >= c->block.deadline) {
    fc__h2_fail(c, FC__H2_ENHANCE_YOUR_CALM, "a header block did not end in time");
  }
  return c->result;
}

/* ---- asking ---- */

bool fc__h2_can_open(const struct fc__h2_conn *c) {
  return !c->server && c->result == 0 && !fc__h2_going_away(c) && c->history.last < FC__H2_ID_MAX &&
         c->table.count < c->peer_max_streams;
}

uint32_t fc__h2_peer_max_streams(const struct fc__h2_conn *c) { return c->peer_max_streams; }

size_t fc__h2_stream_count(const struct fc__h2_conn *c) { return c->table.count; }

uint32_t fc__h2_peer_max_header_list(const struct fc__h2_conn *c) {
  return c->peer_max_header_list;
}

bool fc__h2_peer_settings_seen(const struct fc__h2_conn *c) { return c->peer_settings_seen; }
