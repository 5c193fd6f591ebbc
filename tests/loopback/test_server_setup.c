/* What a server is made of before it serves: options, methods, addresses, and what is refused of each. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "farcall/server.h"
#include "support/check.h"

static fc_server *make(const fc_server_options *options) {
  fc_server *server;
  fc_error err = FC_ERROR_INIT;
  if (fc_server_create(options, &server, &err) != FC_OK) fail_msg("%s", err.message);
  return server;
}

static fc_server *make_with_reactors(uint32_t count) {
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  o.reactors = count;
  return make(&o);
}

#define assert_says(err, text)                                                                     \
  do {                                                                                             \
    if (!strstr((err).message, text)) fail_msg("%s", (err).message);                               \
  } while (0)

/* ---- options ---- */

static void assert_refused(const fc_server_options *o, const char *says) {
  fc_error err = FC_ERROR_INIT;
  fc_server *server = (fc_server *)1;
  assert_int_equal(fc_server_create(o, &server, &err), FC_ERR_INVALID);
  assert_null(server);
  assert_int_equal(err.result, FC_ERR_INVALID);
  assert_says(err, says);
}

static void impossible_options_are_refused_by_name(void **state) {
  (void)state;
  const fc_server_interceptor empty = {0};
  fc_server_options o;
#define REFUSED(field, value, says)                                                                \
  o = (fc_server_options)FC_SERVER_OPTIONS_INIT;                                                   \
  o.field = value;                                                                                 \
  assert_refused(&o, says)
  REFUSED(handshake_timeout_ns, -1, "handshake_timeout_ns is -1");
  REFUSED(max_connection_idle_ns, -1, "max_connection_idle_ns");
  REFUSED(max_connection_age_ns, INT64_MIN, "max_connection_age_ns");
  REFUSED(max_connection_age_grace_ns, -5, "max_connection_age_grace_ns");
  REFUSED(keepalive_time_ns, -5, "keepalive_time_ns");
  REFUSED(keepalive_timeout_ns, -5, "keepalive_timeout_ns");
  REFUSED(min_ping_interval_ns, -5, "min_ping_interval_ns");
  REFUSED(stall_timeout_ns, -5, "stall_timeout_ns");
  REFUSED(compression, (fc_compression)9, "compression is 9");
  REFUSED(reactors, 1000000, "reactors is 1000000");
  REFUSED(workers, 1000000, "workers is 1000000");
  REFUSED(max_concurrent_streams, UINT32_MAX, "max_concurrent_streams");
  REFUSED(initial_window_bytes, UINT32_MAX, "initial_window_bytes");
  REFUSED(interceptor_count, 1, "interceptors is NULL");
  REFUSED(interceptor_count, 1025, "interceptor_count is 1025: at most 1024");
  REFUSED(interceptor_count, SIZE_MAX, ": at most 1024");
  REFUSED(size, 3, "size is 3");
  o = (fc_server_options)FC_SERVER_OPTIONS_INIT;
  o.interceptors = &empty;
  o.interceptor_count = 1;
  assert_refused(&o, "interceptor 0");
  assert_int_equal(fc_server_create(NULL, NULL, NULL), FC_ERR_INVALID);
}

static void a_reactor_and_a_number_of_own_ones_contradict(void **state) {
  (void)state;
  fc_reactor *reactor;
  assert_int_equal(fc_reactor_create(NULL, &reactor, NULL), FC_OK);
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  o.reactor = reactor;
  o.reactors = 2;
  assert_refused(&o, "choose one");
  fc_reactor_destroy(reactor);
}

static void null_is_refused_everywhere(void **state) {
  (void)state;
  fc_error err = FC_ERROR_INIT;
  assert_int_equal(fc_server_register(NULL, "/a/b", NULL, &err), FC_ERR_INVALID);
  assert_int_equal(fc_server_set_fallback(NULL, NULL, &err), FC_ERR_INVALID);
  assert_int_equal(fc_server_listen(NULL, "[::]:0", NULL, &err), FC_ERR_INVALID);
  assert_int_equal(fc_server_start(NULL, &err), FC_ERR_INVALID);
  assert_int_equal(fc_server_shutdown(NULL, 0), FC_ERR_INVALID);
  assert_int_equal(fc_server_wait(NULL, 0), FC_ERR_INVALID);
  fc_server_next_call(NULL, NULL);
  fc_server_destroy(NULL);
}

/* ---- methods ---- */

static void handle(fc_call *call, void *user) {
  (void)user;
  fc_call_destroy(call);
}

static void count_drop(void *user) { ++*(int *)user; }

static fc_handler handler_with(int *dropped) {
  fc_handler h = FC_HANDLER_INIT;
  h.kind = FC_HANDLER_ASYNC;
  h.fn = handle;
  h.user = dropped;
  h.drop = count_drop;
  return h;
}

