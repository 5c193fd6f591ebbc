/*
 * What counters equal: those of calls, servers and channels. A call whose stream and status are over is known to whoever
 * holds its handle alone, so sums are compared when no call is out of sight; until then they are bounds.
 */
#include "base/bytes.h"
#include "client/channel.h"
#include "client/conn.h"
#include "http2/conn_internal.h"
#include "server/server.h"
#include "sim/sim_counts.h"

static size_t length(const struct fc__node *list) {
  size_t count = 0;
  for (const struct fc__node *n = list->next; n != list; n = n->next) count++;
  return count;
}

static void check_pool(const struct sim *sim, const struct fc__call_owner *owner) {
  size_t count = 0;
  for (const fc_call *call = owner->pool.first; call; call = call->pool_next) count++;
  SIM_MUST(sim, owner->pool.count == count && count <= FC__CALL_POOL_MAX);
}

/* What is found of the calls of one owner. */
struct found {
  size_t calls, buffered;
  size_t slots, running; /* server: those of its connection, or of all */
};

/* ---- one call ---- */

static size_t check_messages(const struct sim *sim, const fc_call *call) {
  size_t count = 0, ready = 0, cost = call->partial_counted;
  for (const fc_bytes *m = call->messages_first; m; m = m->next, count++) {
    if (!m->packed) ready += m->len;
    cost += sizeof *m + m->len;
  }
  SIM_MUST(sim, call->queued_count == count && call->ready_bytes == ready);
  const fc_bytes *partial = call->deframer.partial;
  SIM_MUST(sim, call->partial_counted == (partial ? partial->len : 0));
  return cost;
}

static void check_outgoing(const struct sim *sim, const fc_call *call) {
  size_t bytes = 0;
  for (uint32_t i = 0; i < call->outgoing_count; i++)
    bytes += fc_bytes_slice(call->kept.outgoing[i].body).len + FC__MESSAGE_PREFIX;
  SIM_MUST(sim, call->outgoing_bytes == bytes);
}

static bool has_pending(const fc_call *call) {
  return call->send_op.state == FC__OP_PENDING || call->recv_op.state == FC__OP_PENDING ||
         call->done_op.state == FC__OP_PENDING || call->headers_op.state == FC__OP_PENDING;
}

static void check_call(const struct sim *sim, const fc_call *call, struct found *found) {
  SIM_MUST(sim, call->live && call->refs >= 1U + call->handle);
  bool timed = call->deadline != FC_NEVER && (call->server || !call->over);
  SIM_MUST(sim, !timed || (fc__timer_is_set(&call->timer) && call->timer.at == call->deadline));
  SIM_MUST(sim, !call->over || (!call->held && !has_pending(call)));
  check_outgoing(sim, call);
  found->calls++;
  found->buffered += check_messages(sim, call);
  if (!call->server || !call->owner_data) return;
  found->slots++;
  found->running += call->handler != NULL;
}

/* The calls with an open stream whose status is decided. */
static void check_ended_calls(const struct sim *sim, const struct fc__link *link,
                              struct found *found) {
  const struct fc__h2_conn *c = link->h2;
  for (const struct fc__node *n = c->all.next; n != &c->all; n = n->next) {
    const fc_call *call = (const fc_call *)FC__CONTAINER(n, struct fc__h2_stream, all);
    SIM_MUST(sim, call->link == link);
    if (call->over) check_call(sim, call, found);
  }
  for (const struct fc__node *n = c->done.next; n != &c->done; n = n->next) {
    const fc_call *call = (const fc_call *)FC__CONTAINER(n, struct fc__h2_stream, ready);
    if (call->over) check_call(sim, call, found);
  }
}

/* ---- a server ---- */

static void check_conn(const struct sim *sim, const struct fc__server_conn *conn, bool limited,
                       struct found *all) {
  struct found found = {.buffered = conn->link->counted};
  for (const struct fc__node *n = conn->calls.next; n != &conn->calls; n = n->next) {
    const fc_call *call = FC__CONTAINER(n, fc_call, line);
    SIM_MUST(sim, !call->over && call->owner_data == conn);
    check_call(sim, call, &found);
  }
  SIM_MUST(sim, fc__list_empty(&conn->calls) == (conn->idle_since != FC_NEVER));
  check_ended_calls(sim, conn->link, &found);
  SIM_MUST(sim, conn->slots >= found.slots);
  all->calls += found.calls;
  all->buffered += found.buffered;
  all->slots += found.slots;
  if (limited) all->running += found.running;
}

