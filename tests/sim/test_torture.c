/*
 * Scripted conversations of a client and a server in one simulated process, in which the n-th allocation fails, for every
 * n, alone or with all that follow. Whatever fails: every call that began ends with exactly one status, every callback
 * comes once, nothing leaks, and with memory back a call succeeds. hostile.md, row 69
 */
#include "farcall/rpc.h"
#include "farcall/server.h"
#include "sim/sim_net.h"
#include "support/check.h"
#include "support/failing_alloc.h"

#define S FC_SECOND
#define MS FC_MILLISECOND
#define ADDRESS "10.0.0.1:80"

/* More than a window; compressing that again and again would take the time that the failures need. */
enum { LONG = 70000, MESSAGES = 3 };

struct act {
  struct sim *sim;
  fc_server *server, *second; /* the second one comes later, at the same address */
  fc_channel *channel;
  int begun, ended; /* calls by callback: outcomes that are due and were told */
  int good;         /* calls of any kind that ended with OK */
  int dropped, hooked;
};

static fc_bytes *long_message(size_t len) {
  uint8_t *data;
  fc_bytes *message = fc_bytes_create(len, &data);
  if (message && len) memset(data, 'm', len);
  return message;
}

static fc_metadata *some_metadata(void) {
  fc_metadata *list = fc_metadata_create();
  for (int i = 0; list && i < 3; i++) {
    if (fc_metadata_add_string(list, "key", "a value of some length, which does not fit anywhere",
                               NULL) == FC_OK &&
        fc_metadata_add(list, "key-bin", TEXT("\0\1\2"), NULL) == FC_OK)
      continue;
    fc_metadata_destroy(list);
    return NULL;
  }
  return list;
}

/* ---- the server's handlers take every failure as it comes ---- */

static void end(fc_call *call, fc_code code) {
  (void)!fc_call_finish(call, code, "the end, told at some length", TEXT("details\0of it"));
  fc_call_destroy(call);
}

static void greet(fc_call *call, fc_compression compression) {
  fc_metadata *list = some_metadata();
  (void)fc_call_set_compression(call, compression);
  (void)fc_call_send_initial_metadata(call, list);
  (void)fc_call_set_trailing_metadata(call, list);
  fc_metadata_destroy(list);
}

static void answer(fc_call *call, void *user) {
  fc_bytes *request;
  (void)user;
  greet(call, FC_COMPRESSION_GZIP);
  if (fc_call_recv(call, &request) == FC_OK && fc_call_respond(call, request) != FC_OK)
    fc_bytes_unref(request);
  fc_call_destroy(call);
}

static void abort_it(fc_call *call, void *user) {
  (void)user;
  greet(call, FC_COMPRESSION_NONE);
  end(call, FC_CODE_ABORTED);
}

static void echo_received(fc_call *call, fc_bytes *message, void *user);

static void echo_sent(fc_call *call, fc_result result, void *user) {
  if (result == FC_OK && fc_call_recv_async(call, echo_received, user) == FC_OK) return;
  end(call, FC_CODE_INTERNAL);
}

static void echo_received(fc_call *call, fc_bytes *message, void *user) {
  if (message && fc_call_send_async(call, message, 0, echo_sent, user) == FC_OK) return;
  fc_bytes_unref(message);
  end(call, message ? FC_CODE_RESOURCE_EXHAUSTED : FC_CODE_OK);
}

static void echo(fc_call *call, void *user) {
  greet(call, FC_COMPRESSION_NONE);
  if (fc_call_recv_async(call, echo_received, user) != FC_OK) end(call, FC_CODE_INTERNAL);
}

static void gather_next(fc_call *call, fc_bytes *message, void *user) {
  if (message) {
    fc_bytes_unref(message);
    if (fc_call_recv_async(call, gather_next, user) == FC_OK) return;
  } else {
    fc_bytes *sum = long_message(3);
    if (sum && fc_call_respond(call, sum) != FC_OK) fc_bytes_unref(sum);
  }
  fc_call_destroy(call); /* unfinished for want of memory: UNKNOWN */
}

static void gather(fc_call *call, void *user) {
  greet(call, FC_COMPRESSION_NONE);
  if (fc_call_recv_async(call, gather_next, user) != FC_OK) end(call, FC_CODE_INTERNAL);
}

