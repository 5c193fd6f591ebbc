/*
 * One connection of a server: how many requests it may have, and when it must go. A request takes one of
 * max_concurrent_streams slots until its handler is done, also when the client has reset the stream meanwhile; so
 * resets buy no further handlers (CVE-2023-44487).
 */
#include "base/mem.h"
#include "server/server.h"

enum {
  /* A legal client cannot begin more requests in one read than it may have at once, unless it resets some in the same
   * breath; grpc core allows 32 in a read. The larger of the two is the limit. */
  REQUESTS_PER_TURN = 32,
  GOAWAY_PING = 2, /* opaque value of the ping that measures the round trip */
};

/* Connections that become idle while memory is short are told to go no later than this. */
#define CALM_AGAIN_AFTER FC_SECOND

/* The second step comes at the latest so long after the first, should the client not answer the ping. */
#define FINAL_AFTER FC_SECOND

static int64_t after(int64_t from, int64_t span) {
  return span >= FC_NEVER - from ? FC_NEVER : from + span;
}

static struct fc__server_conn *conn_of(struct fc__link *link) { return link->owner; }

/* ---- life ---- */

static void conn_free_if_done(struct fc__server_conn *conn) {
  if (conn->link || conn->slots > 0) return;
  struct fc__server_shard *shard = conn->shard;
  fc__free(conn);
  shard->conn_count--;
  fc__server_shard_check(shard);
}

static void on_down(struct fc__link *link, const char *reason, int64_t now) {
  (void)reason;
  struct fc__server_conn *conn = conn_of(link);
  fc__loop_timer_stop(conn->shard->loop, &conn->timer);
  fc__list_remove(&conn->node);
  conn->link = NULL;
  fc__link_destroy(link);
  fc__server_socket_closed(conn->shard, now);
  conn->shard->link_count--;
  fc__server_check_end(conn->shard);
  conn_free_if_done(conn);
}

void fc__server_conn_close(struct fc__server_conn *conn, const char *reason, int64_t now) {
  if (conn->link) fc__link_close(conn->link, FC__H2_NO_ERROR, reason, now);
}

/* ---- going away: RFC 9113 section 6.8, gRFC A9 ---- */

static void goaway_final(struct fc__server_conn *conn, int64_t now) {
  if (conn->stage != FC__SERVER_WARNED) return;
  conn->stage = FC__SERVER_CLOSING;
  conn->final_at = FC_NEVER;
  fc__link_goaway(conn->link, FC__H2_NO_ERROR, "", true, now);
}

static void on_pong(struct fc__link *link, uint64_t opaque, int64_t now) {
  if (opaque == GOAWAY_PING) goaway_final(conn_of(link), now);
}

static int64_t earlier(int64_t a, int64_t b) { return a < b ? a : b; }

static int64_t next_at(const struct fc__server_conn *conn) {
  int64_t at = earlier(conn->final_at, conn->close_at);
  if (conn->stage != FC__SERVER_OPEN) return at;
  int64_t idle_at = FC_NEVER;
  if (conn->idle_since != FC_NEVER) {
    idle_at = after(conn->idle_since, conn->shard->server->options.max_connection_idle_ns);
  }
  return earlier(at, earlier(conn->warn_at, idle_at));
}

/* Only ever moves the timer to an earlier time: one that fires too early looks again, so calls need not touch it. */
static void schedule(struct fc__server_conn *conn) {
  if (!conn->link) return;
  int64_t at = next_at(conn);
  if (at < conn->timer.at) fc__loop_timer_set(conn->shard->loop, &conn->timer, at);
}

void fc__server_conn_goaway(struct fc__server_conn *conn, const char *debug, int64_t now) {
  if (conn->stage != FC__SERVER_OPEN || !conn->link) return;
  conn->stage = FC__SERVER_WARNED;
  conn->final_at = now + FINAL_AFTER;
  fc__link_goaway(conn->link, FC__H2_NO_ERROR, debug, false, now);
  fc__link_ping(conn->link, GOAWAY_PING);
  schedule(conn);
}

static void check_age(struct fc__server_conn *conn, int64_t now) {
  const fc_server_options *o = &conn->shard->server->options;
  if (conn->stage != FC__SERVER_OPEN) return;
  if (now >= conn->warn_at) {
    conn->close_at = after(now, o->max_connection_age_grace_ns);
    fc__server_conn_goaway(conn, "max_age", now);
  } else if (conn->idle_since != FC_NEVER &&
             now >= after(conn->idle_since, o->max_connection_idle_ns)) {
    fc__server_conn_goaway(conn, "max_idle", now);
  }
}

/* Nothing runs on it, and what the client has sent meanwhile may be tried again elsewhere: one step is enough. */
static void calm(struct fc__server_conn *conn, int64_t now) {
  if (conn->stage == FC__SERVER_CLOSING) return;
  conn->stage = FC__SERVER_CLOSING;
  conn->final_at = FC_NEVER;
  fc__link_goaway(conn->link, FC__H2_ENHANCE_YOUR_CALM, "max_buffered_bytes", true, now);
}

