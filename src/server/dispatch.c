/*
 * From a request to its handler: which one, whether there is room for it, on which thread it runs, and what becomes of
 * the call when the handler is done. All of it but the handlers runs under the loop's lock.
 */
#include <string.h>

#include "server/server.h"

struct fc_server_next {
  const fc_server *server;
  const fc_handler *handler;
  size_t index; /* of the interceptor that is next; the count: the handler */
  bool used;
};

static struct fc__server_shard *shard_of(const fc_call *call) {
  return (struct fc__server_shard *)call->owner;
}

/* ---- running ---- */

void fc_server_next_call(fc_server_next *next, fc_call *call) {
  if (!next || !call || next->used) return;
  next->used = true;
  const fc_server *server = next->server;
  if (next->index == server->options.interceptor_count) {
    next->handler->fn(call, next->handler->user);
    return;
  }
  const fc_server_interceptor *interceptor = &server->interceptors[next->index];
  fc_server_next rest = {server, next->handler, next->index + 1, false};
  interceptor->call(&rest, call, interceptor->user);
}

static void run_handler(fc_call *call) {
  fc_server_next all = {shard_of(call)->server, call->handler, 0, false};
  fc_server_next_call(&all, call);
}

/* Says whether the handler should run; if the call has ended meanwhile, its handle is given up. */
static bool begin(fc_call *call) {
  struct fc__loop *loop = call->loop;
  fc__loop_lock(loop);
  bool over = call->over;
  if (over) fc__call_drop_handle(call, fc__loop_now(loop));
  fc__loop_unlock(loop);
  return !over;
}

static void run_async(struct fc__task *task) {
  fc_call *call = FC__CONTAINER(task, fc_call, dispatch);
  if (begin(call)) run_handler(call);
}

/* The worker has a reference of its own, so a handler that destroys the handle by mistake does no harm. */
static void run_blocking(struct fc__task *task) {
  fc_call *call = FC__CONTAINER(task, fc_call, dispatch);
  struct fc__loop *loop = call->loop;
  if (begin(call)) run_handler(call);
  fc__loop_lock(loop);
  int64_t now = fc__loop_now(loop);
  if (!call->over) {
    fc_slice text = fc_slice_from_string("the handler returned without finishing the call");
    (void)fc__call_finish(call, FC_CODE_UNKNOWN, text, (fc_slice){0}, now);
  }
  if (call->handle) fc__call_drop_handle(call, now);
  fc__call_unref(call);
  fc__loop_unlock(loop);
}

/* ---- room ---- */

static bool count_running(fc_server *server) {
  uint32_t max = server->options.max_concurrent_calls;
  if (max == 0 || atomic_fetch_add(&server->running, 1) < max) return true;
  atomic_fetch_sub(&server->running, 1);
  return false;
}

/* The handler is done, or will not run. */
static void free_slot(fc_call *call) {
  struct fc__server_conn *conn = call->owner_data;
  fc_server *server = shard_of(call)->server;
  if (!conn) return;
  call->owner_data = NULL;
  if (call->handler && server->options.max_concurrent_calls) atomic_fetch_sub(&server->running, 1);
  fc__server_conn_slot_free(conn);
}

/* ---- what happens to a call ---- */

static const fc_handler *find_handler(fc_server *server, struct fc__server_conn *conn,
                                      fc_slice path) {
  if (path.len == conn->last_path_len && memcmp(path.data, conn->last_path, path.len) == 0) {
    return conn->last_handler;
  }
  const fc_handler *handler = fc__server_methods_find(&server->methods, path);
  if (handler && path.len <= sizeof conn->last_path) {
    conn->last_handler = handler;
    conn->last_path_len = path.len;
    memcpy(conn->last_path, path.data, path.len);
  }
  return handler;
}

