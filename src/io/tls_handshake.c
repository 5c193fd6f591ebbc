/*
 * A handshake: the application is asked before it (on_handshake) and after it (the verifier), without the lock, and the
 * owner is told one outcome.
 */
#include <errno.h>
#include <openssl/err.h>

#include "io/tls_filter.h"

/* ---- the outcome ---- */

static void fail(struct fc__tls_filter *f, const fc_error *err) {
  int error = -EPROTO;
  if (err->system) error = -err->system;
  if (err->result == FC_ERR_NO_MEMORY) error = -ENOMEM;
  fc__tls_fail(f, error, err->message);
  f->stage = FC__TLS_FAILED;
}

static void stand(struct fc__tls_filter *f) {
  f->stage = FC__TLS_STANDING;
  f->more = f->in != NULL; /* what came in one read with the end of the handshake */
}

/* ---- asking the application ---- */

static void asked(struct fc__tls_filter *f, fc_result result, const fc_error *err) {
  if (result != FC_OK) {
    fail(f, err);
  } else if (f->verifying) {
    stand(f);
  } else {
    fc__tls_begin_handshake(f);
  }
}

/* What the application is asked with stays until the answer is here; the owner may have closed by then. */
static void ask(struct fc__task *task) {
  struct fc__tls_filter *f = FC__CONTAINER(task, struct fc__tls_filter, task);
  struct fc__loop *loop = f->loop;
  struct fc__tls *tls = f->tls;
  fc_error err = FC_ERROR_INIT;
  fc_result result = FC_OK;
  if (f->verifying) {
    result = fc__tls_verify(tls, f->name ? f->name : "", f->auth, &err);
  } else {
    fc__tls_hook(tls);
  }
  fc__loop_lock(loop);
  fc__loop_unhold(loop);
  fc__tls_enter(f);
  f->asking = false;
  if (f->below) asked(f, result, &err);
  fc__tls_tell_outcome(f, fc__loop_now(loop));
  fc__tls_leave(f);
  fc__loop_unlock(loop);
  fc__tls_unref(tls);
  loop->ops->unref(loop);
}

static void ask_later(struct fc__tls_filter *f, bool verifying) {
  f->stage = FC__TLS_ASKING;
  f->verifying = verifying;
  f->asking = true;
  f->task.run = ask;
  (void)fc__tls_ref(f->tls);
  f->loop->ops->ref(f->loop);
  fc__loop_hold(f->loop);
  fc__loop_defer(f->loop, &f->task);
}

/* ---- messages of TLS itself, once the connection stands ---- */

/*
 * Tickets, updates of keys, attempts to renegotiate: each costs more to process than to send (CVE-2020-7224 is one such
 * flood of alerts). So many at once, and one more each second, are more than any honest peer has.
 */
enum { MESSAGES_AT_ONCE = 64 };

static void charge(struct fc__tls_filter *f) {
  int64_t now = fc__loop_now(f->loop);
  if (f->messages_at < now) f->messages_at = now;
  f->messages_at += FC_SECOND;
  if (f->messages_at - now > MESSAGES_AT_ONCE * FC_SECOND) {
    f->abuse = "too many messages that are no data (updates of keys, tickets or renegotiations)";
  }
}

/* A message counts, and so does a record that OpenSSL may drop unread: the first byte of its header is its type. */
static void on_message(int written, int version, int type, const void *data, size_t len, SSL *ssl,
                       void *user) {
  struct fc__tls_filter *f = user;
  (void)version, (void)ssl;
  if (written || f->stage != FC__TLS_STANDING) return;
  const uint8_t *bytes = data;
  bool is_record = type == SSL3_RT_HEADER && len > 0 && bytes[0] == SSL3_RT_HANDSHAKE;
  if (is_record || type == SSL3_RT_HANDSHAKE) charge(f);
}

/* ---- the handshake ---- */

static void finish(struct fc__tls_filter *f) {
  fc_error err = FC_ERROR_INIT;
  ERR_clear_error();
  if (fc__tls_check(f->tls, f->ssl, &f->auth, &err) != FC_OK) {
    fail(f, &err);
  } else if (fc__tls_has_verifier(f->tls, f->ssl)) {
    ask_later(f, true);
  } else {
    stand(f);
  }
}

/* Whatever the outcome, what OpenSSL has to say to the peer is written: an alert tells it why. */
static void shake(struct fc__tls_filter *f, bool may_read) {
  if (ERR_peek_error()) ERR_clear_error();
  fc__tls_bio_begin(f, may_read);
  bool done = SSL_do_handshake(f->ssl) == 1;
  bool waits = !done && f->blocked;
  if (!done && !waits) {
    fc__tls_fail_by_openssl(f);
    f->stage = FC__TLS_FAILED;
  }
  int failed = fc__tls_flush(f);
  if (waits && failed && failed != -EAGAIN) {
    fc__tls_fail(f, failed, NULL);
    f->stage = FC__TLS_FAILED;
  }
  fc__tls_bio_end(f);
  if (done) finish(f);
}

void fc__tls_shake(struct fc__tls_filter *f) { shake(f, true); }

static bool make_ssl(struct fc__tls_filter *f) {
  fc_error err = FC_ERROR_INIT;
  f->ssl = fc__tls_begin(f->tls, f->name, &err);
  if (!f->ssl) {
    fail(f, &err);
    return false;
  }
  if (!fc__tls_bio_attach(f)) {
    fc__tls_fail(f, -ENOMEM, NULL);
    f->stage = FC__TLS_FAILED;
    return false;
  }
  SSL_set_msg_callback(f->ssl, on_message);
  SSL_set_msg_callback_arg(f->ssl, f);
  return true;
}

/* A client speaks first; a server hears when there is something to be read. */
static void begin(struct fc__tls_filter *f) {
  f->stage = FC__TLS_SHAKING;
  if (make_ssl(f) && !SSL_is_server(f->ssl)) shake(f, false);
}

void fc__tls_begin_handshake(struct fc__tls_filter *f) {
  bool ask_first = f->stage != FC__TLS_ASKING && fc__tls_has_hook(f->tls);
  if (ask_first) {
    ask_later(f, false);
  } else {
    begin(f);
  }
}
