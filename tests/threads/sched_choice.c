/*
 * The strategies. By seed: a random walk, or PCT (Burckhardt and others, ASPLOS 2010): the thread of the highest
 * priority runs, and at d - 1 random steps it becomes the lowest. Systematically: all schedules with at most two
 * preemptions, fewer preemptions first; a schedule is the list of its steps at which something other than the first
 * choice was taken.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "threads/sched_internal.h"

enum { CHANGES_MAX = 3, PREEMPTIONS_MAX = 2, CHOICES_MAX = 4000 };
enum {
  PATIENCE = 500
}; /* after so many choices in which a thread was passed over it goes on, or time passes */

static enum sched_strategy strategy;
static uint64_t draws; /* state of the strategies' random numbers */
static unsigned step;  /* of those at which there is a choice */
static unsigned clock_passed_over;

/* splitmix64. Not the library's: ThreadSanitizer would see the state as shared. */
uint64_t sched_draw(uint64_t *state, uint64_t limit) {
  uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return (z ^ z >> 31) % limit;
}

/* ---- the random walk ---- */

static struct {
  unsigned stay,
      clock; /* in percent: the thread goes on, time passes, although there is another choice */
} walk;

static void begin_walk(void) {
  static const unsigned stays[] = {0, 50, 80, 95}, clocks[] = {0, 1, 5, 30};
  walk.stay = stays[sched_draw(&draws, 4)];
  walk.clock = clocks[sched_draw(&draws, 4)];
}

static bool by_chance(unsigned percent) { return sched_draw(&draws, 100) < percent; }

static int pick_randomly(const struct sched_choice *c) {
  if (c->clock && by_chance(walk.clock)) return c->count;
  if (c->current_goes && by_chance(walk.stay)) return 0;
  return (int)sched_draw(&draws, (uint64_t)c->count);
}

/* ---- PCT ---- */

static struct {
  int change_count;
  unsigned changes[CHANGES_MAX]; /* at these steps */
  uint64_t clock;                /* the priority of letting time pass */
  uint64_t lowest;
} pct;

/* How long a schedule will be is not known: a power of two by chance. */
static void begin_pct(void) {
  pct.change_count = 1 + (int)sched_draw(&draws, CHANGES_MAX);
  uint64_t length = UINT64_C(8) << sched_draw(&draws, 8);
  for (int i = 0; i < pct.change_count; i++) pct.changes[i] = (unsigned)sched_draw(&draws, length);
  pct.lowest = 1000000;
  pct.clock = by_chance(25) ? 2000000 + sched_draw(&draws, 1000000) : 1;
}

void sched_new_thread(struct sched_thread *t) {
  t->priority = 2000000 + sched_draw(&draws, 1000000);
}

static int highest(const struct sched_choice *c) {
  int best = -1;
  uint64_t most = c->clock ? pct.clock : 0;
  if (c->clock) best = c->count;
  for (int i = 0; i < c->count; i++) {
    if (c->threads[i]->priority <= most) continue;
    most = c->threads[i]->priority;
    best = i;
  }
  return best;
}

static void demote(const struct sched_choice *c, int picked) {
  uint64_t *priority = picked == c->count ? &pct.clock : &c->threads[picked]->priority;
  *priority = --pct.lowest;
}

static int pick_by_priority(const struct sched_choice *c) {
  int picked = highest(c);
  bool changes = false;
  for (int i = 0; i < pct.change_count; i++) changes = changes || pct.changes[i] == step;
  if (!changes) return picked;
  demote(c, picked);
  return highest(c);
}

/* ---- systematically ---- */

static struct {
  struct {
    uint8_t picked, count, free; /* the first `free` choices are no preemption */
  } path[CHOICES_MAX];
  unsigned length; /* of path in this run */
  unsigned given;  /* steps that are to be taken as they stand in path */
  int bound;       /* of preemptions */
  bool replays;
} tree;

/* Without a thread that could go on whoever comes next is no preemption, but that time passes while some could go on
 * is. */
static int free_choices(const struct sched_choice *c) {
  if (c->current_goes) return 1;
  return c->count > 0 ? c->count : 1;
}

