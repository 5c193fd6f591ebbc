#ifndef FC_IO_TLS_CONTEXT_H
#define FC_IO_TLS_CONTEXT_H
/*
 * The inside of struct fc__tls. What a generation of handshakes uses, certificates, keys and roots, is its material, and an
 * SSL_CTX owns it: connections keep both alive, and new material means a new SSL_CTX.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>
#include <time.h>

#include "io/tls_internal.h"

/* ---- tls_file.c ---- */

/* What tells that a file has changed: taken before it was read, so that what is written meanwhile is noticed. */
struct fc__tls_stamp {
  dev_t device;
  ino_t inode;
  off_t size;
  struct timespec modified, changed;
  bool settled; /* it had not changed for so long that its next change will show */
  uint8_t digest[32];
};

struct fc__tls_text {
  uint8_t *data;
  size_t len, cap;
};

/* label: what the file is for, with its path, in messages. */
fc_result fc__tls_file_read(const char *path, const char *label, struct fc__tls_stamp *stamp,
                            struct fc__tls_text *out, fc_error *err);
void fc__tls_text_finish(struct fc__tls_text *text); /* erases: it may be a key */
/* By what is in it. */
bool fc__tls_file_changed(const char *path, struct fc__tls_stamp *stamp);

/* ---- tls_pem.c ---- */

enum { FC__TLS_LABEL_MAX = 80, FC__TLS_NAME_MAX = 192 };

/* Certificates, or a key, of one PEM text. All zero: none was given. */
struct fc__tls_pem {
  char label[FC__TLS_LABEL_MAX]; /* the option that gave it */
  char *path;                    /* NULL: from memory */
  struct fc__tls_stamp stamp;
  STACK_OF(X509) * certs; /* the leaf first */
  EVP_PKEY *key;
};

fc_result fc__tls_pem_certs(struct fc__tls_pem *pem, const char *label, fc_slice text,
                            const char *file, fc_error *err);
fc_result fc__tls_pem_key(struct fc__tls_pem *pem, const char *label, fc_slice text,
                          const char *file, fc_error *err);
/* A second one: the file read again, or the same objects where there is no file. */
fc_result fc__tls_pem_again(struct fc__tls_pem *pem, const struct fc__tls_pem *old, fc_error *err);
bool fc__tls_pem_changed(struct fc__tls_pem *pem);
bool fc__tls_pem_given(const struct fc__tls_pem *pem);
void fc__tls_pem_name(const struct fc__tls_pem *pem, char out[FC__TLS_NAME_MAX]);
void fc__tls_pem_finish(struct fc__tls_pem *pem);

/* ---- tls_material.c ---- */

struct fc__tls_identity {
  struct fc__tls_pem chain, key;
};

struct fc__tls_material {
  struct fc__tls *tls;
  struct fc__tls_identity *identities;
  size_t identity_count;
  struct fc__tls_pem roots;
};

#define FC__TLS_ROOTS_VARIABLE "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"

/* Where material comes from. */
struct fc__tls_given {
  const fc_tls_identity *identities;
  size_t identity_count;
  fc_slice roots;
  const char *roots_file;
  const char *default_roots_file;       /* where no roots are given: that variable's; or NULL */
  const struct fc__tls_pem *kept_roots; /* where none are given: these; or NULL */
};

fc_result fc__tls_material_create(struct fc__tls *tls, const struct fc__tls_given *given,
                                  struct fc__tls_material **out, fc_error *err);
fc_result fc__tls_material_again(const struct fc__tls_material *old, struct fc__tls_material **out,
                                 fc_error *err);
bool fc__tls_material_changed(struct fc__tls_material *material);
void fc__tls_material_destroy(struct fc__tls_material *material);

X509 *fc__tls_identity_leaf(const struct fc__tls_identity *identity);
bool fc__tls_identity_show(const struct fc__tls_identity *identity, SSL_CTX *context);
/* In this connection, and no other than this one. */
bool fc__tls_identity_use(const struct fc__tls_identity *identity, SSL *ssl);

/* ---- tls_settings.c ---- */

/* The options that both sides have. */
struct fc__tls_choices {
  fc_tls_version min_version, max_version;
  const char *ciphers, *key_log_file;
};

struct fc__tls_settings {
  int min_version, max_version; /* as OpenSSL counts; 0: no limit */
  char *ciphers;
  int key_log; /* a descriptor, or -1 */
};

fc_result fc__tls_settings_init(struct fc__tls_settings *settings,
                                const struct fc__tls_choices *choices, fc_error *err);
