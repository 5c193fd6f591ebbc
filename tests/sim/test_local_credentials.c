/*
 * Credentials that trust the machine: where they connect and listen, whom they accept, and what calls are told.
 */
#include "sim/secure_world.h"
#include "support/check.h"
#include "support/failing_alloc.h"

static fc_server_credentials *server_local(fc_local_type type) {
  fc_server_credentials *c;
  assert_int_equal(fc_server_credentials_local(type, &c, NULL), FC_OK);
  return c;
}

static fc_channel_credentials *channel_local(fc_local_type type) {
  fc_channel_credentials *c;
  assert_int_equal(fc_channel_credentials_local(type, &c, NULL), FC_OK);
  return c;
}

static void expect_both(const struct secure_world *w, const char *type, const char *level) {
  const fc_auth_context *sides[] = {w->server_auth, w->channel_auth};
  for (int i = 0; i < 2; i++) {
    secure_expect_auth(sides[i], "transport_security_type", type);
    secure_expect_auth(sides[i], "security_level", level);
    assert_int_equal(fc_auth_context_count(sides[i]), 2);
    assert_null(fc_auth_context_identity(sides[i]));
  }
}

static void unix_sockets_are_private(void **state) {
  (void)state;
  const char *const addresses[] = {"unix:/run/t.sock", "unix-abstract:t"};
  for (size_t i = 0; i < 2; i++) {
    struct secure_world w;
    secure_open(&w);
    secure_serve(&w, addresses[i], server_local(FC_LOCAL_UNIX));
    secure_channel(&w, addresses[i], channel_local(FC_LOCAL_UNIX));
    secure_expect(&w, FC_CODE_OK, "");
    expect_both(&w, "local", "TSI_PRIVACY_AND_INTEGRITY");
    secure_close(&w);
  }
}

static void loopback_addresses_are_not_private(void **state) {
  (void)state;
  const char *const addresses[] = {"127.0.0.1:80", "[::1]:80"};
  const char *const targets[] = {"ipv4:127.0.0.1:80", "ipv6:[::1]:80"};
  for (size_t i = 0; i < 2; i++) {
    struct secure_world w;
    secure_open(&w);
    secure_serve(&w, addresses[i], server_local(FC_LOCAL_TCP));
    secure_channel(&w, targets[i], channel_local(FC_LOCAL_TCP));
    secure_expect(&w, FC_CODE_OK, "");
    expect_both(&w, "local", "TSI_SECURITY_NONE");
    secure_close(&w);
  }
}

static void insecure_calls_know_that_they_are(void **state) {
  (void)state;
  struct secure_world w;
  fc_server_credentials *server;
  fc_channel_credentials *channel;
  assert_int_equal(fc_server_credentials_insecure(&server, NULL), FC_OK);
  assert_int_equal(fc_channel_credentials_insecure(&channel, NULL), FC_OK);
  secure_open(&w);
  secure_serve(&w, "10.0.0.1:80", server);
  secure_channel(&w, "ipv4:10.0.0.1:80", channel);
  secure_expect(&w, FC_CODE_OK, "");
  expect_both(&w, "insecure", "TSI_SECURITY_NONE");
  secure_channel(&w, "ipv4:10.0.0.1:80", NULL);
  secure_expect(&w, FC_CODE_OK, "");
  expect_both(&w, "insecure", "TSI_SECURITY_NONE");
  secure_close(&w);
}

static void a_call_without_a_connection_knows_nothing(void **state) {
  (void)state;
  struct secure_world w;
  secure_open(&w);
  secure_channel(&w, "ipv4:127.0.0.1:80", channel_local(FC_LOCAL_TCP));
  secure_expect(&w, FC_CODE_UNAVAILABLE, "connect to ipv4:127.0.0.1:80");
  assert_non_null(w.channel_auth);
  assert_int_equal(fc_auth_context_count(w.channel_auth), 0);
  assert_int_equal(fc_auth_context_count(fc_call_auth_context(NULL)), 0);
  secure_close(&w);
}

