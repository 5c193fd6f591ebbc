/*
 * Call credentials in which the n-th allocation fails, for every n, alone or with all that follow: a call that began ends
 * once and says why, plugins are dropped, nothing leaks, and no secret is left in what was freed.
 */
#include "sim/credential_world.h"
#include "support/failing_alloc.h"

#define SECRET "a-secret-that-is-longer-than-any-buffer-of-a-test-would-begin-with"

struct act {
  struct credential_world world;
  struct plugin first, second;
  int plugins; /* made, to be dropped */
  fc_call_credentials *credentials;
  fc_call *call;
  int told;
};

/* NULL stays NULL. Takes both references. */
static fc_call_credentials *join(fc_call_credentials *first, fc_call_credentials *second) {
  fc_call_credentials *c;
  if (fc_call_credentials_composite(first, second, &c, NULL) != FC_OK) c = NULL;
  fc_call_credentials_destroy(first);
  fc_call_credentials_destroy(second);
  return c;
}

static fc_call_credentials *secret(void) {
  fc_call_credentials *c;
  return fc_call_credentials_from_token(SECRET, &c, NULL) == FC_OK ? c : NULL;
}

static fc_call_credentials *plugin(struct act *act, struct plugin *p) {
  fc_call_credentials *c = plugin_try_credentials(p);
  act->plugins += c != NULL;
  return c;
}

static void told(fc_call *call, void *user) {
  (void)call;
  ++*(int *)user;
}

static void begin_call(struct act *act) {
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  fc_metadata *metadata = fc_metadata_create();
  if (metadata && fc_metadata_add_string(metadata, "user", "u", NULL) == FC_OK) {
    o.metadata = metadata;
    o.credentials = act->credentials;
    if (fc_unary_unary_future(act->world.channel, "/s/m", TEXT("request"), &o, &act->call, NULL) !=
        FC_OK) {
      assert_null(act->call);
    }
  }
  fc_metadata_destroy(metadata);
  if (act->call && fc_call_on_done(act->call, told, &act->told) != FC_OK) act->told = -1;
}

/* What is under test. */
static void play(struct act *act) {
  act->credentials =
      join(join(secret(), plugin(act, &act->first)), join(plugin(act, &act->second), secret()));
  if (act->credentials) begin_call(act);
  if (act->first.request) plugin_give(&act->first);
  if (act->second.request) plugin_give(&act->second);
  raw_end_go(&act->world.end);
}

static void expect_reason(const fc_status *status) {
  bool told_why = status->code == FC_CODE_RESOURCE_EXHAUSTED ||
                  (status->code == FC_CODE_UNAVAILABLE && strstr(status->message, "memory"));
  if (!told_why) fail_msg("%s \"%s\"", fc_code_name(status->code), status->message);
}

static void end_call(struct act *act) {
  if (!act->call) return;
  if (fc_call_is_done(act->call)) {
    expect_reason(fc_call_status(act->call));
  } else {
    const char *said = credentials_said(&act->world);
    assert_non_null(strstr(said, "Bearer " SECRET " never:x-a=" SECRET "1"));
    credentials_answer(&act->world, 1);
    assert_int_equal(fc_call_status(act->call)->code, FC_CODE_OK);
  }
  sim_run_for(act->world.sim, 0);
  if (act->told >= 0) assert_int_equal(act->told, 1);
  fc_call_destroy(act->call);
}

/* False: no allocation was the n-th. */
static bool torture(enum plugin_way way, size_t n, enum failing_alloc_mode mode) {
  struct act act = {.first = {.way = way, .key = "x-a", .value = SECRET "1"},
                    .second = {.way = way, .key = "x-b-bin", .value = SECRET "2"}};
  credentials_open(&act.world);
  credentials_channel(&act.world, token("channel"));
  assert_int_equal(fc_channel_wait_ready(act.world.channel, FC_SECOND, NULL), FC_OK);
  failing_alloc_watch(TEXT("that-is-longer-than-any"));
  failing_alloc_arm(n, mode);
  play(&act);
  bool reached = failing_alloc_disarm();
  fc_call_credentials_destroy(act.credentials);
  end_call(&act);
  assert_int_equal(act.first.dropped + act.second.dropped, act.plugins);
  credentials_close(&act.world);
  assert_int_equal(failing_alloc_spilled(), 0);
  failing_alloc_watch(FC_SLICE_EMPTY);
  return reached;
}

static void torture_all(enum plugin_way way) {
  static const enum failing_alloc_mode modes[] = {FAILING_ALLOC_ONCE, FAILING_ALLOC_FROM_THEN};
  for (size_t i = 0; i < 2; i++) {
    size_t n = 0;
    while (torture(way, n, modes[i])) n++;
    assert_true(n > 10);
  }
}

static void plugins_that_answer_at_once(void **state) {
  (void)state;
  torture_all(PLUGIN_GIVES);
}

static void plugins_that_answer_later(void **state) {
  (void)state;
  torture_all(PLUGIN_KEEPS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(plugins_that_answer_at_once),
      cmocka_unit_test(plugins_that_answer_later),
  };
  failing_alloc_install();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
