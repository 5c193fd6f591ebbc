/*
 * Every allocation of secure servers and channels fails in turn, alone and with all that follow: calls end with one status,
 * nothing leaks, and later calls succeed. What OpenSSL takes for itself is not failed here. Row 69 of the hostile inputs
 */
#include "farcall/rpc.h"
#include "farcall/server.h"
#include "sim/sim_net.h"
#include "support/check.h"
#include "support/failing_alloc.h"
#include "support/tls_credentials.h"
#include "support/watched.h"

struct life {
  struct sim *sim;
  fc_server_credentials *served;
  fc_server *server;
  fc_channel_credentials *credentials;
  fc_channel *channel;
  bool renewing; /* the certificate, at each handshake */
  int dropped;   /* user pointers of the credentials */
};

static void note_drop(void *user) { ((struct life *)user)->dropped++; }

static void renew(fc_server_credentials *credentials, void *user) {
  fc_tls_identity identity = cert_identity("server");
  if (!((struct life *)user)->renewing) return;
  (void)!fc_server_credentials_update(credentials, &identity, 1, FC_SLICE_EMPTY, NULL);
}

static fc_result agree(const fc_auth_context *peer, const char *name, fc_error *err, void *user) {
  (void)peer, (void)name, (void)err, (void)user;
  return FC_OK;
}

static bool is_fine(fc_result r) {
  assert_true(r == FC_OK || r == FC_ERR_NO_MEMORY);
  return r == FC_OK;
}

/* ---- handlers ---- */

static void echo(fc_call *call, void *user) {
  fc_bytes *request;
  (void)user;
  (void)fc_call_auth_context(call);
  if (fc_call_recv(call, &request) == FC_OK && fc_call_respond(call, request) != FC_OK) {
    fc_bytes_unref(request);
  }
  fc_call_destroy(call);
}

static bool make_server(struct life *life) {
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  fc_tls_server_options tls = FC_TLS_SERVER_OPTIONS_INIT;
  fc_tls_identity identity = cert_identity("server");
  fc_handler h = FC_HANDLER_INIT;
  o.reactor = sim_reactor(life->sim);
  o.max_connections = o.max_concurrent_calls = 1000; /* so that they are counted */
  tls.identities = &identity;
  tls.identity_count = 1;
  tls.client_auth = FC_TLS_CLIENT_AUTH_REQUIRE;
  tls.client_roots = cert_text("ca.pem");
  tls.on_handshake = renew;
  tls.handshake_drop = note_drop;
  tls.handshake_user = life;
  h.pattern = FC_PATTERN_UNARY_UNARY;
  h.kind = FC_HANDLER_ASYNC;
  h.fn = echo;
  return is_fine(fc_server_credentials_tls(&tls, &life->served, NULL)) &&
         is_fine(fc_server_create(&o, &life->server, NULL)) &&
         is_fine(fc_server_register(life->server, "/t/Echo", &h, NULL)) &&
         is_fine(fc_server_listen_secure(life->server, "127.0.0.1:80", life->served, NULL, NULL)) &&
         is_fine(fc_server_start(life->server, NULL));
}

static bool make_channel(struct life *life) {
  fc_channel_options o = FC_CHANNEL_OPTIONS_INIT;
  fc_tls_client_options tls = tls_client_options();
  fc_tls_identity identity = cert_identity("client");
  tls.identity = &identity;
  tls.verify = agree;
  tls.verify_drop = note_drop;
  tls.verify_user = life;
  if (!is_fine(fc_channel_credentials_tls(&tls, &life->credentials, NULL))) return false;
  o.reactor = sim_reactor(life->sim);
  o.credentials = life->credentials;
  o.tls_target_name = "localhost";
  return is_fine(fc_channel_create("ipv4:127.0.0.1:80", &o, &life->channel, NULL));
}

static void end_life(struct life *life) {
  int due = (life->credentials != NULL) + (life->served != NULL);
  fc_channel_credentials_destroy(life->credentials);
  fc_server_credentials_destroy(life->served);
  fc_channel_destroy(life->channel);
  fc_server_destroy(life->server);
  sim_run_for(life->sim, 3 * FC_SECOND);
  assert_int_equal(life->dropped, due);
  assert_int_equal(sim_connections(life->sim), 0);
  sim_destroy(life->sim);
}

static bool call(struct life *life) {
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  fc_bytes *response;
  o.timeout_ns = 30 * FC_SECOND;
  fc_code code = fc_unary_unary(life->channel, "/t/Echo", TEXT("hello"), &o, &response, NULL, NULL);
  bool right = code == FC_CODE_OK && fc_slice_equals(fc_bytes_slice(response), "hello");
  fc_bytes_unref(response);
  return right;
}

/* Calls on two connections, of which the second may resume the session of the first. */
static bool converse(struct life *life) {
  bool right = call(life);
  sim_cut_all(life->sim, SIM_CUT_RESET);
  sim_run_for(life->sim, 3 * FC_SECOND);
  return call(life) && right;
}

/* ---- the tests ---- */

/* Under valgrind, where a handshake takes long, a part of all allocations must do. */
static size_t step(void) { return watched_by_valgrind() ? 13 : 1; }

static bool live_with_failure(size_t n, enum failing_alloc_mode mode) {
  struct life life = {.sim = sim_create(5), .renewing = true};
  failing_alloc_arm(n, mode);
  bool up = make_server(&life) && make_channel(&life), right = up && converse(&life);
  bool reached = failing_alloc_disarm();
  assert_true(right || reached);
  end_life(&life);
  return reached;
}

static void secure_ends_live_with_any_failure(void **state) {
  (void)state;
  for (int mode = FAILING_ALLOC_ONCE; mode <= FAILING_ALLOC_FROM_THEN; mode++) {
    bool reached = true;
    for (size_t n = 0; reached; n += step()) {
      size_t before = failing_alloc_live();
      reached = live_with_failure(n, (enum failing_alloc_mode)mode);
      assert_int_equal(failing_alloc_live(), before);
    }
  }
}

/* The same two ends, over and over. */
static void recover_from_failures(struct life *life, enum failing_alloc_mode mode) {
  bool reached = true;
  for (size_t n = 0; reached; n += step()) {
    failing_alloc_arm(n, mode);
    (void)converse(life);
    reached = failing_alloc_disarm();
    sim_run_for(life->sim, 200 * FC_SECOND);
    assert_true(call(life));
  }
}

static void secure_calls_succeed_again_after_a_failure(void **state) {
  (void)state;
  size_t before = failing_alloc_live();
  struct life life = {.sim = sim_create(6)};
  assert_true(make_server(&life) && make_channel(&life));
  recover_from_failures(&life, FAILING_ALLOC_ONCE);
  recover_from_failures(&life, FAILING_ALLOC_FROM_THEN);
  end_life(&life);
  assert_int_equal(failing_alloc_live(), before);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(secure_ends_live_with_any_failure),
      cmocka_unit_test(secure_calls_succeed_again_after_a_failure),
  };
  failing_alloc_install();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
