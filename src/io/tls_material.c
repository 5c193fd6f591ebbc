/*
 * Identities and roots of one generation of handshakes: all of them are read and fit together, or there is no such
 * generation.
 */
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "io/tls_context.h"

/* ---- identities ---- */

X509 *fc__tls_identity_leaf(const struct fc__tls_identity *identity) {
  return sk_X509_value(identity->chain.certs, 0);
}

/* What is sent after the leaf. NULL: no memory. */
static STACK_OF(X509) * others_of(const struct fc__tls_identity *identity) {
  STACK_OF(X509) *others = sk_X509_dup(identity->chain.certs);
  (void)sk_X509_shift(others);
  return others;
}

bool fc__tls_identity_show(const struct fc__tls_identity *identity, SSL_CTX *context) {
  STACK_OF(X509) *others = others_of(identity);
  X509 *leaf = fc__tls_identity_leaf(identity);
  bool shown = others && SSL_CTX_use_cert_and_key(context, leaf, identity->key.key, others, 1) == 1;
  sk_X509_free(others);
  return shown;
}

bool fc__tls_identity_use(const struct fc__tls_identity *identity, SSL *ssl) {
  STACK_OF(X509) *others = others_of(identity);
  X509 *leaf = fc__tls_identity_leaf(identity);
  /* A certificate of another kind of key would stay beside this one. */
  SSL_certs_clear(ssl);
  bool used = others && SSL_use_cert_and_key(ssl, leaf, identity->key.key, others, 1) == 1;
  sk_X509_free(others);
  return used;
}

/* There may be other reasons: no memory. */
static bool do_not_match(void) {
  unsigned long last = ERR_peek_last_error();
  return ERR_GET_LIB(last) == ERR_LIB_X509 && (ERR_GET_REASON(last) == X509_R_KEY_VALUES_MISMATCH ||
                                               ERR_GET_REASON(last) == X509_R_KEY_TYPE_MISMATCH);
}

static fc_result check_pair(const struct fc__tls_identity *identity, fc_error *err) {
  ERR_clear_error();
  if (X509_check_private_key(fc__tls_identity_leaf(identity), identity->key.key)) return FC_OK;
  char chain[FC__TLS_NAME_MAX], key[FC__TLS_NAME_MAX];
  fc__tls_pem_name(&identity->chain, chain);
  fc__tls_pem_name(&identity->key, key);
  if (!do_not_match()) return fc__tls_error(err, "%s cannot be compared with %s", key, chain);
  ERR_clear_error();
  return fc__error(err, FC_ERR_INVALID, "%s is not the key of the certificate in %s", key, chain);
}

/* fc__tls_pem_certs or fc__tls_pem_key. */
typedef fc_result read_fn(struct fc__tls_pem *pem, const char *label, fc_slice text,
                          const char *file, fc_error *err);

/* owner: whose option it is, with a dot behind. */
static fc_result read_either(struct fc__tls_pem *pem, read_fn *read, const char *owner,
                             const char *option, fc_slice text, const char *file, fc_error *err) {
  char name[FC__TLS_LABEL_MAX];
  if (file && text.len > 0) {
    return fc__error(err, FC_ERR_INVALID, "%s%s and %s%s_file are both given; give one of them",
                     owner, option, owner, option);
  }
  if (!file && text.len == 0) {
    return fc__error(err, FC_ERR_INVALID, "%s%s is not given, nor is %s%s_file", owner, option,
                     owner, option);
  }
  snprintf(name, sizeof name, "%s%s%s", owner, option, file ? "_file" : "");
  return read(pem, name, text, file, err);
}

static fc_result read_identity(struct fc__tls_identity *identity, const fc_tls_identity *given,
                               const char *owner, fc_error *err) {
  fc_result r = read_either(&identity->chain, fc__tls_pem_certs, owner, "certificate_chain",
                            given->certificate_chain, given->certificate_chain_file, err);
  if (r != FC_OK) return r;
  r = read_either(&identity->key, fc__tls_pem_key, owner, "private_key", given->private_key,
                  given->private_key_file, err);
  return r == FC_OK ? check_pair(identity, err) : r;
}