static void on_request(struct fc__call_owner *owner, fc_call *call, int64_t now) {
  fc_server *server = ((struct fc__server_shard *)owner)->server;
  fc_slice path = {call->kept.path.data, call->kept.path.len - 1}; /* without its NUL */
  const fc_handler *handler = find_handler(server, call->owner_data, path);
  if (!handler) {
    fc__call_end(call, FC_CODE_UNIMPLEMENTED, "Method not found!", now);
  } else if (!count_running(server)) {
    fc__call_end(call, FC_CODE_RESOURCE_EXHAUSTED, "Concurrent RPC limit exceeded!", now);
  } else {
    call->handler = handler;
    call->pattern = (uint8_t)handler->pattern;
    fc__node_init(&call->dispatch.link);
  }
}

static void dispatch_blocking(struct fc__server_shard *shard, fc_call *call, int64_t now) {
  call->dispatch.run = run_blocking;
  fc__call_ref(call);
  fc_result r = fc__workers_add(&shard->server->workers, &call->dispatch, &shard->random);
  if (r == FC_OK) return;
  fc__call_unref(call);
  fc__call_end(call, FC_CODE_RESOURCE_EXHAUSTED,
               r == FC_ERR_LIMIT ? "Too many pending requests for this server"
                                 : "the server cannot start a thread for the call",
               now);
  fc__call_drop_handle(call, now);
}

static void dispatch_taken(struct fc__server_shard *shard, fc_call *call, int64_t now) {
  if (fc__server_queue_add(shard, call) == FC_OK) return;
  fc__call_end(call, FC_CODE_RESOURCE_EXHAUSTED, "Too many pending requests for this server", now);
  fc__call_drop_handle(call, now);
}

static void on_dispatch(struct fc__call_owner *owner, fc_call *call, int64_t now) {
  struct fc__server_shard *shard = (struct fc__server_shard *)owner;
  const fc_handler *handler = call->handler;
  if (handler->kind == FC_HANDLER_BLOCKING) {
    dispatch_blocking(shard, call, now);
  } else if (handler->kind == FC_HANDLER_TAKEN) {
    dispatch_taken(shard, call, now);
  } else {
    call->dispatch.run = run_async;
    fc__loop_defer(shard->loop, &call->dispatch);
  }
}

/* In a child made by fork there are no workers, and one that is the parent's may have their lock. */
static bool has_workers(const struct fc__server_shard *shard) {
  return shard->forks == shard->loop->forks;
}

/* A call that waits for a worker or in a queue and is over need not wait any longer. */
static void leave_line(fc_call *call, int64_t now) {
  const fc_handler *handler = call->handler;
  if (!call->dispatched) return;
  if (handler->kind == FC_HANDLER_TAKEN && fc__server_queue_remove(call))
    fc__call_drop_handle(call, now);
  if (handler->kind != FC_HANDLER_BLOCKING || !has_workers(shard_of(call))) return;
  if (!fc__workers_remove(&shard_of(call)->server->workers, &call->dispatch)) return;
  fc__call_drop_handle(call, now);
  fc__call_unref(call);
}

/* A handler that has given the status is done, whatever it does afterwards: the client may see the answer and send its
 * next request before the handler has returned. Any other that has begun keeps its slot until its handle goes. */
static void on_over(struct fc__call_owner *owner, fc_call *call, int64_t now) {
  (void)owner;
  fc__server_conn_call_over(call->owner_data, call, now);
  if (!call->dispatched || call->finished) free_slot(call);
  leave_line(call, now);
}

static void on_free(struct fc__call_owner *owner, fc_call *call) {
  struct fc__server_shard *shard = (struct fc__server_shard *)owner;
  free_slot(call);
  fc__call_pool_keep(owner, call);
  shard->call_count--;
  fc__server_shard_check(shard);
}

static void on_unprocessed(struct fc__call_owner *owner, fc_call *call, int64_t now) {
  (void)owner;
  fc__call_end(call, FC_CODE_INTERNAL, "a server's call cannot be tried again", now);
}

const struct fc__call_owner_ops fc__server_call_ops = {
    .on_unprocessed = on_unprocessed,
    .on_request = on_request,
    .on_dispatch = on_dispatch,
    .on_over = on_over,
    .on_free = on_free,
};
