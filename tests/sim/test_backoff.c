/*
 * How the times between attempts to connect are spread, over many channels and all rounds. Spec: grpc/grpc
 * doc/connection-backoff.md: INITIAL_BACKOFF 1 s, MULTIPLIER 1.6, JITTER 0.2, MAX_BACKOFF 120 s, MIN_CONNECT_TIMEOUT 20 s
 */
#include <stdio.h>

#include "sim/channel_world.h"
#include "support/check.h"

#define S FC_SECOND

enum { CHANNELS = 250, ROUNDS = 15, QUARTERS = 4 };

/* ---- many channels ---- */

struct crowd {
  struct world w;
  fc_channel *channels[CHANNELS];
  double gaps[CHANNELS][ROUNDS]; /* seconds between the beginnings of rounds */
};

static struct crowd crowd;

static void address_of(int i, char text[32]) { snprintf(text, 32, "ipv4:10.1.%d.1:80", i); }

static void open_crowd(void) {
  world_open(&crowd.w);
  sim_link(crowd.w.sim, NULL); /* nobody listens at these addresses */
  for (int i = 0; i < CHANNELS; i++) {
    char target[32];
    address_of(i, target);
    fc_channel_options o = crowd.w.options;
    o.idle_timeout_ns = FC_NEVER;
    assert_int_equal(fc_channel_create(target, &o, &crowd.channels[i], NULL), FC_OK);
    assert_int_equal(fc_channel_state(crowd.channels[i], true), FC_CONNECTIVITY_CONNECTING);
  }
}

static void close_crowd(void) {
  for (int i = 0; i < CHANNELS; i++) fc_channel_destroy(crowd.channels[i]);
  world_close(&crowd.w);
}

static int number_of(const char *address) {
  int number = -1;
  assert_int_equal(sscanf(address, "ipv4:10.1.%d.1:80", &number), 1);
  return number;
}

static void gather_gaps(void) {
  size_t count;
  const struct sim_attempt *a = sim_attempts(crowd.w.sim, &count);
  static int64_t last[CHANNELS];
  static int rounds[CHANNELS];
  for (size_t i = 0; i < count; i++) {
    int k = number_of(a[i].address);
    if (rounds[k] > 0 && rounds[k] <= ROUNDS)
      crowd.gaps[k][rounds[k] - 1] = (double)(a[i].at - last[k]) / (double)S;
    last[k] = a[i].at;
    rounds[k]++;
  }
  for (int k = 0; k < CHANNELS; k++) assert_true(rounds[k] > ROUNDS);
}

/* ---- the spread ---- */

/* Of one round: evenly between 80 and 120 % of what is due, up to both ends. */
static void expect_spread(int round, double due) {
  int quarters[QUARTERS] = {0};
  double least = 10, most = 0;
  for (int k = 0; k < CHANNELS; k++) {
    double share = crowd.gaps[k][round] / due;
    if (share < 0.8 - 1e-6 || share > 1.2 + 1e-6)
      fail_msg("%f s in round %d, where %f s are due", crowd.gaps[k][round], round, due);
    if (share < least) least = share;
    if (share > most) most = share;
    int quarter = (int)((share - 0.8) / 0.1);
    quarters[quarter < 0 ? 0 : quarter >= QUARTERS ? QUARTERS - 1 : quarter]++;
  }
  assert_true(least < 0.81);
  assert_true(most > 1.19);
  for (int q = 0; q < QUARTERS; q++)
    assert_in_range(quarters[q], CHANNELS / QUARTERS * 6 / 10, CHANNELS / QUARTERS * 14 / 10);
}

/* Each round draws anew: what one got says nothing of the next. */
static void expect_rounds_to_differ(void) {
  for (int k = 0; k < CHANNELS; k++) {
    int like_the_last = 0;
    double before = 0;
    for (int round = ROUNDS - 4; round < ROUNDS; round++) {
      double share = crowd.gaps[k][round] / 120;
      like_the_last += share == before;
      before = share;
    }
    assert_int_equal(like_the_last, 0);
  }
}

static void the_backoff_is_spread_evenly_to_both_ends(void **state) {
  (void)state;
  open_crowd();
  world_run(&crowd.w, 1500 * S);
  gather_gaps();
  for (int k = 0; k < CHANNELS; k++) assert_true(crowd.gaps[k][0] == 1.0); /* without jitter */
  double due = 1;
  for (int round = 1; round < ROUNDS; round++) {
    due = due * 1.6 < 120 ? due * 1.6 : 120;
    expect_spread(round, due);
  }
  assert_true(due == 120);
  expect_rounds_to_differ();
  close_crowd();
}

/* ---- one channel ---- */

static int64_t gap(const struct world *w, size_t i) {
  size_t count;
  const struct sim_attempt *a = sim_attempts(w->sim, &count);
  assert_true(i + 1 < count);
  return a[i + 1].at - a[i].at;
}

