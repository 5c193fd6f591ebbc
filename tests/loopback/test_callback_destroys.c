/*
 * Callbacks that destroy what they are told of, while the function that brought them about has not returned: it has
 * released its lock, and all that the callback does happens before it goes on.
 */
#include <sched.h>

#include "farcall/server.h"
#include "io/reactor.h"
#include "support/failing_alloc.h"
#include "support/lock_owner.h"
#include "support/stage.h"

/* ---- on_end ---- */

struct ending {
  fc_server *server;
  struct gate ended;
};

static void destroy_server(fc_server *server, void *user) {
  struct ending *e = user;
  fc_server_destroy(server);
  gate_pass(&e->ended);
}

static void create_server(struct ending *e, uint32_t reactors) {
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  *e = (struct ending){.ended = GATE_INIT};
  o.reactors = reactors;
  o.on_end = destroy_server;
  o.user = e;
  assert_int_equal(fc_server_create(&o, &e->server, NULL), FC_OK);
}

static void await_end(void *user) { gate_await(&((struct ending *)user)->ended, 1); }

static void *shut_down(void *user) {
  MUST(fc_server_shutdown(((struct ending *)user)->server, 0) == FC_OK);
  return NULL;
}

/* Another thread ends the server: its shutdown has returned, and on_end too. */
static void end_meanwhile(void *user) {
  pthread_t thread;
  MUST(pthread_create(&thread, NULL, shut_down, user) == 0);
  pthread_join(thread, NULL);
  await_end(user);
}

static void expect_nothing_left(size_t live) {
  if (!failing_alloc_comes_to(live))
    fail_msg("%zu blocks of memory are left", failing_alloc_live() - live);
}

static void on_end_may_destroy_the_server_before_shutdown_returns(void **state) {
  static const struct {
    uint32_t reactors;
    int nth; /* reactor after which it is looked at */
    lock_owner_fn meanwhile;
  } cases[] = {{1, 0, await_end}, {2, 0, end_meanwhile}, {2, 1, await_end}, {3, 1, end_meanwhile}};
  size_t live = failing_alloc_live();
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct ending e;
    create_server(&e, cases[i].reactors);
    assert_int_equal(fc_server_start(e.server, NULL), FC_OK);
    (void)lock_owner_after_unlock(cases[i].nth, cases[i].meanwhile, &e);
    assert_int_equal(fc_server_shutdown(e.server, 0), FC_OK);
    assert_false(lock_owner_after_unlock(0, NULL, NULL));
    expect_nothing_left(live);
  }
}

static void on_end_may_destroy_the_server_before_start_returns(void **state) {
  size_t live = failing_alloc_live();
  (void)state;
  for (int nth = 0; nth < 3; nth++) {
    struct ending e;
    create_server(&e, 3);
    (void)lock_owner_after_unlock(nth, end_meanwhile, &e);
    assert_int_equal(fc_server_start(e.server, NULL), FC_OK);
    assert_false(lock_owner_after_unlock(0, NULL, NULL));
    expect_nothing_left(live);
  }
}

/* However far it has come. */
static void on_end_may_destroy_the_server_before_listen_returns(void **state) {
  size_t live = failing_alloc_live();
  bool cut = true;
  (void)state;
  for (int nth = 0; cut; nth++) {
    struct ending e;
    int port;
    create_server(&e, 2);
    assert_int_equal(fc_server_start(e.server, NULL), FC_OK);
    (void)lock_owner_after_unlock(nth, end_meanwhile, &e);
    fc_result r = fc_server_listen(e.server, "127.0.0.1:0", &port, NULL);
    cut = !lock_owner_after_unlock(0, NULL, NULL);
    assert_true(r == FC_OK || (cut && r == FC_ERR_CLOSED));
    if (!cut) end_meanwhile(&e);
    expect_nothing_left(live);
  }
}

/* ---- calls ---- */

struct world {
  struct stage stage;
  struct gate told, taken, served, go_on;
  fc_call *call;
  fc_watch *watch;
};

static fc_bytes *pass(fc_call *call, fc_bytes *message, void *user) {
  (void)call;
  (void)user;
  return message;
}

static void gone(void *user) { gate_pass(user); }

