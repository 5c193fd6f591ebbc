/*
 * What stands between an accepted socket and a connection: what the port's credentials ask for. A peer has
 * handshake_timeout_ns for TLS and the HTTP/2 preface together. A handshake costs the server far more than the peer, who need
 * not even begin one: so those under way are bounded, and of too many the oldest goes, once it has had its chance. Were it
 * sent away at once, whoever connects fast enough would keep all others from coming to an end.
 */
#include <errno.h>

#include "base/mem.h"
#include "server/server.h"

#define CHANCE FC_SECOND /* more round trips than any handshake has */

struct handshake {
  struct fc__node node; /* in the shard's handshakes, the oldest first */
  struct fc__server_shard *shard;
  struct fc__transport *transport;
  struct fc__addr peer;
  int64_t since; /* accepted */
  struct fc__timer timer;
};

static void give_up_socket(struct fc__server_shard *shard, struct fc__transport *transport,
                           int64_t now) {
  transport->ops->close(transport);
  fc__server_socket_closed(shard, now);
}

/* ---- the end of a handshake ---- */

/* The transport is the caller's from then on. */
static void release(struct handshake *h, int64_t now) {
  struct fc__server_shard *shard = h->shard;
  fc__loop_timer_stop(shard->loop, &h->timer);
  fc__list_remove(&h->node);
  fc__free(h);
  if (shard->handshake_count-- == shard->handshakes_max) fc__server_ports_retry(shard, now);
}

static void give_up(struct handshake *h, int64_t now) {
  struct fc__server_shard *shard = h->shard;
  struct fc__transport *transport = h->transport;
  release(h, now);
  give_up_socket(shard, transport, now);
}

static void hand_over(struct handshake *h, int64_t now) {
  struct handshake done = *h;
  release(h, now);
  (void)fc__server_conn_create(done.shard, done.transport, &done.peer, done.since, now);
}

static void on_ready(struct fc__transport *transport, unsigned ready, int64_t now) {
  struct handshake *h = transport->user;
  (void)ready;
  int failed = transport->ops->finish_connect(transport);
  if (failed == -EINPROGRESS || failed == -EAGAIN) return;
  if (failed < 0) {
    give_up(h, now);
  } else {
    hand_over(h, now);
  }
}

static void timed_out(struct fc__timer *timer, int64_t now) {
  give_up(FC__CONTAINER(timer, struct handshake, timer), now);
}

void fc__server_handshakes_end(struct fc__server_shard *shard, int64_t now) {
  for (struct fc__node *n; (n = fc__list_first(&shard->handshakes));) {
    give_up(FC__CONTAINER(n, struct handshake, node), now);
  }
}

/* ---- the beginning ---- */

/* NULL: there is room for more. */
static struct handshake *oldest_of_many(struct fc__server_shard *shard) {
  if (shard->handshake_count < shard->handshakes_max) return NULL;
  return FC__CONTAINER(fc__list_first(&shard->handshakes), struct handshake, node);
}

bool fc__server_may_admit(struct fc__server_port *port, int64_t now) {
  if (fc__server_port_security(port) != FC__SECURITY_TLS) return true;
  const struct handshake *oldest = oldest_of_many(port->shard);
  return !oldest || now - oldest->since >= CHANCE;
}

static void enter(struct fc__server_shard *shard, struct handshake *h, int64_t now) {
  struct handshake *oldest = oldest_of_many(shard);
  if (oldest) give_up(oldest, now);
  shard->handshake_count++;
  fc__list_push_back(&shard->handshakes, &h->node);
  int64_t timeout = shard->server->options.handshake_timeout_ns;
  h->timer.fire = timed_out;
  if (timeout < FC_NEVER - now) fc__loop_timer_set(shard->loop, &h->timer, now + timeout);
}

static void begin_tls(struct fc__server_port *port, struct fc__transport *transport,
                      const struct fc__addr *peer, int64_t now) {
  struct fc__server_shard *shard = port->shard;
  struct handshake *h = fc__alloc_zero(sizeof *h);
  if (!h || fc__tls_wrap(port->credentials->tls, shard->loop, transport, NULL, &h->transport) < 0) {
    fc__free(h);
    give_up_socket(shard, transport, now);
    return;
  }
  h->shard = shard;
  h->peer = *peer;
  h->since = now;
  h->transport->on_ready = on_ready;
  h->transport->user = h;
  enter(shard, h, now);
}

static void begin_http2(struct fc__server_port *port, struct fc__transport *transport,
                        const struct fc__addr *peer, int64_t now) {
  struct fc__server_conn *conn = fc__server_conn_create(port->shard, transport, peer, now, now);
  const fc_auth_context *local = fc__security_local_auth(fc__server_port_security(port));
  if (conn && local) conn->link->auth = local;
}

void fc__server_admit(struct fc__server_port *port, struct fc__transport *transport,
                      const struct fc__addr *peer, int64_t now) {
  enum fc__security security = fc__server_port_security(port);
  if (fc__security_check_address(security, peer, NULL) != FC_OK) {
    give_up_socket(port->shard, transport, now);
  } else if (security == FC__SECURITY_TLS) {
    begin_tls(port, transport, peer, now);
  } else {
    begin_http2(port, transport, peer, now);
  }
}