static void kept_over(fc_call *call, void *user) {
  (void)user;
  fc_call_destroy(call);
}

/* Keeps the call until it is over. */
static void keep(fc_call *call, void *user) {
  if (fc_call_on_done(call, kept_over, user) != FC_OK) fc_call_destroy(call);
}

/* ---- hooks and interceptors of both sides ---- */

static fc_bytes *copied(fc_call *call, fc_bytes *message, void *user) {
  (void)call, (void)user;
  fc_slice bytes = fc_bytes_slice(message);
  fc_bytes *copy = fc_bytes_copy(bytes.data, bytes.len);
  fc_bytes_unref(message);
  return copy;
}

static void hook_dropped(void *user) { ((struct act *)user)->dropped++; }

static fc_call_hooks copying_hooks(struct act *act) {
  fc_call_hooks hooks = FC_CALL_HOOKS_INIT;
  hooks.on_send = hooks.on_receive = copied;
  hooks.drop = hook_dropped;
  hooks.user = act;
  return hooks;
}

static void attach_on_server(fc_server_next *next, fc_call *call, void *user) {
  struct act *act = user;
  fc_call_hooks hooks = copying_hooks(act);
  if (fc_call_add_hooks(call, &hooks) == FC_OK) act->hooked++;
  fc_server_next_call(next, call);
}

static fc_result attach_on_client(fc_next *next, const char *method, const fc_call_options *options,
                                  fc_call **out, fc_error *err, void *user) {
  struct act *act = user;
  fc_call_options mine = *options;
  fc_call_hooks hooks = copying_hooks(act);
  mine.hooks = &hooks;
  fc_result r = fc_next_call(next, method, &mine, out, err);
  if (r == FC_OK) act->hooked++;
  return r;
}

/* ---- server and channel, made with memory there ---- */

static void add(fc_server *server, const char *name, fc_pattern pattern, fc_handler_fn fn) {
  fc_handler handler = FC_HANDLER_INIT;
  handler.pattern = pattern;
  handler.kind = FC_HANDLER_ASYNC;
  handler.fn = fn;
  assert_int_equal(fc_server_register(server, name, &handler, NULL), FC_OK);
}

static fc_server *make_server(struct act *act, bool hooks) {
  const fc_server_interceptor interceptor = {attach_on_server, act};
  fc_server_options options = FC_SERVER_OPTIONS_INIT;
  fc_server *server;
  options.reactor = sim_reactor(act->sim);
  options.max_connections = options.max_concurrent_calls = 1000; /* so that they are counted */
  options.interceptors = &interceptor;
  options.interceptor_count = hooks;
  assert_int_equal(fc_server_create(&options, &server, NULL), FC_OK);
  add(server, "/t/Answer", FC_PATTERN_UNARY_UNARY, answer);
  add(server, "/t/Abort", FC_PATTERN_UNARY_UNARY, abort_it);
  add(server, "/t/Keep", FC_PATTERN_UNARY_UNARY, keep);
  add(server, "/t/Stream", FC_PATTERN_UNARY_STREAM, echo);
  add(server, "/t/Gather", FC_PATTERN_STREAM_UNARY, gather);
  add(server, "/t/Echo", FC_PATTERN_STREAM_STREAM, echo);
  assert_int_equal(fc_server_listen(server, ADDRESS, NULL, NULL), FC_OK);
  assert_int_equal(fc_server_start(server, NULL), FC_OK);
  return server;
}

static fc_channel *make_channel(struct act *act, bool hooks) {
  const fc_interceptor interceptor = {attach_on_client, act};
  fc_channel_options options = FC_CHANNEL_OPTIONS_INIT;
  fc_channel *channel;
  options.reactor = sim_reactor(act->sim);
  options.interceptors = &interceptor;
  options.interceptor_count = hooks;
  options.compression = FC_COMPRESSION_DEFLATE;
  assert_int_equal(fc_channel_create("ipv4:" ADDRESS, &options, &channel, NULL), FC_OK);
  return channel;
}

/* ---- a client's calls ---- */