/* ---- whom they do not trust ---- */

static void expect_no_connect(const char *target, fc_local_type type, const char *message) {
  struct secure_world w;
  size_t attempts;
  secure_open(&w);
  sim_add_host(w.sim, "far.test", "10.0.0.1", FC_MILLISECOND);
  secure_serve(&w, "10.0.0.1:80", NULL);
  secure_serve(&w, "127.0.0.1:80", NULL);
  secure_serve(&w, "unix:/run/t.sock", NULL);
  secure_channel(&w, target, channel_local(type));
  secure_expect(&w, FC_CODE_UNAVAILABLE, message);
  (void)sim_attempts(w.sim, &attempts);
  assert_int_equal(attempts, 0);
  secure_close(&w);
}

static void a_channel_connects_to_no_other_machine(void **state) {
  (void)state;
  expect_no_connect("ipv4:10.0.0.1:80", FC_LOCAL_TCP,
                    "ipv4:10.0.0.1:80 is not a loopback address, which the local credentials ask");
  expect_no_connect("far.test:80", FC_LOCAL_TCP, "ipv4:10.0.0.1:80 is not a loopback address");
  expect_no_connect("unix:/run/t.sock", FC_LOCAL_TCP, "unix:/run/t.sock is not a loopback address");
  expect_no_connect(
      "ipv4:127.0.0.1:80", FC_LOCAL_UNIX,
      "failed to connect to all addresses (1 tried); last error: ipv4:127.0.0.1:80 is "
      "not a Unix socket, which the local credentials ask for");
}

/* Of several addresses those that are local will do. */
static void a_channel_goes_on_to_a_local_address(void **state) {
  (void)state;
  struct secure_world w;
  secure_open(&w);
  sim_add_host(w.sim, "both.test", "10.0.0.1", FC_MILLISECOND);
  sim_add_host(w.sim, "both.test", "127.0.0.1", FC_MILLISECOND);
  secure_serve(&w, "127.0.0.1:80", server_local(FC_LOCAL_TCP));
  secure_channel(&w, "both.test:80", channel_local(FC_LOCAL_TCP));
  secure_expect(&w, FC_CODE_OK, "");
  secure_close(&w);
}

static void expect_no_listening(const char *address, fc_local_type type, const char *message) {
  struct secure_world w;
  fc_error err = FC_ERROR_INIT;
  secure_open(&w);
  sim_add_host(w.sim, "far.test", "10.0.0.1", FC_MILLISECOND);
  assert_int_equal(fc_server_create(&w.server_options, &w.server, NULL), FC_OK);
  fc_server_credentials *c = server_local(type);
  int port = 7;
  assert_int_equal(fc_server_listen_secure(w.server, address, c, &port, &err), FC_ERR_INVALID);
  fc_server_credentials_destroy(c);
  assert_int_equal(port, 0);
  if (!strstr(err.message, message)) fail_msg("%s", err.message);
  secure_close(&w);
}

static void a_server_listens_on_local_addresses_alone(void **state) {
  (void)state;
  expect_no_listening("0.0.0.0:80", FC_LOCAL_UNIX, "ipv4:0.0.0.0:80 is not a Unix socket");
  expect_no_listening("far.test:80", FC_LOCAL_TCP, "ipv4:10.0.0.1:80 is not a loopback address");
  expect_no_listening("unix:/run/t", FC_LOCAL_TCP, "unix:/run/t is not a loopback address");
  expect_no_listening("127.0.0.1:80", FC_LOCAL_UNIX, "ipv4:127.0.0.1:80 is not a Unix socket");
}

