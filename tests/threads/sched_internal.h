#ifndef FC_TESTS_SCHED_INTERNAL_H
#define FC_TESTS_SCHED_INTERNAL_H
/*
 * The scheduler's inside. sched.c: threads and whose turn it is; sched_choice.c: the strategies; sched_mutex.c and
 * sched_wrap.c: the calls that lead here; sched_memory.c: the allocator; sched_report.c, sched_crash.c: what is
 * printed; sched_main.c: the schedules of a program.
 */
#include "threads/sched.h"

enum { SCHED_THREADS = 16, SCHED_HELD = 8, SCHED_DESTROYED = 0xdead };

enum sched_state { SCHED_FREE, SCHED_RUNNING, SCHED_WAITING, SCHED_ENDED };

struct sched_mutex;

/* One thread of the program, on a thread of the system that is kept for the next one. */
struct sched_thread {
  uint32_t baton;   /* a futex: 1, it is this one's turn */
  uint32_t started; /* the thread of the system waits for its baton, or has had it */
  int number;
  bool exists; /* the system's thread */
  pthread_t system;
  enum sched_state state;
  void *(*start)(void *argument);
  void *argument, *result;
  bool detached;
  const struct sched_wait *wait; /* while waiting */
  bool interrupted;
  const char *point;    /* where it stood last */
  uint64_t priority;    /* PCT */
  unsigned passed_over; /* choices in which it could go on, and did not */
  struct sched_mutex *held[SCHED_HELD];
  int held_count;
};

/* Those who can go on at a point; the thread that has come there is the first, if it can. */
struct sched_choice {
  struct sched_thread *threads[SCHED_THREADS];
  int count;         /* of threads */
  bool current_goes; /* threads[0] is the one that has come there */
  bool clock;        /* one choice more: time passes */
};

static inline int sched_choice_count(const struct sched_choice *c) { return c->count + c->clock; }

struct sched {
  struct sched_thread threads[SCHED_THREADS];
  struct sched_thread *current;
  int64_t now, slip; /* slip: how much time was let pass while threads could go on */
  struct fc__node promises;
  uint64_t scenario; /* state of sched_random */
  unsigned fail_percent;
  size_t steps;
  bool trace, child;
  const char *program, *case_name;
  char replay[256]; /* what SEED must be */
};

extern struct sched sched;
extern _Thread_local struct sched_thread *sched_self;

/* ---- what ThreadSanitizer is told, which knows nothing of batons: see CMakeLists.txt ---- */

/* NOLINTBEGIN(bugprone-reserved-identifier): its names */
void __tsan_acquire(void *object) __attribute__((weak));
void __tsan_release(void *object) __attribute__((weak));
/* NOLINTEND(bugprone-reserved-identifier) */

/* Whatever was done before an object was released is seen by who acquires it. */
static inline void sched_acquire(void *object) {
  if (__tsan_acquire) __tsan_acquire(object);
}
static inline void sched_release(void *object) {
  if (__tsan_release) __tsan_release(object);
}

/* ---- sched.c ---- */

void sched_begin(void); /* the calling thread becomes number 0 of a new schedule */
void sched_end(void);   /* waits for all others */
struct sched_thread *sched_spawn(void *(*start)(void *), void *argument); /* NULL: too many */
void sched_after_fork(void); /* in the child: the calling thread is alone */
bool sched_can_go(const struct sched_thread *t);

/* ---- sched_memory.c ---- */

void sched_use_memory(void);
size_t sched_memory(void); /* blocks that live */

/* ---- sched_mutex.c ---- */

struct sched_thread *sched_owner(const struct sched_mutex *mutex);
void sched_lock(pthread_mutex_t *mutex);
void sched_unlock(pthread_mutex_t *mutex);
void sched_forget_order(void); /* in which mutexes were locked */

/* ---- sched_wrap.c ---- */

void sched_must_live(uint32_t state, const char *what); /* of a mutex or condition */

/* ---- sched_choice.c ---- */

enum sched_strategy { SCHED_RANDOM_WALK, SCHED_PCT, SCHED_SYSTEMATIC };

void sched_choose_by_seed(uint64_t seed); /* prepares a random schedule */
/* Systematically: the first schedule of a case; then the next one, or false. */
void sched_systematic_first(void);
bool sched_systematic_next(void);
void sched_systematic_begin(void); /* before each run */
/* Or one that was described, "3.1,17.2". False: that is none. */
bool sched_systematic_replay(const char *text);
void sched_systematic_text(char *out, size_t size);
void sched_new_thread(struct sched_thread *t); /* gives it a priority */
int sched_pick(const struct sched_choice *choice);
uint64_t sched_draw(uint64_t *state, uint64_t limit); /* a random number below limit */
int sched_any(int count);                             /* 0 to count - 1; 0 systematically */
bool sched_is_systematic(void);

/* ---- sched_report.c ---- */

void sched_describe(char *out, size_t size, const struct sched_thread *t);
void sched_trace(const char *event, const struct sched_thread *t); /* t may be NULL */
void sched_print_state(void);                                      /* once */

/* ---- sched_crash.c ---- */

void sched_catch_crashes(void);
void sched_watch(void); /* a schedule that spins without a step ends, too */

#endif