static fc_call_options options_for(int64_t timeout) {
  fc_call_options options = FC_CALL_OPTIONS_INIT;
  options.timeout_ns = timeout;
  options.wait_for_ready = FC_WAIT_FOR_READY_ON;
  return options;
}

static void expect_begun(fc_result r) { assert_true(r == FC_OK || r == FC_ERR_NO_MEMORY); }

/* The status is one, and what it says can be read. */
static void expect_one_status(fc_call *call) {
  const fc_metadata *list;
  const fc_status *status = fc_call_status(call);
  assert_true(fc_call_is_done(call));
  assert_true((unsigned)status->code <= FC_CODE_UNAUTHENTICATED);
  assert_non_null(status->message);
  assert_true(fc_call_status(call) == status);
  assert_int_equal(fc_call_initial_metadata(call, 0, &list), FC_OK);
  for (size_t i = 0; i < fc_metadata_count(list); i++)
    assert_true(fc_metadata_at(list, i).key.len > 0);
  assert_non_null(fc_call_trailing_metadata(call));
  fc_call_cancel(call, FC_CODE_DATA_LOSS, "too late");
  assert_true(status->code != FC_CODE_DATA_LOSS);
  assert_true(fc_call_on_done(call, kept_over, NULL) == FC_ERR_CLOSED);
}

static void finish_call(struct act *act, fc_call *call) {
  expect_one_status(call);
  act->good += fc_call_status(call)->code == FC_CODE_OK;
  fc_call_destroy(call);
}

static void unary_blocking(struct act *act, const char *method, fc_slice request, int64_t timeout) {
  fc_call_options options = options_for(timeout);
  fc_metadata *list = some_metadata();
  fc_bytes *response;
  fc_call *call;
  options.metadata = list;
  fc_code code = fc_unary_unary(act->channel, method, request, &options, &response, &call, NULL);
  assert_int_equal(response != NULL, code == FC_CODE_OK);
  if (response) assert_int_equal(fc_bytes_slice(response).len, request.len);
  assert_true(call || code == FC_CODE_RESOURCE_EXHAUSTED);
  if (call) finish_call(act, call);
  fc_bytes_unref(response);
  fc_metadata_destroy(list);
}

static fc_call *unary_future(struct act *act, const char *method, int64_t timeout) {
  fc_call_options options = options_for(timeout);
  fc_call *call;
  expect_begun(fc_unary_unary_future(act->channel, method, TEXT("request"), &options, &call, NULL));
  return call;
}

static void await_future(struct act *act, fc_call *call) {
  fc_bytes *response;
  if (!call) return;
  assert_true(fc_call_wait(call, 100 * S) != FC_ERR_TIMEOUT);
  if (fc_call_recv(call, &response) == FC_OK) {
    assert_int_equal(fc_call_status(call)->code, FC_CODE_OK);
    fc_bytes_unref(response);
  }
  finish_call(act, call);
}

static void stream_blocking(struct act *act, const char *method, fc_pattern pattern, size_t len) {
  fc_call_options options = options_for(20 * S);
  fc_call *call;
  fc_bytes *message;
  options.pattern = pattern;
  options.compression = FC_COMPRESSION_NONE;
  expect_begun(fc_channel_call(act->channel, method, &options, &call, NULL));
  if (!call) return;
  int requests = pattern & FC_PATTERN_UNARY_STREAM ? 1 : MESSAGES;
  for (int i = 0; i < requests; i++) {
    message = long_message(len);
    if (message && fc_call_send(call, message, 0) != FC_OK) fc_bytes_unref(message);
    if (pattern == FC_PATTERN_STREAM_STREAM && fc_call_recv(call, &message) == FC_OK)
      fc_bytes_unref(message);
  }
  assert_int_equal(fc_call_close_send(call), FC_OK);
  while (fc_call_recv(call, &message) == FC_OK) fc_bytes_unref(message);
  finish_call(act, call);
}

/* ---- by callback ---- */

struct asked {
  struct act *act;
  int left;
};

static fc_bytes *next_request(fc_call *call, void *user) {
  struct asked *asked = user;
  if (asked->left-- <= 0) return NULL;
  fc_bytes *message = long_message(LONG / 2);
  if (!message) fc_call_cancel(call, FC_CODE_RESOURCE_EXHAUSTED, "no request");
  return message;
}

