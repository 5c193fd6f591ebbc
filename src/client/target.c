/*
 * The target's text: scheme:endpoint, scheme://authority/endpoint, or a bare host and port, which
 * is a DNS name. Spec: grpc/grpc doc/naming.md, RFC 3986 section 3
 */
#include "client/target.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

enum { TEXT_MAX = 4096, HOST_MAX = 255 }; /* RFC 1035 section 2.3.4 */

struct parser {
  struct fc__net *net;
  const char *text;   /* the whole target */
  const char *scheme; /* its constant name */
  char *rest;         /* behind the scheme, percent-decoded */
  struct fc__target *out;
  fc_error *err;
};

/* The target stands in each message, cut to what leaves room for the reason. */
#define REFUSE(p, format, ...)                                                                     \
  fc__error((p)->err, FC_ERR_INVALID, "target \"%.80s\": " format, (p)->text, __VA_ARGS__)

static fc_result keep_authority(struct parser *p, const char *authority) {
  p->out->authority = fc__strdup(authority);
  return p->out->authority ? FC_OK : fc__error_no_memory(p->err);
}

/* ---- host and port ---- */

static bool parse_port(const char *text, uint16_t *port) {
  unsigned value = 0;
  if (*text == 0) return false;
  for (; *text; text++) {
    if (*text < '0' || *text > '9') return false;
    value = value * 10 + (unsigned)(*text - '0');
    if (value > UINT16_MAX) return false;
  }
  *port = (uint16_t)value;
  return value != 0;
}

struct host_port {
  char *host;       /* without brackets */
  const char *port; /* NULL: none is given */
};

/* Splits text in place: "host", "host:port", "[v6]", "[v6]:port", or a bare IPv6 literal, told by
 * its colons. */
static bool split_port(char *text, struct host_port *out) {
  char *close = text[0] == '[' ? strchr(text, ']') : NULL;
  *out = (struct host_port){.host = text};
  if (text[0] == '[') {
    if (!close || (close[1] != 0 && close[1] != ':')) return false;
    out->host = text + 1;
    if (close[1] == ':') out->port = close + 2;
    *close = 0;
    return true;
  }
  char *colon = strchr(text, ':');
  if (!colon || strchr(colon + 1, ':')) return true;
  *colon = 0;
  out->port = colon + 1;
  return true;
}

static bool is_ipv6(const char *host) { return strchr(host, ':') != NULL; }

/* Letters of names and literals, and "%" before the zone of an IPv6 address (RFC 6874). */
static bool is_host(const char *host) {
  size_t len = strlen(host);
  if (len == 0 || len > HOST_MAX) return false;
  for (const char *c = host; *c; c++) {
    bool alnum = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9');
    if (!alnum && !strchr("-._~:%", *c)) return false;
  }
  return true;
}

/* host[:port] as :authority: an IPv6 literal in brackets, without its zone, which means something
 * here only. */
static void write_authority(char *out, size_t size, const char *host, const char *port) {
  int len = (int)strcspn(host, "%");
  const char *open = is_ipv6(host) ? "[" : "", *close = is_ipv6(host) ? "]" : "";
  snprintf(out, size, "%s%.*s%s%s%s", open, len, host, close, port ? ":" : "", port ? port : "");
}

static fc_result parse_dns(struct parser *p) {
  struct host_port hp;
  if (!split_port(p->rest, &hp) || !is_host(hp.host)) {
    return REFUSE(p, "no host name; write %s", "\"host:port\" or \"dns:///host:port\"");
  }
  p->out->port = FC__TARGET_DEFAULT_PORT;
  if (hp.port && !parse_port(hp.port, &p->out->port)) {
    return REFUSE(p, "port \"%.20s\" is not a number from 1 to 65535", hp.port);
  }
  char authority[HOST_MAX + 32];
  write_authority(authority, sizeof authority, hp.host, hp.port);
  p->out->host = fc__strdup(hp.host);
  if (!p->out->host) return fc__error_no_memory(p->err);
  return keep_authority(p, authority);
}

/* ---- literal addresses ---- */

static fc_result parse_ip(struct parser *p, char *text, struct fc__addr *addr) {
  struct host_port hp;
  uint16_t port = FC__TARGET_DEFAULT_PORT;
  char full[HOST_MAX + 32], authority[HOST_MAX + 32];
  if (!split_port(text, &hp) || !is_host(hp.host)) {
    return REFUSE(p, "\"%.60s\" is no address and port", text);
  }
  if (hp.port && !parse_port(hp.port, &port)) {
    return REFUSE(p, "port \"%.20s\" is not a number from 1 to 65535", hp.port);
  }
  bool v6 = is_ipv6(hp.host);
  snprintf(full, sizeof full, "%s%s%s:%u", v6 ? "[" : "", hp.host, v6 ? "]" : "", (unsigned)port);
  if (!p->net->ops->parse(p->net, p->scheme, full, addr)) {
    return REFUSE(p, "\"%.60s\" is no %s address", hp.host, p->scheme);
  }
  if (p->out->authority) return FC_OK;
  write_authority(authority, sizeof authority, hp.host, hp.port);
  return keep_authority(p, authority);
}

