/* The TLS of tls_raw.h. */
#include "sim/tls_raw.h"

#include <openssl/err.h>
#include <stdio.h>

#include "support/certs.h"

static struct tls_raw *from_layer(struct raw_layer *layer) { return (struct tls_raw *)layer; }

/* ---- what OpenSSL tells ---- */

static void note_failure(struct tls_raw *tls) {
  unsigned long error = ERR_peek_error();
  const char *reason = ERR_reason_error_string(error);
  if (!tls->failure[0])
    snprintf(tls->failure, sizeof tls->failure, "%s", reason ? reason : "it was closed");
  ERR_clear_error();
}

static void on_info(const SSL *ssl, int where, int value) {
  struct tls_raw *tls = SSL_get_app_data(ssl);
  if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT) tls->alert = value & 0xff;
}

static int on_session(SSL *ssl, SSL_SESSION *session) {
  struct tls_raw *tls = SSL_get_app_data(ssl);
  SSL_SESSION_free(tls->session);
  tls->session = session;
  return 1; /* it is kept */
}

/* A server that chooses what nobody offered is one more thing that a client must stand. */
static int choose(SSL *ssl, const uint8_t **out, uint8_t *len, const uint8_t *offered,
                  unsigned size, void *user) {
  struct tls_raw *tls = user;
  (void)ssl, (void)offered, (void)size;
  if (!tls->alpn) return SSL_TLSEXT_ERR_NOACK;
  *out = (const uint8_t *)tls->alpn;
  *len = (uint8_t)strlen(tls->alpn);
  return SSL_TLSEXT_ERR_OK;
}

/* ---- a connection ---- */

static void offer(struct tls_raw *tls) {
  uint8_t protocol[64];
  if (tls->alpn) {
    size_t len = strlen(tls->alpn);
    assert_true(len < sizeof protocol);
    protocol[0] = (uint8_t)len;
    memcpy(protocol + 1, tls->alpn, len);
    assert_int_equal(SSL_set_alpn_protos(tls->ssl, protocol, (unsigned)len + 1), 0);
  }
  if (tls->name) assert_true(SSL_set_tlsext_host_name(tls->ssl, tls->name));
  if (tls->session) assert_true(SSL_set_session(tls->ssl, tls->session));
}