/* The gate is passed when the call is no more. */
static fc_call_hooks hooks_of(struct gate *gate) {
  fc_call_hooks hooks = FC_CALL_HOOKS_INIT;
  hooks.on_send = pass;
  hooks.drop = gone;
  hooks.user = gate;
  return hooks;
}

static void hand_out(fc_call *call, void *user) {
  struct world *w = user;
  w->call = call;
  gate_pass(&w->taken);
}

static void attach(fc_server_next *next, fc_call *call, void *user) {
  const fc_call_hooks hooks = hooks_of(&((struct world *)user)->served);
  MUST(fc_call_add_hooks(call, &hooks) == FC_OK);
  fc_server_next_call(next, call);
}

static void open_world(struct world *w, void **state) {
  const fc_server_interceptor interceptor = {attach, w};
  *w = (struct world){
      .told = GATE_INIT, .taken = GATE_INIT, .served = GATE_INIT, .go_on = GATE_INIT};
  stage_open(&w->stage, state);
  w->stage.server_options.interceptors = &interceptor;
  w->stage.server_options.interceptor_count = 1;
  stage_serve(&w->stage, "/t/Echo", FC_PATTERN_STREAM_STREAM, FC_HANDLER_BLOCKING, stage_echo,
              NULL);
  stage_serve(&w->stage, "/t/Out", FC_PATTERN_UNARY_UNARY, FC_HANDLER_ASYNC, hand_out, w);
  stage_start(&w->stage);
}

static void await_gate(void *user) { gate_await(user, 1); }

static void sent_destroys(fc_call *call, fc_result result, void *user) {
  (void)user;
  MUST(result == FC_OK);
  fc_call_destroy(call);
}

static void a_send_s_callback_may_destroy_the_call_before_the_send_returns(void **state) {
  struct world w;
  open_world(&w, state);
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  const fc_call_hooks hooks = hooks_of(&w.told);
  o.hooks = &hooks;
  fc_call *call = stage_call(&w.stage, "/t/Echo", FC_PATTERN_STREAM_STREAM, &o);
  fc_bytes *message = stage_message(10);
  (void)lock_owner_after_unlock(1, await_gate, &w.told); /* behind the look before the hooks */
  assert_int_equal(fc_call_send_async(call, message, 0, sent_destroys, NULL), FC_OK);
  assert_false(lock_owner_after_unlock(0, NULL, NULL));
  stage_close(&w.stage);
}

static void end_destroys(fc_call *call, void *user) {
  (void)user;
  fc_call_destroy(call);
}

static void the_end_s_callback_may_destroy_the_call_before_respond_returns(void **state) {
  struct world w;
  fc_call *call;
  open_world(&w, state);
  assert_int_equal(
      fc_unary_unary_future(w.stage.channel, "/t/Out", TEXT("hello"), NULL, &call, NULL), FC_OK);
  gate_await(&w.taken, 1);
  assert_int_equal(fc_call_on_done(w.call, end_destroys, NULL), FC_OK);
  fc_bytes *message = stage_message(10);
  (void)lock_owner_after_unlock(0, await_gate, &w.served);
  assert_int_equal(fc_call_respond(w.call, message), FC_OK);
  assert_false(lock_owner_after_unlock(0, NULL, NULL));
  assert_int_equal(fc_call_wait(call, FC_NEVER), FC_OK);
  fc_call_destroy(call);
  stage_close(&w.stage);
}

/* ---- receiving through hooks ---- */

static fc_bytes *look_long(fc_call *call, fc_bytes *message, void *user) {
  struct world *w = user;
  (void)call;
  gate_pass(&w->taken);
  gate_await(&w->go_on, 1);
  return message;
}

static void received(fc_call *call, fc_bytes *message, void *user) {
  (void)call;
  fc_bytes_unref(message);
  gate_pass(&((struct world *)user)->told);
}

