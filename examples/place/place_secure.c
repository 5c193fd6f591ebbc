/* Credentials from a folder of PEM files. */
#include "place_secure.h"

#include <stdio.h>
#include <string.h>

const char *place_tls_folder(int *argc, char ***argv) {
  if (*argc < 3 || strcmp((*argv)[1], "--tls") != 0) return NULL;
  *argc -= 2;
  *argv += 2;
  return (*argv)[0];
}

struct paths {
  char roots[512], certificate[512], key[512];
};

static fc_tls_identity paths_of(struct paths *p, const char *folder, const char *who) {
  snprintf(p->roots, sizeof p->roots, "%s/ca.pem", folder);
  snprintf(p->certificate, sizeof p->certificate, "%s/%s.pem", folder, who);
  snprintf(p->key, sizeof p->key, "%s/%s.key", folder, who);
  return (fc_tls_identity){.certificate_chain_file = p->certificate, .private_key_file = p->key};
}

fc_result place_client_credentials(const char *folder, fc_channel_credentials **out,
                                   fc_error *err) {
  struct paths paths;
  fc_tls_identity identity = paths_of(&paths, folder, "client");
  fc_tls_client_options options = FC_TLS_CLIENT_OPTIONS_INIT;
  options.roots_file = paths.roots;
  options.identity = &identity;
  return fc_channel_credentials_tls(&options, out, err);
}

fc_result place_server_credentials(const char *folder, fc_server_credentials **out, fc_error *err) {
  struct paths paths;
  fc_tls_identity identity = paths_of(&paths, folder, "server");
  fc_tls_server_options options = FC_TLS_SERVER_OPTIONS_INIT;
  options.identities = &identity;
  options.identity_count = 1;
  options.client_auth = FC_TLS_CLIENT_AUTH_REQUIRE;
  options.client_roots_file = paths.roots;
  return fc_server_credentials_tls(&options, out, err);
}