/* The rest is out of sight: a call keeps its slot until its handler is done. */
static void check_sums(const struct sim *sim, const struct fc__server_shard *shard,
                       const struct found *found, size_t slots, size_t running) {
  SIM_MUST(sim, shard->call_count >= found->calls);
  size_t hidden = shard->call_count - found->calls;
  SIM_MUST(sim, slots >= found->slots && slots - found->slots <= hidden);
  SIM_MUST(sim, running >= found->running && running - found->running <= hidden);
  SIM_MUST(sim, shard->owner.buffered >= found->buffered);
  SIM_MUST(sim, hidden > 0 || shard->owner.buffered == found->buffered);
  SIM_MUST(sim, hidden > 0 || shard->conn_count == shard->link_count);
}

static void check_queues(const struct sim *sim, fc_server *server) {
  for (size_t i = 0; i < server->queue_count; i++)
    SIM_MUST(sim, server->queues[i].count == length(&server->queues[i].calls));
  struct fc__workers *w = &server->workers;
  pthread_mutex_lock(&w->mutex);
  SIM_MUST(sim, w->pending == length(&w->jobs) && w->idle <= w->count);
  pthread_mutex_unlock(&w->mutex);
}

static void check_shard(const struct sim *sim, const struct fc__server_shard *shard) {
  fc_server *server = shard->server;
  const fc_server_options *o = &server->options;
  struct found found = {0};
  size_t slots = 0, links = 0;
  for (const struct fc__node *n = shard->conns.next; n != &shard->conns; n = n->next, links++) {
    const struct fc__server_conn *conn = FC__CONTAINER(n, struct fc__server_conn, node);
    check_conn(sim, conn, o->max_concurrent_calls > 0, &found);
    slots += conn->slots;
  }
  SIM_MUST(sim, shard->link_count == links && shard->conn_count >= links);
  SIM_MUST(sim, shard->handshake_count == length(&shard->handshakes));
  size_t sockets = o->max_connections ? links + shard->handshake_count : 0;
  SIM_MUST(sim, server->shard_count > 1 || atomic_load(&server->sockets) == sockets);
  check_sums(sim, shard, &found, slots, atomic_load(&server->running));
  check_queues(sim, server);
  check_pool(sim, &shard->owner);
}

/* ---- a channel ---- */

static size_t check_list(const struct sim *sim, const struct fc__node *list, struct found *found) {
  for (const struct fc__node *n = list->next; n != list; n = n->next) {
    const fc_call *call = FC__CONTAINER(n, fc_call, line);
    SIM_MUST(sim, !call->over);
    check_call(sim, call, found);
  }
  return length(list);
}

static void check_conns(const struct sim *sim, const struct fc_channel *ch, struct found *found) {
  const struct fc__conn *conn = ch->connector.conn;
  if (conn && conn->link) check_ended_calls(sim, conn->link, found);
  for (const struct fc__node *n = ch->draining.next; n != &ch->draining; n = n->next)
    check_ended_calls(sim, FC__CONTAINER(n, struct fc__conn, draining)->link, found);
}

static void check_connector(const struct sim *sim, const struct fc_channel *ch) {
  const struct fc__connector *c = &ch->connector;
  bool has_conn = c->phase == FC__CONNECT_TRYING || c->phase == FC__CONNECT_UP;
  bool timed = c->phase == FC__CONNECT_BACKOFF ||
               (c->phase == FC__CONNECT_TRYING && ch->config.connect_timeout != FC_NEVER);
  SIM_MUST(sim, (c->conn != NULL) == has_conn);
  SIM_MUST(sim, timed == fc__timer_is_set(&c->timer));
  SIM_MUST(sim, (c->phase == FC__CONNECT_UP) == (ch->state == FC_CONNECTIVITY_READY));
}

static void check_channel(const struct sim *sim, const struct fc_channel *ch) {
  struct found found = {0};
  size_t calls = 0;
  const struct fc__node *const lists[] = {&ch->line, &ch->again, &ch->running, &ch->asking};
  for (size_t i = 0; i < 4; i++) calls += check_list(sim, lists[i], &found);
  SIM_MUST(sim, ch->calls == calls);
  check_conns(sim, ch, &found);
  check_connector(sim, ch);
  bool connecting = ch->wanted && ch->state == FC_CONNECTIVITY_CONNECTING;
  SIM_MUST(sim, ch->held || (!connecting && fc__list_empty(&ch->watches)));
  check_pool(sim, &ch->owner);
  size_t refs = found.calls + ch->handle + length(&ch->watches) + ch->settling;
  SIM_MUST(sim, ch->refs >= refs && ch->owner.buffered >= found.buffered);
  SIM_MUST(sim, ch->refs > refs || ch->owner.buffered == found.buffered);
}

void sim_check_owner(const struct sim *sim, const struct fc__link *link) {
  if (link->ops != &fc__conn_link_ops) {
    const struct fc__server_conn *conn = link->owner;
    if (conn->shard->conns.next == &conn->node) check_shard(sim, conn->shard);
    return;
  }
  const struct fc__conn *conn = link->owner;
  const struct fc_channel *ch = conn->channel;
  if (ch->connector.conn == conn || !ch->connector.conn) check_channel(sim, ch);
}
