/* The server and the channel of pair.h. */
#include "threads/pair.h"

#include <string.h>

#define ADDRESS "10.0.0.1:80"

/* ---- handlers ---- */

void pair_answer(struct pair *p, fc_call *call) {
  fc_bytes *request;
  if (fc_call_recv(call, &request) != FC_OK) return;
  if (fc_slice_equals(fc_bytes_slice(request), "slow")) sched_sleep(pair_slow);
  p->answered++;
  if (fc_call_respond(call, request) != FC_OK) fc_bytes_unref(request);
}

static void work(fc_call *call, void *user) { pair_answer(user, call); }

static void answer(fc_call *call, void *user) {
  pair_answer(user, call);
  fc_call_destroy(call);
}

static void echo(fc_call *call, void *user) {
  fc_bytes *message;
  (void)user;
  while (fc_call_recv(call, &message) == FC_OK) {
    if (fc_call_send(call, message, 0) != FC_OK) fc_bytes_unref(message);
  }
  if (fc_call_finish(call, FC_CODE_OK, NULL, FC_SLICE_EMPTY) != FC_OK)
    sched_note("the call is over");
}

static void add(struct pair *p, const char *name, fc_handler_kind kind, fc_handler_fn fn) {
  fc_handler h = FC_HANDLER_INIT;
  h.pattern = fn == echo ? FC_PATTERN_STREAM_STREAM : FC_PATTERN_UNARY_UNARY;
  h.kind = kind;
  h.fn = fn;
  h.user = p;
  MUST(fc_server_register(p->server, name, &h, NULL) == FC_OK);
}

/* ---- life ---- */

void pair_open_server(struct pair *p, const fc_server_options *options) {
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  if (options) o = *options;
  o.max_pending_calls = 12; /* few wait at a time: a count that is too high would soon refuse one */
  p->server_node = node_open(FC_REACTOR_AUTO, &p->server_reactor);
  o.reactor = p->server_reactor;
  MUST(fc_server_create(&o, &p->server, NULL) == FC_OK);
  fc_reactor_destroy(p->server_reactor);
  add(p, "/t/Take", FC_HANDLER_TAKEN, NULL);
  add(p, "/t/Work", FC_HANDLER_BLOCKING, work);
  add(p, "/t/Answer", FC_HANDLER_ASYNC, answer);
  add(p, "/t/Echo", FC_HANDLER_BLOCKING, echo);
  MUST(fc_server_listen(p->server, ADDRESS, NULL, NULL) == FC_OK);
  MUST(fc_server_start(p->server, NULL) == FC_OK);
}

void pair_open_channel(struct pair *p) {
  fc_channel_options o = FC_CHANNEL_OPTIONS_INIT;
  p->client_node = node_open(FC_REACTOR_AUTO, &p->client_reactor);
  o.reactor = p->client_reactor;
  MUST(fc_channel_create("ipv4:" ADDRESS, &o, &p->channel, NULL) == FC_OK);
  fc_reactor_destroy(p->client_reactor);
}

void pair_open(struct pair *p, const fc_server_options *options) {
  memset(p, 0, sizeof *p);
  pair_open_server(p, options);
  pair_open_channel(p);
}

void pair_close(struct pair *p) {
  fc_channel_destroy(p->channel);
  fc_server_destroy(p->server);
}

/* ---- calling ---- */

fc_code pair_call(struct pair *p, const char *method, const char *request, int64_t timeout,
                  int64_t by) {
  struct sched_promise promise = {.what = NULL};
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  fc_bytes *response;
  o.timeout_ns = timeout;
  sched_promise(&promise, "a call ends", by);
  fc_code code =
      fc_unary_unary(p->channel, method, fc_slice_from_string(request), &o, &response, NULL, NULL);
  sched_kept(&promise);
  sched_note("a call ends with %s", fc_code_name(code));
  if (code == FC_CODE_OK) MUST(fc_slice_equals(fc_bytes_slice(response), request));
  if (code == FC_CODE_OK) fc_bytes_unref(response);
  return code;
}
