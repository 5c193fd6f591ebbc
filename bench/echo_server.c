/*
 * The echo service on farcall: echo_server [ADDRESS]. Prints the port and serves until SIGTERM. Handlers are
 * asynchronous; /bench.Echo/Blocking is unary on a worker thread.
 */
#include <farcall/server.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(fc_result r, const fc_error *err) {
  if (r == FC_OK) return;
  fprintf(stderr, "echo_server: %s\n", err->message);
  exit(1);
}

static void unary(fc_call *call, void *user) {
  fc_bytes *message;
  (void)user;
  if (fc_call_recv(call, &message) == FC_OK && fc_call_respond(call, message) != FC_OK)
    fc_bytes_unref(message);
}

static void unary_async(fc_call *call, void *user) {
  unary(call, user);
  fc_call_destroy(call);
}

/* ---- server stream: "COUNT SIZE" ---- */

struct source {
  unsigned long left;
  fc_bytes *message;
};

static void source_end(fc_call *call, struct source *s, fc_result r) {
  if (r == FC_OK) (void)fc_call_finish(call, FC_CODE_OK, NULL, (fc_slice){0});
  fc_bytes_unref(s->message);
  free(s);
  fc_call_destroy(call);
}

static void source_next(fc_call *call, fc_result r, void *user) {
  struct source *s = user;
  if (r != FC_OK || s->left == 0) {
    source_end(call, s, r);
    return;
  }
  s->left--;
  r = fc_call_send_async(call, fc_bytes_ref(s->message), 0, source_next, s);
  if (r != FC_OK) {
    fc_bytes_unref(s->message);
    source_end(call, s, r);
  }
}

static void server_stream(fc_call *call, void *user) {
  fc_bytes *message;
  unsigned long count = 0, size = 0;
  char text[64] = "";
  (void)user;
  if (fc_call_recv(call, &message) == FC_OK) {
    fc_slice m = fc_bytes_slice(message);
    memcpy(text, m.data, m.len < sizeof text ? m.len : sizeof text - 1);
    fc_bytes_unref(message);
  }
  sscanf(text, "%lu %lu", &count, &size);
  struct source *s = malloc(sizeof *s);
  uint8_t *data;
  if (!s) exit(1);
  s->left = count;
  s->message = fc_bytes_create(size, &data);
  memset(data, 'x', size);
  source_next(call, FC_OK, s);
}

/* ---- client stream ---- */

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

static void echo_sent(fc_call *call, fc_result r, void *user) {
  if (r != FC_OK || fc_call_recv_async(call, echo_next, user) != FC_OK) fc_call_destroy(call);
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

static void add(fc_server *server, const char *method, fc_pattern pattern, fc_handler_kind kind,
                fc_handler_fn fn) {
  fc_handler h = FC_HANDLER_INIT;
  fc_error err = FC_ERROR_INIT;
  h.pattern = pattern;
  h.kind = kind;
  h.fn = fn;
  check(fc_server_register(server, method, &h, &err), &err);
}

int main(int argc, char **argv) {
  fc_server_options options = FC_SERVER_OPTIONS_INIT;
  fc_server *server;
  fc_error err = FC_ERROR_INIT;
  int port, signal_number;
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGINT);
  sigprocmask(SIG_BLOCK, &stop, NULL);
  check(fc_server_create(&options, &server, &err), &err);
  add(server, "/bench.Echo/Unary", FC_PATTERN_UNARY_UNARY, FC_HANDLER_ASYNC, unary_async);
  add(server, "/bench.Echo/Blocking", FC_PATTERN_UNARY_UNARY, FC_HANDLER_BLOCKING, unary);
  add(server, "/bench.Echo/ServerStream", FC_PATTERN_UNARY_STREAM, FC_HANDLER_ASYNC, server_stream);
  add(server, "/bench.Echo/ClientStream", FC_PATTERN_STREAM_UNARY, FC_HANDLER_ASYNC, client_stream);
  add(server, "/bench.Echo/BidiStream", FC_PATTERN_STREAM_STREAM, FC_HANDLER_ASYNC, bidi);
  check(fc_server_listen(server, argc > 1 ? argv[1] : "127.0.0.1:0", &port, &err), &err);
  check(fc_server_start(server, &err), &err);
  printf("%d\n", port);
  fflush(stdout);
  sigwait(&stop, &signal_number);
  fc_server_destroy(server);
  return 0;
}
