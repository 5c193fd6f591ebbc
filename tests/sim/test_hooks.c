/*
 * What hooks of either side are told and when they are dropped, however a call ends: each once, the drop last, and never
 * while the library holds its lock.
 */
#include "farcall/rpc.h"
#include "support/check.h"
#include "support/failing_alloc.h"
#include "support/lock_owner.h"
#include "support/server_rig.h"

enum { HOOKS = 2 };

/* What one call's hooks have seen. */
struct seen {
  int sent, received, done, dropped;
  int locked;   /* called with the lock held */
  int too_late; /* called after the drop */
};

static struct rig rig;
static fc_channel *channel;
static struct seen client, server;

static void enter(struct seen *seen) {
  seen->locked += lock_owner_held() > 0;
  seen->too_late += seen->dropped == HOOKS;
}

static fc_bytes *on_send(fc_call *call, fc_bytes *message, void *user) {
  struct seen *seen = user;
  (void)call;
  enter(seen);
  seen->sent++;
  return message;
}

static fc_bytes *on_receive(fc_call *call, fc_bytes *message, void *user) {
  struct seen *seen = user;
  (void)call;
  enter(seen);
  seen->received++;
  return message;
}

static void on_done(fc_call *call, const fc_status *status, void *user) {
  struct seen *seen = user;
  (void)call, (void)status;
  enter(seen);
  seen->done++;
}

static void drop(void *user) {
  struct seen *seen = user;
  enter(seen);
  seen->dropped++;
}

static fc_call_hooks hooks_of(struct seen *seen, const fc_call_hooks *next) {
  return (fc_call_hooks){sizeof(fc_call_hooks), on_send, on_receive, on_done, drop, seen, next};
}

static void add_hooks(fc_server_next *next, fc_call *call, void *user) {
  (void)user;
  fc_call_hooks hooks = hooks_of(&server, NULL);
  for (int i = 0; i < HOOKS; i++) assert_int_equal(fc_call_add_hooks(call, &hooks), FC_OK);
  fc_server_next_call(next, call);
}

/* ---- a call ---- */

static void open_all(void) {
  static const fc_server_interceptor interceptor = {add_hooks, NULL};
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  fc_channel_options c = FC_CHANNEL_OPTIONS_INIT;
  o.interceptors = &interceptor;
  o.interceptor_count = 1;
  rig_open(&rig, &o);
  c.reactor = sim_reactor(rig.sim);
  assert_int_equal(fc_channel_create("ipv4:" RIG_ADDRESS, &c, &channel, NULL), FC_OK);
  client = server = (struct seen){0};
}

static fc_call *call_with_hooks(const char *method, int64_t timeout) {
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  fc_call_hooks inner = hooks_of(&client, NULL), outer = hooks_of(&client, &inner);
  fc_call *call;
  o.hooks = &outer;
  o.timeout_ns = timeout;
  assert_int_equal(fc_unary_unary_future(channel, method, TEXT("request"), &o, &call, NULL), FC_OK);
  sim_run_for(rig.sim, 20 * FC_MILLISECOND);
  return call;
}

static void expect_told(const struct seen *seen, int calls) {
  assert_int_equal(seen->locked, 0);
  assert_int_equal(seen->too_late, 0);
  assert_int_equal(seen->done, calls * HOOKS);
  assert_int_equal(seen->dropped, calls * HOOKS);
}

/* ---- how it ends ---- */

static void answered(fc_call *call) {
  fc_bytes *response;
  assert_int_equal(fc_call_recv(call, &response), FC_OK);
  fc_bytes_unref(response);
  fc_call_destroy(call);
}

static void destroyed(fc_call *call) { fc_call_destroy(call); }

static void cancelled(fc_call *call) {
  fc_call_cancel(call, FC_CODE_CANCELLED, NULL);
  fc_call_destroy(call);
}

static void expired(fc_call *call) {
  sim_run_for(rig.sim, FC_SECOND);
  fc_call_destroy(call);
}

static void cut_off(fc_call *call) {
  sim_cut_all(rig.sim, SIM_CUT_RESET);
  sim_run_for(rig.sim, FC_SECOND);
  fc_call_destroy(call);
}

static void closed_with_its_channel(fc_call *call) {
  fc_channel_close(channel);
  fc_call_destroy(call);
}

static void outlived_by_its_handle(fc_call *call) {
  fc_channel_destroy(channel);
  channel = NULL;
  rig_finish_all(&rig);
  sim_run_for(rig.sim, FC_SECOND);
  assert_int_equal(client.done, HOOKS);
  assert_int_equal(client.dropped, 0);
  fc_call_destroy(call);
}

static void hooks_are_dropped_last_and_without_the_lock(void **state) {
  (void)state;
  static const struct {
    const char *method;
    void (*end)(fc_call *call);
  } ends[] = {
      {"/t/Answer", answered},
      {"/t/GiveUp", destroyed},
      {"/t/Hold", destroyed},
      {"/t/Hold", cancelled},
      {"/t/Hold", expired},
      {"/t/Hold", cut_off},
      {"/t/None", destroyed},
      {"/t/Hold", closed_with_its_channel},
      {"/t/Hold", outlived_by_its_handle},
  };
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
    open_all();
    fc_call *call = call_with_hooks(ends[i].method, 500 * FC_MILLISECOND);
    ends[i].end(call);
    sim_run_for(rig.sim, FC_SECOND);
    expect_told(&client, 1);
    assert_int_equal(client.sent, HOOKS);
    rig_finish_all(&rig);
    sim_run_for(rig.sim, FC_SECOND);
    expect_told(&server, rig.begun);
    fc_channel_destroy(channel);
    rig_close(&rig);
    expect_told(&client, 1);
    expect_told(&server, rig.begun);
  }
}

static void hooks_of_a_call_that_could_not_be_made_are_not_dropped(void **state) {
  (void)state;
  size_t live = failing_alloc_live();
  bool reached = true;
  for (size_t n = 0; reached; n++) {
    open_all();
    fc_call_options o = FC_CALL_OPTIONS_INIT;
    fc_call_hooks inner = hooks_of(&client, NULL), outer = hooks_of(&client, &inner);
    fc_call *call;
    o.hooks = &outer;
    failing_alloc_arm(n, FAILING_ALLOC_ONCE);
    fc_result r = fc_channel_call(channel, "/t/Answer", &o, &call, NULL);
    reached = failing_alloc_disarm();
    fc_call_destroy(call);
    sim_run_for(rig.sim, FC_SECOND);
    expect_told(&client, r == FC_OK);
    fc_channel_destroy(channel);
    rig_close(&rig);
    assert_int_equal(failing_alloc_live(), live);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(hooks_are_dropped_last_and_without_the_lock),
      cmocka_unit_test(hooks_of_a_call_that_could_not_be_made_are_not_dropped),
  };
  failing_alloc_install();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
