/* SETTINGS: what we announce, what the peer announces, and the acknowledgements. Spec: RFC 9113
 * section 6.5 */
#include "http2/conn_internal.h"

enum { ENTRY_LEN = 6, FIRST_MAX = 5 };

/* ---- ours ---- */

static uint32_t put_entry(uint8_t *payload, uint32_t len, enum fc__h2_setting setting,
                          uint32_t value) {
  payload[len] = 0;
  payload[len + 1] = (uint8_t)setting;
  fc__h2_put_u32(payload + len + 2, value);
  return len + ENTRY_LEN;
}

static void send_settings(struct fc__h2_conn *c, const uint8_t *payload, uint32_t len) {
  fc__h2_put_frame(c, FC__H2_SETTINGS, 0, 0, payload, len);
  if (c->settings_unacked++ == 0)
    c->ack_deadline = fc__h2_after(c->now, c->config.settings_timeout);
}

void fc__h2_settings_send_first(struct fc__h2_conn *c) {
  const struct fc__h2_config *config = &c->config;
  uint8_t payload[FIRST_MAX * ENTRY_LEN];
  uint32_t len = 0;
  if (config->server) {
    len = put_entry(payload, len, FC__H2_MAX_CONCURRENT_STREAMS, config->max_concurrent_streams);
  } else {
    len = put_entry(payload, len, FC__H2_ENABLE_PUSH, 0);
  }
  if (config->initial_window != FC__H2_DEFAULT_WINDOW) {
    len = put_entry(payload, len, FC__H2_INITIAL_WINDOW_SIZE, config->initial_window);
  }
  if (config->max_frame_size != FC__H2_FRAME_MIN_MAX) {
    len = put_entry(payload, len, FC__H2_MAX_FRAME_SIZE, config->max_frame_size);
  }
  len = put_entry(payload, len, FC__H2_MAX_HEADER_LIST_SIZE, config->max_header_list_bytes);
  send_settings(c, payload, len);
}

void fc__h2_settings_send_window(struct fc__h2_conn *c, uint32_t window) {
  uint8_t payload[ENTRY_LEN];
  /* A larger window holds at once; the peer learns of it later, and sends less until then. */
  fc__h2_shift_recv_windows(c, (int64_t)window - c->stream_target);
  c->stream_target = window;
  send_settings(c, payload, put_entry(payload, 0, FC__H2_INITIAL_WINDOW_SIZE, window));
}

/* A first window smaller than the default holds from the acknowledgement on: before it the peer
 * could not know. */
static void take_ack(struct fc__h2_conn *c) {
  if (c->settings_unacked == 0) {
    fc__h2_fail(c, FC__H2_PROTOCOL_ERROR, "acknowledgement of SETTINGS that were not sent");
    return;
  }
  c->settings_unacked--;
  c->ack_deadline =
      c->settings_unacked ? fc__h2_after(c->now, c->config.settings_timeout) : FC_NEVER;
  if (c->window_unacked) {
    c->window_unacked = false;
    fc__h2_shift_recv_windows(c, (int64_t)c->stream_target - FC__H2_DEFAULT_WINDOW);
  }
}

/* ---- the peer's ---- */

static void set_window(struct fc__h2_conn *c, uint32_t window) {
  int64_t by = (int64_t)window - c->peer_initial_window;
  c->peer_initial_window = window;
  if (by == 0) return;
  for (struct fc__node *n = c->all.next; n != &c->all; n = n->next) {
    struct fc__h2_stream *s = FC__CONTAINER(n, struct fc__h2_stream, all);
    s->send_window += by;
    if (s->send_window > FC__H2_WINDOW_MAX) {
      fc__h2_fail(c, FC__H2_FLOW_CONTROL_ERROR, "a stream's window overflows by SETTINGS");
      return;
    }
    fc__h2_make_ready(c, s);
  }
}

/* What is wrong with a value, RFC 9113 section 6.5.2; NULL: nothing. */
static const char *value_error(const struct fc__h2_conn *c, unsigned setting, uint32_t value,
                               uint32_t *code) {
  *code = FC__H2_PROTOCOL_ERROR;
  switch (setting) {
    case FC__H2_ENABLE_PUSH:
      if (value > 1) return "SETTINGS_ENABLE_PUSH is neither 0 nor 1";
      return value == 1 && !c->server ? "the server enables push" : NULL;
    case FC__H2_INITIAL_WINDOW_SIZE:
      *code = FC__H2_FLOW_CONTROL_ERROR;
      return value > FC__H2_WINDOW_MAX ? "SETTINGS_INITIAL_WINDOW_SIZE is too large" : NULL;
    case FC__H2_MAX_FRAME_SIZE:
      return value < FC__H2_FRAME_MIN_MAX || value > FC__H2_FRAME_MAX_MAX
                 ? "SETTINGS_MAX_FRAME_SIZE is out of range"
                 : NULL;
    default:
      return NULL;
  }
}

static void apply(struct fc__h2_conn *c, unsigned setting, uint32_t value, uint32_t *window) {
  switch (setting) {
    case FC__H2_HEADER_TABLE_SIZE:
      fc__hpack_encoder_set_table_max(c->encoder, value);
      break;
    case FC__H2_MAX_CONCURRENT_STREAMS:
      c->peer_max_streams = value;
      break;
    case FC__H2_INITIAL_WINDOW_SIZE:
      *window = value;
      break;
    case FC__H2_MAX_FRAME_SIZE:
      c->peer_max_frame = value;
      break;
    case FC__H2_MAX_HEADER_LIST_SIZE:
      c->peer_max_header_list = value;
      break;
    default:
      break;
  }
}

/* The first SETTINGS say everything that is not the default. */
static void take_first(struct fc__h2_conn *c) {
  c->peer_settings_seen = true;
  c->peer_max_streams = UINT32_MAX;
  c->settings_deadline = FC_NEVER;
}

static bool take_entries(struct fc__h2_conn *c, const uint8_t *payload, uint32_t *window) {
  for (const uint8_t *p = payload; p < payload + c->in.frame.len; p += ENTRY_LEN) {
    unsigned setting = (unsigned)p[0] << 8 | p[1];
    uint32_t value = fc__h2_get_u32(p + 2), code;
    const char *error = value_error(c, setting, value, &code);
    if (error) {
      fc__h2_fail(c, code, error);
      return false;
    }
    apply(c, setting, value, window);
  }
  return true;
}

void fc__h2_recv_settings(struct fc__h2_conn *c, const uint8_t *payload) {
  if (c->in.frame.flags & FC__H2_ACK) {
    take_ack(c);
    return;
  }
  if (c->peer_settings_seen) {
    fc__h2_charge(c);
  } else {
    take_first(c);
  }
  /* All streams are gone over once, however often the window is set in one frame. */
  uint32_t window = c->peer_initial_window;
  if (c->result || !take_entries(c, payload, &window)) return;
  set_window(c, window);
  if (c->result) return;
  fc__h2_put_control(c, FC__H2_SETTINGS, FC__H2_ACK, 0, NULL, 0);
  if (c->result == 0 && c->events->on_settings) c->events->on_settings(c->owner);
}
