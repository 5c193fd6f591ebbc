/*
 * Socket addresses as text and back, in gRPC's spelling. An IPv4 client of an IPv6 socket is told as IPv4. Spec:
 * grpc/grpc doc/naming.md
 */
#include "io/address.h"

#include <arpa/inet.h>
#include <assert.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

_Static_assert(sizeof(struct sockaddr_storage) <= sizeof(((struct fc__addr *)0)->storage),
               "any address of the system must fit");

bool fc__addr_from_system(struct fc__addr *addr, const struct sockaddr *from, socklen_t len) {
  memset(addr, 0, sizeof *addr);
  if (len > sizeof addr->storage) return false;
  memcpy(addr->storage, from, len);
  addr->len = len;
  return true;
}

void fc__addr_to_system(const struct fc__addr *addr, struct sockaddr_storage *out) {
  memset(out, 0, sizeof *out);
  memcpy(out, addr->storage, addr->len);
}

int fc__addr_family(const struct fc__addr *addr) {
  struct sockaddr_storage system;
  fc__addr_to_system(addr, &system);
  return system.ss_family;
}

void fc__addr_set_port(struct fc__addr *addr, uint16_t port) {
  struct sockaddr_storage system;
  fc__addr_to_system(addr, &system);
  if (system.ss_family == AF_INET) {
    ((struct sockaddr_in *)&system)->sin_port = htons(port);
  } else if (system.ss_family == AF_INET6) {
    ((struct sockaddr_in6 *)&system)->sin6_port = htons(port);
  }
  memcpy(addr->storage, &system, addr->len);
}

/* RFC 1122 section 3.2.1.3 (g): the whole of 127.0.0.0/8. */
static enum fc__addr_place place_of_ipv4(const struct in_addr *host) {
  if (host->s_addr == htonl(INADDR_ANY)) return FC__ADDR_ANYWHERE;
  return ntohl(host->s_addr) >> 24 == 127 ? FC__ADDR_LOOPBACK : FC__ADDR_ELSEWHERE;
}

static enum fc__addr_place place_of_ipv6(const struct in6_addr *host) {
  if (IN6_IS_ADDR_UNSPECIFIED(host)) return FC__ADDR_ANYWHERE;
  if (!IN6_IS_ADDR_V4MAPPED(host))
    return IN6_IS_ADDR_LOOPBACK(host) ? FC__ADDR_LOOPBACK : FC__ADDR_ELSEWHERE;
  struct in_addr mapped;
  memcpy(&mapped, &host->s6_addr[12], sizeof mapped); /* RFC 4291 section 2.5.5.2 */
  return place_of_ipv4(&mapped);
}

enum fc__addr_place fc__addr_place(const struct fc__addr *addr) {
  struct sockaddr_storage system;
  fc__addr_to_system(addr, &system);
  switch (addr->len ? system.ss_family : AF_UNSPEC) {
    case AF_INET:
      return place_of_ipv4(&((const struct sockaddr_in *)&system)->sin_addr);
    case AF_INET6:
      return place_of_ipv6(&((const struct sockaddr_in6 *)&system)->sin6_addr);
    case AF_UNIX:
      return FC__ADDR_UNIX;
    default:
      return FC__ADDR_ELSEWHERE;
  }
}

/* ---- reading ---- */

static bool set_ipv4(const char *host, struct fc__addr *out) {
  struct sockaddr_in a = {.sin_family = AF_INET};
  if (inet_pton(AF_INET, host, &a.sin_addr) != 1) return false;
  return fc__addr_from_system(out, (const struct sockaddr *)&a, sizeof a);
}

/* Decimal digits only, and no more than max. */
static bool read_number(const char *text, unsigned long max, unsigned long *out) {
  size_t digits = strspn(text, "0123456789");
  if (digits == 0 || digits > 10 || text[digits] != '\0') return false;
  *out = strtoul(text, NULL, 10);
  return *out <= max;
}

/* An interface's name or number. RFC 4007 section 11 */
static bool read_scope(const char *scope, uint32_t *out) {
  unsigned long number;
  *out = if_nametoindex(scope);
  if (*out != 0) return true;
  if (!read_number(scope, UINT32_MAX, &number)) return false;
  *out = (uint32_t)number;
  return true;
}

static bool set_ipv6(const char *host, struct fc__addr *out) {
  char text[INET6_ADDRSTRLEN + IF_NAMESIZE + 1];
  size_t len = strlen(host);
  if (len >= sizeof text) return false;
  memcpy(text, host, len + 1);
  struct sockaddr_in6 a = {.sin6_family = AF_INET6};
  char *scope = strchr(text, '%');
  if (scope) {
    *scope = '\0';
    if (!read_scope(scope + 1, &a.sin6_scope_id)) return false;
  }
  if (inet_pton(AF_INET6, text, &a.sin6_addr) != 1) return false;
  return fc__addr_from_system(out, (const struct sockaddr *)&a, sizeof a);
}

/* Takes "[host]:port" or "host:port" apart. */
static bool split_port(const char *text, char *host, size_t size, uint16_t *port) {
  const char *colon = strrchr(text, ':');
  unsigned long number;
  if (colon == NULL || !read_number(colon + 1, UINT16_MAX, &number)) return false;
  size_t len = (size_t)(colon - text);
  if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
    text++;
    len -= 2;
  }
  if (len == 0 || len >= size) return false;
  memcpy(host, text, len);
  host[len] = '\0';
  *port = (uint16_t)number;
  return true;
}

