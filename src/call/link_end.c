/*
 * How a connection ends: the engine and its calls are told first, then the owner. A server stays a moment to be heard.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "call/link_internal.h"

enum { LINGER_BYTES = 1 << 20 };

static const int64_t linger_time = FC_SECOND;

void fc__link_close_transport(struct fc__link *link) {
  fc__loop_timer_stop(link->loop, &link->timer);
  link->transport->ops->close(link->transport);
  link->transport = NULL;
}

/* The engine is told, and the calls by it; the transport is still there. */
static void end_engine(struct fc__link *link, const char *format, va_list args) {
  vsnprintf(link->reason, sizeof link->reason, format, args);
  size_t len = strlen(link->reason);
  if (link->farewell[0])
    snprintf(link->reason + len, sizeof link->reason - len, " (%s)", link->farewell);
  link->down = true;
  fc__h2_close(link->h2, FC__H2_CANCEL, true);
}

void fc__link_down(struct fc__link *link, int64_t now, const char *format, ...) {
  if (link->down) return;
  va_list args;
  va_start(args, format);
  end_engine(link, format, args);
  va_end(args);
  fc__link_close_transport(link);
  link->ops->on_down(link, link->reason, now);
}

/*
 * A server's last words. Closing a socket whose input was not read makes the system send a reset, which can destroy what
 * the client has not read yet, GOAWAY included: so the server only stops writing, and closes when the client has,
 * or after a while.
 */
void fc__link_down_gently(struct fc__link *link, int64_t now, const char *format, ...) {
  if (link->down) return;
  va_list args;
  va_start(args, format);
  end_engine(link, format, args);
  va_end(args);
  if (link->config.h2.server && link->transport->ops->shutdown) {
    link->transport->ops->shutdown(link->transport);
    link->transport->ops->want(link->transport, FC__READY_READ);
    link->lingers = LINGER_BYTES;
    fc__loop_timer_set(link->loop, &link->timer, now + linger_time);
  } else {
    fc__link_close_transport(link);
    link->ops->on_down(link, link->reason, now);
  }
}

void fc__link_end_linger(struct fc__link *link, int64_t now) {
  link->lingers = 0;
  fc__link_close_transport(link);
  link->ops->on_down(link, link->reason, now);
}

void fc__link_read_lingering(struct fc__link *link, int64_t now) {
  struct iovec iov = {link->loop->scratch, FC__LOOP_SCRATCH};
  ssize_t n = link->transport->ops->read(link->transport, &iov, 1);
  if (n == -EAGAIN) return;
  if (n <= 0 || (size_t)n >= link->lingers) {
    fc__link_end_linger(link, now);
  } else {
    link->lingers -= (size_t)n;
  }
}

/* The transport may know more than the system's error does. */
void fc__link_down_system(struct fc__link *link, const char *step, int system, int64_t now) {
  if (link->down) return;
  struct fc__transport *t = link->transport;
  const char *failure = t->ops->failure ? t->ops->failure(t) : NULL;
  fc_error err;
  if (failure) {
    (void)fc__error(&err, FC_ERR_SYSTEM, "%s %s: %s", step, link->peer, failure);
  } else {
    (void)fc__error_system(&err, system, "%s %s", step, link->peer);
  }
  fc__link_down(link, now, "%s", err.message);
}

/* The engine refuses to go on: its GOAWAY is written if the socket takes it now. */
void fc__link_fail(struct fc__link *link, int64_t now) {
  uint32_t code;
  const char *text = fc__h2_failure(link->h2, &code);
  (void)fc__link_write_out(link, now);
  fc__link_down_gently(link, now, "HTTP/2 connection with %s: %s (%s)", link->peer, text,
                       fc__h2_error_name(code));
}