/* OpenSSL takes a connection that just ends for a broken one, whose session is not to be used again. */
static void drop(struct tls_raw *tls) {
  if (tls->ssl && !tls->failure[0])
    SSL_set_shutdown(tls->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(tls->ssl);
}

static void begin(struct raw_layer *layer) {
  struct tls_raw *tls = from_layer(layer);
  drop(tls);
  tls->ssl = SSL_new(tls->ctx);
  assert_non_null(tls->ssl);
  SSL_set_bio(tls->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_set_app_data(tls->ssl, tls);
  tls->finished = tls->goodbye = false;
  tls->alert = -1;
  tls->failure[0] = '\0';
  if (tls->server) {
    SSL_set_accept_state(tls->ssl);
  } else {
    SSL_set_connect_state(tls->ssl);
    offer(tls);
  }
}

static bool goes_on(struct tls_raw *tls, int result) {
  int error = SSL_get_error(tls->ssl, result);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return false;
  if (error == SSL_ERROR_ZERO_RETURN) {
    tls->goodbye = true;
  } else if (result <= 0) {
    note_failure(tls);
  }
  return result > 0;
}

static void shake(struct tls_raw *tls) {
  size_t len;
  if (tls->finished || tls->failure[0]) return;
  ERR_clear_error();
  if (tls->early.len && SSL_get_state(tls->ssl) == TLS_ST_BEFORE) {
    (void)!SSL_write_early_data(tls->ssl, tls->early.data, tls->early.len, &len);
    ERR_clear_error();
    return;
  }
  tls->finished = goes_on(tls, SSL_do_handshake(tls->ssl));
}

static void take(struct raw_layer *layer, fc_slice bytes, struct fc__buf *heard) {
  struct tls_raw *tls = from_layer(layer);
  uint8_t plain[16384];
  int n;
  assert_int_equal(BIO_write(SSL_get_rbio(tls->ssl), bytes.data, (int)bytes.len), (int)bytes.len);
  shake(tls);
  while (tls->finished && !tls->goodbye && !tls->failure[0]) {
    ERR_clear_error();
    n = SSL_read(tls->ssl, plain, sizeof plain);
    if (!goes_on(tls, n)) return;
    raw_append(heard, (fc_slice){plain, (size_t)n});
  }
}

static void say(struct tls_raw *tls, fc_slice plain) {
  size_t step = tls->byte_by_byte ? 1 : plain.len;
  for (size_t at = 0; at < plain.len; at += step) {
    ERR_clear_error();
    if (!goes_on(tls, SSL_write(tls->ssl, plain.data + at, (int)step))) return;
  }
}

static fc_slice outgoing(struct tls_raw *tls) {
  char *data;
  long len = BIO_get_mem_data(SSL_get_wbio(tls->ssl), &data);
  return (fc_slice){(const uint8_t *)data, (size_t)len};
}

static void give(struct raw_layer *layer, struct fc__buf *said, struct fc__buf *wire) {
  struct tls_raw *tls = from_layer(layer);
  if (!tls->server || tls->finished) shake(tls);
  if (tls->finished && said->len) {
    say(tls, (fc_slice){said->data, said->len});
    said->len = 0;
  }
  raw_append(wire, outgoing(tls));
  (void)BIO_reset(SSL_get_wbio(tls->ssl));
}

fc_slice tls_raw_record(struct tls_raw *tls, fc_slice plain) {
  static struct fc__buf record;
  record.len = 0;
  assert_int_equal(outgoing(tls).len, 0);
  say(tls, plain);
  raw_append(&record, outgoing(tls));
  (void)BIO_reset(SSL_get_wbio(tls->ssl));
  return (fc_slice){record.data, record.len};
}

/* ---- settings ---- */

static void start(struct tls_raw *tls, bool server) {
  *tls =
      (struct tls_raw){.layer = {begin, take, give}, .server = server, .alpn = "h2", .alert = -1};
  tls->ctx = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
  assert_non_null(tls->ctx);
  SSL_CTX_set_security_level(tls->ctx, 0); /* or TLS 1.1 is out of reach */
  assert_true(SSL_CTX_set_min_proto_version(tls->ctx, TLS1_VERSION));
  SSL_CTX_set_info_callback(tls->ctx, on_info);
  assert_true(SSL_CTX_load_verify_locations(tls->ctx, cert_path("ca.pem"), NULL));
}

void tls_raw_client(struct tls_raw *tls) {
  start(tls, false);
  SSL_CTX_set_verify(tls->ctx, SSL_VERIFY_PEER, NULL);
  SSL_CTX_set_session_cache_mode(tls->ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(tls->ctx, on_session);
}

void tls_raw_server(struct tls_raw *tls, const char *identity) {
  start(tls, true);
  SSL_CTX_set_alpn_select_cb(tls->ctx, choose, tls);
  tls_raw_identity(tls, identity);
}

void tls_raw_finish(struct tls_raw *tls) {
  drop(tls);
  SSL_SESSION_free(tls->session);
  SSL_CTX_free(tls->ctx);
  *tls = (struct tls_raw){0};
}

void tls_raw_identity(struct tls_raw *tls, const char *name) {
  fc_tls_identity files = cert_identity_files(name);
  assert_int_equal(SSL_CTX_use_certificate_chain_file(tls->ctx, files.certificate_chain_file), 1);
  assert_int_equal(SSL_CTX_use_PrivateKey_file(tls->ctx, files.private_key_file, SSL_FILETYPE_PEM),
                   1);
}

void tls_raw_versions(struct tls_raw *tls, int min, int max) {
  assert_true(SSL_CTX_set_min_proto_version(tls->ctx, min));
  assert_true(SSL_CTX_set_max_proto_version(tls->ctx, max));
}

void tls_raw_ciphers(struct tls_raw *tls, const char *names) {
  assert_true(SSL_CTX_set_cipher_list(tls->ctx, names));
}
