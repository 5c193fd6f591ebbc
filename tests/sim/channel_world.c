/* The world of channel_world.h. */
#include "sim/channel_world.h"

#include "support/check.h"

static const int64_t beginning = 1000 * FC_SECOND;

void world_open(struct world *w) {
  memset(w, 0, sizeof *w);
  w->sim = sim_create(1);
  raw_server_open(&w->server, sim_reactor(w->sim), "10.0.0.1:80");
  w->options = (fc_channel_options)FC_CHANNEL_OPTIONS_INIT;
  w->options.reactor = sim_reactor(w->sim);
}

void world_channel(struct world *w, const char *target) {
  fc_error err = FC_ERROR_INIT;
  if (fc_channel_create(target, &w->options, &w->channel, &err) != FC_OK)
    fail_msg("%s", err.message);
}

void world_close(struct world *w) {
  fc_channel_destroy(w->channel);
  raw_server_close(&w->server);
  sim_run_for(w->sim, FC_SECOND);
  assert_int_equal(sim_connections(w->sim), 0);
  sim_destroy(w->sim);
}

fc_call *world_call(struct world *w, const char *method, int64_t timeout, bool wait_for_ready) {
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  fc_error err = FC_ERROR_INIT;
  fc_call *call;
  o.timeout_ns = timeout;
  o.wait_for_ready = wait_for_ready ? FC_WAIT_FOR_READY_ON : FC_WAIT_FOR_READY_UNSET;
  if (fc_unary_unary_future(w->channel, method, TEXT("hello"), &o, &call, &err) != FC_OK) {
    fail_msg("%s", err.message);
  }
  return call;
}

void world_expect(fc_call *call, fc_code code, const char *part) {
  assert_true(fc_call_is_done(call));
  const fc_status *status = fc_call_status(call);
  if (status->code != code || !strstr(status->message, part)) {
    fail_msg("%s \"%s\" instead of %s \"%s\"", fc_code_name(status->code), status->message,
             fc_code_name(code), part);
  }
  fc_call_destroy(call);
}

void world_expect_running(fc_call *call) { assert_false(fc_call_is_done(call)); }

void world_exchange(struct world *w) {
  fc_bytes *response;
  fc_error err = FC_ERROR_INIT;
  fc_code code =
      fc_unary_unary(w->channel, "/s/exchange", TEXT("hello"), NULL, &response, NULL, &err);
  if (code != FC_CODE_OK) fail_msg("%s: %s", fc_code_name(code), err.message);
  assert_slice_is(fc_bytes_slice(response), "ok");
  fc_bytes_unref(response);
}

int64_t world_now(const struct world *w) { return sim_now(w->sim) - beginning; }

void world_run(struct world *w, int64_t duration) { sim_run_for(w->sim, duration); }
