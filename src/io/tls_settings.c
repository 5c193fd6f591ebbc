/*
 * What both sides ask of OpenSSL: versions, cipher suites, no renegotiation, compression or early data, buffers of
 * idle connections released. Spec: RFC 9113 section 9.2
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "io/tls_context.h"

/* For TLS 1.2. Those of TLS 1.3 all suit HTTP/2. RFC 9113 section 9.2.2 and appendix A */
static const char default_ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20";

/* ---- checking options ---- */

static fc_result read_version(fc_tls_version version, const char *name, int *out, fc_error *err) {
  switch (version) {
    case FC_TLS_VERSION_UNSET:
      *out = 0;
      return FC_OK;
    case FC_TLS_VERSION_1_2:
      *out = TLS1_2_VERSION;
      return FC_OK;
    case FC_TLS_VERSION_1_3:
      *out = TLS1_3_VERSION;
      return FC_OK;
  }
  return fc__error(err, FC_ERR_INVALID, "%s is %d; give one of FC_TLS_VERSION_", name,
                   (int)version);
}

static fc_result read_versions(struct fc__tls_settings *s, const struct fc__tls_choices *choices,
                               fc_error *err) {
  fc_result r = read_version(choices->min_version, "min_version", &s->min_version, err);
  if (r == FC_OK) r = read_version(choices->max_version, "max_version", &s->max_version, err);
  if (r != FC_OK) return r;
  /* RFC 9113 section 9.2: TLS 1.2 or higher. */
  if (s->min_version == 0) s->min_version = TLS1_2_VERSION;
  if (s->max_version == 0 || s->min_version <= s->max_version) return FC_OK;
  return fc__error(err, FC_ERR_INVALID, "min_version is above max_version");
}

/* Ephemeral keys and authenticated encryption; RFC 9113 appendix A lists the suites without. */
static bool suits_http2(const SSL_CIPHER *cipher) {
  if (strcmp(SSL_CIPHER_get_version(cipher), "TLSv1.3") == 0) return true;
  return SSL_CIPHER_get_kx_nid(cipher) == NID_kx_ecdhe && SSL_CIPHER_is_aead(cipher) &&
         SSL_CIPHER_get_auth_nid(cipher) != NID_auth_null;
}

static fc_result check_suites(SSL_CTX *context, const char *ciphers, fc_error *err) {
  ERR_clear_error();
  if (SSL_CTX_set_cipher_list(context, ciphers) != 1) {
    return fc__tls_error(err, "ciphers \"%s\"", ciphers);
  }
  const STACK_OF(SSL_CIPHER) *suites = SSL_CTX_get_ciphers(context);
  for (int i = 0; i < sk_SSL_CIPHER_num(suites); i++) {
    const SSL_CIPHER *suite = sk_SSL_CIPHER_value(suites, i);
    if (suits_http2(suite)) continue;
    return fc__error(err, FC_ERR_INVALID,
                     "ciphers allows %s, which HTTP/2 does not; give suites of ECDHE with AEAD",
                     SSL_CIPHER_get_name(suite));
  }
  return FC_OK;
}

static fc_result read_ciphers(struct fc__tls_settings *s, const char *ciphers, fc_error *err) {
  if (!ciphers) ciphers = default_ciphers;
  /* It weakens more than ciphers: the keys of certificates too. */
  if (strstr(ciphers, "@SECLEVEL")) {
    return fc__error(err, FC_ERR_INVALID, "ciphers has @SECLEVEL; that is the system's to set");
  }
  SSL_CTX *context = SSL_CTX_new(TLS_method());
  if (!context) return fc__tls_error(err, "OpenSSL cannot be used");
  fc_result r = check_suites(context, ciphers, err);
  SSL_CTX_free(context);
  if (r != FC_OK) return r;
  s->ciphers = fc__strdup(ciphers);
  return s->ciphers ? FC_OK : fc__error_no_memory(err);
}

static fc_result open_key_log(struct fc__tls_settings *s, const char *path, fc_error *err) {
  if (!path) return FC_OK;
  s->key_log = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (s->key_log >= 0) return FC_OK;
  return fc__error_system(err, errno, "insecure_key_log_file \"%s\"", path);
}

fc_result fc__tls_settings_init(struct fc__tls_settings *s, const struct fc__tls_choices *choices,
                                fc_error *err) {
  *s = (struct fc__tls_settings){.key_log = -1};
  fc_result r = read_versions(s, choices, err);
  if (r == FC_OK) r = read_ciphers(s, choices->ciphers, err);
  if (r == FC_OK) r = open_key_log(s, choices->key_log_file, err);
  if (r != FC_OK) fc__tls_settings_finish(s);
  return r;
}

void fc__tls_settings_finish(struct fc__tls_settings *s) {
  if (s->key_log >= 0) close(s->key_log);
  fc__free(s->ciphers);
  *s = (struct fc__tls_settings){.key_log = -1};
}

/* ---- the material of an SSL_CTX ---- */

static void end_material(void *parent, void *ptr, CRYPTO_EX_DATA *data, int index, long user,
                         void *more) {
  (void)parent, (void)data, (void)index, (void)user, (void)more;
  fc__tls_material_destroy(ptr);
}

/* Where an SSL_CTX keeps it. Negative: no memory, and the next may try again. */
static int material_index(void) {
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  static atomic_int index = -1;
  int known = atomic_load_explicit(&index, memory_order_acquire);
  if (known >= 0) return known;
  pthread_mutex_lock(&mutex);
  known = atomic_load_explicit(&index, memory_order_relaxed);
  if (known < 0) known = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, end_material);
  atomic_store_explicit(&index, known, memory_order_release);
  pthread_mutex_unlock(&mutex);
  return known;
}

struct fc__tls_material *fc__tls_material_of(const SSL_CTX *context) {
  return SSL_CTX_get_ex_data(context, material_index());
}

/* ---- an SSL_CTX ---- */

/* One write, so that lines of several processes do not mix. */
static void log_key(const SSL *ssl, const char *line) {
  const struct fc__tls_material *material = fc__tls_material_of(SSL_get_SSL_CTX(ssl));
  struct iovec parts[] = {{(void *)(uintptr_t)line, strlen(line)}, {(void *)(uintptr_t) "\n", 1}};
  ssize_t ignored = writev(material->tls->settings.key_log, parts, 2);
  (void)ignored; /* whoever debugs sees that the line is missing; the connection goes on */
}

static bool configure(const struct fc__tls_settings *s, SSL_CTX *context) {
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  /* A write may take part of what it is given, and be continued from elsewhere. */
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (s->key_log >= 0) SSL_CTX_set_keylog_callback(context, log_key);
  return SSL_CTX_set_min_proto_version(context, s->min_version) &&
         SSL_CTX_set_max_proto_version(context, s->max_version) &&
         SSL_CTX_set_cipher_list(context, s->ciphers) && SSL_CTX_set_max_early_data(context, 0) &&
         SSL_CTX_set_recv_max_early_data(context, 0);
}

fc_result fc__tls_settings_context(const struct fc__tls_settings *s,
                                   struct fc__tls_material *material, SSL_CTX **out,
                                   fc_error *err) {
  ERR_clear_error();
  *out = SSL_CTX_new(material->tls->server ? TLS_server_method() : TLS_client_method());
  if (*out && configure(s, *out) && SSL_CTX_set_ex_data(*out, material_index(), material)) {
    return FC_OK;
  }
  fc_result r = fc__tls_error(err, "OpenSSL cannot be set up");
  SSL_CTX_free(*out);
  *out = NULL;
  return r;
}
