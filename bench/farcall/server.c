/*
 * The echo service on farcall: server [STREAMS]. It prints its port and serves until SIGTERM; STREAMS is what a
 * connection may have open at a time. Handlers are asynchronous, but for /bench.Echo/Blocking. With BENCH_TLS in the
 * environment, a folder of certificates, it serves TLS.
 */
#include <farcall/server.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "measure.h"

static void check(fc_result result, const fc_error *err) {
  if (result == FC_OK) return;
  fprintf(stderr, "server: %s\n", err->message);
  exit(1);
}

/* ---- unary ---- */

static void unary(fc_call *call, void *user) {
  fc_bytes *message;
  (void)user;
  if (fc_call_recv(call, &message) != FC_OK) return;
  if (fc_call_respond(call, message) != FC_OK) fc_bytes_unref(message);
}

static void unary_async(fc_call *call, void *user) {
  unary(call, user);
  fc_call_destroy(call);
}

/* ---- server stream: the request is "COUNT SIZE" in digits ---- */

struct source {
  unsigned long left;
  fc_bytes *message;
};

static void source_end(fc_call *call, struct source *source, fc_result result) {
  if (result == FC_OK) (void)fc_call_finish(call, FC_CODE_OK, NULL, (fc_slice){0});
  fc_bytes_unref(source->message);
  free(source);
  fc_call_destroy(call);
}

static void source_next(fc_call *call, fc_result result, void *user) {
  struct source *source = user;
  if (result != FC_OK || source->left == 0) {
    source_end(call, source, result);
    return;
  }
  source->left--;
  result = fc_call_send_async(call, fc_bytes_ref(source->message), 0, source_next, source);
  if (result == FC_OK) return;
  fc_bytes_unref(source->message);
  source_end(call, source, result);
}

static void server_stream(fc_call *call, void *user) {
  struct source *source = malloc(sizeof *source);
  unsigned long size = 0;
  char text[64] = "";
  uint8_t *data;
  fc_bytes *request;
  (void)user;
  if (!source) abort();
  source->left = 0;
  if (fc_call_recv(call, &request) == FC_OK) {
    fc_slice spec = fc_bytes_slice(request);
    memcpy(text, spec.data, spec.len < sizeof text ? spec.len : sizeof text - 1);
    fc_bytes_unref(request);
  }
  if (sscanf(text, "%lu %lu", &source->left, &size) != 2) source->left = 0;
  source->message = fc_bytes_create(size, &data);
  if (!source->message) abort();
  memset(data, 'x', size);
  source_next(call, FC_OK, source);
}

/* ---- client stream: the response is the last message ---- */

static void sink_next(fc_call *call, fc_bytes *message, void *user) {
  fc_bytes *last = user;
  if (message) {
    fc_bytes_unref(last);
    if (fc_call_recv_async(call, sink_next, message) == FC_OK) return;
    last = message;
  }
  if (!last || fc_call_respond(call, last) != FC_OK) fc_bytes_unref(last);
  fc_call_destroy(call);
}

static void client_stream(fc_call *call, void *user) {
  (void)user;
  if (fc_call_recv_async(call, sink_next, NULL) != FC_OK) fc_call_destroy(call);
}

/* ---- bidirectional ---- */

static void echo_next(fc_call *call, fc_bytes *message, void *user);

static void echo_sent(fc_call *call, fc_result result, void *user) {
  if (result != FC_OK || fc_call_recv_async(call, echo_next, user) != FC_OK) fc_call_destroy(call);
}

static void echo_next(fc_call *call, fc_bytes *message, void *user) {
  if (!message) {
    (void)fc_call_finish(call, FC_CODE_OK, NULL, (fc_slice){0});
    fc_call_destroy(call);
  } else if (fc_call_send_async(call, message, 0, echo_sent, user) != FC_OK) {
    fc_bytes_unref(message);
    fc_call_destroy(call);
  }
}

static void bidi(fc_call *call, void *user) {
  if (fc_call_recv_async(call, echo_next, user) != FC_OK) fc_call_destroy(call);
}

/* ---- the server ---- */

static const struct {
  const char *method;
  fc_pattern pattern;
  fc_handler_kind kind;
  fc_handler_fn fn;
} handlers[] = {
    {"/bench.Echo/Unary", FC_PATTERN_UNARY_UNARY, FC_HANDLER_ASYNC, unary_async},
    {"/bench.Echo/Blocking", FC_PATTERN_UNARY_UNARY, FC_HANDLER_BLOCKING, unary},
    {"/bench.Echo/ServerStream", FC_PATTERN_UNARY_STREAM, FC_HANDLER_ASYNC, server_stream},
    {"/bench.Echo/ClientStream", FC_PATTERN_STREAM_UNARY, FC_HANDLER_ASYNC, client_stream},
    {"/bench.Echo/BidiStream", FC_PATTERN_STREAM_STREAM, FC_HANDLER_ASYNC, bidi},
};

/* /bench.Echo/Unary00 and so on, for calls of several methods in turn. */
static void add_methods(fc_server *server) {
  fc_error err = FC_ERROR_INIT;
  for (int i = 0; i < 20; i++) {
    char method[32];
    fc_handler h = FC_HANDLER_INIT;
    snprintf(method, sizeof method, "/bench.Echo/Unary%02d", i);
    h.pattern = FC_PATTERN_UNARY_UNARY;
    h.kind = FC_HANDLER_ASYNC;
    h.fn = unary_async;
    check(fc_server_register(server, method, &h, &err), &err);
  }
}

static void add_handlers(fc_server *server) {
  fc_error err = FC_ERROR_INIT;
  for (size_t i = 0; i < sizeof handlers / sizeof handlers[0]; i++) {
    fc_handler h = FC_HANDLER_INIT;
    h.pattern = handlers[i].pattern;
    h.kind = handlers[i].kind;
    h.fn = handlers[i].fn;
    check(fc_server_register(server, handlers[i].method, &h, &err), &err);
  }
}

static void listen_tls(fc_server *server, const char *folder, int *port) {
  fc_tls_server_options options = FC_TLS_SERVER_OPTIONS_INIT;
  fc_server_credentials *credentials;
  fc_error err = FC_ERROR_INIT;
  char certificate[512], key[512];
  snprintf(certificate, sizeof certificate, "%s/server.pem", folder);
  snprintf(key, sizeof key, "%s/server.key", folder);
  options.identities =
      &(fc_tls_identity){.certificate_chain_file = certificate, .private_key_file = key};
  options.identity_count = 1;
  check(fc_server_credentials_tls(&options, &credentials, &err), &err);
  check(fc_server_listen_secure(server, "127.0.0.1:0", credentials, port, &err), &err);
  fc_server_credentials_destroy(credentials);
}

int main(int argc, char **argv) {
  const char *tls = getenv("BENCH_TLS");
  fc_server_options options = FC_SERVER_OPTIONS_INIT;
  fc_server *server;
  fc_error err = FC_ERROR_INIT;
  int port, signal_number;
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigprocmask(SIG_BLOCK, &stop, NULL);
  measure_raise_files();
  if (argc > 1) options.max_concurrent_streams = (uint32_t)atoi(argv[1]);
  check(fc_server_create(&options, &server, &err), &err);
  add_handlers(server);
  add_methods(server);
  if (tls) {
    listen_tls(server, tls, &port);
  } else {
    check(fc_server_listen(server, "127.0.0.1:0", &port, &err), &err);
  }
  check(fc_server_start(server, &err), &err);
  printf("%d\n", port);
  fflush(stdout);
  sigwait(&stop, &signal_number);
  fc_server_destroy(server);
  return 0;
}
