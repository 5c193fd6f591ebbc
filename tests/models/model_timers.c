/*
 * Timers beside a plain array: set, moved, stopped and fired in any order, many at equal times, with functions that set and stop
 * others and themselves while they fire.
 */
#include "io/timers.h"

#include "farcall/base.h"
#include "models/model.h"

const unsigned model_short_rounds = 1500;

enum { COUNT = 60 };

struct plain {
  struct fc__timer timer;
  bool set;
  int64_t at; /* of the model */
};

static struct plain all[COUNT];
static struct fc__timers timers;
static struct fc__random *rnd;
static int64_t now;
static size_t fired, set_before;
static bool firing;

static size_t count_set(void) {
  size_t count = 0;
  for (size_t i = 0; i < COUNT; i++) count += all[i].set;
  return count;
}

static int64_t earliest(void) {
  int64_t at = FC_NEVER;
  for (size_t i = 0; i < COUNT; i++) {
    if (all[i].set && all[i].at < at) at = all[i].at;
  }
  return at;
}

static void check(void) {
  MODEL_CHECK(timers.count == count_set(), "%zu timers are counted, %zu are set", timers.count,
              count_set());
  MODEL_CHECK(fc__timers_next_at(&timers) == earliest(),
              "the next is told for %lld, it is due at %lld",
              (long long)fc__timers_next_at(&timers), (long long)earliest());
  for (size_t i = 0; i < COUNT; i++) {
    MODEL_CHECK(fc__timer_is_set(&all[i].timer) == all[i].set, "timer %zu is%s set", i,
                all[i].set ? " not" : "");
  }
}

/* Times are few, so that many are equal. */
static int64_t some_time(void) {
  static const int64_t edges[] = {INT64_MIN, -1, 0, FC_NEVER - 1, FC_NEVER};
  if (model_chance(rnd, 3)) return MODEL_PICK(rnd, edges);
  return now + (int64_t)model_between(rnd, 0, 20) - 5;
}

static void change(struct plain *p) {
  if (model_chance(rnd, 30)) {
    fc__timers_stop(&timers, &p->timer);
    p->set = false;
  } else {
    int64_t at = some_time();
    fc__timers_set(&timers, &p->timer, at);
    p->set = true;
    p->at = at;
  }
}

static void fire(struct fc__timer *timer, int64_t at) {
  struct plain *p = FC__CONTAINER(timer, struct plain, timer);
  MODEL_CHECK(firing && p->set && at == now, "a timer fires that is not set");
  MODEL_CHECK(p->at <= now && p->at == earliest(), "a timer for %lld fires at %lld, before %lld",
              (long long)p->at, (long long)now, (long long)earliest());
  p->set = false;
  fired++;
  check();
  if (model_chance(rnd, 20)) change(p);
  for (int i = 0; i < 3 && model_chance(rnd, 25); i++) change(&MODEL_PICK(rnd, all));
}

/* What is due fires, at most as many as were set before. */
static void fire_due(void) {
  now += (int64_t)model_between(rnd, 0, 6);
  fired = 0;
  set_before = count_set();
  firing = true;
  fc__timers_fire(&timers, now);
  firing = false;
  MODEL_CHECK(fired == set_before || (fired < set_before && earliest() > now),
              "%zu timers of %zu fire, and one for %lld waits at %lld", fired, set_before,
              (long long)earliest(), (long long)now);
}

void model_round(struct fc__random *random) {
  rnd = random;
  now = 0;
  timers = (struct fc__timers){0};
  for (size_t i = 0; i < COUNT; i++) all[i] = (struct plain){.timer = {.fire = fire}};
  size_t used = model_between(random, 1, COUNT);
  for (size_t steps = model_between(random, 1, 200); steps > 0; steps--) {
    if (model_chance(random, 10)) {
      fire_due();
    } else {
      change(&all[model_between(random, 0, used - 1)]);
    }
    check();
  }
}