static fc_result read_identities(struct fc__tls_material *m, const struct fc__tls_given *given,
                                 fc_error *err) {
  fc_result r = FC_OK;
  for (size_t i = 0; i < m->identity_count && r == FC_OK; i++) {
    char owner[40] = "identity.";
    if (m->tls->server) snprintf(owner, sizeof owner, "identities[%zu].", i);
    r = read_identity(&m->identities[i], &given->identities[i], owner, err);
  }
  return r;
}

/* ---- all of it ---- */

static struct fc__tls_material *create(struct fc__tls *tls, size_t identity_count) {
  if (identity_count > SIZE_MAX / sizeof(struct fc__tls_identity)) return NULL;
  struct fc__tls_material *m = fc__alloc_zero(sizeof *m);
  if (!m) return NULL;
  m->tls = tls;
  m->identity_count = identity_count;
  m->identities = fc__alloc_zero(identity_count * sizeof *m->identities);
  if (m->identities) return m;
  fc__free(m);
  return NULL;
}

void fc__tls_material_destroy(struct fc__tls_material *m) {
  if (!m) return;
  for (size_t i = 0; i < m->identity_count; i++) {
    fc__tls_pem_finish(&m->identities[i].chain);
    fc__tls_pem_finish(&m->identities[i].key);
  }
  fc__free(m->identities);
  fc__tls_pem_finish(&m->roots);
  fc__free(m);
}

static fc_result hand_out(struct fc__tls_material *m, fc_result r, struct fc__tls_material **out) {
  if (r != FC_OK) {
    fc__tls_material_destroy(m);
    return r;
  }
  *out = m;
  return FC_OK;
}

static fc_result read_roots(struct fc__tls_material *m, const struct fc__tls_given *given,
                            fc_error *err) {
  if (given->roots.len > 0 || given->roots_file) {
    return read_either(&m->roots, fc__tls_pem_certs, "", m->tls->server ? "client_roots" : "roots",
                       given->roots, given->roots_file, err);
  }
  if (given->default_roots_file) {
    return fc__tls_pem_certs(&m->roots, FC__TLS_ROOTS_VARIABLE, FC_SLICE_EMPTY,
                             given->default_roots_file, err);
  }
  return given->kept_roots ? fc__tls_pem_again(&m->roots, given->kept_roots, err) : FC_OK;
}

fc_result fc__tls_material_create(struct fc__tls *tls, const struct fc__tls_given *given,
                                  struct fc__tls_material **out, fc_error *err) {
  *out = NULL;
  struct fc__tls_material *m = create(tls, given->identity_count);
  if (!m) return fc__error_no_memory(err);
  fc_result r = read_identities(m, given, err);
  if (r == FC_OK) r = read_roots(m, given, err);
  return hand_out(m, r, out);
}

fc_result fc__tls_material_again(const struct fc__tls_material *old, struct fc__tls_material **out,
                                 fc_error *err) {
  *out = NULL;
  struct fc__tls_material *m = create(old->tls, old->identity_count);
  if (!m) return fc__error_no_memory(err);
  fc_result r = fc__tls_pem_again(&m->roots, &old->roots, err);
  for (size_t i = 0; i < m->identity_count && r == FC_OK; i++) {
    const struct fc__tls_identity *from = &old->identities[i];
    r = fc__tls_pem_again(&m->identities[i].chain, &from->chain, err);
    if (r == FC_OK) r = fc__tls_pem_again(&m->identities[i].key, &from->key, err);
    if (r == FC_OK) r = check_pair(&m->identities[i], err);
  }
  return hand_out(m, r, out);
}

bool fc__tls_material_changed(struct fc__tls_material *m) {
  bool changed = fc__tls_pem_changed(&m->roots);
  for (size_t i = 0; i < m->identity_count && !changed; i++) {
    changed =
        fc__tls_pem_changed(&m->identities[i].chain) || fc__tls_pem_changed(&m->identities[i].key);
  }
  return changed;
}
