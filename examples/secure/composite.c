/*
 * A secure channel with everything: TLS that trusts one authority, call credentials made of a token and of a
 * function that is asked for each call, and compressed messages.
 *
 *   composite FOLDER [target]        with secure_server.c and the same folder
 */
#include <farcall/rpc.h>
#include <stdio.h>
#include <string.h>

/* A plugin: what a program has that gets short-lived tokens from elsewhere. This one knows the answer at
 * once; it might as well keep the request and answer from another thread. */
static void ask_for_project(fc_auth_request *request, void *user) {
  (void)user;
  printf("asked for credentials of %s\n", fc_auth_request_method(request));
  fc_metadata *metadata = fc_metadata_create();
  if (metadata && fc_metadata_add_string(metadata, "x-project", "atlas", NULL) == FC_OK) {
    fc_auth_request_answer(request, metadata, NULL);
  } else {
    fc_auth_request_answer(request, NULL, "out of memory");
  }
  fc_metadata_destroy(metadata);
}

/* Channel credentials that hold TLS, the token and the plugin. */
static fc_result make_credentials(const char *folder, fc_channel_credentials **out, fc_error *err) {
  char roots[512];
  snprintf(roots, sizeof roots, "%s/ca.pem", folder);
  fc_tls_client_options options = FC_TLS_CLIENT_OPTIONS_INIT;
  options.roots_file = roots; /* without it, the system's authorities are trusted */
  fc_channel_credentials *tls = NULL;
  fc_call_credentials *token = NULL, *plugin = NULL, *both = NULL;
  fc_result r = fc_channel_credentials_tls(&options, &tls, err);
  if (r == FC_OK) r = fc_call_credentials_from_token("let-me-in", &token, err);
  if (r == FC_OK)
    r = fc_call_credentials_from_plugin("project", ask_for_project, NULL, NULL, &plugin, err);
  if (r == FC_OK) r = fc_call_credentials_composite(token, plugin, &both, err);
  if (r == FC_OK) r = fc_channel_credentials_composite(tls, both, out, err);
  fc_call_credentials_destroy(both);
  fc_call_credentials_destroy(plugin);
  fc_call_credentials_destroy(token);
  fc_channel_credentials_destroy(tls);
  return r;
}

static fc_code call(fc_channel *channel, const char *method, fc_slice request) {
  fc_error err = FC_ERROR_INIT;
  fc_bytes *response;
  fc_call_options options = FC_CALL_OPTIONS_INIT;
  options.timeout_ns = 5 * FC_SECOND;
  fc_code code = fc_unary_unary(channel, method, request, &options, &response, NULL, &err);
  fc_slice text = fc_bytes_slice(response);
  if (code != FC_CODE_OK) {
    fprintf(stderr, "%s: %s\n", fc_code_name(code), err.message);
  } else if (text.len > 60) {
    printf("%zu bytes, all %c: %s\n", text.len, text.data[0],
           memchr(text.data, 'a', text.len) ? "no" : "yes");
  } else {
    printf("%.*s\n", FC_SLICE_PRINT(text));
  }
  fc_bytes_unref(response);
  return code;
}

int main(int argc, char **argv) {
  static char text[100001];
  fc_error err = FC_ERROR_INIT;
  fc_channel *channel = NULL;
  fc_channel_options options = FC_CHANNEL_OPTIONS_INIT;
  if (argc < 2) {
    fprintf(stderr, "usage: composite FOLDER [target]\n");
    return 2;
  }
  options.compression = FC_COMPRESSION_GZIP;
  if (make_credentials(argv[1], &options.credentials, &err) != FC_OK ||
      fc_channel_create(argc > 2 ? argv[2] : "127.0.0.1:50051", &options, &channel, &err) !=
          FC_OK) {
    fprintf(stderr, "%s\n", err.message);
    fc_channel_credentials_destroy(options.credentials);
    return 1;
  }
  fc_channel_credentials_destroy(options.credentials); /* the channel keeps its own reference */
  memset(text, 'a', sizeof text - 1);
  int failed = call(channel, "/example.Secure/WhoAmI", FC_SLICE_EMPTY) != FC_CODE_OK ||
               call(channel, "/example.Secure/Upper", fc_slice_from_string(text)) != FC_CODE_OK;
  fc_channel_destroy(channel);
  return failed;
}
