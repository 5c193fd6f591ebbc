/* The asynchronous server and the calls of exchange.h. Messages are long enough for windows to fill. */
#include "support/exchange.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/check.h"

enum { STREAM = EXCHANGE_STREAM, LENGTH = EXCHANGE_LENGTH };

int exchange_threads(void) {
  int count = 0;
  DIR *tasks = opendir("/proc/self/task");
  assert_non_null(tasks);
  for (struct dirent *entry; (entry = readdir(tasks)) != NULL;) count += entry->d_name[0] != '.';
  closedir(tasks);
  return count;
}

static void count_threads(struct exchange *exchange) {
  int threads = exchange_threads(), most = exchange->threads_most;
  while (threads > most && !atomic_compare_exchange_weak(&exchange->threads_most, &most, threads)) {
  }
}

static fc_bytes *long_message(void) {
  uint8_t *data;
  fc_bytes *bytes = fc_bytes_create(LENGTH, &data);
  assert_non_null(bytes);
  memset(data, 'm', LENGTH);
  return bytes;
}

/* ---- the server ---- */

static void finish(fc_call *call) {
  assert_int_equal(fc_call_finish(call, FC_CODE_OK, NULL, (fc_slice){NULL, 0}), FC_OK);
  fc_call_destroy(call);
}

static void unary_unary(fc_call *call, void *user) {
  fc_bytes *request;
  count_threads(user);
  assert_int_equal(fc_call_recv(call, &request), FC_OK);
  assert_int_equal(fc_call_respond(call, request), FC_OK);
  fc_call_destroy(call);
}

struct stream {
  struct exchange *exchange;
  int count;
};

static struct stream *stream_create(struct exchange *exchange, int count) {
  struct stream *stream = malloc(sizeof *stream);
  assert_non_null(stream);
  *stream = (struct stream){exchange, count};
  return stream;
}

static void send_next(fc_call *call, fc_result result, void *user) {
  struct stream *stream = user;
  count_threads(stream->exchange);
  assert_int_equal(result, FC_OK);
  if (stream->count-- > 0) {
    assert_int_equal(fc_call_send_async(call, long_message(), 0, send_next, stream), FC_OK);
    return;
  }
  finish(call);
  free(stream);
}

static void unary_stream(fc_call *call, void *user) {
  fc_bytes *request;
  assert_int_equal(fc_call_recv(call, &request), FC_OK);
  fc_bytes_unref(request);
  send_next(call, FC_OK, stream_create(user, STREAM));
}

static void count_next(fc_call *call, fc_bytes *message, void *user) {
  struct stream *stream = user;
  count_threads(stream->exchange);
  if (message != NULL) {
    stream->count++;
    fc_bytes_unref(message);
    assert_int_equal(fc_call_recv_async(call, count_next, stream), FC_OK);
    return;
  }
  assert_int_equal(stream->count, STREAM);
  assert_int_equal(fc_call_respond(call, long_message()), FC_OK);
  fc_call_destroy(call);
  free(stream);
}

static void stream_unary(fc_call *call, void *user) {
  assert_int_equal(fc_call_recv_async(call, count_next, stream_create(user, 0)), FC_OK);
}

static void echo_received(fc_call *call, fc_bytes *message, void *user);

static void echo_sent(fc_call *call, fc_result result, void *user) {
  assert_int_equal(result, FC_OK);
  assert_int_equal(fc_call_recv_async(call, echo_received, user), FC_OK);
}

static void echo_received(fc_call *call, fc_bytes *message, void *user) {
  count_threads(user);
  if (message == NULL) {
    finish(call);
  } else {
    assert_int_equal(fc_call_send_async(call, message, 0, echo_sent, user), FC_OK);
  }
}

static void stream_stream(fc_call *call, void *user) { echo_sent(call, FC_OK, user); }

static void held_is_over(fc_call *call, void *user) {
  count_threads(user);
  fc_call_destroy(call);
}

static void hold(fc_call *call, void *user) {
  if (fc_call_on_done(call, held_is_over, user) != FC_OK) fc_call_destroy(call);
}

static const struct {
  const char *name;
  fc_pattern pattern;
  fc_handler_fn fn;
} methods[] = {
    {"/test.Exchange/UnaryUnary", FC_PATTERN_UNARY_UNARY, unary_unary},
    {"/test.Exchange/UnaryStream", FC_PATTERN_UNARY_STREAM, unary_stream},
    {"/test.Exchange/StreamUnary", FC_PATTERN_STREAM_UNARY, stream_unary},
    {"/test.Exchange/StreamStream", FC_PATTERN_STREAM_STREAM, stream_stream},
    {"/test.Exchange/Hold", FC_PATTERN_UNARY_UNARY, hold},
};

/* ---- the client ---- */

static fc_bytes *next_request(fc_call *call, void *user) {
  (void)call;
  struct exchange_outcome *outcome = user;
  count_threads(outcome->exchange);
  return outcome->to_send-- > 0 ? long_message() : NULL;
}

static bool on_message(fc_call *call, fc_bytes *message, void *user) {
  struct exchange_outcome *outcome = user;
  (void)call;
  count_threads(outcome->exchange);
  outcome->messages++;
  outcome->bytes += fc_bytes_slice(message).len;
  fc_bytes_unref(message);
  return true;
}