/* Of those of a shard, but not the one that asks for more. */
static void calm_idle_ones(struct fc__server_conn *busy, int64_t now) {
  struct fc__server_shard *shard = busy->shard;
  if (now < shard->calm_at) return;
  shard->calm_at = now + CALM_AGAIN_AFTER;
  for (struct fc__node *n = shard->conns.next; n != &shard->conns; n = n->next) {
    struct fc__server_conn *conn = FC__CONTAINER(n, struct fc__server_conn, node);
    if (conn != busy && fc__h2_stream_count(conn->link->h2) == 0) calm(conn, now);
  }
}

static void timer_fire(struct fc__timer *timer, int64_t now) {
  struct fc__server_conn *conn = FC__CONTAINER(timer, struct fc__server_conn, timer);
  conn->timer.at = FC_NEVER;
  if (now >= conn->close_at) {
    fc__server_conn_close(conn, "the connection is too old (max_connection_age_grace)", now);
    return;
  }
  if (now >= conn->final_at) goaway_final(conn, now);
  check_age(conn, now);
  schedule(conn);
}

/* ---- calls ---- */

static bool may_begin(struct fc__server_conn *conn, int64_t now) {
  uint32_t max = conn->shard->server->options.max_concurrent_streams;
  if (conn->turn_at != now) {
    conn->turn_at = now;
    conn->turn_calls = 0;
  }
  uint32_t in_turn = max > REQUESTS_PER_TURN ? max : (uint32_t)REQUESTS_PER_TURN;
  return conn->slots < max && conn->turn_calls < in_turn;
}

/* Clients make the server hold too much. */
static bool is_under_pressure(struct fc__server_conn *conn, int64_t now) {
  if (conn->shard->owner.buffered <= conn->shard->buffered_max) return false;
  calm_idle_ones(conn, now);
  fc__h2_refuse_with(conn->link->h2, FC__H2_ENHANCE_YOUR_CALM);
  return true;
}

static fc_call *new_call(struct fc__link *link, int64_t now) {
  struct fc__server_conn *conn = conn_of(link);
  if (!may_begin(conn, now) || is_under_pressure(conn, now)) return NULL;
  fc_call *call = fc__call_create_server(&conn->shard->owner, link, now);
  if (!call) return NULL;
  conn->shard->call_count++;
  conn->slots++;
  conn->turn_calls++;
  conn->idle_since = FC_NEVER;
  call->owner_data = conn;
  fc__list_push_back(&conn->calls, &call->line);
  return call;
}

void fc__server_conn_call_over(struct fc__server_conn *conn, fc_call *call, int64_t now) {
  fc__list_remove(&call->line);
  if (!fc__list_empty(&conn->calls)) return;
  conn->idle_since = now;
  schedule(conn);
}

void fc__server_conn_slot_free(struct fc__server_conn *conn) {
  conn->slots--;
  conn_free_if_done(conn);
}

/* A client that goes away closes the connection itself, when its calls have ended. */
static void on_goaway(struct fc__link *link, uint32_t code, fc_slice debug, int64_t now) {
  (void)link, (void)code, (void)debug, (void)now;
}
static void ignore(struct fc__link *link, int64_t now) { (void)link, (void)now; }

static const struct fc__link_ops link_ops = {
    .on_up = ignore,
    .on_room = ignore,
    .on_goaway = on_goaway,
    .on_pong = on_pong,
    .on_down = on_down,
    .new_call = new_call,
};

/* gRFC A9: jitter of 10 % either way keeps connections made together from ending together. */
static int64_t age_limit(struct fc__server_shard *shard) {
  int64_t age = shard->server->options.max_connection_age_ns;
  if (age == FC_NEVER) return FC_NEVER;
  double factor = 0.9 + 0.2 * fc__random_unit(&shard->random);
  double jittered = (double)age * factor;
  return jittered < (double)FC_NEVER ? (int64_t)jittered : FC_NEVER;
}

static struct fc__server_conn *conn_new(struct fc__server_shard *shard, int64_t now) {
  struct fc__server_conn *conn = fc__alloc_zero(sizeof *conn);
  if (!conn) return NULL;
  conn->shard = shard;
  conn->turn_at = conn->final_at = conn->close_at = FC_NEVER;
  conn->idle_since = now;
  conn->warn_at = after(now, age_limit(shard));
  conn->timer.fire = timer_fire;
  conn->timer.at = FC_NEVER;
  fc__node_init(&conn->calls);
  fc__node_init(&conn->node);
  return conn;
}

struct fc__server_conn *fc__server_conn_create(struct fc__server_shard *shard,
                                               struct fc__transport *transport,
                                               const struct fc__addr *peer, int64_t since,
                                               int64_t now) {
  char text[FC__ADDR_TEXT_MAX];
  fc__addr_text(peer, text);
  struct fc__link_config config = shard->server->link_config;
  config.h2.handshake_time = now - since;
  struct fc__server_conn *conn = conn_new(shard, now);
  if (!conn) {
    transport->ops->close(transport);
  } else {
    conn->link = fc__link_create(shard->loop, transport, text, &config, &link_ops, conn, now);
  }
  if (!conn || !conn->link) {
    fc__free(conn);
    fc__server_socket_closed(shard, now);
    return NULL;
  }
  conn->link->total = &shard->owner.buffered;
  shard->conn_count++;
  shard->link_count++;
  fc__list_push_back(&shard->conns, &conn->node);
  schedule(conn);
  return conn;
}
