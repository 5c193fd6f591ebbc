/* TLS of the test server: its certificate, and what is known of a client. */
#include "server_security.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static fc_result tls_from(const char *folder, bool mutual, fc_server_credentials **out,
                          fc_error *err) {
  fc_tls_server_options options = FC_TLS_SERVER_OPTIONS_INIT;
  fc_tls_identity identity = {0};
  char chain[512], key[512], roots[512];
  snprintf(chain, sizeof chain, "%s/server.pem", folder);
  snprintf(key, sizeof key, "%s/server.key", folder);
  snprintf(roots, sizeof roots, "%s/ca.pem", folder);
  identity.certificate_chain_file = chain;
  identity.private_key_file = key;
  options.identities = &identity;
  options.identity_count = 1;
  if (mutual) {
    options.client_auth = FC_TLS_CLIENT_AUTH_REQUIRE;
    options.client_roots_file = roots;
  }
  return fc_server_credentials_tls(&options, out, err);
}

fc_server_credentials *security_credentials(int argc, char **argv) {
  fc_server_credentials *credentials = NULL;
  const char *folder = NULL;
  bool mutual = false;
  fc_error err = FC_ERROR_INIT;
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--mutual") == 0) mutual = true;
    if (strcmp(argv[i], "--certs") == 0 && i + 1 < argc) folder = argv[++i];
  }
  fc_result r = folder ? tls_from(folder, mutual, &credentials, &err)
                       : fc_server_credentials_insecure(&credentials, &err);
  if (r != FC_OK) {
    fprintf(stderr, "interop_server: %s\n", err.message);
    exit(1);
  }
  return credentials;
}

fc_bytes *security_known(fc_call *call, fc_slice name) {
  const fc_auth_context *context = fc_call_auth_context(call);
  char lines[8192];
  size_t len = 0;
  for (size_t i = 0; i < fc_auth_context_count(context) && len < sizeof lines; i++) {
    fc_auth_property property = fc_auth_context_at(context, i);
    if (!fc_slice_equals(name, property.name)) continue;
    len += (size_t)snprintf(lines + len, sizeof lines - len, "%s%.*s", len ? "\n" : "",
                            FC_SLICE_PRINT(property.value));
  }
  return fc_bytes_copy(lines, len < sizeof lines ? len : sizeof lines - 1);
}
