/* Client and server driven by a plain epoll loop of the program's own, with no thread of the library. */
#include <pthread.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "support/check.h"
#include "support/exchange.h"

enum { REACTORS_MAX = 2, PATIENCE_S = 30 };

struct host {
  int epoll, count, threads;
  fc_reactor *reactors[REACTORS_MAX];
  struct exchange exchange;
};

static void host_open(struct host *host, int count) {
  fc_reactor_options options = FC_REACTOR_OPTIONS_INIT;
  options.mode = FC_REACTOR_HOST;
  *host = (struct host){.epoll = epoll_create1(EPOLL_CLOEXEC), .count = count};
  host->threads = exchange_threads();
  for (int i = 0; i < count; i++) {
    struct epoll_event event = {.events = EPOLLIN};
    assert_int_equal(fc_reactor_create(&options, &host->reactors[i], NULL), FC_OK);
    assert_int_equal(
        epoll_ctl(host->epoll, EPOLL_CTL_ADD, fc_reactor_fd(host->reactors[i]), &event), 0);
  }
  exchange_open(&host->exchange, host->reactors[0], host->reactors[count - 1]);
}

/* Milliseconds for epoll_wait, rounded up: waking before the time would only spin. */
static int timeout_ms(const struct host *host) {
  int64_t least = PATIENCE_S * FC_SECOND;
  for (int i = 0; i < host->count; i++) {
    int64_t timeout = fc_reactor_timeout(host->reactors[i]);
    if (timeout < least) least = timeout;
  }
  return (int)((least + FC_MILLISECOND - 1) / FC_MILLISECOND);
}

static void turn(struct host *host) {
  struct epoll_event events[REACTORS_MAX];
  epoll_wait(host->epoll, events, REACTORS_MAX, timeout_ms(host));
  for (int i = 0; i < host->count; i++) {
    assert_int_equal(fc_reactor_dispatch(host->reactors[i]), FC_OK);
  }
}

static void turn_until_calls_end(struct host *host) {
  time_t end = time(NULL) + PATIENCE_S;
  while (host->exchange.running > 0 && time(NULL) < end) turn(host);
  assert_int_equal(host->exchange.running, 0);
}

static void host_close(struct host *host) {
  time_t end = time(NULL) + PATIENCE_S;
  assert_int_equal(fc_server_shutdown(host->exchange.server, FC_SECOND), FC_OK);
  while (fc_server_wait(host->exchange.server, 0) != FC_OK && time(NULL) < end) turn(host);
  exchange_close(&host->exchange);
  for (int i = 0; i < host->count; i++) fc_reactor_destroy(host->reactors[i]);
  close(host->epoll);
}

static void assert_no_thread_came(const struct host *host) {
  assert_true(host->exchange.threads_most <= host->threads);
  assert_int_equal(exchange_threads(), host->threads);
}

static void run_all_patterns(int reactors) {
  struct host host;
  host_open(&host, reactors);
  exchange_start(&host.exchange);
  turn_until_calls_end(&host);
  exchange_check(&host.exchange);
  host_close(&host);
  assert_no_thread_came(&host);
}

static void one_loop_drives_client_and_server_on_one_reactor(void **state) {
  (void)state;
  run_all_patterns(1);
}

static void one_loop_drives_client_and_server_on_two_reactors(void **state) {
  (void)state;
  run_all_patterns(2);
}

static void the_timeout_of_the_reactor_brings_a_deadline(void **state) {
  (void)state;
  struct host host;
  host_open(&host, 2);
  exchange_start_held(&host.exchange, 50 * FC_MILLISECOND);
  assert_true(fc_reactor_timeout(host.reactors[0]) <= 50 * FC_MILLISECOND);
  turn_until_calls_end(&host);
  assert_int_equal(host.exchange.outcomes[EXCHANGE_HELD].told, 1);
  assert_int_equal(host.exchange.outcomes[EXCHANGE_HELD].code, FC_CODE_DEADLINE_EXCEEDED);
  host_close(&host);
  assert_no_thread_came(&host);
}

/* It dispatches while it waits, and here the server is on the same reactor. */
static void a_blocking_call_in_the_loops_thread_is_answered(void **state) {
  (void)state;
  struct host host;
  fc_bytes *response;
  host_open(&host, 1);
  assert_int_equal(fc_unary_unary(host.exchange.channel, "/test.Exchange/UnaryUnary",
                                  TEXT("request"), NULL, &response, NULL, NULL),
                   FC_CODE_OK);
  assert_slice_is(fc_bytes_slice(response), "request");
  fc_bytes_unref(response);
  host_close(&host);
  assert_no_thread_came(&host);
}

static void on_answer(fc_call *call, const fc_status *status, fc_bytes *response, void *user) {
  struct exchange *exchange = user;
  (void)call;
  assert_int_equal(status->code, FC_CODE_OK);
  fc_bytes_unref(response);
  exchange->running--;
}

static void *start_a_call(void *user) {
  struct exchange *exchange = user;
  assert_int_equal(fc_unary_unary_async(exchange->channel, "/test.Exchange/UnaryUnary",
                                        TEXT("request"), NULL, on_answer, user, NULL, NULL),
                   FC_OK);
  return NULL;
}

/* The loop may wait in the kernel when the other thread makes its call: only the descriptor can tell it. */
static void a_call_of_another_thread_wakes_the_loop(void **state) {
  (void)state;
  struct host host;
  pthread_t other;
  host_open(&host, 2);
  host.exchange.running = 1;
  assert_int_equal(pthread_create(&other, NULL, start_a_call, &host.exchange), 0);
  turn_until_calls_end(&host);
  pthread_join(other, NULL);
  host_close(&host);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_loop_drives_client_and_server_on_one_reactor),
      cmocka_unit_test(one_loop_drives_client_and_server_on_two_reactors),
      cmocka_unit_test(the_timeout_of_the_reactor_brings_a_deadline),
      cmocka_unit_test(a_blocking_call_in_the_loops_thread_is_answered),
      cmocka_unit_test(a_call_of_another_thread_wakes_the_loop),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
