/* Client and server driven by libuv, with no thread of the library's: descriptor, timer and one turn. */
#include <uv.h>

#include "support/check.h"
#include "support/exchange.h"

struct host {
  uv_loop_t loop;
  uv_poll_t poll;
  uv_timer_t timer;     /* the time by which the reactor wants its turn */
  uv_prepare_t prepare; /* sets the timer before each wait */
  fc_reactor *reactor;
  struct exchange exchange;
  int threads;
  bool ending;
};

static void close_handles(struct host *host) {
  uv_close((uv_handle_t *)&host->poll, NULL);
  uv_close((uv_handle_t *)&host->timer, NULL);
  uv_close((uv_handle_t *)&host->prepare, NULL);
}

static void turn(struct host *host) {
  assert_int_equal(fc_reactor_dispatch(host->reactor), FC_OK);
  if (host->exchange.running > 0) return;
  if (!host->ending) {
    host->ending = true;
    assert_int_equal(fc_server_shutdown(host->exchange.server, FC_SECOND), FC_OK);
  } else if (fc_server_wait(host->exchange.server, 0) == FC_OK) {
    close_handles(host);
  }
}

static void on_readable(uv_poll_t *poll, int status, int events) {
  (void)events;
  assert_int_equal(status, 0);
  turn(poll->data);
}

static void on_time(uv_timer_t *timer) { turn(timer->data); }

static void before_waiting(uv_prepare_t *prepare) {
  struct host *host = prepare->data;
  int64_t timeout = fc_reactor_timeout(host->reactor);
  if (timeout == FC_NEVER) {
    uv_timer_stop(&host->timer);
  } else {
    uv_update_time(&host->loop);
    uv_timer_start(&host->timer, on_time,
                   (uint64_t)((timeout + FC_MILLISECOND - 1) / FC_MILLISECOND), 0);
  }
}

static void host_open(struct host *host) {
  fc_reactor_options options = FC_REACTOR_OPTIONS_INIT;
  options.mode = FC_REACTOR_HOST;
  host->threads = exchange_threads();
  host->ending = false;
  assert_int_equal(fc_reactor_create(&options, &host->reactor, NULL), FC_OK);
  exchange_open(&host->exchange, host->reactor, host->reactor);
  assert_int_equal(uv_loop_init(&host->loop), 0);
  assert_int_equal(uv_poll_init(&host->loop, &host->poll, fc_reactor_fd(host->reactor)), 0);
  uv_timer_init(&host->loop, &host->timer);
  uv_prepare_init(&host->loop, &host->prepare);
  host->poll.data = host->timer.data = host->prepare.data = host;
  uv_poll_start(&host->poll, UV_READABLE, on_readable);
  uv_prepare_start(&host->prepare, before_waiting);
}

static void host_close(struct host *host) {
  assert_int_equal(uv_loop_close(&host->loop), 0);
  exchange_close(&host->exchange);
  fc_reactor_destroy(host->reactor);
  assert_true(host->exchange.threads_most <= host->threads);
  assert_int_equal(exchange_threads(), host->threads);
}

static void libuv_drives_client_and_server(void **state) {
  (void)state;
  struct host host;
  host_open(&host);
  exchange_start(&host.exchange);
  assert_int_equal(uv_run(&host.loop, UV_RUN_DEFAULT), 0);
  exchange_check(&host.exchange);
  host_close(&host);
}

static void a_timer_of_libuv_brings_a_deadline(void **state) {
  (void)state;
  struct host host;
  host_open(&host);
  exchange_start_held(&host.exchange, 50 * FC_MILLISECOND);
  assert_int_equal(uv_run(&host.loop, UV_RUN_DEFAULT), 0);
  assert_int_equal(host.exchange.outcomes[EXCHANGE_HELD].told, 1);
  assert_int_equal(host.exchange.outcomes[EXCHANGE_HELD].code, FC_CODE_DEADLINE_EXCEEDED);
  host_close(&host);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(libuv_drives_client_and_server),
      cmocka_unit_test(a_timer_of_libuv_brings_a_deadline),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