void fc__tls_settings_finish(struct fc__tls_settings *settings);
/* An SSL_CTX with what both sides need; takes material over on success only. */
fc_result fc__tls_settings_context(const struct fc__tls_settings *settings,
                                   struct fc__tls_material *material, SSL_CTX **out, fc_error *err);
struct fc__tls_material *fc__tls_material_of(const SSL_CTX *context);

/* ---- tls_verify.c ---- */

enum { FC__TLS_PIN_SIZE = 32 }; /* SHA-256 */

bool fc__tls_trust(SSL_CTX *context, const STACK_OF(X509) * roots);
void fc__tls_trust_anybody(SSL_CTX *context);
/* Asks for a name and verifies it. */
fc_result fc__tls_expect(SSL *ssl, const char *name, fc_error *err);
/* Verifies what was verified once, for a session that may be resumed. NULL: it does not hold any more. */
STACK_OF(X509) * fc__tls_verify_again(SSL *ssl, X509 *leaf, STACK_OF(X509) * sent);
bool fc__tls_pinned(const struct fc__tls *tls, const STACK_OF(X509) * chain);

/* ---- tls_peer.c ---- */

/* sent: what the peer sent after its own certificate, or with it in front; may be NULL. */
fc_auth_context *fc__tls_peer(SSL *ssl, X509 *leaf, const STACK_OF(X509) * sent, bool verified);
/* "a.example, b.example, 10.0.0.1": what a certificate is for, as far as there is room. */
void fc__tls_peer_names(const X509 *leaf, char *out, size_t size);

/* ---- tls_sessions.c ---- */

enum { FC__TLS_SESSION_NAMES = 64, FC__TLS_SESSIONS_EACH = 2, FC__TLS_KEY_MAX = 256 };

/* Under the fc__tls's lock. The names used last come first. */
struct fc__tls_sessions {
  struct fc__tls_session_name {
    char *name;
    SSL_SESSION *newest[FC__TLS_SESSIONS_EACH];
  } names[FC__TLS_SESSION_NAMES];
  size_t count;
};

void fc__tls_sessions_clear(struct fc__tls_sessions *sessions);
void fc__tls_sessions_collect(SSL_CTX *context); /* those of a client's connections, from now on */
/* [the fc__tls's lock] One that may be offered, and is given away with that; or NULL. */
SSL_SESSION *fc__tls_session_take(struct fc__tls *tls, SSL *ssl);
/* Offers it if all that a full handshake would verify still holds. Takes it over. */
void fc__tls_session_offer(struct fc__tls *tls, SSL *ssl, SSL_SESSION *session);
/* A handshake has succeeded. */
void fc__tls_session_used(struct fc__tls *tls, SSL *ssl);

/* ---- tls_tickets.c ---- */

/* Clients' certificates in the tickets of a server: what they sent, to be verified again. */
bool fc__tls_tickets_keep_chains(SSL_CTX *context);
/* The chain in the ticket of a resumed session, the leaf not among it; NULL: none. The caller's. */
STACK_OF(X509) * fc__tls_ticket_chain(const SSL_SESSION *session);

/* ---- tls_context.c ---- */

struct fc__tls {
  atomic_uint refs;
  bool server;
  bool insecure;    /* any certificate is accepted */
  bool resume;      /* a client's sessions */
  bool common_name; /* may name the host */
  fc_tls_client_auth client_auth;
  struct fc__tls_settings settings;
  uint8_t *pins;
  size_t pin_count;
  fc_tls_verify_fn verify;
  void *verify_user;
  fc_drop_fn verify_drop;
  fc_server_credentials *credentials;
  fc_tls_handshake_fn on_handshake;
  void *handshake_user;
  fc_drop_fn handshake_drop;
  /* Adds what one side alone needs. false: the reason is in OpenSSL's queue. */
  bool (*prepare)(struct fc__tls *tls, SSL_CTX *context, const struct fc__tls_material *material);

  pthread_mutex_t lock; /* of what follows */
  SSL_CTX *context;     /* of the handshakes that begin now */
  struct fc__tls_sessions sessions;
};

/* With a lock and settings, all else zero. */
fc_result fc__tls_create(const struct fc__tls_choices *choices, struct fc__tls **out,
                         fc_error *err);
/* Runs no drop functions: for one that was never handed out, and for the last unref. */
void fc__tls_destroy(struct fc__tls *tls);
/* An SSL_CTX of that material, which is taken over, or destroyed on failure. */
fc_result fc__tls_context(struct fc__tls *tls, struct fc__tls_material *material, SSL_CTX **out,
                          fc_error *err);

/* ---- tls_error.c ---- */

/* The sentence, and ": " and OpenSSL's reason behind it; FC_ERR_INVALID, or FC_ERR_NO_MEMORY if that was it. */
fc_result fc__tls_error(fc_error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
