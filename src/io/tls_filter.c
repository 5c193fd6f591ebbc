/*
 * TLS as a transport over a transport. To its owner it is like a socket: it connects (the handshake), is readable as long
 * as there is something to be read, and may be closed whenever the owner is told of something.
 */
#include "io/tls_filter.h"

#include <assert.h>
#include <errno.h>

#include "base/mem.h"

static struct fc__tls_filter *from_base(struct fc__transport *t) {
  return FC__CONTAINER(t, struct fc__tls_filter, base);
}

static void filter_free(struct fc__tls_filter *f) {
  fc__auth_unref(f->auth);
  fc__free(f->name);
  fc__free(f);
}

/* ---- what is asked for below ---- */

static unsigned wanted_below(const struct fc__tls_filter *f) {
  unsigned want = 0;
  if (f->stage == FC__TLS_SHAKING) want = FC__READY_READ;
  if (f->stage == FC__TLS_STANDING) want = f->wanted;
  if (f->held) want &= ~(unsigned)FC__READY_WRITE;
  if (f->out) want |= FC__READY_WRITE;
  return want;
}

static void want_below(struct fc__tls_filter *f) {
  unsigned want = wanted_below(f);
  if (want == f->below_wanted) return;
  f->below_wanted = want;
  f->below->ops->want(f->below, want);
}

/* ---- telling the owner ---- */

void fc__tls_enter(struct fc__tls_filter *f) { f->busy++; }

/* What is left for the owner to read comes up in a turn of its own, as it would from a socket. */
static bool must_tell_later(const struct fc__tls_filter *f) {
  return f->told && f->more && (f->wanted & FC__READY_READ);
}

void fc__tls_leave(struct fc__tls_filter *f) {
  if (f->busy == 1 && f->below) {
    want_below(f);
    if (must_tell_later(f)) fc__loop_timer_set(f->loop, &f->later, 0);
  }
  if (--f->busy == 0 && !f->below && !f->asking) filter_free(f);
}

static void tell(struct fc__tls_filter *f, unsigned ready, int64_t now) {
  if (f->out) ready &= ~(unsigned)FC__READY_WRITE;
  ready &= f->wanted;
  if (f->below && ready && f->base.on_ready) f->base.on_ready(&f->base, ready, now);
}

void fc__tls_tell_outcome(struct fc__tls_filter *f, int64_t now) {
  bool known = f->stage == FC__TLS_STANDING || f->stage == FC__TLS_FAILED;
  if (!f->below || f->told || !known) return;
  f->told = true;
  if (f->base.on_ready) f->base.on_ready(&f->base, FC__READY_WRITE, now);
}

static void later_fire(struct fc__timer *timer, int64_t now) {
  struct fc__tls_filter *f = FC__CONTAINER(timer, struct fc__tls_filter, later);
  fc__tls_enter(f);
  if (f->told) {
    tell(f, f->more ? FC__READY_READ : 0, now);
  } else {
    fc__tls_tell_outcome(f, now);
  }
  fc__tls_leave(f);
}

/* ---- what comes from below ---- */

static void shut_below(struct fc__tls_filter *f) {
  if (!f->half_closed || f->out || !f->below->ops->shutdown) return;
  f->half_closed = false;
  f->below->ops->shutdown(f->below);
}

static void below_ready(struct fc__transport *below, unsigned ready, int64_t now) {
  struct fc__tls_filter *f = below->user;
  fc__tls_enter(f);
  if ((ready & FC__READY_WRITE) && f->out) {
    int failed = fc__tls_flush(f);
    shut_below(f);
    if (failed && failed != -EAGAIN) f->more = true; /* a read tells of it */
  }
  if (f->stage == FC__TLS_SHAKING) fc__tls_shake(f);
  if (f->told) {
    tell(f, ready, now);
  } else {
    fc__tls_tell_outcome(f, now);
  }
  fc__tls_leave(f);
}

/* ---- struct fc__transport ---- */

static bool stands(const struct fc__tls_filter *f) { return f->stage == FC__TLS_STANDING; }

