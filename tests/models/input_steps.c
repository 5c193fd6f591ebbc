/* Steps of the model of input. */
#include "models/input_steps.h"

#include <inttypes.h>

struct plain_h2_stream *input_some_stream(struct plain_h2 *p) {
  return p->count ? &p->streams[model_between(p->random, 0, p->count - 1)] : NULL;
}

/* One on which this peer may still send: what came too late is not worth most of the frames. */
static struct plain_h2_stream *sendable(struct plain_h2 *p) {
  struct plain_h2_stream *s = input_some_stream(p);
  for (int tries = 0; s && !s->owned && tries < 4; tries++) s = input_some_stream(p);
  return s && (s->state == PLAIN_H2_ENDED || s->state == PLAIN_H2_OVER) ? NULL : s;
}

static void step_headers(struct plain_h2 *p) {
  bool server = p->script.server;
  struct plain_h2_stream *s = sendable(p);
  if (server && p->count < PLAIN_H2_STREAMS && model_chance(p->random, 70)) {
    size_t skipped = model_chance(p->random, 10) ? 2 * model_between(p->random, 1, 3) : 0;
    s = plain_h2_open(p, p->next_id + (uint32_t)skipped, false);
  }
  if (!s) return;
  struct plain_h2_block b = input_block(p, s->headers_sent);
  plain_h2_put_block(p, s, &b);
}

static void step_data(struct plain_h2 *p) {
  static const size_t edges[] = {0, 1, 2, 5, 9, 100, 16000, 16384 - 256};
  struct plain_h2_stream *s = sendable(p);
  if (!s) return;
  size_t len = MODEL_PICK(p->random, edges);
  if (len > 9) len = model_between(p->random, 0, len);
  if (s->has_length && model_chance(p->random, 70) && len > s->left) len = (size_t)s->left;
  bool end = model_chance(p->random, 20) && (!s->has_length || s->left == len || len == 1);
  plain_h2_put_data(p, s, len, end);
}

void input_settings(struct plain_h2 *p) {
  uint8_t payload[6 * 32] = {0};
  size_t count = model_between(p->random, 0, model_chance(p->random, 5) ? 32 : 3);
  for (size_t i = 0; i < count; i++) {
    static const uint32_t values[7] = {0, 4096, 1, 100, 1000000, 0xffffff, 1 << 24};
    uint8_t setting = (uint8_t)model_between(p->random, 0, 8);
    if (setting == 2 && !p->script.server) setting = 77;
    uint32_t value = setting < 7 ? values[setting] : (uint32_t)fc__random_next(p->random);
    if (setting == 1 || setting == 4) value = (uint32_t)model_between(p->random, 0, value);
    bool unknown = setting == 0 || setting > 6 || model_chance(p->random, 10);
    if (unknown) value = (uint32_t)fc__random_next(p->random);
    payload[6 * i] = unknown ? (uint8_t)model_between(p->random, 1, 255) : 0;
    payload[6 * i + 1] = setting;
    fc__h2_put_u32(payload + 6 * i + 2, value);
  }
  h2_script_frame(&p->script, FC__H2_SETTINGS, 0, 0, (fc_slice){payload, 6 * count});
  p->told.conn = NULL;
  h2_record_events.on_settings(&p->told);
  plain_h2_say(p, "SETTINGS ack\n");
}

void input_ping(struct plain_h2 *p, uint64_t opaque, bool ack) {
  uint8_t payload[8];
  fc__h2_put_u32(payload, (uint32_t)(opaque >> 32));
  fc__h2_put_u32(payload + 4, (uint32_t)opaque);
  h2_script_frame(&p->script, FC__H2_PING, ack ? FC__H2_ACK : 0, 0, (fc_slice){payload, 8});
}

