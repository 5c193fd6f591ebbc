/*
 * Watches: callbacks that are told every state in order, from tasks of the loop, without the lock.
 * A watch runs on one thread at a time; whoever cancels it waits until it no longer runs, unless it
 * cancels itself.
 */
#include <string.h>

#include "base/mem.h"
#include "client/channel.h"

/* States that wait to be told. A callback that sleeps through more misses those in the middle. */
enum { PENDING_MAX = 32 };

struct fc_watch {
  struct fc_channel *channel;
  struct fc__node link; /* in the channel's list */
  struct fc__task task;
  fc_connectivity_fn fn;
  void *user;
  uint8_t pending[PENDING_MAX];
  size_t count;
  bool queued;    /* the task is deferred or running */
  bool calling;   /* fn runs */
  unsigned forks; /* of the loop, when fn was called */
  bool cancelled; /* freed by the task if that is still to come, else by the last canceller */
  struct fc__node cancellers;
};

/* Who waits until fn no longer runs. */
struct canceller {
  struct fc__node link;
  struct fc__waiter waiter;
};

/* The watches whose callbacks this thread is inside of. */
struct frame {
  const struct fc_watch *watch;
  struct frame *outer;
};
static _Thread_local struct frame *frames;

static bool is_inside(const struct fc_watch *w) {
  for (struct frame *f = frames; f; f = f->outer) {
    if (f->watch == w) return true;
  }
  return false;
}

static void free_watch(struct fc_watch *w) {
  fc__channel_unref(w->channel);
  fc__free(w);
}

static void call_outside(struct fc_watch *w, fc_connectivity state) {
  struct fc__loop *loop = w->channel->loop;
  struct frame frame = {w, frames};
  w->calling = true;
  w->forks = loop->forks;
  fc__loop_unlock(loop);
  frames = &frame;
  w->fn(w->channel, state, w->user);
  frames = frame.outer;
  fc__loop_lock(loop);
  w->calling = false;
}

static void wake_cancellers(struct fc_watch *w) {
  for (struct fc__node *n = w->cancellers.next; n != &w->cancellers; n = n->next) {
    fc__loop_wake(w->channel->loop, &FC__CONTAINER(n, struct canceller, link)->waiter);
  }
}

static void free_if_done(struct fc_watch *w) {
  if (w->cancelled && !w->queued && fc__list_empty(&w->cancellers)) free_watch(w);
}

static void run(struct fc__task *task) {
  struct fc_watch *w = FC__CONTAINER(task, struct fc_watch, task);
  struct fc__loop *loop = w->channel->loop;
  fc__loop_lock(loop);
  while (w->count > 0 && !w->cancelled) {
    fc_connectivity state = w->pending[0];
    memmove(w->pending, w->pending + 1, --w->count);
    call_outside(w, state);
  }
  w->queued = false;
  wake_cancellers(w);
  free_if_done(w);
  fc__loop_unlock(loop);
}

static void tell(struct fc_watch *w, fc_connectivity state) {
  if (w->count == PENDING_MAX) w->count--; /* the newest must be told */
  w->pending[w->count++] = (uint8_t)state;
  if (w->queued) return;
  w->queued = true;
  fc__loop_defer(w->channel->loop, &w->task);
}

void fc__watches_tell(struct fc_channel *ch, fc_connectivity state) {
  for (struct fc__node *n = ch->watches.next; n != &ch->watches; n = n->next) {
    tell(FC__CONTAINER(n, struct fc_watch, link), state);
  }
}

fc_result fc_channel_watch(fc_channel *ch, fc_connectivity_fn fn, void *user, fc_watch **out) {
  if (out) *out = NULL;
  if (!ch || !fn || !out) return FC_ERR_INVALID;
  struct fc_watch *w = fc__alloc_zero(sizeof *w);
  if (!w) return FC_ERR_NO_MEMORY;
  w->channel = ch;
  w->fn = fn;
  w->user = user;
  w->task.run = run;
  fc__node_init(&w->task.link);
  fc__node_init(&w->cancellers);
  *out = w; /* before fn can run, which may cancel the watch */
  fc__loop_lock(ch->loop);
  fc__channel_ref(ch);
  fc__list_push_back(&ch->watches, &w->link);
  tell(w, ch->state);
  fc__channel_update_hold(ch);
  fc__loop_unlock(ch->loop);
  return FC_OK;
}

static void canceller_lost(struct fc__waiter *waiter) {
  fc__list_remove(&FC__CONTAINER(waiter, struct canceller, waiter)->link);
}

/* In a process forked meanwhile the thread that ran fn does not exist. */
static bool runs_elsewhere(const struct fc_watch *w) {
  return w->calling && !is_inside(w) && w->forks == w->channel->loop->forks;
}

void fc_watch_cancel(fc_watch *w) {
  if (!w) return;
  struct fc_channel *ch = w->channel;
  struct fc__loop *loop = ch->loop;
  loop->ops->ref(loop); /* the channel may go with its last watch */
  fc__loop_lock(loop);
  w->cancelled = true;
  fc__list_remove(&w->link);
  fc__channel_update_hold(ch);
  while (runs_elsewhere(w)) {
    struct canceller canceller = {.waiter.lost = canceller_lost};
    fc__list_push_back(&w->cancellers, &canceller.link);
    (void)fc__loop_wait(loop, &canceller.waiter, FC_NEVER);
    fc__list_remove(&canceller.link);
  }
  free_if_done(w);
  fc__loop_unlock(loop);
  loop->ops->unref(loop);
}
