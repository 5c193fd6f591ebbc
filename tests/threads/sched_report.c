/* What is printed: where each thread stands, and how to see it again. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "threads/sched_internal.h"

static bool reported; /* what fails meanwhile is not reported too */

static void describe_wait(char *out, size_t size, const struct sched_wait *w, bool is_mutex) {
  char until[48] = "";
  const struct sched_thread *owner = is_mutex ? sched_owner(w->object) : NULL;
  if (w->until != FC_NEVER)
    snprintf(until, sizeof until, ", for %+.3f ms", (double)(w->until - sched.now) / 1e6);
  if (owner) snprintf(until, sizeof until, " that thread %d holds", owner->number);
  snprintf(out, size, "%s%s", w->what, until);
}

void sched_describe(char *out, size_t size, const struct sched_thread *t) {
  if (t->state == SCHED_WAITING) {
    describe_wait(out, size, t->wait, strcmp(t->wait->what, "locks a mutex") == 0);
  } else {
    snprintf(out, size, "%s", t->state == SCHED_ENDED ? "has ended" : t->point);
  }
}

void sched_note(const char *format, ...) {
  va_list list;
  if (!sched.trace) return;
  fprintf(stderr, "%6zu %+12.3f ms  thread %d notes: ", sched.steps,
          (double)(sched.now - 1000 * FC_SECOND) / 1e6, sched_self->number);
  va_start(list, format);
  vfprintf(stderr, format, list);
  va_end(list);
  fputc('\n', stderr);
}

void sched_trace(const char *event, const struct sched_thread *t) {
  char doing[160] = "";
  if (!sched.trace) return;
  if (t) sched_describe(doing, sizeof doing, t);
  fprintf(stderr, "%6zu %+12.3f ms  ", sched.steps, (double)(sched.now - 1000 * FC_SECOND) / 1e6);
  if (t) fprintf(stderr, "thread %d ", t->number);
  fprintf(stderr, "%s%s%s\n", event, t ? ": " : "", doing);
}

static void print_threads(void) {
  char doing[160];
  for (int i = 0; i < SCHED_THREADS; i++) {
    const struct sched_thread *t = &sched.threads[i];
    if (t->state == SCHED_FREE) continue;
    sched_describe(doing, sizeof doing, t);
    fprintf(stderr, "  thread %d%s %s", i, t == sched_self ? " (this one)" : "", doing);
    if (t->held_count)
      fprintf(stderr, "; holds %d mutex%s", t->held_count, t->held_count > 1 ? "es" : "");
    fprintf(stderr, "\n");
  }
}

static void print_promises(void) {
  struct fc__node *n = sched.promises.next;
  for (; n && n != &sched.promises; n = n->next) {
    const struct sched_promise *p = FC__CONTAINER(n, struct sched_promise, link);
    fprintf(stderr, "  still to come: %s\n", p->what);
  }
}

void sched_print_state(void) {
  if (reported) return;
  reported = true;
  char replay[4000];
  snprintf(replay, sizeof replay, "%s", sched.replay);
  if (sched_is_systematic()) {
    size_t len = strlen(replay);
    sched_systematic_text(replay + len, sizeof replay - len);
  }
  fprintf(stderr, "  in case %s, step %zu, %+.3f ms after its beginning%s:\n", sched.case_name,
          sched.steps, (double)(sched.now - 1000 * FC_SECOND) / 1e6,
          sched.child ? ", in a child process" : "");
  print_threads();
  print_promises();
  fprintf(stderr, "%s: FAILED, to see it again: make threads PROGRAM=%s SEED=%s TRACE=1\n",
          sched.program, sched.program, replay);
}

void sched_fail(const char *format, ...) {
  va_list list;
  fprintf(stderr, "%s: ", sched.program);
  va_start(list, format);
  vfprintf(stderr, format, list);
  va_end(list);
  fprintf(stderr, "\n");
  sched_print_state();
  fflush(NULL);
  _exit(1);
}