static void expect_no_service_from_elsewhere(const char *address) {
  struct secure_world w;
  secure_open(&w);
  w.server_options.max_connections = 1;
  secure_serve(&w, address, server_local(FC_LOCAL_TCP));
  sim_link(w.sim, NULL)->client = "192.0.2.1";
  secure_channel(&w, "ipv4:127.0.0.1:80", NULL);
  secure_expect(&w, FC_CODE_UNAVAILABLE, "closed the connection");
  assert_int_equal(w.handled, 0);
  sim_link(w.sim, NULL)->client = "127.0.0.2";
  sim_run_for(w.sim, 2 * FC_SECOND);
  secure_expect(&w, FC_CODE_OK, ""); /* its descriptor is counted no longer */
  secure_close(&w);
}

/* A machine may answer on its loopback addresses to others, and on all of its addresses to itself. */
static void a_server_closes_connections_from_elsewhere(void **state) {
  (void)state;
  expect_no_service_from_elsewhere("127.0.0.1:80");
  expect_no_service_from_elsewhere("0.0.0.0:80");
}

/* ---- arguments and memory ---- */

static void wrong_arguments_are_refused(void **state) {
  (void)state;
  fc_channel_credentials *channel, *composite;
  fc_server_credentials *server;
  fc_call_credentials *call;
  fc_error err = FC_ERROR_INIT;
  assert_int_equal(fc_channel_credentials_local((fc_local_type)2, &channel, &err), FC_ERR_INVALID);
  assert_string_equal(err.message, "type is 2; give FC_LOCAL_UNIX or FC_LOCAL_TCP");
  assert_null(channel);
  assert_int_equal(fc_server_credentials_local((fc_local_type)-1, &server, &err), FC_ERR_INVALID);
  assert_null(server);
  assert_int_equal(fc_channel_credentials_insecure(NULL, &err), FC_ERR_INVALID);
  assert_int_equal(fc_channel_credentials_local(FC_LOCAL_TCP, NULL, NULL), FC_ERR_INVALID);
  assert_int_equal(fc_channel_credentials_tls(NULL, NULL, NULL), FC_ERR_INVALID);
  assert_int_equal(fc_server_credentials_insecure(NULL, NULL), FC_ERR_INVALID);
  assert_int_equal(fc_server_credentials_tls(NULL, NULL, NULL), FC_ERR_INVALID);
  assert_int_equal(fc_call_credentials_from_token("token", &call, NULL), FC_OK);
  assert_int_equal(fc_channel_credentials_composite(NULL, call, &composite, &err), FC_ERR_INVALID);
  assert_string_equal(err.message, "channel is NULL");
  assert_int_equal(fc_channel_credentials_insecure(&channel, NULL), FC_OK);
  assert_int_equal(fc_channel_credentials_composite(channel, call, &composite, &err),
                   FC_ERR_INVALID);
  assert_non_null(strstr(err.message, "channel is insecure"));
  assert_int_equal(fc_channel_credentials_composite(channel, NULL, &composite, &err),
                   FC_ERR_INVALID);
  assert_string_equal(err.message, "call is NULL");
  assert_null(composite);
  fc_channel_credentials_destroy(channel);
  fc_call_credentials_destroy(call);
  fc_channel_credentials_destroy(NULL);
  fc_server_credentials_destroy(NULL);
}

static void wrong_arguments_of_servers_are_refused(void **state) {
  (void)state;
  struct secure_world w;
  fc_error err = FC_ERROR_INIT;
  secure_open(&w);
  assert_int_equal(fc_server_create(&w.server_options, &w.server, NULL), FC_OK);
  assert_int_equal(fc_server_listen_secure(w.server, "127.0.0.1:80", NULL, NULL, &err),
                   FC_ERR_INVALID);
  assert_string_equal(err.message, "credentials is NULL");
  fc_server_credentials *c = server_local(FC_LOCAL_TCP);
  assert_int_equal(fc_server_listen_secure(NULL, "127.0.0.1:80", c, NULL, &err), FC_ERR_INVALID);
  assert_int_equal(fc_server_credentials_update(c, NULL, 0, FC_SLICE_EMPTY, &err), FC_ERR_INVALID);
  assert_string_equal(err.message, "credentials are not TLS: they have no certificates");
  assert_int_equal(fc_server_credentials_update(NULL, NULL, 0, FC_SLICE_EMPTY, &err),
                   FC_ERR_INVALID);
  fc_server_credentials_destroy(c);
  secure_close(&w);
}