/* An attempt has until the next round is due, but 20 s at least. */
static void an_attempt_lasts_as_long_as_its_backoff(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  sim_link(w.sim, "ipv4:10.0.0.2:80")->connect_unanswered = true;
  world_channel(&w, "ipv4:10.0.0.2:80");
  fc_call *call = world_call(&w, "/s/m", 0, true);
  world_run(&w, 1500 * S);
  double due = 1;
  for (size_t i = 0; i < ROUNDS; i++) {
    double least = 0.8 * due < 20 ? 20 : 0.8 * due, most = 1.2 * due < 20 ? 20 : 1.2 * due;
    double seconds = (double)gap(&w, i) / (double)S;
    if (seconds < least - 1e-6 || seconds > most + 1e-6)
      fail_msg("%f s, where %f to %f s are due", seconds, least, most);
    due = due * 1.6 < 120 ? due * 1.6 : 120;
  }
  fc_call_destroy(call);
  world_close(&w);
}

/* A server that is far away is reached once the backoff is long enough, unless the application says how long to try. */
static void a_slow_server_is_reached_when_the_backoff_has_grown(void **state) {
  (void)state;
  for (int given = 0; given < 2; given++) {
    struct world w;
    world_open(&w);
    sim_link(w.sim, NULL)->latency = 12 * S; /* three times that until it has said SETTINGS */
    if (given) w.options.connect_timeout_ns = 20 * S;
    world_channel(&w, "ipv4:10.0.0.1:80");
    fc_call *call = world_call(&w, "/s/m", 0, true);
    world_run(&w, 1500 * S);
    assert_int_equal(fc_call_is_done(call), !given);
    fc_call_destroy(call);
    fc_channel_destroy(w.channel);
    w.channel = NULL;
    world_run(&w, 100 * S);
    world_close(&w);
  }
}

/* The first two rounds after something that ends a backoff are a second apart. */
static void expect_to_begin_anew(struct world *w, size_t before) {
  fc_call *call = world_call(w, "/s/m", 0, true);
  world_run(w, 10 * S);
  assert_int_equal(gap(w, before), S);
  int64_t second = gap(w, before + 1);
  assert_in_range((uintmax_t)second, 1280 * FC_MILLISECOND, 1920 * FC_MILLISECOND);
  fc_call_destroy(call);
}

static size_t count_attempts(const struct world *w) {
  size_t count;
  (void)sim_attempts(w->sim, &count);
  return count;
}

static void open_unreachable(struct world *w) {
  world_open(w);
  raw_server_unlisten(&w->server);
  w->options.idle_timeout_ns = 100 * S;
  world_channel(w, "ipv4:10.0.0.1:80");
}

static void a_connection_ends_the_backoff(void **state) {
  (void)state;
  struct world w;
  open_unreachable(&w);
  fc_call *call = world_call(&w, "/s/m", 0, true);
  world_run(&w, 90 * S);
  raw_server_listen(&w.server, "10.0.0.1:80");
  world_run(&w, 60 * S);
  world_expect(call, FC_CODE_OK, "");
  raw_server_unlisten(&w.server);
  raw_server_hang_up(&w.server);
  world_run(&w, S);
  expect_to_begin_anew(&w, count_attempts(&w));
  world_close(&w);
}

static void idleness_ends_the_backoff(void **state) {
  (void)state;
  struct world w;
  open_unreachable(&w);
  assert_int_equal(fc_channel_state(w.channel, true), FC_CONNECTIVITY_CONNECTING);
  world_run(&w, 200 * S);
  assert_int_equal(fc_channel_state(w.channel, false), FC_CONNECTIVITY_IDLE);
  expect_to_begin_anew(&w, count_attempts(&w));
  world_close(&w);
}

/* A call that does not wait asks for no attempt before its time. */
static void calls_do_not_shorten_the_backoff(void **state) {
  (void)state;
  struct world w;
  open_unreachable(&w);
  assert_int_equal(fc_channel_state(w.channel, true), FC_CONNECTIVITY_CONNECTING);
  for (int i = 0; i < 3000; i++) {
    fc_call *call = world_call(&w, "/s/m", 0, i % 2);
    world_run(&w, 10 * FC_MILLISECOND);
    fc_call_destroy(call);
  }
  double due = 1;
  for (size_t i = 0; i + 1 < count_attempts(&w); i++, due *= 1.6) {
    double seconds = (double)gap(&w, i) / (double)S;
    assert_true(0.8 * due - 1e-6 <= seconds && seconds <= 1.2 * due + 0.01 + 1e-6);
  }
  assert_in_range(count_attempts(&w), 6, 8);
  world_close(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_backoff_is_spread_evenly_to_both_ends),
      cmocka_unit_test(an_attempt_lasts_as_long_as_its_backoff),
      cmocka_unit_test(a_slow_server_is_reached_when_the_backoff_has_grown),
      cmocka_unit_test(a_connection_ends_the_backoff),
      cmocka_unit_test(idleness_ends_the_backoff),
      cmocka_unit_test(calls_do_not_shorten_the_backoff),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