static bool take_message(fc_call *call, fc_bytes *message, void *user) {
  (void)call, (void)user;
  fc_bytes_unref(message);
  return true;
}

static void told(fc_call *call, const fc_status *status, fc_bytes *response, void *user) {
  struct asked *asked = user;
  asked->act->ended++;
  asked->act->good += status->code == FC_CODE_OK;
  assert_true(fc_call_is_done(call));
  assert_true(response == NULL || status->code == FC_CODE_OK);
  fc_bytes_unref(response);
}

static void all_by_callback(struct act *act) {
  struct asked asked[4];
  fc_call_options o = options_for(20 * S);
  fc_call *calls[4];
  o.compression = FC_COMPRESSION_NONE;
  for (int i = 0; i < 4; i++) asked[i] = (struct asked){act, MESSAGES};
  fc_channel *ch = act->channel;
  fc_result results[4] = {
      fc_unary_unary_async(ch, "/t/Answer", TEXT("r"), &o, told, &asked[0], NULL, NULL),
      fc_unary_stream_async(ch, "/t/Stream", TEXT("r"), &o, take_message, told, &asked[1],
                            &calls[1], NULL),
      fc_stream_unary_async(ch, "/t/Gather", next_request, &o, told, &asked[2], NULL, NULL),
      fc_stream_stream_async(ch, "/t/Echo", next_request, take_message, &o, told, &asked[3],
                             &calls[3], NULL),
  };
  for (int i = 0; i < 4; i++) {
    expect_begun(results[i]);
    if (results[i] == FC_OK) act->begun++;
  }
  fc_call_destroy(calls[3]); /* it runs on */
  sim_run_for(act->sim, 30 * S);
  if (calls[1]) expect_one_status(calls[1]);
  fc_call_destroy(calls[1]);
}

/* ---- the scripts ---- */

static void short_calls(struct act *act) {
  unary_blocking(act, "/t/Answer", TEXT("a request that is repetitive, repetitive, repetitive"),
                 20 * S);
  await_future(act, unary_future(act, "/t/Answer", 20 * S));
  unary_blocking(act, "/t/Answer", TEXT(""), 20 * S);
}

static void long_streams(struct act *act) {
  stream_blocking(act, "/t/Stream", FC_PATTERN_UNARY_STREAM, LONG);
  stream_blocking(act, "/t/Gather", FC_PATTERN_STREAM_UNARY, LONG);
  stream_blocking(act, "/t/Echo", FC_PATTERN_STREAM_STREAM, LONG);
}

static void bad_ends(struct act *act) {
  unary_blocking(act, "/t/Abort", TEXT(""), 20 * S);
  unary_blocking(act, "/t/None", TEXT(""), 20 * S);
  unary_blocking(act, "/t/Keep", TEXT(""), 50 * MS);
  fc_call *call = unary_future(act, "/t/Keep", 20 * S);
  sim_run_for(act->sim, 10 * MS);
  fc_call_cancel(call, FC_CODE_CANCELLED, "not any more");
  await_future(act, call);
  fc_call_destroy(unary_future(act, "/t/Keep", 20 * S));
  sim_run_for(act->sim, 10 * MS);
}

/* The server goes while calls run, and another takes its place. */
static void a_new_server(struct act *act) {
  fc_call *kept = unary_future(act, "/t/Keep", 20 * S);
  sim_run_for(act->sim, 10 * MS);
  assert_int_equal(fc_server_shutdown(act->server, 50 * MS), FC_OK);
  fc_call *calls[3];
  for (int i = 0; i < 3; i++) calls[i] = unary_future(act, "/t/Answer", 20 * S);
  assert_int_equal(fc_server_wait(act->server, 100 * S), FC_OK);
  failing_alloc_pause(true);
  act->second = make_server(act, false);
  failing_alloc_pause(false);
  await_future(act, kept);
  for (int i = 0; i < 3; i++) await_future(act, calls[i]);
}

static void a_cut_connection(struct act *act) {
  fc_call *calls[2] = {unary_future(act, "/t/Keep", 20 * S),
                       unary_future(act, "/t/Answer", 20 * S)};
  sim_run_for(act->sim, 10 * MS);
  sim_cut_all(act->sim, SIM_CUT_RESET);
  sim_run_for(act->sim, 10 * MS);
  await_future(act, unary_future(act, "/t/Answer", 20 * S));
  for (int i = 0; i < 2; i++) await_future(act, calls[i]);
}