/* Says whether allocation n was reached. */
static bool live_with_failure(size_t n, enum failing_alloc_mode mode) {
  struct sim *sim = sim_create(1);
  fc_server_options so = FC_SERVER_OPTIONS_INIT;
  fc_channel_options co = FC_CHANNEL_OPTIONS_INIT;
  fc_call_credentials *token = NULL;
  fc_channel_credentials *plain = NULL, *inner = NULL;
  fc_server_credentials *served = NULL;
  fc_server *server = NULL;
  fc_channel *channel = NULL;
  so.reactor = co.reactor = sim_reactor(sim);
  so.max_connections = 1000; /* so that they are counted */
  failing_alloc_arm(n, mode);
  bool up = fc_server_create(&so, &server, NULL) == FC_OK &&
            fc_server_credentials_local(FC_LOCAL_UNIX, &served, NULL) == FC_OK &&
            fc_server_listen_secure(server, "unix:/run/a", served, NULL, NULL) == FC_OK &&
            fc_server_listen_secure(server, "unix:/run/b", served, NULL, NULL) == FC_OK &&
            fc_server_start(server, NULL) == FC_OK &&
            fc_channel_credentials_local(FC_LOCAL_UNIX, &plain, NULL) == FC_OK &&
            fc_call_credentials_from_token("token", &token, NULL) == FC_OK &&
            fc_channel_credentials_composite(plain, token, &inner, NULL) == FC_OK &&
            fc_channel_credentials_composite(inner, token, &co.credentials, NULL) == FC_OK &&
            fc_channel_create("unix:/run/a", &co, &channel, NULL) == FC_OK;
  fc_code code = FC_CODE_RESOURCE_EXHAUSTED;
  if (up) code = fc_unary_unary(channel, "/t/None", TEXT(""), NULL, NULL, NULL, NULL);
  bool reached = failing_alloc_disarm();
  if (!reached) assert_int_equal(code, FC_CODE_UNIMPLEMENTED);
  fc_channel_credentials_destroy(co.credentials);
  fc_channel_credentials_destroy(inner);
  fc_channel_credentials_destroy(plain);
  fc_call_credentials_destroy(token);
  fc_server_credentials_destroy(served);
  fc_channel_destroy(channel);
  fc_server_destroy(server);
  sim_run_for(sim, 3 * FC_SECOND);
  sim_destroy(sim);
  return reached;
}

static void any_allocation_may_fail(void **state) {
  (void)state;
  for (int mode = FAILING_ALLOC_ONCE; mode <= FAILING_ALLOC_FROM_THEN; mode++) {
    bool reached = true;
    for (size_t n = 0; reached; n++) {
      size_t before = failing_alloc_live();
      reached = live_with_failure(n, (enum failing_alloc_mode)mode);
      assert_int_equal(failing_alloc_live(), before);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(unix_sockets_are_private),
      cmocka_unit_test(loopback_addresses_are_not_private),
      cmocka_unit_test(insecure_calls_know_that_they_are),
      cmocka_unit_test(a_call_without_a_connection_knows_nothing),
      cmocka_unit_test(a_channel_connects_to_no_other_machine),
      cmocka_unit_test(a_channel_goes_on_to_a_local_address),
      cmocka_unit_test(a_server_listens_on_local_addresses_alone),
      cmocka_unit_test(a_server_closes_connections_from_elsewhere),
      cmocka_unit_test(wrong_arguments_are_refused),
      cmocka_unit_test(wrong_arguments_of_servers_are_refused),
      cmocka_unit_test(any_allocation_may_fail),
  };
  failing_alloc_install();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