static fc_result parse_ips(struct parser *p) {
  size_t count = 1;
  for (const char *c = p->rest; *c; c++) count += *c == ',';
  if (count > FC__TARGET_ADDRS_MAX) {
    return REFUSE(p, "%zu addresses; at most %d are allowed", count, (int)FC__TARGET_ADDRS_MAX);
  }
  p->out->addrs = fc__alloc(count * sizeof *p->out->addrs);
  if (!p->out->addrs) return fc__error_no_memory(p->err);
  fc_result r = FC_OK;
  for (char *at = p->rest, *comma; at && r == FC_OK; at = comma ? comma + 1 : NULL) {
    comma = strchr(at, ',');
    if (comma) *comma = 0;
    r = parse_ip(p, at, &p->out->addrs[p->out->count++]);
  }
  return r;
}

static fc_result parse_unix(struct parser *p) {
  p->out->addrs = fc__alloc(sizeof *p->out->addrs);
  if (!p->out->addrs) return fc__error_no_memory(p->err);
  if (!*p->rest || !p->net->ops->parse(p->net, p->scheme, p->rest, p->out->addrs)) {
    return REFUSE(p, "no %s, or one too long for a socket",
                  strcmp(p->scheme, "unix") == 0 ? "path" : "abstract name");
  }
  p->out->count = 1;
  return keep_authority(p, "localhost");
}

/* ---- schemes ---- */

static const struct scheme {
  const char *name;
  fc_result (*parse)(struct parser *p);
} schemes[] = {
    {"dns", parse_dns},   {"ipv4", parse_ips},           {"ipv6", parse_ips},
    {"unix", parse_unix}, {"unix-abstract", parse_unix},
};

static int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = (char)(c | 0x20);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A "%" that no escape begins with stays: a zone or an odd file name. NUL is not made. */
static void percent_decode(char *text) {
  char *to = text;
  for (const char *from = text; *from; from++) {
    int high = *from == '%' ? hex(from[1]) : -1;
    int low = high >= 0 ? hex(from[2]) : -1;
    if (low >= 0 && high + low > 0) {
      *to++ = (char)(high << 4 | low);
      from += 2;
    } else {
      *to++ = *from;
    }
  }
  *to = 0;
}

/* Case does not count, RFC 3986 section 3.1. */
static const struct scheme *find_scheme(const char *text, size_t len) {
  for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
    const char *name = schemes[i].name;
    size_t at = 0;
    while (at < len && name[at] && (text[at] | 0x20) == (name[at] | 0x20)) at++;
    if (at == len && !name[at]) return &schemes[i];
  }
  return NULL;
}

/* Takes "//authority/" off the endpoint. Of no scheme here it may say anything. */
static fc_result strip_authority(struct parser *p, const char **endpoint) {
  if (strncmp(*endpoint, "//", 2) != 0) return FC_OK;
  const char *slash = strchr(*endpoint + 2, '/');
  if (slash != *endpoint + 2) {
    return REFUSE(p, "nothing may stand between the slashes of \"%s://\"; write \"%s:///...\"",
                  p->scheme, p->scheme);
  }
  *endpoint = strncmp(p->scheme, "unix", 4) == 0 ? slash : slash + 1;
  return FC_OK;
}

static fc_result parse_with(struct parser *p, const struct scheme *scheme, const char *endpoint) {
  p->scheme = scheme->name;
  fc_result r = strip_authority(p, &endpoint);
  if (r != FC_OK) return r;
  p->rest = fc__strdup(endpoint);
  if (!p->rest) return fc__error_no_memory(p->err);
  percent_decode(p->rest);
  r = scheme->parse(p);
  fc__free(p->rest);
  return r;
}

fc_result fc__target_parse(struct fc__net *net, const char *text, struct fc__target *out,
                           fc_error *err) {
  struct parser p = {.net = net, .text = text, .out = out, .err = err};
  memset(out, 0, sizeof *out);
  size_t len = strcspn(text, ":/");
  const struct scheme *scheme = text[len] == ':' ? find_scheme(text, len) : NULL;
  fc_result r;
  if (!*text) {
    r = fc__error(err, FC_ERR_INVALID, "the target is empty; write \"host:port\"");
  } else if (strlen(text) > TEXT_MAX) {
    r = fc__error(err, FC_ERR_INVALID, "the target has %zu characters, at most %d are allowed",
                  strlen(text), (int)TEXT_MAX);
  } else if (scheme) {
    r = parse_with(&p, scheme, text + len + 1);
  } else if (text[len] == ':' && strncmp(text + len, "://", 3) == 0) {
    r = REFUSE(
        &p,
        "scheme \"%.*s\" is not known; write \"host:port\", or one of dns, ipv4, ipv6, unix, "
        "unix-abstract before the colon",
        (int)(len < 20 ? len : 20), text);
  } else {
    r = parse_with(&p, &schemes[0], text);
  }
  if (r != FC_OK) fc__target_finish(out);
  return r;
}

void fc__target_finish(struct fc__target *target) {
  fc__free(target->host);
  fc__free(target->addrs);
  fc__free(target->authority);
  memset(target, 0, sizeof *target);
}
