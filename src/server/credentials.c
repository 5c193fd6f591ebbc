/* Credentials of servers: what the connections of a port are secured with. */
#include "server/credentials.h"

#include "base/error.h"
#include "base/mem.h"

void fc_server_credentials_destroy(fc_server_credentials *credentials) {
  if (!credentials || atomic_fetch_sub_explicit(&credentials->refs, 1, memory_order_acq_rel) != 1) {
    return;
  }
  if (credentials->tls) fc__tls_unref(credentials->tls);
  fc__free(credentials);
}

/* ---- making ---- */

/* NULL: no memory. */
static fc_server_credentials *create(enum fc__security security) {
  fc_server_credentials *credentials = fc__alloc_zero(sizeof *credentials);
  if (!credentials) return NULL;
  atomic_init(&credentials->refs, 1);
  credentials->security = security;
  return credentials;
}

static fc_result give(fc_server_credentials *credentials, fc_server_credentials **out,
                      fc_error *err) {
  *out = credentials;
  return credentials ? FC_OK : fc__error_no_memory(err);
}

static fc_result check_out(fc_server_credentials **out, fc_error *err) {
  if (!out) return fc__error(err, FC_ERR_INVALID, "out is NULL");
  *out = NULL;
  return FC_OK;
}

/* The settings come last: once they are made, nothing may fail and drop what is still the caller's. */
fc_result fc_server_credentials_tls(const fc_tls_server_options *options,
                                    fc_server_credentials **out, fc_error *err) {
  fc_result r = check_out(out, err);
  if (r != FC_OK) return r;
  fc_server_credentials *credentials = create(FC__SECURITY_TLS);
  if (!credentials) return fc__error_no_memory(err);
  r = fc__tls_server_create(options, credentials, &credentials->tls, err);
  if (r == FC_OK) {
    *out = credentials;
  } else {
    fc_server_credentials_destroy(credentials);
  }
  return r;
}

fc_result fc_server_credentials_update(fc_server_credentials *credentials,
                                       const fc_tls_identity *identities, size_t identity_count,
                                       fc_slice client_roots, fc_error *err) {
  if (!credentials) return fc__error(err, FC_ERR_INVALID, "credentials is NULL");
  if (credentials->security != FC__SECURITY_TLS) {
    return fc__error(err, FC_ERR_INVALID, "credentials are not TLS: they have no certificates");
  }
  return fc__tls_server_update(credentials->tls, identities, identity_count, client_roots, err);
}

fc_result fc_server_credentials_insecure(fc_server_credentials **out, fc_error *err) {
  fc_result r = check_out(out, err);
  return r == FC_OK ? give(create(FC__SECURITY_INSECURE), out, err) : r;
}

fc_result fc_server_credentials_local(fc_local_type type, fc_server_credentials **out,
                                      fc_error *err) {
  enum fc__security security;
  fc_result r = check_out(out, err);
  if (r == FC_OK) r = fc__security_of_local(type, &security, err);
  return r == FC_OK ? give(create(security), out, err) : r;
}

/* ---- of a server ---- */

fc_result fc__server_keys_add(struct fc__server_key **keys, fc_server_credentials *credentials) {
  for (struct fc__server_key *k = *keys; k; k = k->next) {
    if (k->credentials == credentials) return FC_OK;
  }
  struct fc__server_key *key = fc__alloc(sizeof *key);
  if (!key) return FC_ERR_NO_MEMORY;
  atomic_fetch_add_explicit(&credentials->refs, 1, memory_order_relaxed);
  *key = (struct fc__server_key){*keys, credentials};
  *keys = key;
  return FC_OK;
}

void fc__server_keys_finish(struct fc__server_key **keys) {
  for (struct fc__server_key *key; (key = *keys);) {
    *keys = key->next;
    fc_server_credentials_destroy(key->credentials);
    fc__free(key);
  }
}
