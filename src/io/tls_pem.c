/*
 * Certificates and keys from PEM texts, of memory or of files. A text that was cut off is refused rather than taken for a
 * shorter one, as far as it shows.
 */
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "io/tls_context.h"

typedef fc_result parse_fn(struct fc__tls_pem *pem, fc_slice text, fc_error *err);

void fc__tls_pem_name(const struct fc__tls_pem *pem, char out[FC__TLS_NAME_MAX]) {
  if (pem->path) {
    snprintf(out, FC__TLS_NAME_MAX, "%s \"%s\"", pem->label, pem->path);
  } else {
    snprintf(out, FC__TLS_NAME_MAX, "%s", pem->label);
  }
}

/* ---- certificates ---- */

/* Says whether a block begins behind the last that ended. */
static bool cut_off(fc_slice text) {
  static const char begin[] = "-----BEGIN ", end[] = "-----END ";
  bool open = false;
  for (size_t at = 0; at < text.len;) {
    const uint8_t *line = text.data + at;
    const uint8_t *newline = memchr(line, '\n', text.len - at);
    size_t len = newline ? (size_t)(newline - line) : text.len - at;
    if (len > 0 && memcmp(line, begin, len < sizeof begin - 1 ? len : sizeof begin - 1) == 0) {
      open = len >= sizeof begin - 1 || !newline;
    } else if (len >= sizeof end - 1 && memcmp(line, end, sizeof end - 1) == 0) {
      open = false;
    }
    at += len + 1;
  }
  return open;
}

/* Reads until no further block begins. */
static fc_result read_certs(struct fc__tls_pem *pem, BIO *bio, const char *name, fc_error *err) {
  X509 *cert;
  while ((cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
    /* Its extensions are looked into now, not by the first of the threads that will share it. */
    (void)X509_check_purpose(cert, -1, 0);
    if (sk_X509_push(pem->certs, cert)) continue;
    X509_free(cert);
    return fc__error_no_memory(err);
  }
  unsigned long last = ERR_peek_last_error();
  if (ERR_GET_LIB(last) != ERR_LIB_PEM || ERR_GET_REASON(last) != PEM_R_NO_START_LINE) {
    return fc__tls_error(err, "%s: certificate %d cannot be read", name,
                         sk_X509_num(pem->certs) + 1);
  }
  ERR_clear_error();
  if (sk_X509_num(pem->certs) > 0) return FC_OK;
  return fc__error(err, FC_ERR_INVALID, "%s: there is no certificate in it; give PEM", name);
}

static fc_result parse_certs(struct fc__tls_pem *pem, fc_slice text, fc_error *err) {
  char name[FC__TLS_NAME_MAX];
  fc__tls_pem_name(pem, name);
  if (cut_off(text)) return fc__error(err, FC_ERR_INVALID, "%s: its end is missing", name);
  ERR_clear_error();
  BIO *bio = BIO_new_mem_buf(text.data, (int)text.len);
  pem->certs = sk_X509_new_null();
  fc_result r = bio && pem->certs ? read_certs(pem, bio, name, err) : fc__error_no_memory(err);
  BIO_free(bio);
  return r;
}

/* ---- keys ---- */

/* A passphrase is asked for: the key is encrypted. */
static int no_passphrase(char *buffer, int size, int writing, void *user) {
  (void)buffer, (void)size, (void)writing;
  bool *asked = user;
  *asked = true;
  return -1;
}

static fc_result parse_key(struct fc__tls_pem *pem, fc_slice text, fc_error *err) {
  char name[FC__TLS_NAME_MAX];
  bool asked = false;
  fc__tls_pem_name(pem, name);
  ERR_clear_error();
  BIO *bio = BIO_new_mem_buf(text.data, (int)text.len);
  if (!bio) return fc__error_no_memory(err);
  pem->key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &asked);
  BIO_free(bio);
  if (pem->key) {
    ERR_clear_error(); /* other decoders have been tried */
    return FC_OK;
  }
  if (!asked) return fc__tls_error(err, "%s: there is no usable private key in it", name);
  ERR_clear_error();
  return fc__error(err, FC_ERR_INVALID, "%s: the key is encrypted; give it without a passphrase",
                   name);
}

/* ---- from memory or a file ---- */

static fc_result parse_file(struct fc__tls_pem *pem, parse_fn *parse, fc_error *err) {
  char name[FC__TLS_NAME_MAX];
  struct fc__tls_text text;
  fc__tls_pem_name(pem, name);
  fc_result r = fc__tls_file_read(pem->path, name, &pem->stamp, &text, err);
  if (r != FC_OK) return r;
  r = parse(pem, (fc_slice){text.data, text.len}, err);
  fc__tls_text_finish(&text);
  return r;
}

static fc_result parse_given(struct fc__tls_pem *pem, parse_fn *parse, fc_slice text,
                             const char *file, fc_error *err) {
  if (!file) {
    if (text.data && text.len <= INT_MAX) return parse(pem, text, err);
    return fc__error(err, FC_ERR_INVALID, "%s %s %zu bytes", pem->label,
                     text.data ? "has" : "is NULL, but has", text.len);
  }
  pem->path = fc__strdup(file);
  return pem->path ? parse_file(pem, parse, err) : fc__error_no_memory(err);
}

static fc_result init(struct fc__tls_pem *pem, parse_fn *parse, const char *label, fc_slice text,
                      const char *file, fc_error *err) {
  memset(pem, 0, sizeof *pem);
  snprintf(pem->label, sizeof pem->label, "%s", label);
  fc_result r = parse_given(pem, parse, text, file, err);
  if (r != FC_OK) fc__tls_pem_finish(pem);
  return r;
}

fc_result fc__tls_pem_certs(struct fc__tls_pem *pem, const char *label, fc_slice text,
                            const char *file, fc_error *err) {
  return init(pem, parse_certs, label, text, file, err);
}

fc_result fc__tls_pem_key(struct fc__tls_pem *pem, const char *label, fc_slice text,
                          const char *file, fc_error *err) {
  return init(pem, parse_key, label, text, file, err);
}

/* ---- once more ---- */

static fc_result share(struct fc__tls_pem *pem, const struct fc__tls_pem *old, fc_error *err) {
  if (old->certs) pem->certs = X509_chain_up_ref(old->certs);
  if (old->certs && !pem->certs) return fc__error_no_memory(err);
  if (old->key && !EVP_PKEY_up_ref(old->key)) return fc__error_no_memory(err);
  pem->key = old->key;
  return FC_OK;
}

fc_result fc__tls_pem_again(struct fc__tls_pem *pem, const struct fc__tls_pem *old, fc_error *err) {
  memset(pem, 0, sizeof *pem);
  memcpy(pem->label, old->label, sizeof pem->label);
  fc_result r = FC_OK;
  if (!old->path) {
    r = share(pem, old, err);
  } else if ((pem->path = fc__strdup(old->path)) == NULL) {
    r = fc__error_no_memory(err);
  } else {
    r = parse_file(pem, old->key ? parse_key : parse_certs, err);
  }
  if (r != FC_OK) fc__tls_pem_finish(pem);
  return r;
}

bool fc__tls_pem_changed(struct fc__tls_pem *pem) {
  return pem->path && fc__tls_file_changed(pem->path, &pem->stamp);
}

bool fc__tls_pem_given(const struct fc__tls_pem *pem) { return pem->certs || pem->key; }

void fc__tls_pem_finish(struct fc__tls_pem *pem) {
  fc__free(pem->path);
  sk_X509_pop_free(pem->certs, X509_free);
  EVP_PKEY_free(pem->key);
  memset(pem, 0, sizeof *pem);
}
