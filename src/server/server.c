/*
 * The life of a server: made with a shard on each of its reactors, started, freed when neither its user nor a call
 * needs it.
 */
#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "io/reactor.h"
#include "server/server.h"

/* ---- the end ---- */

static void check_counts(const fc_server *server) {
  assert(atomic_load(&server->running) == 0 && "every call has given its place back");
  assert(atomic_load(&server->sockets) == 0 && "every connection has");
  for (size_t i = 0; i < server->queue_count; i++)
    assert(server->queues[i].count == 0 && "no call waits to be taken");
}

static void server_free(fc_server *server) {
  check_counts(server);
  fc__server_methods_finish(&server->methods);
  fc__server_keys_finish(&server->keys);
  for (size_t i = 0; i < server->shard_count; i++) {
    struct fc__loop *loop = server->shards[i].loop;
    loop->ops->unref(loop);
  }
  fc__free(server->interceptors);
  fc__free(server->queues);
  fc__free(server);
}

void fc__server_ref(fc_server *server) { atomic_fetch_add(&server->refs, 1); }

void fc__server_unref(fc_server *server) {
  if (atomic_fetch_sub(&server->refs, 1) == 1) server_free(server);
}

/* Without the lock. Nothing of the shard runs or is kept any more. */
static void shard_finish(struct fc__server_shard *shard) {
  assert(shard->owner.buffered == 0 && "whatever was buffered has been taken or dropped");
  assert(shard->link_count + shard->handshake_count == 0 && "connections end before their shard");
  fc__call_pool_finish(&shard->owner);
  fc__server_unref(shard->server);
}

static void free_task_run(struct fc__task *task) {
  struct fc__server_shard *shard = FC__CONTAINER(task, struct fc__server_shard, free_task);
  fc__loop_lock(shard->loop);
  fc__loop_unhold(shard->loop);
  fc__loop_unlock(shard->loop);
  shard_finish(shard);
}

static bool is_unused(const struct fc__server_shard *shard) {
  return shard->released && shard->conn_count == 0 && shard->call_count == 0;
}

void fc__server_shard_check(struct fc__server_shard *shard) {
  if (!fc__server_shard_is_done(shard)) return;
  if (shard->held) {
    fc__server_set_attended(shard, false);
    shard->held = false;
    fc__loop_unhold(shard->loop);
  }
  fc__server_wake_waiters(shard);
  if (!is_unused(shard) || shard->going) return;
  shard->going = true; /* the lock is held and the loop may go with the shard: not here */
  fc__loop_hold(shard->loop);
  fc__loop_defer(shard->loop, &shard->free_task);
}

/* ---- destruction ---- */

/* A task behind all others: when it runs, handlers that were under way on the driver's thread have returned. */
struct barrier {
  struct fc__task task;
  struct fc__loop *loop;
  struct fc__waiter waiter;
  bool passed;
};

static void barrier_run(struct fc__task *task) {
  struct barrier *b = FC__CONTAINER(task, struct barrier, task);
  struct fc__loop *loop = b->loop;
  fc__loop_lock(loop);
  b->passed = true;
  fc__loop_wake(loop, &b->waiter);
  fc__loop_unlock(loop);
}

static void let_handlers_return(struct fc__server_shard *shard) {
  if (!fc__server_has_started(shard->server)) return;
  struct barrier b = {.task.run = barrier_run, .loop = shard->loop};
  fc__node_init(&b.task.link);
  fc__loop_lock(shard->loop);
  fc__loop_defer(shard->loop, &b.task);
  while (!b.passed) {
    b.waiter.ready = false;
    (void)fc__loop_wait(shard->loop, &b.waiter, FC_NEVER);
  }
  fc__loop_unlock(shard->loop);
}

/* Calls whose handles asynchronous handlers still have keep their shard; the last one lets it go. */
static void release_shard(struct fc__server_shard *shard) {
  fc__loop_lock(shard->loop);
  shard->released = true;
  const bool unused = is_unused(shard);
  shard->going = unused;
  fc__loop_unlock(shard->loop);
  if (unused) shard_finish(shard);
}

void fc_server_destroy(fc_server *server) {
  if (!server) return;
  fc__server_shut_down(server, 0);
  fc__workers_finish(&server->workers);
  for (size_t i = 0; i < server->shard_count; i++) {
    let_handlers_return(&server->shards[i]);
    release_shard(&server->shards[i]);
  }
  fc__server_unref(server);
}

/* ---- the beginning ---- */