static int not_standing(const struct fc__tls_filter *f) { return f->told ? f->error : -EAGAIN; }

static ssize_t filter_read(struct fc__transport *base, const struct iovec *iov, int count) {
  struct fc__tls_filter *f = from_base(base);
  if (!stands(f)) return not_standing(f);
  fc__tls_enter(f);
  ssize_t n = fc__tls_read(f, iov, count);
  fc__tls_leave(f);
  return n;
}

static ssize_t filter_write(struct fc__transport *base, const struct iovec *iov, int count) {
  struct fc__tls_filter *f = from_base(base);
  if (!stands(f)) return not_standing(f);
  fc__tls_enter(f);
  ssize_t n = fc__tls_write(f, iov, count);
  fc__tls_leave(f);
  return n;
}

static void filter_want(struct fc__transport *base, unsigned ready) {
  struct fc__tls_filter *f = from_base(base);
  fc__tls_enter(f);
  f->wanted = ready;
  fc__tls_leave(f);
}

static int filter_finish_connect(struct fc__transport *base) {
  struct fc__tls_filter *f = from_base(base);
  return f->told && stands(f) ? 0 : not_standing(f);
}

static void filter_shutdown(struct fc__transport *base) {
  struct fc__tls_filter *f = from_base(base);
  fc__tls_enter(f);
  if (stands(f)) fc__tls_say_goodbye(f);
  (void)fc__tls_flush(f);
  f->half_closed = true;
  shut_below(f);
  fc__tls_leave(f);
}

/* A connection that was cut may be resumed, RFC 5246 section 7.2.1; one that broke the protocol was taken out of the
 * sessions when that was found. */
static void end_ssl(struct fc__tls_filter *f) {
  fc__tls_say_goodbye(f);
  if (!SSL_in_init(f->ssl)) SSL_set_shutdown(f->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(f->ssl);
  f->ssl = NULL;
}

static void filter_close(struct fc__transport *base) {
  struct fc__tls_filter *f = from_base(base);
  assert(f->below && "an owner closes once");
  fc__tls_enter(f);
  if (f->ssl) end_ssl(f);
  (void)fc__tls_flush(f); /* once, whatever becomes of it: close_notify, or an alert */
  fc__tls_bio_finish(f);
  fc__loop_timer_stop(f->loop, &f->later);
  f->below->ops->close(f->below);
  f->below = NULL;
  fc__tls_leave(f);
}

static const char *filter_failure(struct fc__transport *base) {
  const struct fc__tls_filter *f = from_base(base);
  return f->failure[0] ? f->failure : NULL;
}

static const fc_auth_context *filter_auth(struct fc__transport *base) {
  const struct fc__tls_filter *f = from_base(base);
  return stands(f) ? f->auth : NULL;
}

static const struct fc__transport_ops filter_ops = {
    .read = filter_read,
    .write = filter_write,
    .want = filter_want,
    .finish_connect = filter_finish_connect,
    .shutdown = filter_shutdown,
    .close = filter_close,
    .failure = filter_failure,
    .auth = filter_auth,
};

int fc__tls_wrap(struct fc__tls *tls, struct fc__loop *loop, struct fc__transport *below,
                 const char *name, struct fc__transport **out) {
  *out = NULL;
  struct fc__tls_filter *f = fc__alloc_zero(sizeof *f);
  if (!f) return -ENOMEM;
  if (name && !(f->name = fc__strdup(name))) {
    fc__free(f);
    return -ENOMEM;
  }
  f->base.ops = &filter_ops;
  f->below = below;
  f->loop = loop;
  f->tls = tls;
  f->later.fire = later_fire;
  f->stage = FC__TLS_SHAKING;
  f->wanted = f->below_wanted = FC__READY_READ;
  below->on_ready = below_ready;
  below->user = f;
  fc__tls_enter(f);
  fc__tls_begin_handshake(f);
  if (f->stage == FC__TLS_FAILED) fc__loop_timer_set(loop, &f->later, 0);
  fc__tls_leave(f);
  *out = &f->base;
  return 0;
}