/* Else its hooks would see the next message first. */
static void a_receive_is_pending_until_its_hooks_have_seen_the_message(void **state) {
  struct world w;
  open_world(&w, state);
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  fc_call_hooks hooks = FC_CALL_HOOKS_INIT;
  fc_bytes *message;
  hooks.on_receive = look_long;
  hooks.user = &w;
  o.hooks = &hooks;
  fc_call *call = stage_call(&w.stage, "/t/Echo", FC_PATTERN_STREAM_STREAM, &o);
  assert_int_equal(fc_call_recv_async(call, received, &w), FC_OK);
  assert_int_equal(fc_call_send_copy(call, TEXT("first"), 0), FC_OK);
  gate_await(&w.taken, 1);
  assert_int_equal(fc_call_send_copy(call, TEXT("second"), FC_SEND_LAST), FC_OK);
  assert_int_equal(fc_call_try_recv(call, &message), FC_ERR_BUSY);
  assert_int_equal(fc_call_recv_async(call, received, &w), FC_ERR_BUSY);
  gate_pass(&w.go_on);
  gate_await(&w.told, 1);
  stage_expect(call, "second");
  stage_expect_end(call, FC_CODE_OK);
  stage_close(&w.stage);
}

/* ---- watches ---- */

/* It knows the handle, which is stored before it runs. */
static void cancel_itself(fc_channel *channel, fc_connectivity watched, void *user) {
  struct world *w = user;
  (void)channel;
  (void)watched;
  MUST(w->watch != NULL);
  fc_watch_cancel(w->watch);
  gate_pass(&w->told);
}

static void a_watch_may_be_cancelled_by_its_callback_before_it_was_handed_out(void **state) {
  struct world w;
  open_world(&w, state);
  (void)lock_owner_after_unlock(1, await_gate, &w.told); /* behind the allocator's */
  assert_int_equal(fc_channel_watch(w.stage.channel, cancel_itself, &w, &w.watch), FC_OK);
  assert_false(lock_owner_after_unlock(0, NULL, NULL));
  stage_close(&w.stage);
}

static void tell_slowly(fc_channel *channel, fc_connectivity watched, void *user) {
  struct world *w = user;
  (void)channel;
  (void)watched;
  gate_pass(&w->taken);
  gate_await(&w->go_on, 1);
  fc_watch_cancel(w->watch); /* itself too: nobody has freed it */
}

static void *cancel(void *user) {
  struct world *w = user;
  fc_watch_cancel(w->watch);
  gate_pass(&w->told);
  return NULL;
}

static size_t count_waits(fc_reactor *reactor) {
  struct fc__loop *loop = fc__reactor_loop(reactor);
  size_t count = 0;
  fc__loop_lock(loop);
  for (struct fc__node *n = reactor->waits.next; n != &reactor->waits; n = n->next) count++;
  fc__loop_unlock(loop);
  return count;
}

/* While the callback runs each of them waits for it; then one frees the watch. */
static void several_threads_may_wait_for_the_end_of_a_watch(void **state) {
  enum { THREADS = 3 };
  struct world w;
  pthread_t threads[THREADS];
  open_world(&w, state);
  assert_int_equal(fc_channel_watch(w.stage.channel, tell_slowly, &w, &w.watch), FC_OK);
  gate_await(&w.taken, 1);
  for (int i = 0; i < THREADS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, cancel, &w), 0);
  while (count_waits(w.stage.drive.reactor) < THREADS) sched_yield();
  assert_int_equal(gate_passed(&w.told), 0);
  gate_pass(&w.go_on);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  stage_close(&w.stage);
}

int main(void) {
  const struct CMUnitTest servers[] = {
      cmocka_unit_test(on_end_may_destroy_the_server_before_shutdown_returns),
      cmocka_unit_test(on_end_may_destroy_the_server_before_start_returns),
      cmocka_unit_test(on_end_may_destroy_the_server_before_listen_returns),
  };
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_send_s_callback_may_destroy_the_call_before_the_send_returns),
      cmocka_unit_test(the_end_s_callback_may_destroy_the_call_before_respond_returns),
      cmocka_unit_test(a_receive_is_pending_until_its_hooks_have_seen_the_message),
      cmocka_unit_test(a_watch_may_be_cancelled_by_its_callback_before_it_was_handed_out),
      cmocka_unit_test(several_threads_may_wait_for_the_end_of_a_watch),
  };
  failing_alloc_install();
  int failed = cmocka_run_group_tests(servers, NULL, NULL);
  return failed + drive_run_tests(tests, sizeof tests / sizeof *tests);
}
