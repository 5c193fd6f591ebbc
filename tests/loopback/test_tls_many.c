/* Thousands of connections over TLS to one server, which all stand at once; more handshakes at a time than it wants. */
#include <sys/resource.h>

#include "support/failing_alloc.h"
#include "support/stage.h"
#include "support/tls_credentials.h"
#include "support/watched.h"

enum { MANY = 2000, MANY_WATCHED = 100, SPARE = 200, CROWD = 200 };

struct crowd {
  struct stage stage;
  fc_channel *channels[MANY];
  fc_call *calls[MANY];
  int count;
};

/* Each connection has two descriptors here. */
static int connections_at_most(void) {
  struct rlimit limit;
  if (WATCHED_BY_SANITIZER || watched_by_valgrind()) return MANY_WATCHED;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = limit.rlim_max;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
  rlim_t most = (limit.rlim_cur - SPARE) / 2;
  return most < MANY ? (int)most : MANY;
}

static void open_crowd(struct crowd *crowd, uint32_t max_handshakes) {
  memset(crowd, 0, sizeof *crowd);
  stage_open(&crowd->stage, NULL);
  crowd->count = connections_at_most();
  crowd->stage.server_options.max_handshakes = max_handshakes;
  crowd->stage.credentials = tls_server("server", FC_TLS_CLIENT_AUTH_NONE);
  crowd->stage.options.credentials = tls_channel_as(NULL);
  stage_serve(&crowd->stage, "/t/Echo", FC_PATTERN_STREAM_STREAM, FC_HANDLER_BLOCKING, stage_echo,
              NULL);
  stage_start(&crowd->stage);
}

/* Each channel calls, all at once. */
static void call_all(struct crowd *crowd) {
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  o.wait_for_ready = FC_WAIT_FOR_READY_ON;
  for (int i = 0; i < crowd->count; i++) {
    assert_int_equal(fc_unary_unary_future(crowd->channels[i], "/t/Echo", TEXT("hello"), &o,
                                           &crowd->calls[i], NULL),
                     FC_OK);
  }
  for (int i = 0; i < crowd->count; i++) {
    assert_int_equal(fc_call_wait(crowd->calls[i], FC_NEVER), FC_OK);
    const fc_status *status = fc_call_status(crowd->calls[i]);
    if (status->code != FC_CODE_OK) fail_msg("%s: %s", fc_code_name(status->code), status->message);
    fc_call_destroy(crowd->calls[i]);
  }
}

static void make_channels(struct crowd *crowd) {
  struct stage *stage = &crowd->stage;
  for (int i = 0; i < crowd->count; i++) {
    assert_int_equal(fc_channel_create(stage->target, &stage->options, &crowd->channels[i], NULL),
                     FC_OK);
  }
}

static void close_crowd(struct crowd *crowd) {
  for (int i = 0; i < crowd->count; i++) fc_channel_destroy(crowd->channels[i]);
  stage_close(&crowd->stage);
}

static void thousands_of_connections_stand_at_once(void **state) {
  (void)state;
  static struct crowd crowd;
  open_crowd(&crowd, 2 * MANY);
  make_channels(&crowd);
  call_all(&crowd);
  for (int i = 0; i < crowd.count; i++) {
    assert_int_equal(fc_channel_state(crowd.channels[i], false), FC_CONNECTIVITY_READY);
  }
  call_all(&crowd);
  close_crowd(&crowd);
}

/* Those that had to give way come again. */
static void a_crowd_larger_than_the_limit_comes_through(void **state) {
  (void)state;
  static struct crowd crowd;
  open_crowd(&crowd, 10);
  if (crowd.count > CROWD) crowd.count = CROWD;
  crowd.stage.options.min_backoff_ns = crowd.stage.options.max_backoff_ns = 20 * FC_MILLISECOND;
  make_channels(&crowd);
  call_all(&crowd);
  close_crowd(&crowd);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(thousands_of_connections_stand_at_once),
      cmocka_unit_test(a_crowd_larger_than_the_limit_comes_through),
  };
  failing_alloc_install();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
