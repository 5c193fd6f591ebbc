/*
 * The end of a server: no new connections, clients told to go, a grace period, then the rest cancelled; and waiting for
 * it.
 */
#include "server/server.h"

static int64_t after(int64_t from, int64_t span) {
  return span >= FC_NEVER - from ? FC_NEVER : from + span;
}

/* fn may end the connection, and others with it. */
static void each_conn(struct fc__server_shard *shard, int64_t now,
                      void (*fn)(struct fc__server_conn *conn, int64_t now)) {
  struct fc__node rest, *n;
  fc__node_init(&rest);
  fc__list_splice_back(&rest, &shard->conns);
  while ((n = fc__list_first(&rest))) {
    fc__list_remove(n);
    fc__list_push_back(&shard->conns, n);
    fn(FC__CONTAINER(n, struct fc__server_conn, node), now);
  }
}

static void tell_to_go(struct fc__server_conn *conn, int64_t now) {
  fc__server_conn_goaway(conn, "the server shuts down", now);
}

static void cancel(struct fc__server_conn *conn, int64_t now) {
  fc__server_conn_close(conn, "the server has shut down", now);
}

void fc__server_grace_over(struct fc__timer *timer, int64_t now) {
  each_conn(FC__CONTAINER(timer, struct fc__server_shard, grace), now, cancel);
}

static void shut_down_shard(struct fc__server_shard *shard, int64_t grace) {
  int64_t now = fc__loop_now(shard->loop), at = after(now, grace);
  if (!shard->draining) {
    shard->draining = true;
    shard->accepting = false;
    fc__server_ports_close(shard, FC__SERVER_ALL_PORTS);
    fc__server_handshakes_end(shard, now);
    each_conn(shard, now, tell_to_go);
  }
  if (at <= now) {
    fc__loop_timer_stop(shard->loop, &shard->grace);
    each_conn(shard, now, cancel);
  } else if (at < shard->grace_at) {
    fc__loop_timer_set(shard->loop, &shard->grace, at);
  }
  if (at < shard->grace_at) shard->grace_at = at;
  fc__server_check_end(shard);
  fc__server_shard_check(shard);
}

void fc__server_shut_down(fc_server *server, int64_t grace) {
  atomic_fetch_or(&server->state, FC__SERVER_SHUT_DOWN);
  fc__server_ref(server);
  for (size_t i = 0; i < server->shard_count; i++) {
    struct fc__server_shard *shard = &server->shards[i];
    fc__loop_lock(shard->loop);
    shut_down_shard(shard, grace);
    fc__loop_unlock(shard->loop);
  }
  fc__server_unref(server);
}

fc_result fc_server_shutdown(fc_server *server, int64_t grace_ns) {
  if (!server || grace_ns < 0) return FC_ERR_INVALID;
  fc__server_shut_down(server, grace_ns);
  return FC_OK;
}

/* ---- the end ---- */

/* The callback may destroy the server. */
void fc__server_end_run(struct fc__task *task) {
  fc_server *server = FC__CONTAINER(task, fc_server, end);
  server->options.on_end(server, server->options.user);
}

/* Who destroys a server that never started waits for no callback. */
void fc__server_check_end(struct fc__server_shard *shard) {
  fc_server *server = shard->server;
  if (shard->ended || !shard->draining || shard->link_count > 0) return;
  shard->ended = true;
  if (atomic_fetch_sub(&server->unended, 1) > 1) return;
  fc__server_queues_end(server);
  if (server->options.on_end && fc__server_has_started(server))
    fc__loop_defer(shard->loop, &server->end);
}

/* ---- waiting ---- */

struct fc__server_waiter {
  struct fc__node node;
  struct fc__waiter waiter;
};

bool fc__server_shard_is_done(const struct fc__server_shard *shard) {
  return shard->draining && shard->conn_count == 0;
}

void fc__server_wake_waiters(struct fc__server_shard *shard) {
  for (struct fc__node *n = shard->waiters.next; n != &shard->waiters; n = n->next) {
    fc__loop_wake(shard->loop, &FC__CONTAINER(n, struct fc__server_waiter, node)->waiter);
  }
}

/* The thread that waits is not in this process. */
static void forget_waiter(struct fc__waiter *waiter) {
  fc__list_remove(&FC__CONTAINER(waiter, struct fc__server_waiter, waiter)->node);
}

static fc_result wait_for_shard(struct fc__server_shard *shard, int64_t until) {
  fc_result r = FC_OK;
  while (r == FC_OK && !fc__server_shard_is_done(shard)) {
    struct fc__server_waiter w = {.waiter.lost = forget_waiter};
    fc__list_push_back(&shard->waiters, &w.node);
    if (!fc__loop_wait(shard->loop, &w.waiter, until))
      r = w.waiter.interrupted ? FC_ERR_INTERRUPTED : FC_ERR_TIMEOUT;
    fc__list_remove(&w.node);
  }
  return fc__server_shard_is_done(shard) ? FC_OK : r;
}

/* A shard that is done stays so: one after the other is enough. */
fc_result fc_server_wait(fc_server *server, int64_t timeout_ns) {
  if (!server || timeout_ns < 0) return FC_ERR_INVALID;
  int64_t until = 0;
  fc_result r = FC_OK;
  for (size_t i = 0; i < server->shard_count && r == FC_OK; i++) {
    struct fc__server_shard *shard = &server->shards[i];
    fc__loop_lock(shard->loop);
    if (i == 0) until = after(fc__loop_now(shard->loop), timeout_ns);
    r = wait_for_shard(shard, until);
    fc__loop_unlock(shard->loop);
  }
  return r;
}
