/*
 * The interrupt check: a thread that waits is asked when a signal has interrupted it, and the one that has set the
 * check once after 20 ms, for a signal that came before it slept. Others are served meanwhile, however long the check
 * takes.
 */
#include "threads/caller.h"

#define MS FC_MILLISECOND

static struct node *node;
static fc_reactor *reactor;
static struct caller asked, other;
static bool stop;     /* what the check says */
static int64_t takes; /* how long it takes */
static unsigned asked_count;

static const struct caller_plan for_ever = {FC_NEVER, FC_NEVER, false, false};

static bool check(void *user) {
  MUST(user == &asked);

  asked_count++;
  bool answer = stop;
  fc__loop_lock(asked.loop); /* any function may be called */
  fc__loop_unlock(asked.loop);
  if (takes > 0) sched_sleep(takes);

  return answer;
}

static void open_check(void) {
  node = node_open(FC_REACTOR_AUTO, &reactor);
  caller_init(&asked, node, reactor, "the thread that is asked comes back");
  caller_init(&other, node, reactor, "the other thread comes back");
  stop = false;
  takes = 0;
  asked_count = 0;
}

static void *run_asked(void *plan) {
  fc_set_interrupt_check(check, &asked);
  bool woken = caller_wait(&asked, plan);
  MUST(woken || asked.waiter.interrupted ||
       ((const struct caller_plan *)plan)->timeout != FC_NEVER);
  fc_set_interrupt_check(NULL, NULL);
  return NULL;
}

static void start_asked(const struct caller_plan *plan) {
  MUST(pthread_create(&asked.thread, NULL, run_asked, (void *)plan) == 0);
}

static void *run_other(void *plan) {
  (void)caller_wait(&other, plan);
  return NULL;
}

static void start_other(const struct caller_plan *plan) {
  MUST(pthread_create(&other.thread, NULL, run_other, (void *)plan) == 0);
}

static bool has_come(void *caller) { return ((struct caller *)caller)->has_come; }

static void until_it_waits(struct caller *c) {
  sched_wait(&(struct sched_wait){
      .what = "lets a thread wait", .ready = has_come, .user = c, .until = FC_NEVER});
}

/* A signal has come. It ends the wait at once if the thread sleeps, and within the 20 ms if it had not yet slept; one
 * that comes between having been asked and sleeping again is noticed when something else happens. */
static void interrupt(void) {
  stop = true;
  bool at_once = sched_interrupt(asked.thread), in_time = asked_count == 0;
  fc__loop_lock(asked.loop);
  if (asked.waits && at_once) caller_expect_locked(&asked, sched_now());
  if (asked.waits && !at_once && in_time) caller_expect_locked(&asked, sched_now() + 20 * MS);
  if (!at_once && !in_time) caller_wake_locked(&asked);
  fc__loop_unlock(asked.loop);
}

static void join(struct caller *c) { MUST(pthread_join(c->thread, NULL) == 0); }

/* ---- in small ---- */

static void a_signal_comes_before_the_wait(void) {
  open_check();
  stop = true;
  asked.grace = 20 * MS;
  start_asked(&(struct caller_plan){FC_NEVER, FC_NEVER, false, false});
  until_it_waits(&asked);
  fc__loop_lock(asked.loop);
  if (asked.waits) caller_expect_locked(&asked, sched_now());
  fc__loop_unlock(asked.loop);
  join(&asked);
  MUST(asked.waiter.interrupted && asked_count == 1);
  fc_reactor_destroy(reactor);
}

static void a_signal_interrupts(void) {
  open_check();
  start_asked(&for_ever);
  until_it_waits(&asked);
  interrupt();
  join(&asked);
  fc_reactor_destroy(reactor);
}

static bool is_polled(void *user) {
  (void)user;
  return node_is_polled(node);
}

static void a_signal_interrupts_a_sleeper(void) {
  open_check();
  start_other(&for_ever);
  sched_wait(&(struct sched_wait){
      .what = "lets the other one poll", .ready = is_polled, .until = FC_NEVER});
  start_asked(&for_ever);
  until_it_waits(&asked);
  interrupt();
  join(&asked);
  caller_wake(&other);
  join(&other);
  fc_reactor_destroy(reactor);
}

/* Both sleep or poll; the other is served while the check runs, and after the one that was asked has left. */
static void others_are_served_meanwhile(void) {
  static const struct caller_plan timed = {FC_NEVER, MS, false, false};
  open_check();
  takes = 5 * MS;
  start_asked(&for_ever);
  start_other(&timed);
  until_it_waits(&asked);
  asked.grace = takes + 25 * MS; /* what else happens, after 1 ms, may hide the signal for 20 ms */
  interrupt();
  join(&asked);
  join(&other);
  fc_reactor_destroy(reactor);
}

/* The check says no: it goes on waiting. */
static void it_goes_on(void) {
  static const struct caller_plan timed = {FC_NEVER, 2 * MS, false, false};
  open_check();
  start_asked(&timed);
  until_it_waits(&asked);
  (void)sched_interrupt(asked.thread);
  join(&asked);
  MUST(!asked.waiter.interrupted && asked.waiter.ready);
  fc_reactor_destroy(reactor);
}

/* ---- by chance ---- */

static int64_t some_time(void) { return (int64_t)sched_random(60) * MS / 2; }

static struct caller_plan some_plan(void) {
  struct caller_plan plan = {FC_NEVER, FC_NEVER, sched_random(4) == 0, false};
  if (sched_random(2)) plan.timer = some_time();
  if (plan.timer == FC_NEVER || sched_random(2)) plan.timeout = some_time();
  return plan;
}

static void all_at_once(void) {
  static struct caller_plan plans[2];
  open_check();
  takes = sched_random(2) ? some_time() : 0;
  plans[0] = some_plan();
  plans[1] = some_plan();
  bool both = sched_random(3) == 0;
  asked.grace = 4 * takes; /* one is asked for each signal, and once more */
  other.grace = both ? 4 * takes : 0;
  start_asked(&plans[0]);
  if (sched_random(2)) {
    start_other(&plans[1]);
  } else {
    other.thread = asked.thread;
  }
  for (int i = (int)sched_random(3); i > 0; i--) {
    if (sched_random(2)) sched_sleep(some_time());
    if (sched_random(2)) stop = true;
    (void)sched_interrupt(both && sched_random(2) ? other.thread : asked.thread);
  }
  if (!pthread_equal(other.thread, asked.thread)) join(&other);
  join(&asked);
  fc_reactor_destroy(reactor);
}

int main(int argc, char **argv) {
  static const struct sched_case cases[] = {
      SCHED_SMALL(a_signal_comes_before_the_wait),
      SCHED_SMALL(a_signal_interrupts),
      SCHED_SMALL(a_signal_interrupts_a_sleeper),
      SCHED_SMALL(others_are_served_meanwhile),
      SCHED_SMALL(it_goes_on),
      SCHED_CASE(all_at_once),
  };
  return sched_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
