/* Timers fire in order, can be moved and stopped, and never keep a turn from ending. */
#include "io/timers.h"

#include "base/random.h"
#include "support/check.h"

enum { COUNT = 200 };

struct clock {
  struct fc__timer timer;
  size_t fired;
  int64_t fired_at;
};

static int64_t last_at;
static size_t fired_total;

static void record(struct fc__timer *timer, int64_t now) {
  struct clock *c = FC__CONTAINER(timer, struct clock, timer);
  assert_true(timer->at <= now);
  assert_true(timer->at >= last_at);
  assert_false(fc__timer_is_set(timer));
  last_at = timer->at;
  c->fired++;
  c->fired_at = now;
  fired_total++;
}

static void begin(struct clock clocks[COUNT]) {
  last_at = INT64_MIN;
  fired_total = 0;
  for (size_t i = 0; i < COUNT; i++) clocks[i] = (struct clock){.timer = {.fire = record}};
}

static void timers_fire_in_the_order_of_their_time(void **state) {
  (void)state;
  struct fc__timers timers = {0};
  struct clock clocks[COUNT];
  begin(clocks);
  for (size_t i = 0; i < COUNT; i++) {
    fc__timers_set(&timers, &clocks[i].timer, (int64_t)(i * 7919 % COUNT));
  }
  assert_int_equal(fc__timers_next_at(&timers), 0);
  fc__timers_fire(&timers, 49);
  assert_int_equal(fired_total, 50);
  assert_int_equal(fc__timers_next_at(&timers), 50);
  fc__timers_fire(&timers, FC_NEVER - 1);
  assert_int_equal(fired_total, COUNT);
  assert_true(fc__timers_next_at(&timers) == FC_NEVER);
}

static void a_stopped_timer_does_not_fire(void **state) {
  (void)state;
  struct fc__timers timers = {0};
  struct clock clocks[COUNT];
  begin(clocks);
  for (size_t i = 0; i < COUNT; i++) fc__timers_set(&timers, &clocks[i].timer, (int64_t)i);
  for (size_t i = 0; i < COUNT; i += 2) {
    fc__timers_stop(&timers, &clocks[i].timer);
    fc__timers_stop(&timers, &clocks[i].timer); /* does nothing */
  }
  fc__timers_fire(&timers, COUNT);
  for (size_t i = 0; i < COUNT; i++) assert_int_equal(clocks[i].fired, i % 2);
}

static void a_set_timer_can_be_moved(void **state) {
  (void)state;
  struct fc__timers timers = {0};
  struct clock clocks[COUNT];
  begin(clocks);
  for (size_t i = 0; i < 3; i++) fc__timers_set(&timers, &clocks[i].timer, 10 + (int64_t)i);
  fc__timers_set(&timers, &clocks[0].timer, 30);
  fc__timers_set(&timers, &clocks[2].timer, 5);
  assert_int_equal(timers.count, 3);
  fc__timers_fire(&timers, 20);
  assert_int_equal(clocks[0].fired, 0);
  assert_int_equal(clocks[1].fired, 1);
  assert_int_equal(clocks[2].fired, 1);
  fc__timers_stop(&timers, &clocks[0].timer);
  assert_int_equal(timers.count, 0);
}

static int64_t earliest(const struct clock clocks[COUNT]) {
  int64_t at = FC_NEVER;
  for (size_t i = 0; i < COUNT; i++) {
    if (fc__timer_is_set(&clocks[i].timer) && clocks[i].timer.at < at) at = clocks[i].timer.at;
  }
  return at;
}

static void random_changes_keep_the_earliest_first(void **state) {
  (void)state;
  struct fc__timers timers = {0};
  struct fc__random random;
  struct clock clocks[COUNT];
  fc__random_init(&random, 11);
  begin(clocks);
  for (size_t step = 0; step < 20000; step++) {
    struct fc__timer *t = &clocks[fc__random_below(&random, COUNT)].timer;
    if (fc__random_below(&random, 3) == 0) {
      fc__timers_stop(&timers, t);
    } else {
      fc__timers_set(&timers, t, (int64_t)fc__random_below(&random, 1000));
    }
    assert_int_equal(fc__timers_next_at(&timers), earliest(clocks));
  }
  size_t count = timers.count;
  fc__timers_fire(&timers, 1000);
  assert_int_equal(fired_total, count);
}

/* ---- timers that change timers ---- */

struct meddling {
  struct fc__timer timer;
  struct fc__timers *timers;
  struct fc__timer *other;
  size_t fired;
};

static void set_again(struct fc__timer *timer, int64_t now) {
  struct meddling *m = FC__CONTAINER(timer, struct meddling, timer);
  m->fired++;
  fc__timers_set(m->timers, timer, now);
}

static void a_timer_set_again_for_now_lets_the_turn_end(void **state) {
  (void)state;
  struct fc__timers timers = {0};
  struct meddling m = {.timer = {.fire = set_again}, .timers = &timers};
  fc__timers_set(&timers, &m.timer, 1);
  fc__timers_fire(&timers, 1);
  assert_int_equal(m.fired, 1);
  assert_true(fc__timer_is_set(&m.timer));
  fc__timers_fire(&timers, 1);
  assert_int_equal(m.fired, 2);
}

static void stop_other(struct fc__timer *timer, int64_t now) {
  struct meddling *m = FC__CONTAINER(timer, struct meddling, timer);
  (void)now;
  m->fired++;
  fc__timers_stop(m->timers, m->other);
}

static void a_timer_can_stop_one_that_is_due_with_it(void **state) {
  (void)state;
  struct fc__timers timers = {0};
  struct meddling a = {.timer = {.fire = stop_other}, .timers = &timers}, b = a;
  a.other = &b.timer;
  b.other = &a.timer;
  fc__timers_set(&timers, &a.timer, 1);
  fc__timers_set(&timers, &b.timer, 1);
  fc__timers_fire(&timers, 1);
  assert_int_equal(a.fired + b.fired, 1);
  assert_int_equal(timers.count, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(timers_fire_in_the_order_of_their_time),
      cmocka_unit_test(a_stopped_timer_does_not_fire),
      cmocka_unit_test(a_set_timer_can_be_moved),
      cmocka_unit_test(random_changes_keep_the_earliest_first),
      cmocka_unit_test(a_timer_set_again_for_now_lets_the_turn_end),
      cmocka_unit_test(a_timer_can_stop_one_that_is_due_with_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
