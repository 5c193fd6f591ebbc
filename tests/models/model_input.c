/*
 * Conversations of frames of every kind, right until one at the end breaks a rule, as a server and as a client hear them.
 * What a connection says of one that comes whole is compared with what a plain peer expects; then it hears the same bytes
 * cut anywhere, with and without runs of fields, and must say the same.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "models/input_steps.h"

const unsigned model_short_rounds = 800;

static struct plain_h2 plain;

static void begin_script(struct fc__random *random, bool server) {
  plain_h2_begin(&plain, random, server);
  struct h2_script *script = &plain.script;
  static const uint32_t lists[] = {200, 300, 1000, 16384}, streams[] = {3, 100};
  script->config.bucket_burst = 1 << 30;
  script->config.ping_min_interval = 0;
  script->config.max_window = script->config.initial_window;
  script->config.max_header_list_bytes = MODEL_PICK(random, lists);
  script->config.max_concurrent_streams = MODEL_PICK(random, streams);
  script->config.max_header_fields = (uint32_t)model_between(random, 4, 16);
  if (!server) script->requests = (unsigned)model_between(random, 0, 20);
  script->requests_ended = fc__random_next(random);
  for (unsigned i = 0; i < script->requests; i++) {
    struct plain_h2_stream *s = plain_h2_open(&plain, 2 * i + 1, script->requests_ended >> i & 1);
    s->owned = h2_record_new_stream(&plain.told);
    s->owned->id = s->id;
  }
}

static enum fc__h2_error write_script(struct fc__random *random) {
  struct h2_script *script = &plain.script;
  /* In half of the rounds nearly all frames are headers, so that blocks come often again. */
  unsigned headers_percent = model_chance(random, 50) ? 0 : 75;
  input_settings(&plain);
  h2_script_frame(script, FC__H2_SETTINGS, FC__H2_ACK, 0, TEXT(""));
  size_t steps = model_between(random, 1, 100), away = model_between(random, 0, 2 * steps);
  for (size_t i = 0; i < steps; i++) {
    if (i % 16 == 15) h2_script_stop(script, H2_STOP_DRAIN, 0, 0);
    input_step(&plain, headers_percent);
    bool again = plain.goaway_last != UINT32_MAX && model_chance(random, 3);
    if (i == away || again) input_go_away(&plain);
  }
  h2_script_stop(script, H2_STOP_DRAIN, 0, 0);
  return input_put_broken(&plain);
}

/* Compares texts line by line and tells of the first line that differs. */
static void check_lines(const char *what, const char *is, const char *should) {
  for (size_t line = 1; *is || *should; line++) {
    size_t len = strcspn(is, "\n"), other = strcspn(should, "\n");
    MODEL_CHECK(len == other && memcmp(is, should, len) == 0,
                "%s, line %zu:\n  %.*s\nshould be\n  %.*s", what, line, (int)len, is, (int)other,
                should);
    is += len + (is[len] == '\n');
    should += other + (should[other] == '\n');
  }
}

/* Without the beginning, which the plain peer does not know of: SETTINGS and requests. */
static char *sent_of(char *text) {
  char *line = strstr(text, "---- sent\n") + 10;
  while (strncmp(line, "SETTINGS ", 9) == 0 || strncmp(line, "HEADERS ", 8) == 0) {
    char *end = strchr(line, '\n') + 1, *request = strstr(line, " :method=");
    if (strncmp(line, "SETTINGS ack", 12) == 0 || (*line == 'H' && (!request || request > end)))
      break;
    line = end;
  }
  return line;
}

static void check_whole(const char *whole, enum fc__h2_error code) {
  char *text = strdup(whole), *sent = sent_of(text), *failure = strstr(sent, "---- ");
  if (code != FC__H2_NO_ERROR) {
    uint32_t last = plain.script.server && plain.count ? plain.next_id - 2 : 0;
    plain_h2_say(&plain, "GOAWAY %" PRIu32 " %s %s", last, fc__h2_error_name(code),
                 strchr(failure + 5, ' ') + 1);
  }
  plain_h2_say(&plain, "---- %s ", fc__h2_error_name(code));
  failure[5 + strlen(fc__h2_error_name(code)) + 1] = '\0';
  check_lines("sent", sent, plain.said);
  *strstr(text, "---- sent") = '\0';
  check_lines("told", text, h2_record_text(&plain.told));
  free(text);
}

static void check_cut(struct fc__random *random, const char *whole, bool runs, bool cut) {
  const struct fc__h2_events *events = runs ? &h2_record_events_of_runs : &h2_record_events;
  char *text = h2_script_play(&plain.script, events, cut ? random : NULL);
  check_lines(cut ? "cut" : "with runs", text, whole);
  free(text);
}

/* An owner that answers or resets within events: nothing of that depends on the cuts either. */
static void check_meddling(struct fc__random *random) {
  plain.script.answers = plain.script.server && model_chance(random, 70);
  plain.script.reset_every = model_chance(random, 50) ? (unsigned)model_between(random, 1, 20) : 0;
  char *whole = h2_script_play(&plain.script, &h2_record_events, NULL);
  check_cut(random, whole, plain.script.reset_every == 0, true);
  free(whole);
}

void model_round(struct fc__random *random) {
  begin_script(random, model_chance(random, 50));
  bool begins = !model_chance(random, 3);
  enum fc__h2_error code = begins ? write_script(random) : input_put_broken_beginning(&plain);
  if (code) h2_script_bytes(&plain.script, TEXT("\0\0\1\1\4\0\0\0\1\x88 and more"));
  char *whole = h2_script_play(&plain.script, &h2_record_events, NULL);
  check_whole(whole, code);
  check_cut(random, whole, false, true);
  check_cut(random, whole, true, false);
  check_cut(random, whole, true, true);
  free(whole);
  check_meddling(random);
  plain_h2_finish(&plain);
}
