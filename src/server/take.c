/*
 * Calls that threads of the application take. Of each queue at most one thread is sent for at a time, see server_take.h;
 * whoever takes a call, or comes and finds none, sends for the next one while calls are left.
 */
#include "farcall/server_take.h"

#include "base/mem.h"
#include "server/server.h"

/* Handlers that take no longer are over before another thread that was woken to poll would have been of any use. */
#define SOON (300 * FC_MICROSECOND)

/* A slow one outweighs some quick ones, and a few more make one that was slow by chance forgotten. */
enum { QUICK_MAX = 16, QUICK_ENOUGH = 4, SLOW_COSTS = 4 };

/* A thread in fc_server_await, on its stack. */
struct taker {
  struct fc__node node; /* in its queue's takers, until it is sent */
  struct fc__waiter waiter;
  bool sent;
};

static struct fc__server_queue *queue_of(const fc_call *call) {
  const fc_handler *handler = call->handler;
  fc_server *server = ((struct fc__server_shard *)call->owner)->server;
  return &server->queues[handler->queue];
}

/* ---- sending for threads ---- */

/* The one that polls is awake and costs nothing to wake; else the one that has been here last. */
static struct taker *choose_taker(struct fc__server_queue *q) {
  for (struct fc__node *n = q->takers.next; n != &q->takers; n = n->next) {
    struct taker *t = FC__CONTAINER(n, struct taker, node);
    if (fc__waiter_is_awake(&t->waiter)) return t;
  }
  struct fc__node *first = fc__list_first(&q->takers);
  return first ? FC__CONTAINER(first, struct taker, node) : NULL;
}

static void send_for_a_thread(struct fc__server_queue *q) {
  fc_server *server = q->server;
  struct fc__loop *loop = server->shards[0].loop;
  if (q->sent_for || fc__list_empty(&q->calls)) return;
  struct taker *t = choose_taker(q);
  if (t) {
    fc__list_remove(&t->node);
    t->sent = true;
    fc__loop_wake(loop, &t->waiter);
  } else if (server->options.on_untaken) {
    fc__loop_defer(loop, &q->ask);
  } else {
    return; /* until a thread comes by itself */
  }
  q->sent_for = true;
}

static void ask_run(struct fc__task *task) {
  struct fc__server_queue *q = FC__CONTAINER(task, struct fc__server_queue, ask);
  fc_server *server = q->server;
  server->options.on_untaken(server, (uint32_t)(q - server->queues), server->options.user);
}

/* ---- the queue ---- */

fc_result fc__server_queues_reach(fc_server *server, uint32_t queue) {
  if (queue < server->queue_count) return FC_OK;
  size_t count = (size_t)queue + 1;
  struct fc__server_queue *queues = fc__alloc_zero(count * sizeof *queues);
  if (!queues) return FC_ERR_NO_MEMORY;
  /* The server has not started: nothing waits in those of before. */
  for (size_t i = 0; i < count; i++) {
    queues[i].server = server;
    queues[i].ask.run = ask_run;
    queues[i].left_at = FC_NEVER;
    fc__node_init(&queues[i].ask.link);
    fc__node_init(&queues[i].calls);
    fc__node_init(&queues[i].takers);
  }
  fc__free(server->queues);
  server->queues = queues;
  server->queue_count = count;
  return FC_OK;
}

fc_result fc__server_queue_add(struct fc__server_shard *shard, fc_call *call) {
  struct fc__server_queue *q = queue_of(call);
  if (fc__workers_turn_away(q->count, shard->server->options.max_pending_calls, &shard->random))
    return FC_ERR_LIMIT;
  fc__list_push_back(&q->calls, &call->dispatch.link);
  q->count++;
  send_for_a_thread(q);
  return FC_OK;
}

bool fc__server_queue_remove(fc_call *call) {
  if (!fc__node_linked(&call->dispatch.link)) return false;
  fc__list_remove(&call->dispatch.link);
  queue_of(call)->count--;
  return true;
}

void fc__server_queues_end(fc_server *server) {
  for (size_t i = 0; i < server->queue_count; i++) {
    struct fc__server_queue *q = &server->queues[i];
    for (struct fc__node *n = q->takers.next; n != &q->takers; n = n->next) {
      fc__loop_wake(server->shards[0].loop, &FC__CONTAINER(n, struct taker, node)->waiter);
    }
  }
}

/* ---- who polls while handlers run ---- */

/* While handlers are quick a thread that goes off with a call leaves polling to nobody: it is back before anyone whom it
 * woke could do more than cost time. The loop's background thread sees to it that this does not go wrong for long. */
