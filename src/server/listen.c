/*
 * Binding addresses. One address text may stand for several socket addresses (a host name) and each of these for
 * several sockets (one a reactor); all are bound to one port, or none is.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "io/address.h"
#include "server/address.h"
#include "server/server.h"

/* A free port that the system gives for one address may be taken at another: so often another one is tried. */
enum { FREE_PORT_ATTEMPTS = 16 };

/* One call of fc_server_listen. */
struct binding {
  fc_server *server;
  const struct fc__server_address *address;
  fc_server_credentials *credentials; /* NULL: insecure */
  unsigned batch;
  int port; /* 0 until the first socket is bound, if any will do */
  fc_error *err;
};

static int listen_at(struct binding *b, struct fc__server_shard *shard, const struct fc__addr *addr,
                     bool shared, struct fc__addr *bound) {
  struct fc__listen_options options = {.reuse_port = shared};
  struct fc__listener *listener;
  fc__loop_lock(shard->loop);
  int failed = shard->draining
                   ? -ESHUTDOWN
                   : shard->net->ops->listen(shard->net, addr, &options, &listener, bound);
  if (!failed && fc__server_port_add(shard, listener, b->credentials, b->batch) != FC_OK) {
    listener->ops->close(listener);
    failed = -ENOMEM;
  }
  fc__loop_unlock(shard->loop);
  return failed;
}

/* Sockets that share a port among them would share it with any other process that allows it: so it is bound without
 * sharing first, which finds it busy whoever has it. */
static int probe(struct fc__server_shard *shard, const struct fc__addr *addr,
                 struct fc__addr *bound) {
  struct fc__listen_options options = {0};
  struct fc__listener *listener;
  fc__loop_lock(shard->loop);
  int failed = shard->net->ops->listen(shard->net, addr, &options, &listener, bound);
  if (!failed) listener->ops->close(listener);
  fc__loop_unlock(shard->loop);
  return failed;
}

/* The sockets of one address: one for each shard, but one alone for a Unix socket, which cannot be shared. */
static int bind_one(struct binding *b, const struct fc__addr *addr, struct fc__addr *bound) {
  fc_server *server = b->server;
  bool reuse = server->options.reuse_port;
  if (b->address->is_unix || server->shard_count == 1) {
    struct fc__server_shard *shard = &server->shards[b->batch % server->shard_count];
    return listen_at(b, shard, addr, reuse && !b->address->is_unix, bound);
  }
  *bound = *addr;
  int failed = reuse ? 0 : probe(&server->shards[0], addr, bound);
  for (size_t i = 0; i < server->shard_count && !failed; i++) {
    struct fc__addr wanted = *bound;
    failed = listen_at(b, &server->shards[i], &wanted, true, bound);
  }
  return failed;
}

static void unbind_all(struct binding *b) {
  for (size_t i = 0; i < b->server->shard_count; i++) {
    struct fc__server_shard *shard = &b->server->shards[i];
    fc__loop_lock(shard->loop);
    fc__server_ports_close(shard, b->batch);
    fc__loop_unlock(shard->loop);
  }
}

/* An address that the machine does not have is no obstacle if another one of the name works; a busy port is. */
static bool is_skippable(int failed) { return failed == -EADDRNOTAVAIL || failed == -EAFNOSUPPORT; }

/* Binds all addresses to one port; 0 or a negative errno, and then none is bound. */
static int bind_all(struct binding *b, const struct fc__addr *addrs, size_t count) {
  int skipped = -EADDRNOTAVAIL, failed = 0;
  size_t done = 0;
  for (size_t i = 0; i < count; i++) {
    struct fc__addr addr = addrs[i], bound;
    if (b->port) fc__addr_set_port(&addr, (uint16_t)b->port);
    failed = bind_one(b, &addr, &bound);
    if (is_skippable(failed)) {
      skipped = failed;
      continue;
    }
    if (failed) break;
    if (!b->port) b->port = fc__server_address_port(&bound);
    done++;
  }
  if (is_skippable(failed)) failed = done ? 0 : skipped;
  if (failed) unbind_all(b);
  return failed;
}