static int pick_systematically(const struct sched_choice *c) {
  if (step >= CHOICES_MAX) return 0;
  int picked = step < tree.given ? tree.path[step].picked : 0;
  if (picked >= sched_choice_count(c)) {
    if (!tree.replays)
      sched_fail("this case is not the same each time: it cannot be tried systematically");
    picked = 0;
  }
  tree.path[step].picked = (uint8_t)picked;
  tree.path[step].count = (uint8_t)sched_choice_count(c);
  tree.path[step].free = (uint8_t)free_choices(c);
  tree.length = step + 1;
  return picked;
}

static int preemptions_before(unsigned end) {
  int count = 0;
  for (unsigned i = 0; i < end; i++) count += tree.path[i].picked >= tree.path[i].free;
  return count;
}

/* The deepest step that has another choice; whole runs differ in their preemptions, so smaller bounds come first. */
static bool next_within_bound(void) {
  for (unsigned i = tree.length; i-- > 0;) {
    int next = tree.path[i].picked + 1;
    if (next >= tree.path[i].count) continue;
    if (next >= tree.path[i].free && preemptions_before(i) >= tree.bound) continue;
    tree.path[i].picked = (uint8_t)next;
    tree.given = i + 1;
    return true;
  }
  return false;
}

void sched_systematic_first(void) {
  strategy = SCHED_SYSTEMATIC;
  memset(&tree, 0, sizeof tree);
}

bool sched_systematic_next(void) {
  if (next_within_bound()) return true;
  tree.given = 0;
  return ++tree.bound <= PREEMPTIONS_MAX;
}

static void begin(void) { step = clock_passed_over = 0; }

void sched_systematic_begin(void) {
  strategy = SCHED_SYSTEMATIC;
  draws = 0;
  begin();
}

bool sched_systematic_replay(const char *text) {
  sched_systematic_first();
  tree.replays = true;
  while (*text) {
    char *end;
    unsigned long at = strtoul(text, &end, 10);
    if (end == text || *end != '.' || at >= CHOICES_MAX) return false;
    text = end + 1;
    unsigned long picked = strtoul(text, &end, 10);
    if (end == text || picked > SCHED_THREADS) return false;
    tree.path[at].picked = (uint8_t)picked;
    tree.given = (unsigned)at + 1;
    text = *end == ',' ? end + 1 : end;
  }
  return true;
}

void sched_systematic_text(char *out, size_t size) {
  size_t len = 0;
  out[0] = 0;
  for (unsigned i = 0; i < step && i < CHOICES_MAX; i++) {
    if (tree.path[i].picked == 0) continue;
    int n = snprintf(out + len, size - len, "%s%u.%u", len ? "," : "", i, tree.path[i].picked);
    if (n < 0 || (size_t)n >= size - len) return;
    len += (size_t)n;
  }
}

/* ---- all of them ---- */

void sched_choose_by_seed(uint64_t seed) {
  draws = seed;
  strategy = by_chance(50) ? SCHED_PCT : SCHED_RANDOM_WALK;
  begin_walk();
  begin_pct();
  begin();
}

int sched_any(int count) {
  return strategy == SCHED_SYSTEMATIC ? 0 : (int)sched_draw(&draws, (uint64_t)count);
}

bool sched_is_systematic(void) { return strategy == SCHED_SYSTEMATIC; }

static unsigned *passed_over(const struct sched_choice *c, int i) {
  return i < c->count ? &c->threads[i]->passed_over : &clock_passed_over;
}

/* Nobody starves, as nobody does on a real machine. */
static int be_fair(const struct sched_choice *c, int picked) {
  for (int i = 0; i < sched_choice_count(c); i++) {
    if (++*passed_over(c, i) > PATIENCE) picked = i;
  }
  *passed_over(c, picked) = 0;
  return picked;
}

int sched_pick(const struct sched_choice *c) {
  int picked = strategy == SCHED_SYSTEMATIC ? pick_systematically(c)
               : strategy == SCHED_PCT      ? pick_by_priority(c)
                                            : pick_randomly(c);
  step++;
  return strategy == SCHED_SYSTEMATIC ? picked : be_fair(c, picked);
}
