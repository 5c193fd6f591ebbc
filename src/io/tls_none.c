/*
 * Stands in for TLS in a library that is built without it: no struct fc__tls ever exists.
 */
#include <errno.h>

#include "base/error.h"
#include "io/tls.h"

static fc_result without(struct fc__tls **out, fc_error *err) {
  *out = NULL;
  return fc__error(err, FC_ERR_INVALID, "this library was built without TLS");
}

fc_result fc__tls_client_create(const fc_tls_client_options *options, struct fc__tls **out,
                                fc_error *err) {
  (void)options;
  return without(out, err);
}

fc_result fc__tls_server_create(const fc_tls_server_options *options,
                                fc_server_credentials *credentials, struct fc__tls **out,
                                fc_error *err) {
  (void)options, (void)credentials;
  return without(out, err);
}

fc_result fc__tls_server_update(struct fc__tls *tls, const fc_tls_identity *identities,
                                size_t identity_count, fc_slice client_roots, fc_error *err) {
  (void)identities, (void)identity_count, (void)client_roots;
  return without(&tls, err);
}

struct fc__tls *fc__tls_ref(struct fc__tls *tls) {
  return tls;
}

void fc__tls_unref(struct fc__tls *tls) { (void)tls; }

int fc__tls_wrap(struct fc__tls *tls, struct fc__loop *loop, struct fc__transport *below,
                 const char *name, struct fc__transport **out) {
  (void)tls, (void)loop, (void)below, (void)name;
  *out = NULL;
  return -ENOTSUP;
}
