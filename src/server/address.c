/*
 * Address texts of fc_server_listen. Literals are told from host names by the net's own parser; a name is resolved
 * while the caller waits.
 */
#include "server/address.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "server/server.h"

/* What follows a prefix, or NULL. */
static const char *behind(const char *text, const char *prefix) {
  size_t len = strlen(prefix);
  return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

static bool parse_unix(const char *text, struct fc__server_address *out) {
  const char *path;
  if ((path = behind(text, "unix-abstract:"))) {
    out->kind = "unix-abstract";
  } else if ((path = behind(text, "unix://")) || (path = behind(text, "unix:"))) {
    out->kind = "unix";
  } else {
    return false;
  }
  out->path = path;
  out->is_unix = true;
  return true;
}

static bool parse_port(const char *text, int *out) {
  size_t digits = strspn(text, "0123456789");
  if (digits == 0 || digits > 5 || text[digits]) return false;
  *out = atoi(text);
  return *out <= UINT16_MAX;
}

static fc_result parse_host(const char *text, const char *whole, struct fc__server_address *out,
                            fc_error *err) {
  const char *colon = strrchr(text, ':');
  if (!colon) {
    return fc__error(err, FC_ERR_INVALID, "address \"%.150s\" needs a port: \"host:port\"", whole);
  }
  if (!parse_port(colon + 1, &out->port)) {
    return fc__error(err, FC_ERR_INVALID, "address \"%.150s\": \"%.20s\" is no port", whole,
                     colon + 1);
  }
  size_t len = (size_t)(colon - text);
  bool bracketed = len > 2 && text[0] == '[' && text[len - 1] == ']';
  if (!bracketed && memchr(text, ':', len)) {
    return fc__error(err, FC_ERR_INVALID,
                     "address \"%.150s\": an IPv6 address stands in brackets, \"[::1]:port\"",
                     whole);
  }
  if (len == 0 || len >= sizeof out->host) {
    return fc__error(err, FC_ERR_INVALID, "address \"%.150s\": the host is %s", whole,
                     len ? "too long" : "missing; all interfaces are \"[::]:port\"");
  }
  memcpy(out->host, text, len);
  return FC_OK;
}

fc_result fc__server_address_parse(const char *text, struct fc__server_address *out,
                                   fc_error *err) {
  static const char *const schemes[] = {"dns:///", "dns:", "ipv4:", "ipv6:"};
  memset(out, 0, sizeof *out);
  if (!text) return fc__error(err, FC_ERR_INVALID, "address is NULL");
  out->text = text;
  if (parse_unix(text, out)) return FC_OK;
  const char *host = NULL;
  for (size_t i = 0; i < sizeof schemes / sizeof schemes[0] && !host; i++) {
    host = behind(text, schemes[i]);
  }
  return parse_host(host ? host : text, text, out, err);
}

/* ---- host names ---- */

struct lookup {
  struct fc__resolve resolve;
  struct fc__loop *loop;
  struct fc__net *net;
  struct fc__waiter waiter;
  bool done;
  fc_result result;
  struct fc__addr **addrs;
  size_t *count;
  fc_error *err;
};

static bool is_known(const struct fc__addr *addrs, size_t count, const struct fc__addr *addr) {
  for (size_t i = 0; i < count; i++) {
    if (addrs[i].len == addr->len && memcmp(addrs[i].storage, addr->storage, addr->len) == 0) {
      return true;
    }
  }
  return false;
}

static fc_result keep(const struct fc__addr *from, size_t count, struct fc__addr **out,
                      size_t *out_count, fc_error *err) {
  *out = fc__alloc(count * sizeof **out);
  *out_count = 0;
  if (!*out) return fc__error_no_memory(err);
  for (size_t i = 0; i < count; i++) {
    if (!is_known(*out, *out_count, &from[i])) (*out)[(*out_count)++] = from[i];
  }
  return FC_OK;
}

static void lookup_done(struct fc__resolve *resolve, const struct fc__addr *addrs, size_t count,
                        const char *error, int64_t now) {
  (void)now;
  struct lookup *l = resolve->user;
  if (error || count == 0) {
    l->result = fc__error(l->err, FC_ERR_SYSTEM, "%s", error ? error : "the host has no address");
  } else {
    l->result = keep(addrs, count, l->addrs, l->count, l->err);
  }
  l->done = true;
  fc__loop_wake(l->loop, &l->waiter);
}

/* The thread that waits is not in this process. */
static void lookup_lost(struct fc__waiter *waiter) {
  struct lookup *l = FC__CONTAINER(waiter, struct lookup, waiter);
  if (!l->done) l->net->ops->resolve_cancel(l->net, &l->resolve);
}

static fc_result look_up(struct fc__server_shard *shard, const struct fc__server_address *address,
                         struct fc__addr **addrs, size_t *count, fc_error *err) {
  struct lookup l = {.loop = shard->loop, .addrs = addrs, .count = count, .err = err};
  l.net = shard->net;
  l.waiter.lost = lookup_lost;
  l.resolve.done = lookup_done;
  l.resolve.user = &l;
  fc__loop_lock(shard->loop);
  int failed =
      shard->net->ops->resolve(shard->net, address->host, (uint16_t)address->port, &l.resolve);
  while (!failed && !l.done) {
    l.waiter.ready = false;
    (void)fc__loop_wait(shard->loop, &l.waiter, FC_NEVER);
  }
  fc__loop_unlock(shard->loop);
  return failed ? fc__error_system(err, -failed, "cannot resolve %.100s", address->host) : l.result;
}

/* ---- all ---- */

static bool is_literal(struct fc__net *net, const struct fc__server_address *address,
                       struct fc__addr *out) {
  char text[FC__SERVER_HOST_MAX + 8];
  snprintf(text, sizeof text, "%s:%d", address->host, address->port);
  return net->ops->parse(net, "ipv4", text, out) || net->ops->parse(net, "ipv6", text, out);
}

fc_result fc__server_address_resolve(struct fc__server_shard *shard,
                                     const struct fc__server_address *address,
                                     struct fc__addr **addrs, size_t *count, fc_error *err) {
  struct fc__addr addr = {0};
  struct fc__net *net = shard->net;
  *addrs = NULL;
  *count = 0;
  fc__loop_lock(shard->loop);
  bool known = address->is_unix ? net->ops->parse(net, address->kind, address->path, &addr)
                                : is_literal(net, address, &addr);
  fc__loop_unlock(shard->loop);
  if (known) return keep(&addr, 1, addrs, count, err);
  if (address->is_unix) {
    return fc__error(err, FC_ERR_INVALID, "address \"%.150s\": not a name for a Unix socket",
                     address->text);
  }
  if (address->host[0] == '[') {
    return fc__error(err, FC_ERR_INVALID,
                     "address \"%.150s\": no IPv6 address stands in the brackets", address->text);
  }
  return look_up(shard, address, addrs, count, err);
}

int fc__server_address_port(const struct fc__addr *addr) {
  char text[FC__ADDR_TEXT_MAX];
  fc__addr_text(addr, text);
  if (!behind(text, "ipv4:") && !behind(text, "ipv6:")) return 0;
  return atoi(strrchr(text, ':') + 1);
}
