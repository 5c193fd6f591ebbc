/*
 * A connection is cut at every byte of its life, in every way: each call has exactly one outcome,
 * in time, and the channel connects again. hostile.md 57
 */
#include "sim/channel_world.h"
#include "support/check.h"

#define S FC_SECOND

struct outcome {
  int told;
  fc_code code;
};

static void tell(fc_call *call, const fc_status *status, fc_bytes *response, void *user) {
  struct outcome *o = user;
  (void)call;
  o->told++;
  o->code = status->code;
  assert_true((response != NULL) == (status->code == FC_CODE_OK));
  fc_bytes_unref(response);
}

static void start(struct world *w, struct outcome *o) {
  assert_int_equal(
      fc_unary_unary_async(w->channel, "/s/m", TEXT("hello"), NULL, tell, o, NULL, NULL), FC_OK);
}

/* Two calls over a connection that is cut; says whether both were answered all the same. */
static bool run_cut(enum sim_cut_kind kind, enum sim_direction direction, uint64_t at) {
  struct world w;
  struct outcome outcomes[2] = {{0}, {0}};
  world_open(&w);
  struct sim_link *link = sim_link(w.sim, "ipv4:10.0.0.1:80");
  link->cut = kind;
  link->cut_direction = direction;
  link->cut_at = at;
  w.options.keepalive_time_ns = 10 * S;
  w.options.keepalive_timeout_ns = 5 * S;
  world_channel(&w, "ipv4:10.0.0.1:80");
  start(&w, &outcomes[0]);
  world_run(&w, S / 10);
  start(&w, &outcomes[1]);
  world_run(&w, 40 * S);
  bool answered = true;
  for (int i = 0; i < 2; i++) {
    assert_int_equal(outcomes[i].told, 1);
    bool ok = outcomes[i].code == FC_CODE_OK;
    if (!ok) assert_int_equal(outcomes[i].code, FC_CODE_UNAVAILABLE);
    answered = answered && ok;
  }
  link->cut = SIM_CUT_NONE;
  sim_cut_all(w.sim, SIM_CUT_RESET); /* a connection whose cut is still to come too */
  world_run(&w, S);
  (void)fc_unary_unary(w.channel, "/s/m", TEXT(""), NULL, NULL, NULL,
                       NULL); /* finds a black hole */
  assert_int_equal(fc_channel_wait_ready(w.channel, 200 * S, NULL), FC_OK);
  world_exchange(&w);
  world_close(&w);
  return answered;
}

static void cut_everywhere(enum sim_cut_kind kind) {
  for (int direction = 0; direction < 2; direction++) {
    int harmless = 0; /* a cut between the calls does not harm: only a row of them is the end */
    for (uint64_t at = 0; harmless < 60; at++) {
      harmless = run_cut(kind, (enum sim_direction)direction, at) ? harmless + 1 : 0;
    }
  }
}

static void resets_are_told_at_every_byte(void **state) {
  (void)state;
  cut_everywhere(SIM_CUT_RESET);
}

static void ends_are_told_at_every_byte(void **state) {
  (void)state;
  cut_everywhere(SIM_CUT_END);
}

static void black_holes_are_found_at_every_byte(void **state) {
  (void)state;
  cut_everywhere(SIM_CUT_BLACK_HOLE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(resets_are_told_at_every_byte),
      cmocka_unit_test(ends_are_told_at_every_byte),
      cmocka_unit_test(black_holes_are_found_at_every_byte),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
