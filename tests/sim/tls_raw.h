#ifndef FC_TESTS_TLS_RAW_H
#define FC_TESTS_TLS_RAW_H
/*
 * TLS by hand, with OpenSSL alone, below an end that is made by hand (raw_end.h): for what the
 * library's own TLS would never do. Its settings are ctx, for a test to change before a connection
 * begins.
 *
 *   tls_raw_server(&tls, "wrong_name");                        // shows that certificate
 *   raw_end_listen_by(&end, sim, "127.0.0.1:80", &tls.layer);
 *   ...
 *   raw_end_finish(&end);
 *   tls_raw_finish(&tls);
 */
#include <openssl/ssl.h>

#include "sim/raw_end.h"

struct tls_raw {
  struct raw_layer layer; /* first */
  SSL_CTX *ctx;
  SSL *ssl; /* of the latest connection */
  bool server;
  const char *alpn; /* what a client offers and a server chooses; NULL: nothing */
  const char *name; /* that a client asks for; NULL: none */
  /* That a client offers; the latest that it was given. Lives as long as this. */
  SSL_SESSION *session;
  fc_slice early;    /* that a client says with its first words, where there is a session */
  bool byte_by_byte; /* every byte goes in a record of its own */
  bool finished;     /* the handshake is over, on this side */
  bool goodbye;      /* the other side has closed in due form */
  int alert;         /* the latest heard, RFC 8446 section 6; -1: none */
  char failure[256]; /* of this side, in OpenSSL's words; "": none */
};

/* Both are polite: ALPN "h2", every version from TLS 1.0 on. A client trusts ca.pem. */
void tls_raw_client(struct tls_raw *tls);
void tls_raw_server(struct tls_raw *tls, const char *identity);
void tls_raw_finish(struct tls_raw *tls);

void tls_raw_identity(struct tls_raw *tls, const char *name); /* shows that certificate */
void tls_raw_versions(struct tls_raw *tls, int min, int max); /* TLS1_2_VERSION and so on */
void tls_raw_ciphers(struct tls_raw *tls, const char *names); /* up to TLS 1.2 */

/* A record of application data as it would be sent, until the next call. */
fc_slice tls_raw_record(struct tls_raw *tls, fc_slice plain);

#endif
