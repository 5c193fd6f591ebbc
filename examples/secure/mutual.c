/*
 * Mutual TLS: the client shows a certificate too, and each side can ask who the other is.
 *
 *   mutual FOLDER [target]        with secure_server.c and the same folder
 */
#include <farcall/rpc.h>
#include <stdio.h>
#include <string.h>

static fc_result make_credentials(const char *folder, fc_channel_credentials **out, fc_error *err) {
  char roots[512], certificate[512], key[512];
  snprintf(roots, sizeof roots, "%s/ca.pem", folder);
  snprintf(certificate, sizeof certificate, "%s/client.pem", folder);
  snprintf(key, sizeof key, "%s/client.key", folder);
  fc_tls_identity identity = {.certificate_chain_file = certificate, .private_key_file = key};
  fc_tls_client_options options = FC_TLS_CLIENT_OPTIONS_INIT;
  options.roots_file = roots;
  options.identity = &identity;
  return fc_channel_credentials_tls(&options, out, err);
}

/* What the server's certificate says of it, apart from the certificate itself. */
static void print_peer(fc_call *call) {
  const fc_auth_context *peer = fc_call_auth_context(call);
  printf("the server is known by its %s\n", fc_auth_context_identity(peer));
  for (size_t i = 0; i < fc_auth_context_count(peer); i++) {
    fc_auth_property property = fc_auth_context_at(peer, i);
    if (strncmp(property.name, "x509_", 5) == 0 && property.value.len < 60)
      printf("  %s: %.*s\n", property.name, FC_SLICE_PRINT(property.value));
  }
}

int main(int argc, char **argv) {
  fc_error err = FC_ERROR_INIT;
  fc_channel *channel = NULL;
  fc_call_credentials *token = NULL;
  fc_bytes *response = NULL;
  fc_call *call = NULL;
  fc_code code = FC_CODE_UNKNOWN;
  fc_channel_options options = FC_CHANNEL_OPTIONS_INIT;
  fc_call_options call_options = FC_CALL_OPTIONS_INIT;
  if (argc < 2) {
    fprintf(stderr, "usage: mutual FOLDER [target]\n");
    return 2;
  }
  if (make_credentials(argv[1], &options.credentials, &err) == FC_OK &&
      fc_call_credentials_from_token("let-me-in", &token, &err) == FC_OK &&
      fc_channel_create(argc > 2 ? argv[2] : "127.0.0.1:50051", &options, &channel, &err) ==
          FC_OK) {
    call_options.timeout_ns = 5 * FC_SECOND;
    call_options.credentials = token; /* of this one call */
    code = fc_unary_unary(channel, "/example.Secure/WhoAmI", FC_SLICE_EMPTY, &call_options,
                          &response, &call, &err);
  }
  if (code == FC_CODE_OK) {
    printf("the server says: %.*s\n", FC_SLICE_PRINT(fc_bytes_slice(response)));
    print_peer(call);
  } else {
    fprintf(stderr, "%s: %s\n", fc_code_name(code), err.message);
  }
  fc_bytes_unref(response);
  fc_call_destroy(call);
  fc_channel_destroy(channel);
  fc_call_credentials_destroy(token);
  fc_channel_credentials_destroy(options.credentials);
  return code != FC_CODE_OK;
}
