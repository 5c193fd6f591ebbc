/*
 * Why a connection with TLS failed, in words. They name the step; who asks for them puts the address in front.
 */
#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "io/tls_filter.h"

static const char *step_of(const struct fc__tls_filter *f) {
  return f->stage == FC__TLS_STANDING ? "TLS" : "TLS handshake";
}

void fc__tls_fail(struct fc__tls_filter *f, int error, const char *reason) {
  if (f->error) return;
  f->error = error;
  if (reason) {
    snprintf(f->failure, sizeof f->failure, "%s: %s", step_of(f), reason);
  } else if (f->stage != FC__TLS_STANDING) {
    fc_error err;
    (void)fc__error_system(&err, -error, "%s", step_of(f));
    memcpy(f->failure, err.message, sizeof f->failure);
  }
}

/* RFC 8446 section 6.2 has two alerts that OpenSSL 3.0 cannot name. */
static const char *alert_text(int alert) {
  if (alert == SSL_AD_CERTIFICATE_REQUIRED) return "certificate required";
  if (alert == SSL_AD_MISSING_EXTENSION) return "missing extension";
  return SSL_alert_desc_string_long(alert);
}

/* The alert that the peer has ended the connection with, or -1. */
static int alert_of(unsigned long error) {
  int reason = ERR_GET_REASON(error);
  bool is_alert = ERR_GET_LIB(error) == ERR_LIB_SSL && reason >= SSL_AD_REASON_OFFSET &&
                  reason < SSL_AD_REASON_OFFSET + 256;
  return is_alert ? reason - SSL_AD_REASON_OFFSET : -1;
}

/* The first byte of a TLS record is its type, RFC 8446 section 5.1; that of text is a character, and that of an HTTP/2
 * frame is 0, as long as it is shorter than 64 KiB. */
static bool speaks_tls(const struct fc__tls_filter *f) {
  return !f->first_known ||
         (f->first >= SSL3_RT_CHANGE_CIPHER_SPEC && f->first <= SSL3_RT_APPLICATION_DATA);
}

static void fail_by_alert(struct fc__tls_filter *f, int alert) {
  char text[128];
  snprintf(text, sizeof text, "alert from the peer: %s", alert_text(alert));
  fc__tls_fail(f, -EPROTO, text);
}

static void fail_by_plain_text(struct fc__tls_filter *f) {
  fc__tls_fail(f, -EPROTO,
               SSL_is_server(f->ssl)
                   ? "the peer does not speak TLS (it sent HTTP/2 or other plain text)"
                   : "the peer does not speak TLS (it answered with HTTP/2 or other plain text)");
}

static void fail_by_end(struct fc__tls_filter *f) {
  fc__tls_fail(f, -ECONNRESET,
               f->stage == FC__TLS_STANDING ? "the connection was cut off without close_notify"
                                            : "the peer closed the connection");
}

static void fail_by_reason(struct fc__tls_filter *f) {
  char text[sizeof f->failure - sizeof "TLS handshake: "];
  fc__tls_reason(f->ssl, text, sizeof text);
  fc__tls_fail(f, -EPROTO, text);
}

void fc__tls_fail_by_openssl(struct fc__tls_filter *f) {
  unsigned long error = ERR_peek_last_error();
  int alert = alert_of(error);
  if (f->abuse) {
    fc__tls_fail(f, -EPROTO, f->abuse);
  } else if (f->below_error) {
    fc__tls_fail(f, f->below_error, NULL);
  } else if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE) {
    fc__tls_fail(f, -ENOMEM, NULL);
  } else if (!speaks_tls(f)) {
    fail_by_plain_text(f);
  } else if (alert >= 0) {
    fail_by_alert(f, alert);
  } else if (f->below_ended) {
    fail_by_end(f);
  } else {
    fail_by_reason(f);
  }
  ERR_clear_error();
}