static void a_closed_channel(struct act *act) {
  fc_call *kept = unary_future(act, "/t/Keep", 20 * S);
  struct asked asked = {act, MESSAGES};
  fc_call_options o = options_for(0);
  o.compression = FC_COMPRESSION_NONE;
  fc_result r = fc_stream_stream_async(act->channel, "/t/Echo", next_request, take_message, &o,
                                       told, &asked, NULL, NULL);
  expect_begun(r);
  if (r == FC_OK) act->begun++;
  sim_run_for(act->sim, 3 * MS);
  fc_channel_close(act->channel);
  await_future(act, kept);
  await_future(act, unary_future(act, "/t/Answer", 20 * S));
  sim_run_for(act->sim, S);
}

/* ---- each allocation of each script ---- */

static void expect_works(struct act *act) {
  fc_call_options options = options_for(200 * S);
  fc_bytes *response;
  fc_error err = FC_ERROR_INIT;
  fc_channel *fresh = make_channel(act, false);
  if (fc_unary_unary(fresh, "/t/Answer", TEXT("hello"), &options, &response, NULL, &err) !=
      FC_CODE_OK)
    fail_msg("afterwards: %s", err.message);
  assert_slice_is(fc_bytes_slice(response), "hello");
  fc_bytes_unref(response);
  fc_channel_destroy(fresh);
}

static void close_act(struct act *act) {
  fc_channel_destroy(act->channel);
  fc_server_destroy(act->server);
  fc_server_destroy(act->second);
  sim_run_for(act->sim, S);
  assert_int_equal(sim_connections(act->sim), 0);
  sim_destroy(act->sim);
}

/* Says whether the n-th allocation was reached. */
static bool play(void (*script)(struct act *), int good, bool hooks, size_t n,
                 enum failing_alloc_mode mode) {
  struct act act = {.sim = sim_create(n)};
  act.server = make_server(&act, hooks);
  act.channel = make_channel(&act, hooks);
  failing_alloc_arm(n, mode);
  script(&act);
  bool reached = failing_alloc_disarm();
  assert_int_equal(act.ended, act.begun);
  if (!reached) assert_int_equal(act.good, good);
  expect_works(&act);
  close_act(&act);
  assert_int_equal(act.dropped, act.hooked);
  return reached;
}

static void torture(void (*script)(struct act *), int good, bool hooks) {
  for (int mode = FAILING_ALLOC_ONCE; mode <= FAILING_ALLOC_FROM_THEN; mode++) {
    bool reached = true;
    for (size_t n = 0; reached; n++) {
      size_t live = failing_alloc_live();
      reached = play(script, good, hooks, n, (enum failing_alloc_mode)mode);
      if (failing_alloc_live() != live) fail_msg("allocation %zu of mode %d leaks", n, mode);
    }
  }
}

/* good: the calls of the script that end with OK when nothing fails. */
#define TORTURE(script, good)                                                                      \
  static void memory_fails_in_##script(void **state) {                                             \
    (void)state;                                                                                   \
    torture(script, good, false);                                                                  \
  }                                                                                                \
  static void memory_fails_in_##script##_with_hooks(void **state) {                                \
    (void)state;                                                                                   \
    torture(script, good, true);                                                                   \
  }

TORTURE(short_calls, 3)
TORTURE(long_streams, 3)
TORTURE(all_by_callback, 4)
TORTURE(bad_ends, 0)
TORTURE(a_new_server, 3)
TORTURE(a_cut_connection, 2)
TORTURE(a_closed_channel, 0)

#define BOTH(script)                                                                               \
  cmocka_unit_test(memory_fails_in_##script),                                                      \
      cmocka_unit_test(memory_fails_in_##script##_with_hooks)

int main(void) {
  const struct CMUnitTest tests[] = {
      BOTH(short_calls),  BOTH(long_streams),     BOTH(all_by_callback),  BOTH(bad_ends),
      BOTH(a_new_server), BOTH(a_cut_connection), BOTH(a_closed_channel),
  };
  failing_alloc_install();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