static void a_method_is_named_service_and_method(void **state) {
  (void)state;
  const char *const bad[] = {"", "/", "//", "/a", "/a/", "//b", "a/b", "a/b/c", "/a /b", "/a/b\n"};
  int dropped = 0;
  fc_handler h = handler_with(&dropped);
  fc_server *server = make(NULL);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    fc_error err = FC_ERROR_INIT;
    assert_int_equal(fc_server_register(server, bad[i], &h, &err), FC_ERR_INVALID);
    assert_says(err, "/service/method");
  }
  assert_int_equal(fc_server_register(server, NULL, &h, NULL), FC_ERR_INVALID);
  assert_int_equal(fc_server_register(server, "/a/b", &h, NULL), FC_OK);
  assert_int_equal(fc_server_register(server, "/a.b.C/D", &h, NULL), FC_OK);
  fc_server_destroy(server);
  assert_int_equal(dropped, 2);
}

static void a_method_has_one_handler(void **state) {
  (void)state;
  int dropped = 0;
  fc_handler h = handler_with(&dropped);
  fc_error err = FC_ERROR_INIT;
  fc_server *server = make(NULL);
  assert_int_equal(fc_server_register(server, "/a/b", &h, NULL), FC_OK);
  assert_int_equal(fc_server_register(server, "/a/b", &h, &err), FC_ERR_EXISTS);
  assert_says(err, "/a/b");
  assert_int_equal(fc_server_set_fallback(server, &h, NULL), FC_OK);
  assert_int_equal(fc_server_set_fallback(server, &h, NULL), FC_ERR_EXISTS);
  assert_int_equal(dropped, 0);
  fc_server_destroy(server);
  assert_int_equal(dropped, 2);
}

static void an_incomplete_handler_is_refused(void **state) {
  (void)state;
  int dropped = 0;
  fc_server *server = make(NULL);
  fc_handler h = handler_with(&dropped);
  h.fn = NULL;
  assert_int_equal(fc_server_register(server, "/a/b", &h, NULL), FC_ERR_INVALID);
  h = handler_with(&dropped);
  h.pattern = (fc_pattern)4;
  assert_int_equal(fc_server_register(server, "/a/b", &h, NULL), FC_ERR_INVALID);
  h = handler_with(&dropped);
  h.kind = (fc_handler_kind)3;
  assert_int_equal(fc_server_register(server, "/a/b", &h, NULL), FC_ERR_INVALID);
  fc_server_destroy(server);
  assert_int_equal(dropped, 0);
}

static void methods_come_before_the_start(void **state) {
  (void)state;
  int dropped = 0;
  fc_handler h = handler_with(&dropped);
  fc_server *server = make(NULL);
  assert_int_equal(fc_server_start(server, NULL), FC_OK);
  assert_int_equal(fc_server_register(server, "/a/b", &h, NULL), FC_ERR_CLOSED);
  assert_int_equal(fc_server_set_fallback(server, &h, NULL), FC_ERR_CLOSED);
  assert_int_equal(fc_server_start(server, NULL), FC_ERR_CLOSED);
  fc_server_destroy(server);
}

/* ---- addresses ---- */

static int listen_ok(fc_server *server, const char *address) {
  fc_error err = FC_ERROR_INIT;
  int port = -1;
  if (fc_server_listen(server, address, &port, &err) != FC_OK) fail_msg("%s", err.message);
  return port;
}

static void port_0_is_told(void **state) {
  (void)state;
  const char *const addresses[] = {"127.0.0.1:0", "0.0.0.0:0", "[::]:0", "localhost:0",
                                   "ipv4:127.0.0.1:0"};
  for (uint32_t reactors = 1; reactors <= 3; reactors += 2) {
    fc_server *server = make_with_reactors(reactors);
    int ports[5];
    for (int i = 0; i < 5; i++) {
      ports[i] = listen_ok(server, addresses[i]);
      assert_true(ports[i] > 0);
      for (int j = 0; j < i; j++) assert_int_not_equal(ports[i], ports[j]);
    }
    fc_server_destroy(server);
  }
}

static void assert_busy(fc_server *server, int port) {
  char address[32];
  fc_error err = FC_ERROR_INIT;
  int bound = -1;
  snprintf(address, sizeof address, "127.0.0.1:%d", port);
  assert_int_equal(fc_server_listen(server, address, &bound, &err), FC_ERR_SYSTEM);
  assert_int_equal(bound, 0);
  assert_says(err, address);
  assert_says(err, "Address already in use");
}

static void a_busy_port_is_an_error(void **state) {
  (void)state;
  for (uint32_t reactors = 1; reactors <= 2; reactors++) {
    fc_server *first = make_with_reactors(2), *second = make_with_reactors(reactors);
    int port = listen_ok(first, "127.0.0.1:0");
    assert_busy(second, port);
    assert_busy(first, port);
    fc_server_destroy(first);
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%d", port);
    assert_int_equal(listen_ok(second, address), port);
    fc_server_destroy(second);
  }
}