static void step_ping(struct plain_h2 *p) {
  uint64_t opaque = fc__random_next(p->random);
  unsigned kind = (unsigned)model_between(p->random, 0, 3);
  if (kind == 0) {
    h2_script_stop(&p->script, H2_STOP_PING, 0, (uint32_t)opaque);
    plain_h2_say(p, "PING %" PRIx32 "\n", (uint32_t)opaque);
    p->pings++;
  }
  if (kind == 1) {
    input_ping(p, opaque, false);
    plain_h2_say(p, "PING %" PRIx64 " ack\n", opaque);
  }
  if (kind < 2) return;
  input_ping(p, opaque, true);
  if (opaque >> 63 || p->pings == 0) return;
  p->pings--;
  h2_record_events.on_ping_ack(&p->told, opaque, 0);
}

static void step_small(struct plain_h2 *p) {
  struct plain_h2_stream *s = input_some_stream(p);
  uint8_t payload[300] = {0};
  uint32_t id = s ? s->id : 0;
  switch (model_between(p->random, 0, 3)) {
    case 0:
      h2_script_u32(&p->script, FC__H2_WINDOW_UPDATE, model_chance(p->random, 50) ? id : 0,
                    (uint32_t)model_between(p->random, 1, 1000) | (id ? UINT32_C(1) << 31 : 0));
      break;
    case 1:
      fc__h2_put_u32(payload, id ^ 4);
      h2_script_frame(&p->script, FC__H2_PRIORITY, 0xff, id | 1, (fc_slice){payload, 5});
      break;
    case 2: /* RFC 9113 section 5.5 */
      h2_script_frame(&p->script, (unsigned)model_between(p->random, 10, 255),
                      (unsigned)model_between(p->random, 0, 255),
                      (uint32_t)fc__random_next(p->random),
                      (fc_slice){payload, model_between(p->random, 0, sizeof payload)});
      break;
    default:
      if (s) plain_h2_put_reset(p, s, (uint32_t)model_between(p->random, 0, 13));
  }
}

static void step_owner(struct plain_h2 *p) {
  struct plain_h2_stream *s = input_some_stream(p);
  if (!s || !s->owned) {
    h2_script_stop(&p->script, H2_STOP_DRAIN, 0, 0);
  } else if (p->script.server && s->headers_sent && model_chance(p->random, 70)) {
    plain_h2_answer(p, s);
  } else {
    plain_h2_reset(p, s, (uint32_t)model_between(p->random, 0, 13));
  }
}

void input_step(struct plain_h2 *p, unsigned headers_percent) {
  size_t what = model_between(p->random, 0, 99);
  if (model_chance(p->random, headers_percent)) {
    step_headers(p);
  } else if (what < 30) {
    step_headers(p);
  } else if (what < 60) {
    step_data(p);
  } else if (what < 65) {
    input_settings(p);
  } else if (what < 72) {
    step_ping(p);
  } else if (what < 90) {
    step_small(p);
  } else {
    step_owner(p);
  }
}

/* ---- going away ---- */

/* A client's streams above the last were not processed: RFC 9113 section 6.8. */
void input_go_away(struct plain_h2 *p) {
  uint8_t payload[600];
  uint32_t last = (uint32_t)model_between(p->random, 0, 2 * p->count), code = 0;
  if (last > p->goaway_last) last = p->goaway_last;
  p->goaway_last = last;
  size_t len = model_chance(p->random, 70) ? 12 : model_between(p->random, 8, sizeof payload);
  memset(payload, 'g', sizeof payload);
  fc__h2_put_u32(payload, last | (model_chance(p->random, 30) ? UINT32_C(1) << 31 : 0));
  fc__h2_put_u32(payload + 4, code);
  h2_script_frame(&p->script, FC__H2_GOAWAY, 0, 0, (fc_slice){payload, len});
  fc_slice debug = {payload + 8, (len < 512 ? len : 512) - 8};
  h2_record_events.on_goaway(&p->told, last, code, debug);
  for (size_t i = 0; i < p->count && !p->script.server; i++) {
    struct plain_h2_stream *s = &p->streams[i];
    if (s->id <= last || !s->owned) continue;
    h2_record_events.on_closed(&p->told, s->owned, FC__H2_REFUSED_STREAM, true);
    s->owned = NULL;
    s->state = PLAIN_H2_RESET;
  }
}