void fc__server_set_attended(struct fc__server_shard *shard, bool attended) {
  if (!shard->held || shard->attended == attended) return;
  shard->attended = attended;
  if (attended) {
    fc__loop_keep(shard->loop);
    fc__loop_unhold(shard->loop);
  } else {
    fc__loop_hold(shard->loop);
    fc__loop_unkeep(shard->loop);
  }
}

static void thread_goes(struct fc__server_queue *q, int64_t now) {
  q->left_at = now;
  fc__server_set_attended(&q->server->shards[0], q->quick >= QUICK_ENOUGH);
}

static void thread_is_back(struct fc__server_queue *q, int64_t now) {
  if (q->left_at == FC_NEVER) return;
  bool soon = now - q->left_at < SOON;
  if (soon && q->quick < QUICK_MAX) q->quick++;
  if (!soon) q->quick = q->quick > SLOW_COSTS ? q->quick - SLOW_COSTS : 0;
  q->left_at = FC_NEVER;
}

/* ---- taking ---- */

static bool is_queue(const fc_server *server, uint32_t queue) {
  return server && queue < server->queue_count;
}

/* The one that has waited longest; its handle passes to the caller. */
static fc_call *take_first(struct fc__server_queue *q) {
  struct fc__node *first = fc__list_first(&q->calls);
  if (!first) return NULL;
  fc_call *call = FC__CONTAINER(FC__CONTAINER(first, struct fc__task, link), fc_call, dispatch);
  (void)fc__server_queue_remove(call);
  return call;
}

fc_result fc_server_take(fc_server *server, uint32_t queue, unsigned flags, fc_call **call,
                         void **user) {
  if (call) *call = NULL;
  if (user) *user = NULL;
  bool nothing = flags & FC_TAKE_NOTHING;
  if (flags & ~(unsigned)(FC_TAKE_SENT_FOR | FC_TAKE_NOTHING)) return FC_ERR_INVALID;
  if (!is_queue(server, queue) || (!call && !nothing)) return FC_ERR_INVALID;
  struct fc__loop *loop = server->shards[0].loop;
  struct fc__server_queue *q = &server->queues[queue];
  fc__loop_lock(loop);
  int64_t now = fc__loop_now(loop);
  if (flags & FC_TAKE_SENT_FOR) {
    q->sent_for = false;
  } else {
    thread_is_back(q, now);
  }
  fc_call *taken = nothing ? NULL : take_first(q);
  if (taken) thread_goes(q, now);
  if (taken && user) *user = ((const fc_handler *)taken->handler)->user;
  send_for_a_thread(q);
  fc__loop_unlock(loop);
  if (!nothing) *call = taken;
  return taken ? FC_OK : FC_ERR_TIMEOUT;
}

/* The thread does not exist in this child of a fork. */
static void forget_taker(struct fc__waiter *waiter) {
  fc__list_remove(&FC__CONTAINER(waiter, struct taker, waiter)->node);
}

static fc_result await_locked(fc_server *server, struct fc__server_queue *q, int64_t until) {
  struct fc__server_shard *shard = &server->shards[0];
  struct taker t = {.waiter = {.lost = forget_taker, .idle = true}};
  fc__node_init(&t.node);
  if (!q->sent_for && !fc__list_empty(&q->calls)) {
    q->sent_for = true;
    return FC_OK;
  }
  bool in_time = !shard->ended;
  fc__list_push_front(&q->takers, &t.node);
  while (in_time && !t.sent && !shard->ended)
    in_time = fc__loop_wait(shard->loop, &t.waiter, until);
  if (t.sent) return FC_OK;
  fc__list_remove(&t.node);
  fc__server_set_attended(shard, false);
  if (shard->ended) return FC_ERR_CLOSED;
  return t.waiter.interrupted ? FC_ERR_INTERRUPTED : FC_ERR_TIMEOUT;
}

fc_result fc_server_await(fc_server *server, uint32_t queue, int64_t timeout_ns) {
  if (!is_queue(server, queue) || timeout_ns < 0) return FC_ERR_INVALID;
  struct fc__loop *loop = server->shards[0].loop;
  fc__loop_lock(loop);
  int64_t now = fc__loop_now(loop);
  int64_t until = timeout_ns < FC_NEVER - now ? now + timeout_ns : FC_NEVER;
  fc_result r = await_locked(server, &server->queues[queue], until);
  fc__loop_unlock(loop);
  return r;
}