static void a_shared_port_is_free_to_those_who_share(void **state) {
  (void)state;
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  o.reuse_port = true;
  fc_server *first = make(&o), *second = make(&o), *third = make(NULL);
  char address[32];
  int port = listen_ok(first, "127.0.0.1:0");
  snprintf(address, sizeof address, "127.0.0.1:%d", port);
  assert_int_equal(listen_ok(second, address), port);
  assert_busy(third, port);
  fc_server_destroy(first);
  fc_server_destroy(second);
  fc_server_destroy(third);
}

static void each_address_that_is_wrong_is_told_why(void **state) {
  (void)state;
  const struct {
    const char *address, *says;
    fc_result result;
  } cases[] = {
      {"", "needs a port", FC_ERR_INVALID},
      {"localhost", "needs a port", FC_ERR_INVALID},
      {"127.0.0.1:", "is no port", FC_ERR_INVALID},
      {"127.0.0.1:x", "is no port", FC_ERR_INVALID},
      {"127.0.0.1:65536", "is no port", FC_ERR_INVALID},
      {"127.0.0.1:-1", "is no port", FC_ERR_INVALID},
      {":80", "the host is missing", FC_ERR_INVALID},
      {"::1:80", "brackets", FC_ERR_INVALID},
      {"[x]:80", "brackets", FC_ERR_INVALID},
      {"unix:", "Unix socket", FC_ERR_INVALID},
      {"192.0.2.1:0", "cannot listen on 192.0.2.1:0: Cannot assign", FC_ERR_SYSTEM},
      {"unix:/nowhere/at/all", "No such file", FC_ERR_SYSTEM},
      {"no-such-name.invalid:0", "no-such-name.invalid", FC_ERR_SYSTEM},
  };
  fc_server *server = make(NULL);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    fc_error err = FC_ERROR_INIT;
    int port = -1;
    assert_int_equal(fc_server_listen(server, cases[i].address, &port, &err), cases[i].result);
    assert_says(err, cases[i].says);
    assert_int_equal(port, 0);
  }
  assert_int_equal(fc_server_listen(server, NULL, NULL, NULL), FC_ERR_INVALID);
  fc_server_destroy(server);
}

static bool can_connect(int port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  bool connected = connect(fd, (const struct sockaddr *)&to, sizeof to) == 0;
  close(fd);
  return connected;
}

static void all_addresses_take_connections_until_the_end(void **state) {
  (void)state;
  fc_server *server = make_with_reactors(2);
  int ports[3] = {listen_ok(server, "127.0.0.1:0"), listen_ok(server, "[::]:0"), 0};
  assert_int_equal(fc_server_start(server, NULL), FC_OK);
  ports[2] = listen_ok(server, "0.0.0.0:0"); /* after the start, too */
  for (int i = 0; i < 3; i++) assert_true(can_connect(ports[i]));
  assert_int_equal(fc_server_wait(server, 0), FC_ERR_TIMEOUT);
  assert_int_equal(fc_server_shutdown(server, -1), FC_ERR_INVALID);
  assert_int_equal(fc_server_shutdown(server, 10 * FC_SECOND), FC_OK);
  for (int i = 0; i < 3; i++) assert_false(can_connect(ports[i]));
  assert_int_equal(fc_server_wait(server, FC_NEVER), FC_OK);
  assert_int_equal(fc_server_listen(server, "127.0.0.1:0", NULL, NULL), FC_ERR_CLOSED);
  assert_int_equal(fc_server_start(server, NULL), FC_ERR_CLOSED);
  fc_server_destroy(server);
}

static void a_unix_socket_is_bound_and_its_file_goes(void **state) {
  (void)state;
  char folder[] = "/tmp/farcall-XXXXXX", address[64];
  assert_non_null(mkdtemp(folder));
  snprintf(address, sizeof address, "unix:%s/s", folder);
  fc_server *server = make_with_reactors(2);
  assert_int_equal(listen_ok(server, address), 0);
  assert_int_equal(access(address + 5, F_OK), 0);
  fc_error err = FC_ERROR_INIT;
  assert_int_equal(fc_server_listen(server, address, NULL, &err), FC_ERR_SYSTEM);
  fc_server_destroy(server);
  assert_int_not_equal(access(address + 5, F_OK), 0);
  rmdir(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(impossible_options_are_refused_by_name),
      cmocka_unit_test(a_reactor_and_a_number_of_own_ones_contradict),
      cmocka_unit_test(null_is_refused_everywhere),
      cmocka_unit_test(a_method_is_named_service_and_method),
      cmocka_unit_test(a_method_has_one_handler),
      cmocka_unit_test(an_incomplete_handler_is_refused),
      cmocka_unit_test(methods_come_before_the_start),
      cmocka_unit_test(port_0_is_told),
      cmocka_unit_test(a_busy_port_is_an_error),
      cmocka_unit_test(a_shared_port_is_free_to_those_who_share),
      cmocka_unit_test(each_address_that_is_wrong_is_told_why),
      cmocka_unit_test(all_addresses_take_connections_until_the_end),
      cmocka_unit_test(a_unix_socket_is_bound_and_its_file_goes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
