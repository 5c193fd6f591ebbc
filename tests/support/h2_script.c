/* Conversations that are held again and again. */
#include "support/h2_script.h"

#include <stdio.h>
#include <stdlib.h>

void h2_script_begin(struct h2_script *script, bool server) {
  script->server = server;
  script->answers = false;
  script->reset_every = 0;
  script->requests = 0;
  script->len = script->stop_count = 0;
  fc__h2_config_defaults(&script->config, server);
  if (server) h2_script_bytes(script, TEXT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
}

void h2_script_bytes(struct h2_script *script, fc_slice bytes) {
  if (bytes.len > sizeof script->bytes - script->len) abort();
  if (bytes.len) memcpy(script->bytes + script->len, bytes.data, bytes.len);
  script->len += bytes.len;
}

void h2_script_frame(struct h2_script *script, unsigned type, unsigned flags, uint32_t id,
                     fc_slice payload) {
  uint8_t header[] = {(uint8_t)(payload.len >> 16),
                      (uint8_t)(payload.len >> 8),
                      (uint8_t)payload.len,
                      (uint8_t)type,
                      (uint8_t)flags,
                      (uint8_t)(id >> 24),
                      (uint8_t)(id >> 16),
                      (uint8_t)(id >> 8),
                      (uint8_t)id};
  h2_script_bytes(script, (fc_slice){header, sizeof header});
  h2_script_bytes(script, payload);
}

void h2_script_u32(struct h2_script *script, unsigned type, uint32_t id, uint32_t value) {
  uint8_t payload[] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                       (uint8_t)value};
  h2_script_frame(script, type, 0, id, (fc_slice){payload, sizeof payload});
}

void h2_script_stop(struct h2_script *script, enum h2_stop_kind kind, uint32_t id, uint32_t value) {
  if (script->stop_count == H2_SCRIPT_STOPS) abort();
  script->stops[script->stop_count++] = (struct h2_stop){script->len, kind, id, value};
}

/* ---- holding one ---- */

static void begin(const struct h2_script *script, const struct fc__h2_events *events,
                  struct h2_peer *p) {
  h2_peer_init(p, script->server);
  p->config = script->config;
  p->decoder = fc__hpack_decoder_create(FC__HPACK_TABLE_DEFAULT, 1 << 20);
  p->conn = fc__h2_conn_create(&p->config, events, &p->record, p->now);
  if (!p->decoder || !p->conn) abort();
  p->record.conn = p->conn;
  p->record.answer = script->answers;
  p->record.reset_every = script->reset_every;
  for (unsigned i = 0; i < script->requests; i++) {
    h2_open_request(p, script->requests_ended >> i & 1);
  }
}

/* Sizes that end inside each part of a frame, and such that hold several. */
static size_t piece_len(struct fc__random *random) {
  static const size_t most[] = {1, 2, 8, 9, 10, 20, 100, 1000, 20000};
  return 1 + fc__random_below(random, most[fc__random_below(random, sizeof most / sizeof *most)]);
}

static void feed(struct h2_peer *p, fc_slice bytes, struct fc__random *random) {
  while (bytes.len > 0) {
    size_t len = random ? piece_len(random) : bytes.len;
    if (len > bytes.len) len = bytes.len;
    uint8_t *copy = exact_copy((fc_slice){bytes.data, len});
    (void)fc__h2_receive(p->conn, (fc_slice){copy, len}, p->now);
    test_free(copy);
    bytes.data += len;
    bytes.len -= len;
  }
}

static void finish(struct h2_peer *p, struct fc__h2_stream *s) {
  fc__h2_block_begin(p->conn, s);
  fc__h2_block_field(p->conn, TEXT(":status"), TEXT("200"), FC__HPACK_INDEX);
  (void)fc__h2_block_end(p->conn, s, false);
  fc__h2_block_begin(p->conn, s);
  fc__h2_block_field(p->conn, TEXT("grpc-status"), TEXT("0"), FC__HPACK_INDEX);
  (void)fc__h2_block_end(p->conn, s, true);
}

static void do_stop(struct h2_peer *p, const struct h2_stop *stop) {
  struct fc__h2_stream *s = h2_record_find(&p->record, stop->id);
  if (stop->kind == H2_STOP_PING) fc__h2_ping(p->conn, stop->value);
  if (stop->kind == H2_STOP_RESET && s) h2_record_reset(&p->record, s, stop->value);
  if (stop->kind == H2_STOP_FINISH && s && !s->local_end) finish(p, s);
  if (stop->kind != H2_STOP_RESET) h2_drain(p);
}

static void hold(const struct h2_script *script, struct h2_peer *p, struct fc__random *random) {
  size_t at = 0;
  for (size_t i = 0; i < script->stop_count; i++) {
    const struct h2_stop *stop = &script->stops[i];
    feed(p, (fc_slice){script->bytes + at, stop->at - at}, random);
    do_stop(p, stop);
    at = stop->at;
  }
  feed(p, (fc_slice){script->bytes + at, script->len - at}, random);
  h2_drain(p);
}

static void without_updates(char *text) {
  char *to = text;
  for (char *line = text, *end; *line; line = end) {
    end = strchr(line, '\n') + 1;
    if (strncmp(line, "WINDOW_UPDATE", 13) == 0) continue;
    memmove(to, line, (size_t)(end - line));
    to += end - line;
  }
  *to = '\0';
}

char *h2_script_play(const struct h2_script *script, const struct fc__h2_events *events,
                     struct fc__random *random) {
  struct h2_peer p;
  begin(script, events, &p);
  hold(script, &p, random);
  uint32_t code;
  const char *failure = fc__h2_failure(p.conn, &code), *said = h2_said(&p);
  const char *told = h2_record_text(&p.record);
  size_t size = strlen(told) + strlen(said) + strlen(failure) + 64;
  char *text = malloc(size);
  if (!text) abort();
  snprintf(text, size, "%s---- sent\n%s---- %s %s\n", told, said, fc__h2_error_name(code), failure);
  without_updates(text);
  h2_peer_finish(&p);
  return text;
}