static void shard_init(struct fc__server_shard *shard, fc_server *server, fc_reactor *reactor) {
  const fc_server_options *o = &server->options;
  shard->server = server;
  shard->loop = fc__reactor_loop(reactor);
  shard->loop->ops->ref(shard->loop);
  shard->net = fc__reactor_net(reactor);
  shard->owner.ops = &fc__server_call_ops;
  shard->owner.loop = shard->loop;
  shard->owner.max_receive = o->max_receive_message_bytes;
  shard->owner.max_send = fc__call_max_send(o->max_send_message_bytes);
  shard->owner.any_path = o->any_path;
  shard->buffered_max =
      o->max_buffered_bytes == SIZE_MAX ? SIZE_MAX : o->max_buffered_bytes / o->reactors;
  shard->handshakes_max = 1 + (o->max_handshakes - 1) / o->reactors;
  shard->owner.compression = o->compression == FC_COMPRESSION_UNSET
                                 ? FC__ENCODING_IDENTITY
                                 : (enum fc__encoding)(o->compression - FC_COMPRESSION_NONE);
  fc__loop_lock(shard->loop);
  fc__random_init(&shard->random, shard->net->ops->random(shard->net));
  shard->forks = shard->loop->forks;
  fc__loop_unlock(shard->loop);
  fc__node_init(&shard->ports);
  fc__node_init(&shard->handshakes);
  fc__node_init(&shard->conns);
  fc__node_init(&shard->waiters);
  shard->grace_at = FC_NEVER;
  shard->grace.fire = fc__server_grace_over;
  shard->free_task.run = free_task_run;
  fc__node_init(&shard->free_task.link);
}

/* A reactor of the server's own lives by the shard's reference. */
static fc_result shards_init(fc_server *server, fc_error *err) {
  size_t count = server->options.reactors;
  for (; server->shard_count < count; server->shard_count++) {
    struct fc__server_shard *shard = &server->shards[server->shard_count];
    fc_reactor *own = NULL;
    if (!server->options.reactor) {
      fc_result r = fc_reactor_create(NULL, &own, err);
      if (r != FC_OK) return r;
    }
    shard_init(shard, server, own ? own : server->options.reactor);
    fc_reactor_destroy(own);
  }
  server->options.reactor = NULL; /* the user's reference, which may go */
  return FC_OK;
}

static fc_result copy_interceptors(fc_server *server, fc_error *err) {
  size_t size = server->options.interceptor_count * sizeof *server->interceptors;
  if (size == 0) return FC_OK;
  server->interceptors = fc__alloc(size);
  if (!server->interceptors) return fc__error_no_memory(err);
  memcpy(server->interceptors, server->options.interceptors, size);
  server->options.interceptors = NULL;
  return FC_OK;
}

static fc_result init_workers(fc_server *server, fc_error *err) {
  const fc_server_options *o = &server->options;
  fc_result r = fc__workers_init(&server->workers, o->workers, o->max_pending_calls);
  if (r == FC_ERR_NO_MEMORY) return fc__error_no_memory(err);
  return r == FC_OK ? r : fc__error(err, r, "the system has no lock left for the worker threads");
}

fc_result fc_server_create(const fc_server_options *options, fc_server **out, fc_error *err) {
  fc_server_options o;
  if (!out) return fc__error(err, FC_ERR_INVALID, "out is NULL");
  *out = NULL;
  fc_result r = fc__server_options_read(options, &o, err);
  if (r != FC_OK) return r;
  fc_server *server = fc__alloc_zero(sizeof *server + o.reactors * sizeof server->shards[0]);
  if (!server) return fc__error_no_memory(err);
  server->options = o;
  atomic_init(&server->refs, 1 + o.reactors);
  atomic_init(&server->unended, o.reactors);
  server->end.run = fc__server_end_run;
  fc__node_init(&server->end.link);
  fc__server_link_config(&o, &server->link_config);
  fc__server_methods_init(&server->methods, 0);
  r = init_workers(server, err);
  if (r != FC_OK) {
    fc__free(server);
    return r;
  }
  r = copy_interceptors(server, err);
  if (r == FC_OK) r = shards_init(server, err);
  if (r == FC_OK) {
    *out = server;
  } else {
    atomic_store(&server->refs, (unsigned)(1 + server->shard_count));
    fc_server_destroy(server);
  }
  return r;
}

static void start_shard(struct fc__server_shard *shard) {
  if (shard->draining) return;
  shard->accepting = shard->held = true;
  fc__loop_hold(shard->loop);
  fc__server_ports_open(shard);
}

fc_result fc_server_start(fc_server *server, fc_error *err) {
  if (!server) return fc__error(err, FC_ERR_INVALID, "server is NULL");
  int expected = FC__SERVER_NEW;
  if (!atomic_compare_exchange_strong(&server->state, &expected, FC__SERVER_STARTED)) {
    return fc__error(err, FC_ERR_CLOSED, "the server was started or shut down before");
  }
  fc__server_ref(server);
  for (size_t i = 0; i < server->shard_count; i++) {
    struct fc__server_shard *shard = &server->shards[i];
    fc__loop_lock(shard->loop);
    start_shard(shard);
    fc__loop_unlock(shard->loop);
  }
  fc__server_unref(server);
  return FC_OK;
}
