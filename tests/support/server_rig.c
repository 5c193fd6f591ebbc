/* The server of server_rig.h. */
#include "support/server_rig.h"

#include "support/check.h"

static void answer(fc_call *call, void *user) {
  struct rig *rig = user;
  fc_bytes *request;
  rig->begun++;
  assert_int_equal(fc_call_recv(call, &request), FC_OK);
  if (fc_call_respond(call, request) != FC_OK) fc_bytes_unref(request);
  fc_call_destroy(call);
}

static void told_over(fc_call *call, void *user) {
  struct rig *rig = user;
  rig->over++;
  rig->code = fc_call_status(call)->code;
  rig->at = sim_now(rig->sim);
}

static void hold(fc_call *call, void *user) {
  struct rig *rig = user;
  rig->begun++;
  if (++rig->running > rig->most) rig->most = rig->running;
  assert_true(rig->held_count < RIG_HELD);
  rig->held[rig->held_count++] = call;
  if (fc_call_on_done(call, told_over, rig) != FC_OK) told_over(call, rig);
}

static void give_up(fc_call *call, void *user) {
  ((struct rig *)user)->begun++;
  fc_call_destroy(call);
}

void rig_create(struct rig *rig, const fc_server_options *options) {
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  if (options) o = *options;
  memset(rig, 0, sizeof *rig);
  rig->sim = sim_create(1);
  o.reactor = sim_reactor(rig->sim);
  /* Without a limit they would not be counted, see sim_counts.h. */
  if (o.max_connections == 0) o.max_connections = 100000;
  if (o.max_concurrent_calls == 0) o.max_concurrent_calls = 100000;
  fc_error err = FC_ERROR_INIT;
  if (fc_server_create(&o, &rig->server, &err) != FC_OK) fail_msg("%s", err.message);
}

static void add(struct rig *rig, const char *name, fc_pattern pattern, fc_handler_fn fn) {
  fc_handler h = FC_HANDLER_INIT;
  h.pattern = pattern;
  h.kind = FC_HANDLER_ASYNC;
  h.fn = fn;
  h.user = rig;
  assert_int_equal(fc_server_register(rig->server, name, &h, NULL), FC_OK);
}

void rig_register(struct rig *rig) {
  add(rig, "/t/Answer", FC_PATTERN_UNARY_UNARY, answer);
  add(rig, "/t/Hold", FC_PATTERN_UNARY_UNARY, hold);
  add(rig, "/t/Stream", FC_PATTERN_STREAM_STREAM, hold);
  add(rig, "/t/GiveUp", FC_PATTERN_UNARY_UNARY, give_up);
}

void rig_start(struct rig *rig) {
  fc_error err = FC_ERROR_INIT;
  if (fc_server_listen(rig->server, RIG_ADDRESS, NULL, &err) != FC_OK) fail_msg("%s", err.message);
  assert_int_equal(fc_server_start(rig->server, NULL), FC_OK);
}

void rig_open(struct rig *rig, const fc_server_options *options) {
  rig_create(rig, options);
  rig_register(rig);
  rig_start(rig);
}

/* With an empty response where one is due. */
static void end(fc_call *call, fc_code code) {
  fc_bytes *response = code == FC_CODE_OK ? fc_bytes_copy("", 0) : NULL;
  if (response && fc_call_respond(call, response) == FC_OK) return;
  fc_bytes_unref(response);
  (void)!fc_call_finish(call, code, NULL, (fc_slice){0});
}

void rig_finish(struct rig *rig, int index, fc_code code) {
  fc_call *call = rig->held[index];
  if (!call) return;
  rig->held[index] = NULL;
  rig->running--;
  end(call, code);
  fc_call_destroy(call);
}

void rig_finish_all(struct rig *rig) {
  for (int i = 0; i < rig->held_count; i++) rig_finish(rig, i, FC_CODE_OK);
}

void rig_close(struct rig *rig) {
  rig_finish_all(rig);
  fc_server_destroy(rig->server);
  sim_run_for(rig->sim, FC_SECOND);
  sim_destroy(rig->sim);
}
