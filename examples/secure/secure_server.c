/*
 * A server over TLS that wants a token from every call, and a certificate from every client that has one.
 *
 *   secure_server FOLDER [address]    "127.0.0.1:0" by default, a free port; prints the port, serves until Ctrl-C
 *
 * FOLDER holds server.pem, server.key and ca.pem, which scripts/certs.sh makes. They are read again when they
 * change, so a certificate can be renewed while the server runs.
 */
#include <ctype.h>
#include <farcall/server.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static const char token[] = "Bearer let-me-in";

/* Asked before every handler: without the right token nothing is handled. */
static void check_token(fc_server_next *next, fc_call *call, void *user) {
  (void)user;
  const fc_metadata *metadata;
  fc_slice value;
  if (fc_call_initial_metadata(call, 0, &metadata) == FC_OK &&
      fc_metadata_find(metadata, "authorization", &value) && fc_slice_equals(value, token)) {
    fc_server_next_call(next, call);
    return;
  }
  fc_call_finish(call, FC_CODE_UNAUTHENTICATED, "a call needs the right token", FC_SLICE_EMPTY);
}

static void respond(fc_call *call, const char *text) {
  fc_bytes *response = fc_bytes_copy(text, strlen(text));
  if (fc_call_respond(call, response) != FC_OK) fc_bytes_unref(response);
}

/* The request in capitals. */
static void upper(fc_call *call, void *user) {
  (void)user;
  fc_bytes *request;
  if (fc_call_recv(call, &request) != FC_OK) return;
  fc_slice text = fc_bytes_slice(request);
  uint8_t *data;
  fc_bytes *response = fc_bytes_create(text.len, &data);
  for (size_t i = 0; response && i < text.len; i++) data[i] = (uint8_t)toupper(text.data[i]);
  if (fc_call_respond(call, response) != FC_OK) fc_bytes_unref(response);
  fc_bytes_unref(request);
}

/* Who the client is, by its certificate; and what the second of its credentials said. */
static void who_am_i(fc_call *call, void *user) {
  (void)user;
  char text[256];
  const fc_auth_context *peer = fc_call_auth_context(call);
  const fc_metadata *metadata;
  fc_slice name = fc_slice_from_string("nobody known");
  fc_slice project = FC_SLICE_EMPTY;
  if (fc_auth_context_identity(peer)) fc_auth_context_find(peer, "x509_common_name", &name);
  if (fc_call_initial_metadata(call, 0, &metadata) == FC_OK)
    fc_metadata_find(metadata, "x-project", &project);
  if (project.len == 0) project = fc_slice_from_string("none");
  snprintf(text, sizeof text, "you are %.*s, your project is %.*s", FC_SLICE_PRINT(name),
           FC_SLICE_PRINT(project));
  respond(call, text);
}

static const struct {
  const char *name;
  fc_handler_fn fn;
} methods[] = {{"/example.Secure/Upper", upper}, {"/example.Secure/WhoAmI", who_am_i}};

static fc_result make_credentials(const char *folder, fc_server_credentials **out, fc_error *err) {
  char certificate[512], key[512], roots[512];
  snprintf(certificate, sizeof certificate, "%s/server.pem", folder);
  snprintf(key, sizeof key, "%s/server.key", folder);
  snprintf(roots, sizeof roots, "%s/ca.pem", folder);
  fc_tls_identity identity = {.certificate_chain_file = certificate, .private_key_file = key};
  fc_tls_server_options options = FC_TLS_SERVER_OPTIONS_INIT;
  options.identities = &identity;
  options.identity_count = 1;
  options.client_auth = FC_TLS_CLIENT_AUTH_REQUEST; /* _REQUIRE refuses those without one */
  options.client_roots_file = roots;
  return fc_server_credentials_tls(&options, out, err);
}

static fc_result set_up(const char *folder, const char *address, fc_server **server, int *port,
                        fc_error *err) {
  fc_server_credentials *credentials = NULL;
  fc_server_interceptor interceptor = {.call = check_token};
  fc_server_options options = FC_SERVER_OPTIONS_INIT;
  options.interceptors = &interceptor;
  options.interceptor_count = 1;
  fc_result result = fc_server_create(&options, server, err);
  for (size_t i = 0; result == FC_OK && i < sizeof methods / sizeof methods[0]; i++) {
    fc_handler handler = FC_HANDLER_INIT;
    handler.pattern = FC_PATTERN_UNARY_UNARY;
    handler.fn = methods[i].fn;
    result = fc_server_register(*server, methods[i].name, &handler, err);
  }
  if (result == FC_OK) result = make_credentials(folder, &credentials, err);
  if (result == FC_OK) result = fc_server_listen_secure(*server, address, credentials, port, err);
  fc_server_credentials_destroy(credentials); /* the server keeps its own reference */
  if (result == FC_OK) result = fc_server_start(*server, err);
  return result;
}

int main(int argc, char **argv) {
  fc_error err = FC_ERROR_INIT;
  fc_server *server = NULL;
  int port = 0, signal_number = 0;
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop, NULL); /* before the library starts threads, which inherit it */
  if (argc < 2) {
    fprintf(stderr, "usage: secure_server FOLDER [address]\n");
    return 2;
  }
  int failed = set_up(argv[1], argc > 2 ? argv[2] : "127.0.0.1:0", &server, &port, &err) != FC_OK;
  if (failed) {
    fprintf(stderr, "%s\n", err.message);
  } else {
    printf("listening on port %d\n", port);
    fflush(stdout);
    sigwait(&stop, &signal_number);
    failed =
        fc_server_shutdown(server, FC_SECOND) != FC_OK || fc_server_wait(server, FC_NEVER) != FC_OK;
  }
  fc_server_destroy(server);
  return failed;
}