static void on_outcome(fc_call *call, const fc_status *status, fc_bytes *response, void *user) {
  struct exchange_outcome *outcome = user;
  if (response != NULL) on_message(call, response, user);
  count_threads(outcome->exchange);
  outcome->told++;
  outcome->code = status->code;
  outcome->exchange->running--;
  gate_pass(&outcome->exchange->told);
}

static struct exchange_outcome *begin(struct exchange *exchange, int which, int to_send) {
  struct exchange_outcome *outcome = &exchange->outcomes[which];
  *outcome = (struct exchange_outcome){exchange, to_send, 0, 0, 0, FC_CODE_UNKNOWN};
  exchange->running++;
  return outcome;
}

void exchange_start(struct exchange *x) {
  fc_bytes *message = long_message();
  fc_slice request = fc_bytes_slice(message);
  assert_int_equal(fc_unary_unary_async(x->channel, methods[0].name, request, NULL, on_outcome,
                                        begin(x, FC_PATTERN_UNARY_UNARY, 0), NULL, NULL),
                   FC_OK);
  assert_int_equal(
      fc_unary_stream_async(x->channel, methods[1].name, request, NULL, on_message, on_outcome,
                            begin(x, FC_PATTERN_UNARY_STREAM, 0), NULL, NULL),
      FC_OK);
  assert_int_equal(
      fc_stream_unary_async(x->channel, methods[2].name, next_request, NULL, on_outcome,
                            begin(x, FC_PATTERN_STREAM_UNARY, STREAM), NULL, NULL),
      FC_OK);
  assert_int_equal(
      fc_stream_stream_async(x->channel, methods[3].name, next_request, on_message, NULL,
                             on_outcome, begin(x, FC_PATTERN_STREAM_STREAM, STREAM), NULL, NULL),
      FC_OK);
  fc_bytes_unref(message);
}

void exchange_start_held(struct exchange *x, int64_t timeout_ns) {
  fc_call_options options = FC_CALL_OPTIONS_INIT;
  options.timeout_ns = timeout_ns;
  assert_int_equal(fc_unary_unary_async(x->channel, methods[4].name, TEXT("hold"), &options,
                                        on_outcome, begin(x, EXCHANGE_HELD, 0), NULL, NULL),
                   FC_OK);
}

void exchange_check(const struct exchange *exchange) {
  for (int i = 0; i < EXCHANGE_HELD; i++) {
    const struct exchange_outcome *outcome = &exchange->outcomes[i];
    bool many = i == FC_PATTERN_UNARY_STREAM || i == FC_PATTERN_STREAM_STREAM;
    assert_int_equal(outcome->told, 1);
    assert_int_equal(outcome->code, FC_CODE_OK);
    assert_int_equal(outcome->messages, many ? STREAM : 1);
    assert_int_equal(outcome->bytes, (many ? STREAM : 1) * LENGTH);
  }
}

/* ---- both ---- */

static void listen_at_any_port(struct exchange *exchange, fc_server_credentials *credentials) {
  static const char any[] = "127.0.0.1:0";
  fc_result r = credentials ? fc_server_listen_secure(exchange->server, any, credentials,
                                                      &exchange->port, NULL)
                            : fc_server_listen(exchange->server, any, &exchange->port, NULL);
  assert_int_equal(r, FC_OK);
}

static void serve(struct exchange *exchange, fc_reactor *reactor,
                  fc_server_credentials *credentials) {
  fc_server_options options = FC_SERVER_OPTIONS_INIT;
  options.reactor = reactor;
  assert_int_equal(fc_server_create(&options, &exchange->server, NULL), FC_OK);
  for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
    fc_handler handler = FC_HANDLER_INIT;
    handler.pattern = methods[i].pattern;
    handler.kind = FC_HANDLER_ASYNC;
    handler.fn = methods[i].fn;
    handler.user = exchange;
    assert_int_equal(fc_server_register(exchange->server, methods[i].name, &handler, NULL), FC_OK);
  }
  listen_at_any_port(exchange, credentials);
  assert_int_equal(fc_server_start(exchange->server, NULL), FC_OK);
}

void exchange_open_secure(struct exchange *exchange, fc_reactor *client, fc_reactor *server,
                          const struct exchange_security *security) {
  char target[40];
  fc_channel_options options = FC_CHANNEL_OPTIONS_INIT;
  *exchange = (struct exchange){.told = GATE_INIT};
  serve(exchange, server, security->server);
  snprintf(target, sizeof target, "ipv4:127.0.0.1:%d", exchange->port);
  options.reactor = client;
  options.credentials = security->channel;
  assert_int_equal(fc_channel_create(target, &options, &exchange->channel, NULL), FC_OK);
}

void exchange_open(struct exchange *exchange, fc_reactor *client, fc_reactor *server) {
  exchange_open_secure(exchange, client, server, &(struct exchange_security){NULL, NULL});
}

void exchange_close(struct exchange *exchange) {
  fc_channel_destroy(exchange->channel);
  fc_server_destroy(exchange->server);
}
