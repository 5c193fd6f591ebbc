/*
 * What OpenSSL reads from and writes to. It wants a header, then a body, and writes record by record; here many records
 * are read, and written, in one system call.
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"
#include "io/tls_filter.h"

/* ---- room ---- */

static struct fc__tls_room *take_room(struct fc__loop *loop) {
  struct fc__tls_room *room = loop->spare;
  loop->spare = NULL;
  if (!room) room = fc__alloc(sizeof *room);
  if (room) room->from = room->to = room->used = 0;
  return room;
}

/* What was put together may hold credentials. */
static void give_room(struct fc__loop *loop, struct fc__tls_room **room) {
  if ((*room)->used) OPENSSL_cleanse((*room)->plain, (*room)->used);
  if (loop->spare) {
    fc__free(*room);
  } else {
    loop->spare = *room;
  }
  *room = NULL;
}

static bool is_empty(const struct fc__tls_room *room) { return room->from == room->to; }

struct fc__tls_room *fc__tls_out_room(struct fc__tls_filter *f) {
  if (!f->out) f->out = take_room(f->loop);
  return f->out;
}

bool fc__tls_has_room(const struct fc__tls_filter *f, size_t len) {
  return !f->out || len <= sizeof f->out->cipher - f->out->to;
}

/* ---- reading ---- */

/* A short read has emptied the socket: asking it again would be a system call for nothing. */
static bool read_below(struct fc__tls_filter *f) {
  struct iovec iov = {f->in->cipher, FC__TLS_READ_AHEAD};
  ssize_t n = f->below->ops->read(f->below, &iov, 1);
  f->dry = n < FC__TLS_READ_AHEAD;
  if (n == -EAGAIN) return false;
  if (n < 0) f->below_error = (int)n;
  if (n == 0) f->below_ended = true;
  if (n <= 0) return false;
  f->in->from = 0;
  f->in->to = (size_t)n;
  if (!f->first_known) f->first = f->in->cipher[0];
  f->first_known = true;
  return true;
}

static bool is_at_end(const struct fc__tls_filter *f) {
  return f->below_ended || f->below_error || f->abuse;
}

static bool refill(struct fc__tls_filter *f) {
  if (is_at_end(f) || f->dry) return false;
  if (!f->in) f->in = take_room(f->loop);
  if (f->in) return read_below(f);
  f->below_error = -ENOMEM;
  return false;
}

static int bio_read(BIO *bio, char *data, size_t len, size_t *taken) {
  struct fc__tls_filter *f = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  *taken = 0;
  if ((!f->in || is_empty(f->in)) && !refill(f)) {
    f->blocked = !is_at_end(f);
    if (f->blocked) BIO_set_retry_read(bio);
    return 0;
  }
  size_t n = f->in->to - f->in->from;
  if (n > len) n = len;
  memcpy(data, f->in->cipher + f->in->from, n);
  f->in->from += n;
  *taken = n;
  return 1;
}

/* ---- writing ---- */

int fc__tls_flush(struct fc__tls_filter *f) {
  if (f->write_error) return f->write_error;
  if (!f->out) return 0;
  if (is_empty(f->out)) {
    give_room(f->loop, &f->out);
    return 0;
  }
  struct iovec iov = {f->out->cipher + f->out->from, f->out->to - f->out->from};
  ssize_t n = f->below->ops->write(f->below, &iov, 1);
  if (n == -EAGAIN) return -EAGAIN;
  if (n < 0) {
    give_room(f->loop, &f->out);
    return f->write_error = (int)n;
  }
  f->out->from += (size_t)n;
  if (!is_empty(f->out)) return -EAGAIN;
  give_room(f->loop, &f->out);
  return 0;
}

/* Takes a record whole: a handshake can be longer than the room, all else makes sure of it before. What cannot be written
 * any more is dropped, since there may still be something to be read; and so is an alert to a peer that has cut the
 * connection off. */
static int bio_write(BIO *bio, const char *data, size_t len, size_t *taken) {
  struct fc__tls_filter *f = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  *taken = 0;
  if (!fc__tls_has_room(f, len) && fc__tls_flush(f) == -EAGAIN) {
    f->blocked = true;
    BIO_set_retry_write(bio);
    return 0;
  }
  if (!f->write_error && !fc__tls_out_room(f)) f->write_error = -ENOMEM;
  if (!f->write_error && !f->below_ended) {
    memcpy(f->out->cipher + f->out->to, data, len);
    f->out->to += len;
  }
  *taken = len;
  return 1;
}

/* ---- the BIO ---- */

static long bio_ctrl(BIO *bio, int command, long number, void *pointer) {
  struct fc__tls_filter *f = BIO_get_data(bio);
  (void)number, (void)pointer;
  switch (command) {
    case BIO_CTRL_FLUSH: /* at the end of a flight; the filter writes by itself */
      return 1;
    case BIO_CTRL_EOF:
      return f->below_ended;
    default:
      return 0;
  }
}

/* One for the process. When two threads make it at once, one of them throws his away. */
static BIO_METHOD *bio_method(void) {
  static _Atomic(BIO_METHOD *) shared;
  BIO_METHOD *method = atomic_load(&shared), *none = NULL;
  if (method) return method;
  method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "farcall transport");
  if (!method) return NULL;
  BIO_meth_set_read_ex(method, bio_read);
  BIO_meth_set_write_ex(method, bio_write);
  BIO_meth_set_ctrl(method, bio_ctrl);
  if (atomic_compare_exchange_strong(&shared, &none, method)) return method;
  BIO_meth_free(method);
  return none;
}

bool fc__tls_bio_attach(struct fc__tls_filter *f) {
  BIO_METHOD *method = bio_method();
  BIO *bio = method ? BIO_new(method) : NULL;
  if (!bio) return false;
  BIO_set_data(bio, f);
  BIO_set_init(bio, 1);
  SSL_set_bio(f->ssl, bio, bio);
  return true;
}

void fc__tls_bio_begin(struct fc__tls_filter *f, bool may_read) {
  f->dry = !may_read;
  f->blocked = false;
}

bool fc__tls_is_dry(const struct fc__tls_filter *f) {
  return f->dry && (!f->in || is_empty(f->in));
}

void fc__tls_bio_end(struct fc__tls_filter *f) {
  if (f->in && is_empty(f->in)) give_room(f->loop, &f->in);
  if (f->out && is_empty(f->out)) give_room(f->loop, &f->out);
}

void fc__tls_bio_finish(struct fc__tls_filter *f) {
  if (f->in) give_room(f->loop, &f->in);
  if (f->out) give_room(f->loop, &f->out);
}
