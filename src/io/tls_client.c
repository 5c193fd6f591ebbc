/*
 * The TLS of a channel's credentials: whom it trusts, who it is, which sessions it keeps.
 */
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "io/tls_context.h"

/* RFC 7301 section 3.1: names with their lengths before them. */
static const uint8_t alpn[] = {2, 'h', '2'};

/* ---- an SSL_CTX ---- */

static bool trust(struct fc__tls *tls, SSL_CTX *context, const struct fc__tls_material *material) {
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
  if (tls->insecure) {
    fc__tls_trust_anybody(context);
    return true;
  }
  if (fc__tls_pem_given(&material->roots)) return fc__tls_trust(context, material->roots.certs);
  return SSL_CTX_set_default_verify_paths(context) == 1;
}

static bool prepare(struct fc__tls *tls, SSL_CTX *context,
                    const struct fc__tls_material *material) {
  if (tls->resume) {
    fc__tls_sessions_collect(context);
  } else {
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  }
  if (SSL_CTX_set_alpn_protos(context, alpn, sizeof alpn) != 0) return false; /* 0 is success */
  if (!trust(tls, context, material)) return false;
  return material->identity_count == 0 || fc__tls_identity_show(&material->identities[0], context);
}

/* ---- options ---- */

/* The variable of gRPC's other implementations. A program that runs with rights of another user does not take its
 * environment's word. */
static const char *roots_variable(void) {
#ifdef __GLIBC__
  const char *path = secure_getenv(FC__TLS_ROOTS_VARIABLE);
#else
  const char *path = getenv(FC__TLS_ROOTS_VARIABLE);
#endif
  return path && path[0] ? path : NULL;
}

static fc_result check(const fc_tls_client_options *o, fc_error *err) {
  if (o->pinned_keys.len % FC__TLS_PIN_SIZE != 0) {
    return fc__error(err, FC_ERR_INVALID, "pinned_keys has %zu bytes; give SHA-256 digests of %d",
                     o->pinned_keys.len, (int)FC__TLS_PIN_SIZE);
  }
  if (o->pinned_keys.data || o->pinned_keys.len == 0) return FC_OK;
  return fc__error(err, FC_ERR_INVALID, "pinned_keys is NULL, but has %zu bytes",
                   o->pinned_keys.len);
}

static fc_result set_up(struct fc__tls *tls, const fc_tls_client_options *o, fc_error *err) {
  struct fc__tls_given given = {o->identity,
                                o->identity ? 1 : 0,
                                o->roots,
                                o->roots_file,
                                o->insecure_skip_verify ? NULL : roots_variable(),
                                NULL};
  struct fc__tls_material *material;
  tls->prepare = prepare;
  tls->insecure = o->insecure_skip_verify;
  tls->common_name = o->insecure_common_name;
  tls->resume = !o->no_session_resumption;
  tls->pin_count = o->pinned_keys.len / FC__TLS_PIN_SIZE;
  tls->pins = fc__alloc(o->pinned_keys.len);
  if (!tls->pins) return fc__error_no_memory(err);
  if (o->pinned_keys.len) memcpy(tls->pins, o->pinned_keys.data, o->pinned_keys.len);
  fc_result r = fc__tls_material_create(tls, &given, &material, err);
  return r == FC_OK ? fc__tls_context(tls, material, &tls->context, err) : r;
}

fc_result fc__tls_client_create(const fc_tls_client_options *options, struct fc__tls **out,
                                fc_error *err) {
  fc_tls_client_options o;
  *out = NULL;
  fc_result r = fc__options_read(&o, sizeof o, options, "fc_tls_client_options", err);
  if (r == FC_OK) r = check(&o, err);
  if (r != FC_OK) return r;
  struct fc__tls_choices choices = {o.min_version, o.max_version, o.ciphers,
                                    o.insecure_key_log_file};
  struct fc__tls *tls;
  r = fc__tls_create(&choices, &tls, err);
  if (r != FC_OK) return r;
  r = set_up(tls, &o, err);
  if (r != FC_OK) {
    fc__tls_destroy(tls);
    return r;
  }
  tls->verify = o.verify;
  tls->verify_user = o.verify_user;
  tls->verify_drop = o.verify_drop;
  *out = tls;
  return FC_OK;
}