static fc_result explain(const struct binding *b, int failed) {
  switch (-failed) {
    case ENOMEM:
      return fc__error_no_memory(b->err);
    case ESHUTDOWN:
      return fc__error(b->err, FC_ERR_CLOSED, "the server has been shut down");
    default:
      return fc__error_system(b->err, -failed, "cannot listen on %s", b->address->text);
  }
}

static fc_result bind_addresses(struct binding *b, const struct fc__addr *addrs, size_t count) {
  int wanted = b->port, failed = -EADDRINUSE;
  int attempts = wanted ? 1 : FREE_PORT_ATTEMPTS;
  for (int i = 0; i < attempts && failed == -EADDRINUSE; i++) {
    b->port = wanted;
    failed = bind_all(b, addrs, count);
  }
  return failed ? explain(b, failed) : FC_OK;
}

/* The sockets were left alone until all were bound. */
static void open_all(fc_server *server) {
  for (size_t i = 0; i < server->shard_count; i++) {
    fc__loop_lock(server->shards[i].loop);
    fc__server_ports_open(&server->shards[i]);
    fc__loop_unlock(server->shards[i].loop);
  }
}

/* ---- credentials ---- */

static fc_result keep_credentials(fc_server *server, fc_server_credentials *credentials,
                                  fc_error *err) {
  struct fc__loop *loop = server->shards[0].loop;
  if (!credentials) return FC_OK;
  fc__loop_lock(loop);
  fc_result r = fc__server_keys_add(&server->keys, credentials);
  fc__loop_unlock(loop);
  return r == FC_OK ? r : fc__error_no_memory(err);
}

static fc_result check_addresses(const fc_server_credentials *credentials,
                                 const struct fc__addr *addrs, size_t count, fc_error *err) {
  fc_result r = FC_OK;
  for (size_t i = 0; credentials && i < count && r == FC_OK; i++) {
    r = fc__security_check_listening(credentials->security, &addrs[i], err);
  }
  return r;
}

/* ---- public ---- */

static fc_result listen_kept(fc_server *server, const char *address,
                             fc_server_credentials *credentials, int *port, fc_error *err) {
  struct fc__server_address parsed;
  struct fc__addr *addrs;
  size_t count;
  if (atomic_load(&server->state) & FC__SERVER_SHUT_DOWN) {
    return fc__error(err, FC_ERR_CLOSED, "the server has been shut down");
  }
  fc_result r = fc__server_address_parse(address, &parsed, err);
  if (r == FC_OK) r = fc__server_address_resolve(&server->shards[0], &parsed, &addrs, &count, err);
  if (r != FC_OK) return r;
  unsigned batch = atomic_fetch_add(&server->batches, 1) + 1;
  struct binding b = {server, &parsed, credentials, batch, parsed.port, err};
  r = check_addresses(credentials, addrs, count, err);
  if (r == FC_OK) r = keep_credentials(server, credentials, err);
  if (r == FC_OK) r = bind_addresses(&b, addrs, count);
  fc__free(addrs);
  if (r != FC_OK) return r;
  if (port) *port = b.port; /* the first call may ask for it */
  open_all(server);
  return FC_OK;
}

static fc_result listen_with(fc_server *server, const char *address,
                             fc_server_credentials *credentials, int *port, fc_error *err) {
  if (port) *port = 0;
  if (!server) return fc__error(err, FC_ERR_INVALID, "server is NULL");
  fc__server_ref(server);
  fc_result r = listen_kept(server, address, credentials, port, err);
  fc__server_unref(server);
  return r;
}

fc_result fc_server_listen(fc_server *server, const char *address, int *port, fc_error *err) {
  return listen_with(server, address, NULL, port, err);
}

fc_result fc_server_listen_secure(fc_server *server, const char *address,
                                  fc_server_credentials *credentials, int *port, fc_error *err) {
  if (port) *port = 0;
  if (!credentials) return fc__error(err, FC_ERR_INVALID, "credentials is NULL");
  return listen_with(server, address, credentials, port, err);
}