static bool parse_ip(bool (*set)(const char *, struct fc__addr *), const char *text,
                     struct fc__addr *out) {
  char host[FC__ADDR_TEXT_MAX];
  uint16_t port;
  if (!split_port(text, host, sizeof host, &port) || !set(host, out)) return false;
  fc__addr_set_port(out, port);
  return true;
}

static bool parse_unix(const char *path, bool abstract, struct fc__addr *out) {
  struct sockaddr_un a = {.sun_family = AF_UNIX};
  size_t lead = abstract ? 1 : 0, len = strlen(path);
  if (len == 0 || lead + len >= sizeof a.sun_path) return false;
  memcpy(a.sun_path + lead, path, len);
  /* The length of an abstract name counts; a path is counted with its NUL. */
  size_t total = offsetof(struct sockaddr_un, sun_path) + len + 1;
  return fc__addr_from_system(out, (const struct sockaddr *)&a, (socklen_t)total);
}

bool fc__addr_parse(const char *kind, const char *text, struct fc__addr *out) {
  memset(out, 0, sizeof *out);
  if (strcmp(kind, "ipv4") == 0) return parse_ip(set_ipv4, text, out);
  if (strcmp(kind, "ipv6") == 0) return text[0] == '[' && parse_ip(set_ipv6, text, out);
  if (strcmp(kind, "unix") == 0) return parse_unix(text, false, out);
#ifdef __linux__
  if (strcmp(kind, "unix-abstract") == 0) return parse_unix(text, true, out);
#endif
  return false;
}

bool fc__addr_literal(const char *host, uint16_t port, struct fc__addr *out) {
  char bare[FC__ADDR_TEXT_MAX];
  size_t len = strlen(host);
  if (len >= sizeof bare) return false;
  memcpy(bare, host, len + 1);
  if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
    memmove(bare, bare + 1, len - 2);
    bare[len - 2] = '\0';
    if (!set_ipv6(bare, out)) return false;
  } else if (!set_ipv4(bare, out) && !set_ipv6(bare, out)) {
    return false;
  }
  fc__addr_set_port(out, port);
  return true;
}

/* ---- writing ---- */

static void text_ipv4(const struct in_addr *host, uint16_t port, char out[FC__ADDR_TEXT_MAX]) {
  char text[INET_ADDRSTRLEN];
  inet_ntop(AF_INET, host, text, sizeof text);
  snprintf(out, FC__ADDR_TEXT_MAX, "ipv4:%s:%u", text, (unsigned)ntohs(port));
}

static void text_ipv6(const struct sockaddr_in6 *a, char out[FC__ADDR_TEXT_MAX]) {
  if (IN6_IS_ADDR_V4MAPPED(&a->sin6_addr)) {
    struct in_addr host;
    memcpy(&host, &a->sin6_addr.s6_addr[12], sizeof host); /* RFC 4291 section 2.5.5.2 */
    text_ipv4(&host, a->sin6_port, out);
    return;
  }
  char text[INET6_ADDRSTRLEN], scope[16] = "";
  inet_ntop(AF_INET6, &a->sin6_addr, text, sizeof text);
  if (a->sin6_scope_id) snprintf(scope, sizeof scope, "%%25%u", (unsigned)a->sin6_scope_id);
  snprintf(out, FC__ADDR_TEXT_MAX, "ipv6:%%5B%s%s%%5D:%u", text, scope,
           (unsigned)ntohs(a->sin6_port));
}

/* Printable characters as they are, others and '%' as %XX; what does not fit is left out. */
static void append_escaped(char out[FC__ADDR_TEXT_MAX], const char *name, size_t len) {
  size_t at = strlen(out);
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char)name[i];
    bool plain = c > ' ' && c < 0x7f && c != '%';
    if (at + (plain ? 1 : 3) >= FC__ADDR_TEXT_MAX) break;
    at += (size_t)sprintf(out + at, plain ? "%c" : "%%%02X", c);
  }
}

static void text_unix(const struct sockaddr_un *a, size_t len, char out[FC__ADDR_TEXT_MAX]) {
  size_t path = offsetof(struct sockaddr_un, sun_path);
  size_t used = len > path ? len - path : 0; /* none: a socket that was never bound */
  if (used > 0 && a->sun_path[0] == '\0') {
    snprintf(out, FC__ADDR_TEXT_MAX, "unix-abstract:");
    append_escaped(out, a->sun_path + 1, used - 1);
  } else {
    snprintf(out, FC__ADDR_TEXT_MAX, "unix:");
    append_escaped(out, a->sun_path, strnlen(a->sun_path, used));
  }
}

void fc__addr_text(const struct fc__addr *addr, char out[FC__ADDR_TEXT_MAX]) {
  struct sockaddr_storage system;
  fc__addr_to_system(addr, &system);
  switch (addr->len ? system.ss_family : AF_UNSPEC) {
    case AF_INET: {
      const struct sockaddr_in *a = (const struct sockaddr_in *)&system;
      text_ipv4(&a->sin_addr, a->sin_port, out);
      break;
    }
    case AF_INET6:
      text_ipv6((const struct sockaddr_in6 *)&system, out);
      break;
    case AF_UNIX:
      text_unix((const struct sockaddr_un *)&system, addr->len, out);
      break;
    default:
      snprintf(out, FC__ADDR_TEXT_MAX, "unknown");
  }
}
