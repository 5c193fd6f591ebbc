#ifndef FC_BASE_NET_H
#define FC_BASE_NET_H
/*
 * The narrow interface through which client and server reach the network: clock, connect, listen, read,
 * write, resolve, random. src/io/posix_*.c implements it over the system, tests/sim over memory and a virtual
 * clock. All functions are called under the loop's lock, and all callbacks run under it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/list.h"
#include "farcall/base.h"

/* A socket address with its text. Unix addresses carry the path (abstract ones begin with NUL). */
struct fc__addr {
  uint8_t storage[128]; /* a struct sockaddr of the system; opaque above io */
  uint32_t len;
};

enum { FC__ADDR_TEXT_MAX = 160 };

enum fc__ready {
  FC__READY_READ = 1,
  FC__READY_WRITE = 2, /* also: connect has ended, ask finish_connect */
};

/* One descriptor. The owner sets on_ready and user; the transport's owner closes it exactly once. */
struct fc__transport {
  const struct fc__transport_ops *ops;
  void (*on_ready)(struct fc__transport *t, unsigned ready, int64_t now);
  void *user;
};

/* Read and write return a count, 0 for end of stream (read only), or a negative errno; -EAGAIN when it
 * would block. After -EAGAIN of a write the owner asks with want() to be told. */
struct fc__transport_ops {
  ssize_t (*read)(struct fc__transport *t, const struct iovec *iov, int count);
  ssize_t (*write)(struct fc__transport *t, const struct iovec *iov, int count);
  /* A set of FC__READY_; reading is on from the start. */
  void (*want)(struct fc__transport *t, unsigned ready);
  int (*finish_connect)(struct fc__transport *t); /* 0 connected, or a negative errno */
  /* No more is written; what was written still arrives. NULL: not to be had, closing will do. */
  void (*shutdown)(struct fc__transport *t);
  void (*close)(struct fc__transport *t); /* frees it too */
  /* Why finish_connect, read or write failed, where there is more to say than the errno: "TLS handshake: certificate
   * verify failed: ..."; else NULL. The function may be NULL. Lives as long as the transport. */
  const char *(*failure)(struct fc__transport *t);
  /* What is known of the peer once it is connected. NULL, or the function is: fc__auth_insecure. The transport's. */
  const struct fc_auth_context *(*auth)(struct fc__transport *t);
};

struct fc__listener {
  const struct fc__listener_ops *ops;
  void (*on_ready)(struct fc__listener *l, int64_t now);
  void *user;
};

struct fc__listener_ops {
  /* 0 with a connection and the peer's address, or a negative errno (-EAGAIN: none is waiting). */
  int (*accept)(struct fc__listener *l, struct fc__transport **out, struct fc__addr *peer);
  void (*pause)(struct fc__listener *l, bool paused); /* stops telling, for want of descriptors */
  void (*close)(struct fc__listener *l);
};

/* A name being resolved; done runs exactly once under the lock, unless cancelled before. */
struct fc__resolve {
  void (*done)(struct fc__resolve *r, const struct fc__addr *addrs, size_t count, const char *error,
               int64_t now);
  void *user;
  void *impl; /* the implementation's */
};

struct fc__listen_options {
  int backlog;     /* 0: the system's maximum */
  bool reuse_port; /* SO_REUSEPORT */
};

struct fc__net;

struct fc__net_ops {
  /* Begins to connect; the outcome comes as FC__READY_WRITE. 0 or a negative errno. */
  int (*connect)(struct fc__net *net, const struct fc__addr *addr, struct fc__transport **out);
  int (*listen)(struct fc__net *net, const struct fc__addr *addr,
                const struct fc__listen_options *options, struct fc__listener **out,
                struct fc__addr *bound);
  /* A descriptor that the caller hands over, already connected. 0 or a negative errno. */
  int (*adopt)(struct fc__net *net, int fd, struct fc__transport **out);
  /* host may be an IPv4 or IPv6 literal (answered without a look-up, but still by a later callback). The strings are
   * copied. 0 or a negative errno, then done does not run. */
  int (*resolve)(struct fc__net *net, const char *host, uint16_t port, struct fc__resolve *r);
  void (*resolve_cancel)(struct fc__net *net, struct fc__resolve *r); /* done will not run */
  bool (*parse)(struct fc__net *net, const char *kind, const char *text, struct fc__addr *out);
  uint64_t (*random)(struct fc__net *net);
};

/* parse: kind "ipv4" or "ipv6" with "address:port", "unix" with a path, "unix-abstract" with a name. */

struct fc__net {
  const struct fc__net_ops *ops;
};

/* The address as gRPC writes it: "ipv4:127.0.0.1:80", "ipv6:%5B::1%5D:80", "unix:/path",
 * "unix-abstract:name". Knows the storage; written in src/io, replaced by the simulation's own. */
void fc__addr_text(const struct fc__addr *addr, char out[FC__ADDR_TEXT_MAX]);

/* Where an address is, for credentials that trust the machine; 0.0.0.0 and :: are anywhere. Written in src/io too. */
enum fc__addr_place { FC__ADDR_ELSEWHERE, FC__ADDR_ANYWHERE, FC__ADDR_LOOPBACK, FC__ADDR_UNIX };
enum fc__addr_place fc__addr_place(const struct fc__addr *addr);

#endif
