/* The surroundings of callbacks.h, and the check that the matrix is full. */
#include "support/callbacks.h"

#include <stdio.h>

#include "support/callback_calls.h"
#include "support/certs.h"
#include "support/failing_alloc.h"
#include "support/lock_owner.h"
#include "support/stage.h"

#pragma weak lock_owner_check /* there is no place for a visit in programs without it */

static const struct {
  const char *name;
  enum callback_rule rule;
} places[] = {
#define X(of, name, rule) {#of "." #name, rule},
    CALLBACK_PLACES(X)
#undef X
};

static const struct {
  const char *name;
  enum callback_scope scope;
} functions[] = {
#define X(function, scope) {#function, scope},
    CALLBACK_FUNCTIONS(X)
#undef X
};

/* ---- the matrix ---- */

static bool is_due(enum callback_place place, enum callback_scope scope) {
  switch (scope) {
    case EVERYWHERE:
      return true;
    case UNLESS_NO_BLOCKING:
      return places[place].rule != NO_BLOCKING;
    case NOT_BY_HANDLERS:
      return places[place].rule == MAY_BLOCK;
    case BY_INTERCEPTORS:
      return place == PLACE(fc_interceptor, call);
    case BY_SRV_INTERCEPTORS:
      return place == PLACE(fc_server_interceptor, call);
    case BY_PLUGINS:
      return place == PLACE(fc_call_credentials_from_plugin, plugin);
    case NOWHERE:
      return false;
  }
  return false;
}

static void check_row(struct callbacks *c, enum callback_place place) {
  for (int f = 0; f < FUNCTION_COUNT; f++) {
    bool called = atomic_load(&c->called[place][f]);
    if (called == is_due(place, functions[f].scope)) continue;
    fail_msg("%s %s %s, see callback_table.h", places[place].name,
             called ? "must not call" : "has not called", functions[f].name);
  }
}

bool callbacks_visit(struct callbacks *c, enum callback_place place) {
  lock_owner_check(places[place].name);
  if (atomic_exchange(&c->seen[place], true)) return false;
  const struct callback_visit visit = {.all = c,
                                       .place = place,
                                       .may_block = places[place].rule != NO_BLOCKING,
                                       .in_handler = places[place].rule == IN_HANDLER};
  callback_calls_all(&visit);
  lock_owner_check(places[place].name);
  gate_pass(&c->visited);
  return true;
}

/* ---- servers and channels ---- */

/* Others that call it, and give up soon, are not kept: their handlers may come late, or never. */
static void keep(fc_call *call, void *user) {
  struct callbacks *c = user;
  fc_bytes *message = NULL;
  bool kept = fc_call_try_recv(call, &message) == FC_OK &&
              fc_slice_equals(fc_bytes_slice(message), "keep me");
  fc_bytes_unref(message);
  if (!kept) {
    fc_call_destroy(call);
    return;
  }
  int at = gate_passed(&c->kept);
  MUST(at < CALLBACKS_HELD_MAX);
  c->held[at] = call;
  gate_pass(&c->kept);
}

fc_server *callbacks_server(struct callbacks *c, const fc_server_options *options) {
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  fc_server *server;
  if (options) o = *options;
  o.reactor = c->drive.reactor;
  assert_int_equal(fc_server_create(&o, &server, NULL), FC_OK);
  return server;
}

void callbacks_register(fc_server *server, const char *method, const fc_handler *handler) {
  assert_int_equal(fc_server_register(server, method, handler, NULL), FC_OK);
}

void callbacks_start(fc_server *server, fc_server_credentials *credentials, char target[64]) {
  int port;
  fc_result r = credentials
                    ? fc_server_listen_secure(server, "127.0.0.1:0", credentials, &port, NULL)
                    : fc_server_listen(server, "127.0.0.1:0", &port, NULL);
  assert_int_equal(r, FC_OK);
  snprintf(target, 64, "ipv4:127.0.0.1:%d", port);
  assert_int_equal(fc_server_start(server, NULL), FC_OK);
}

fc_channel *callbacks_channel(struct callbacks *c, const char *target,
                              const fc_channel_options *options) {
  fc_channel_options o = FC_CHANNEL_OPTIONS_INIT;
  fc_channel *channel;
  if (options) o = *options;
  o.reactor = c->drive.reactor;
  assert_int_equal(fc_channel_create(target, &o, &channel, NULL), FC_OK);
  return channel;
}

/* ---- the surroundings ---- */

static void add(struct callbacks *c, const char *method, fc_pattern pattern, fc_handler_kind kind,
                fc_handler_fn fn) {
  fc_handler h = FC_HANDLER_INIT;
  h.pattern = pattern;
  h.kind = kind;
  h.fn = fn;
  h.user = c;
  callbacks_register(c->server, method, &h);
}

void callbacks_open(struct callbacks *c, void **state) {
  memset(c, 0, sizeof *c);
  c->kept = c->late = c->visited = (struct gate)GATE_INIT;
  (void)cert_identity("server"), (void)cert_text("ca.pem"); /* read here, where one thread runs */
  c->live = failing_alloc_live();
  drive_open(&c->drive, *(const enum drive_kind *)*state);
  c->server = callbacks_server(c, NULL);
  add(c, "/v/Echo", FC_PATTERN_UNARY_UNARY, FC_HANDLER_BLOCKING, stage_echo);
  add(c, "/v/Stream", FC_PATTERN_STREAM_STREAM, FC_HANDLER_BLOCKING, stage_echo);
  add(c, "/v/Keep", FC_PATTERN_UNARY_UNARY, FC_HANDLER_ASYNC, keep);
  callbacks_start(c->server, NULL, c->target);
  c->channel = callbacks_channel(c, c->target, NULL);
  assert_int_equal(fc_channel_wait_ready(c->channel, FC_NEVER, NULL), FC_OK);
}

void callbacks_prepare(struct callbacks *c, int visits) {
  for (int i = 2 * c->visits; i < 2 * (c->visits + visits); i++) {
    assert_true(i < CALLBACKS_HELD_MAX);
    assert_int_equal(
        fc_unary_unary_future(c->channel, "/v/Keep", TEXT("keep me"), NULL, &c->asking[i], NULL),
        FC_OK);
  }
  c->visits += visits;
  gate_await(&c->kept, 2 * c->visits);
}

void callbacks_await(struct callbacks *c) { gate_await(&c->visited, c->visits); }

void callbacks_close(struct callbacks *c) {
  callbacks_await(c);
  for (int i = 0; i < 2 * c->visits; i++) fc_call_destroy(c->asking[i]);
  gate_await(&c->late, atomic_load(&c->due));
  fc_set_interrupt_check(NULL, NULL);
  fc_channel_destroy(c->channel);
  fc_server_destroy(c->server);
  for (int i = 0; i < atomic_load(&c->left_count); i++) fc_server_destroy(c->left[i]);
  drive_close(&c->drive);
  if (!failing_alloc_comes_to(c->live))
    fail_msg("%zu blocks of memory are left", failing_alloc_live() - c->live);
  for (int place = 0; place < PLACE_COUNT; place++) {
    if (atomic_load(&c->seen[place])) check_row(c, place);
  }
}
