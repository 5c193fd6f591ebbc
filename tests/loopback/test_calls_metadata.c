/* What a call tells of itself: metadata both ways, status, peer, method, time. Under each driver. */
#include <stdio.h>
#include <unistd.h>

#include "support/failing_alloc.h"
#include "support/stage.h"

/* ---- lists ---- */

static void add(fc_metadata *list, const char *key, fc_slice value) {
  MUST(fc_metadata_add(list, key, value, NULL) == FC_OK);
}

/* Duplicates in order, binary values with every kind of padding, empty values. */
static fc_metadata *rich_list(void) {
  fc_metadata *list = fc_metadata_create();
  MUST(list != NULL);
  add(list, "colour", TEXT("red"));
  add(list, "blob-bin", TEXT("\0\1\xff"));
  add(list, "colour", TEXT("green, with a comma"));
  add(list, "blob-bin", TEXT("\n"));
  add(list, "blob-bin", TEXT(""));
  add(list, "other-bin", TEXT("ab"));
  add(list, "empty", TEXT(""));
  add(list, "colour", TEXT("red"));
  add(list, "x-0_9.z", TEXT("~ !\"%&/()=?"));
  return list;
}

static bool equal(fc_slice a, fc_slice b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* The entries of a behind so many are those of b. */
static bool same_tail(const fc_metadata *a, size_t behind, const fc_metadata *b) {
  bool same = fc_metadata_count(a) == behind + fc_metadata_count(b);
  for (size_t i = 0; same && i < fc_metadata_count(b); i++) {
    fc_metadata_entry x = fc_metadata_at(a, behind + i), y = fc_metadata_at(b, i);
    same = equal(x.key, y.key) && equal(x.value, y.value);
  }
  return same;
}

static bool same_list(const fc_metadata *a, const fc_metadata *b) { return same_tail(a, 0, b); }

/* ---- metadata ---- */

/* Expects the rich list behind the library's own entry, and sends it back, as initial and as trailing metadata. */
static void mirror(fc_call *call, void *user) {
  const fc_metadata *came;
  fc_metadata *rich = rich_list();
  (void)user;
  MUST(fc_call_initial_metadata(call, 0, &came) == FC_OK);
  MUST(fc_slice_equals(fc_metadata_at(came, 0).key, "user-agent"));
  MUST(same_tail(came, 1, rich));
  MUST(fc_call_send_initial_metadata(call, rich) == FC_OK);
  MUST(fc_call_send_initial_metadata(call, rich) == FC_ERR_BUSY);
  MUST(fc_call_set_trailing_metadata(call, came) == FC_OK);
  MUST(fc_call_set_trailing_metadata(call, rich) == FC_OK);
  stage_echo(call, NULL);
  MUST(same_list(fc_call_trailing_metadata(call), rich));
  fc_metadata_destroy(rich);
}

static void lists_arrive_in_order_both_ways(void **state) {
  struct stage stage;
  fc_call_options options = FC_CALL_OPTIONS_INIT;
  const fc_metadata *list;
  stage_open(&stage, state);
  stage_serve(&stage, "/t/Mirror", FC_PATTERN_UNARY_UNARY, FC_HANDLER_BLOCKING, mirror, NULL);
  stage_start(&stage);
  fc_metadata *rich = rich_list();
  options.metadata = rich;
  for (int i = 0; i < 3; i++) { /* the second time is shorter on the wire */
    fc_call *call;
    assert_int_equal(
        fc_unary_unary(stage.channel, "/t/Mirror", TEXT(""), &options, NULL, &call, NULL),
        FC_CODE_OK);
    assert_int_equal(fc_call_initial_metadata(call, 0, &list), FC_OK);
    assert_true(same_list(list, rich));
    assert_true(same_list(fc_call_trailing_metadata(call), rich));
    fc_call_destroy(call);
  }
  fc_metadata_destroy(rich);
  stage_close(&stage);
}

/* A server that waits at a gate before it sends anything, and at another before it ends the call; the client may have
 * cancelled it by then. */
struct steps {
  struct gate begun, headers, end;
};

static void in_steps(fc_call *call, void *user) {
  struct steps *steps = user;
  fc_metadata *list = rich_list();
  gate_pass(&steps->begun);
  gate_await(&steps->headers, 1);
  fc_result r = fc_call_send_initial_metadata(call, list);
  MUST(r == FC_OK || (r == FC_ERR_CLOSED && fc_call_is_done(call)));
  if (r == FC_OK) r = fc_call_set_trailing_metadata(call, list);
  gate_await(&steps->end, 1);
  if (r == FC_OK) r = fc_call_finish(call, FC_CODE_ABORTED, "the end", TEXT("\0details"));
  MUST(r == FC_OK || (r == FC_ERR_CLOSED && fc_call_is_done(call)));
  MUST(fc_call_set_trailing_metadata(call, NULL) == FC_ERR_CLOSED);
  fc_metadata_destroy(list);
}

static void open_steps(struct stage *stage, struct steps *steps, void **state) {
  *steps = (struct steps){GATE_INIT, GATE_INIT, GATE_INIT};
  stage_open(stage, state);
  stage_serve(stage, "/t/Steps", FC_PATTERN_STREAM_STREAM, FC_HANDLER_BLOCKING, in_steps, steps);
  stage_start(stage);
}

static void let_end(struct steps *steps) {
  gate_pass(&steps->headers);
  gate_pass(&steps->end);
}

static void initial_metadata_is_waited_for(void **state) {
  struct stage stage;
  struct steps steps;
  const fc_metadata *list;
  open_steps(&stage, &steps, state);
  fc_call *call = stage_call(&stage, "/t/Steps", FC_PATTERN_STREAM_STREAM, NULL);
  assert_int_equal(fc_call_initial_metadata(call, 0, &list), FC_ERR_TIMEOUT);
  assert_null(list);
  assert_int_equal(fc_call_initial_metadata(call, FC_MILLISECOND, &list), FC_ERR_TIMEOUT);
  gate_pass(&steps.headers);
  assert_int_equal(fc_call_initial_metadata(call, FC_NEVER, &list), FC_OK);
  fc_metadata *rich = rich_list();
  assert_true(same_list(list, rich));
  fc_metadata_destroy(rich);
  assert_false(fc_call_is_done(call));
  gate_pass(&steps.end);
  stage_expect_end(call, FC_CODE_ABORTED);
  stage_close(&stage);
}

static void a_call_that_is_over_has_lists(void **state) {
  struct stage stage;
  struct steps steps;
  const fc_metadata *list;
  open_steps(&stage, &steps, state);
  fc_call *call = stage_call(&stage, "/t/Steps", FC_PATTERN_STREAM_STREAM, NULL);
  fc_call_cancel(call, FC_CODE_CANCELLED, NULL);
  assert_int_equal(fc_call_initial_metadata(call, FC_NEVER, &list), FC_OK);
  assert_int_equal(fc_metadata_count(list), 0);
  assert_int_equal(fc_metadata_count(fc_call_trailing_metadata(call)), 0);
  fc_call_destroy(call);
  let_end(&steps);
  stage_close(&stage);
}

/* Nothing but a status: what comes with it is trailing. */
static void refuse(fc_call *call, void *user) {
  (void)user;
  fc_metadata *rich = rich_list();
  MUST(fc_call_set_trailing_metadata(call, rich) == FC_OK);
  MUST(fc_call_finish(call, FC_CODE_PERMISSION_DENIED, NULL, FC_SLICE_EMPTY) == FC_OK);
  fc_metadata_destroy(rich);
}

static void metadata_of_a_status_alone_is_trailing(void **state) {
  struct stage stage;
  const fc_metadata *list;
  fc_call *call;
  stage_open(&stage, state);
  stage_serve(&stage, "/t/Refuse", FC_PATTERN_UNARY_UNARY, FC_HANDLER_BLOCKING, refuse, NULL);
  stage_start(&stage);
  fc_metadata *rich = rich_list();
  assert_int_equal(fc_unary_unary(stage.channel, "/t/Refuse", TEXT(""), NULL, NULL, &call, NULL),
                   FC_CODE_PERMISSION_DENIED);
  assert_int_equal(fc_call_initial_metadata(call, FC_NEVER, &list), FC_OK);
  assert_int_equal(fc_metadata_count(list), 0);
  assert_true(same_list(fc_call_trailing_metadata(call), rich));
  assert_string_equal(fc_call_status(call)->message, "");
  assert_int_equal(fc_call_status(call)->details.len, 0);
  fc_call_destroy(call);
  fc_metadata_destroy(rich);
  stage_close(&stage);
}

/* ---- told of the initial metadata ---- */

struct told {
  struct gate gate;
  int64_t fields; /* found when told */
  bool destroy;
};

static void tell(fc_call *call, void *user) {
  struct told *told = user;
  const fc_metadata *list;
  MUST(fc_call_initial_metadata(call, 0, &list) == FC_OK);
  told->fields = (int64_t)fc_metadata_count(list);
  if (told->destroy) fc_call_destroy(call);
  gate_pass(&told->gate);
}

static void a_callback_is_told_of_initial_metadata(void **state) {
  struct stage stage;
  struct steps steps;
  struct told early = {.gate = GATE_INIT}, late = {.gate = GATE_INIT};
  open_steps(&stage, &steps, state);
  fc_call *call = stage_call(&stage, "/t/Steps", FC_PATTERN_STREAM_STREAM, NULL);
  assert_int_equal(fc_call_on_initial_metadata(call, tell, &early), FC_OK);
  assert_int_equal(fc_call_on_initial_metadata(call, tell, &late), FC_ERR_BUSY);
  gate_await(&steps.begun, 1);
  assert_int_equal(gate_passed(&early.gate), 0);
  gate_pass(&steps.headers);
  gate_await(&early.gate, 1);
  assert_int_equal(early.fields, 9);
  assert_int_equal(fc_call_on_initial_metadata(call, tell, &late), FC_OK);
  gate_await(&late.gate, 1);
  assert_int_equal(late.fields, 9);
  gate_pass(&steps.end);
  stage_expect_end(call, FC_CODE_ABORTED);
  assert_int_equal(gate_passed(&early.gate) + gate_passed(&late.gate), 2);
  stage_close(&stage);
}

static void a_callback_for_initial_metadata_is_told_of_the_end(void **state) {
  struct stage stage;
  struct steps steps;
  struct told told = {.gate = GATE_INIT};
  open_steps(&stage, &steps, state);
  fc_call *call = stage_call(&stage, "/t/Steps", FC_PATTERN_STREAM_STREAM, NULL);
  assert_int_equal(fc_call_on_initial_metadata(call, tell, &told), FC_OK);
  fc_call_cancel(call, FC_CODE_ABORTED, NULL);
  gate_await(&told.gate, 1);
  assert_int_equal(told.fields, 0);
  fc_call_destroy(call);
  /* Also when nobody holds the call any more, and by destroying it in the callback. */
  call = stage_call(&stage, "/t/Steps", FC_PATTERN_STREAM_STREAM, NULL);
  assert_int_equal(fc_call_on_initial_metadata(call, tell, &told), FC_OK);
  fc_call_destroy(call);
  gate_await(&told.gate, 2);
  call = stage_call(&stage, "/t/Steps", FC_PATTERN_STREAM_STREAM, NULL);
  told.destroy = true;
  let_end(&steps);
  assert_int_equal(fc_call_on_initial_metadata(call, tell, &told), FC_OK);
  gate_await(&told.gate, 3);
  stage_close(&stage);
}

/* ---- status ---- */

static void a_status_comes_with_text_and_details(void **state) {
  struct stage stage;
  struct steps steps;
  open_steps(&stage, &steps, state);
  fc_call *call = stage_call(&stage, "/t/Steps", FC_PATTERN_STREAM_STREAM, NULL);
  let_end(&steps);
  const fc_status *status = fc_call_status(call); /* waits */
  assert_int_equal(status->code, FC_CODE_ABORTED);
  assert_int_equal(status->origin, FC_ORIGIN_PEER);
  assert_string_equal(status->message, "the end");
  assert_slice_is(status->details, "\0details");
  assert_true(fc_call_status(call) == status);
  fc_call_destroy(call);
  stage_close(&stage);
}

static const char *const texts[] = {"", "plain", "50 % of 100%25\r\n\t",
                                    "\xf0\x9f\x8c\x8d gr\xc3\xbc\xc3\x9ft", " blanks "};
enum { TEXTS = sizeof texts / sizeof *texts };

static void say(fc_call *call, void *user) {
  fc_bytes *which;
  (void)user;
  MUST(fc_call_recv(call, &which) == FC_OK);
  MUST(fc_call_finish(call, (fc_code)(1 + fc_bytes_slice(which).len),
                      texts[fc_bytes_slice(which).len], FC_SLICE_EMPTY) == FC_OK);
  fc_bytes_unref(which);
}

static void texts_of_a_status_arrive_as_they_are(void **state) {
  struct stage stage;
  fc_error err = FC_ERROR_INIT;
  stage_open(&stage, state);
  stage_serve(&stage, "/t/Say", FC_PATTERN_UNARY_UNARY, FC_HANDLER_BLOCKING, say, NULL);
  stage_start(&stage);
  for (size_t i = 0; i < TEXTS; i++) {
    fc_slice which = {(const uint8_t *)"........", i};
    assert_int_equal(fc_unary_unary(stage.channel, "/t/Say", which, NULL, NULL, NULL, &err), 1 + i);
    assert_string_equal(err.message, texts[i]);
  }
  stage_close(&stage);
}

static void a_status_made_here_says_so(void **state) {
  struct stage stage;
  struct steps steps;
  open_steps(&stage, &steps, state);
  fc_call *call = stage_call(&stage, "/t/Steps", FC_PATTERN_STREAM_STREAM, NULL);
  fc_call_cancel(call, FC_CODE_DATA_LOSS, "lost");
  assert_int_equal(fc_call_status(call)->code, FC_CODE_DATA_LOSS);
  assert_int_equal(fc_call_status(call)->origin, FC_ORIGIN_LOCAL);
  assert_string_equal(fc_call_status(call)->message, "lost");
  fc_call_destroy(call);
  let_end(&steps);
  assert_int_equal(fc_unary_unary(stage.channel, "/t/None", TEXT(""), NULL, NULL, &call, NULL),
                   FC_CODE_UNIMPLEMENTED);
  assert_int_equal(fc_call_status(call)->origin, FC_ORIGIN_PEER);
  fc_call_destroy(call);
  stage_close(&stage);
}

/* ---- peer, method, time ---- */

struct seen {
  char peer[160], method[40];
  int64_t time;
};

static void look(fc_call *call, void *user) {
  struct seen *seen = user;
  fc_call_peer(call, seen->peer, sizeof seen->peer);
  snprintf(seen->method, sizeof seen->method, "%s", fc_call_method(call));
  seen->time = fc_call_time_remaining(call);
  stage_echo(call, NULL);
}

static void open_look(struct stage *stage, struct seen *seen, void **state) {
  memset(seen, 0, sizeof *seen);
  stage_open(stage, state);
  stage_serve(stage, "/t.Service/Look", FC_PATTERN_UNARY_UNARY, FC_HANDLER_BLOCKING, look, seen);
  stage_start(stage);
}

static void peers_are_named(void **state) {
  struct stage stage;
  struct seen seen;
  char peer[160], little[8] = "1234567";
  fc_call *call;
  open_look(&stage, &seen, state);
  assert_int_equal(
      fc_unary_unary(stage.channel, "/t.Service/Look", TEXT(""), NULL, NULL, &call, NULL),
      FC_CODE_OK);
  fc_call_peer(call, peer, sizeof peer);
  assert_string_equal(peer, stage.target);
  assert_memory_equal(seen.peer, "ipv4:127.0.0.1:", 15);
  assert_string_not_equal(seen.peer, stage.target);
  assert_string_equal(seen.method, "/t.Service/Look");
  assert_string_equal(fc_call_method(call), "/t.Service/Look");
  fc_call_peer(call, little, sizeof little); /* cut, and ended */
  assert_string_equal(little, "ipv4:12");
  fc_call_peer(call, little, 0);
  assert_string_equal(little, "ipv4:12");
  fc_call_destroy(call);
  stage_close(&stage);
}

static void a_peer_at_a_unix_socket_is_named(void **state) {
  struct stage stage;
  struct seen seen;
  char peer[160], target[80];
  fc_channel *channel;
  fc_call *call;
  open_look(&stage, &seen, state);
  snprintf(target, sizeof target, "unix-abstract:farcall-test-%d", (int)getpid());
  assert_int_equal(fc_server_listen(stage.server, target, NULL, NULL), FC_OK);
  assert_int_equal(fc_channel_create(target, &stage.options, &channel, NULL), FC_OK);
  assert_int_equal(fc_unary_unary(channel, "/t.Service/Look", TEXT(""), NULL, NULL, &call, NULL),
                   FC_CODE_OK);
  fc_call_peer(call, peer, sizeof peer);
  assert_string_equal(peer, target);
  assert_memory_equal(seen.peer, "unix:", 5); /* the client's end has no name */
  fc_call_destroy(call);
  fc_channel_destroy(channel);
  stage_close(&stage);
}

static void without_a_connection_there_is_no_peer(void **state) {
  struct stage stage;
  struct seen seen;
  char peer[160] = "?";
  fc_channel *channel;
  fc_call_options options = FC_CALL_OPTIONS_INIT;
  open_look(&stage, &seen, state);
  assert_int_equal(fc_channel_create("unix:/nowhere/at/all", &stage.options, &channel, NULL),
                   FC_OK);
  options.wait_for_ready = FC_WAIT_FOR_READY_ON;
  fc_call *call;
  assert_int_equal(fc_stream_stream(channel, "/t/m", &options, &call, NULL), FC_OK);
  fc_call_peer(call, peer, sizeof peer);
  assert_string_equal(peer, "");
  fc_call_destroy(call);
  fc_channel_destroy(channel);
  stage_close(&stage);
}

static void both_sides_know_the_time_that_is_left(void **state) {
  struct stage stage;
  struct seen seen;
  fc_call_options options = FC_CALL_OPTIONS_INIT;
  fc_call *call;
  open_look(&stage, &seen, state);
  assert_int_equal(
      fc_unary_unary(stage.channel, "/t.Service/Look", TEXT(""), NULL, NULL, &call, NULL),
      FC_CODE_OK);
  assert_true(seen.time == FC_NEVER && fc_call_time_remaining(call) == FC_NEVER);
  fc_call_destroy(call);
  options.timeout_ns = 100 * FC_SECOND;
  assert_int_equal(
      fc_unary_unary(stage.channel, "/t.Service/Look", TEXT(""), &options, NULL, &call, NULL),
      FC_CODE_OK);
  assert_true(seen.time <= 100 * FC_SECOND && seen.time > 0);
  assert_true(fc_call_time_remaining(call) < 100 * FC_SECOND && fc_call_time_remaining(call) > 0);
  fc_call_destroy(call);
  options.timeout_ns = FC_NEVER;
  assert_int_equal(
      fc_unary_unary(stage.channel, "/t.Service/Look", TEXT(""), &options, NULL, &call, NULL),
      FC_CODE_OK);
  assert_true(seen.time == FC_NEVER && fc_call_time_remaining(call) == FC_NEVER);
  fc_call_destroy(call);
  stage_close(&stage);
}

static void no_time_is_left_after_a_deadline(void **state) {
  struct stage stage;
  struct steps steps;
  fc_call_options options = FC_CALL_OPTIONS_INIT;
  open_steps(&stage, &steps, state);
  options.timeout_ns = 1;
  fc_call *call = stage_call(&stage, "/t/Steps", FC_PATTERN_STREAM_STREAM, &options);
  assert_int_equal(fc_call_wait(call, FC_NEVER), FC_OK);
  assert_int_equal(fc_call_time_remaining(call), 0);
  assert_int_equal(fc_call_status(call)->origin, FC_ORIGIN_LOCAL);
  stage_expect_end(call, FC_CODE_DEADLINE_EXCEEDED);
  let_end(&steps);
  stage_close(&stage);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lists_arrive_in_order_both_ways),
      cmocka_unit_test(initial_metadata_is_waited_for),
      cmocka_unit_test(a_call_that_is_over_has_lists),
      cmocka_unit_test(metadata_of_a_status_alone_is_trailing),
      cmocka_unit_test(a_callback_is_told_of_initial_metadata),
      cmocka_unit_test(a_callback_for_initial_metadata_is_told_of_the_end),
      cmocka_unit_test(a_status_comes_with_text_and_details),
      cmocka_unit_test(texts_of_a_status_arrive_as_they_are),
      cmocka_unit_test(a_status_made_here_says_so),
      cmocka_unit_test(peers_are_named),
      cmocka_unit_test(a_peer_at_a_unix_socket_is_named),
      cmocka_unit_test(without_a_connection_there_is_no_peer),
      cmocka_unit_test(both_sides_know_the_time_that_is_left),
      cmocka_unit_test(no_time_is_left_after_a_deadline),
  };
  failing_alloc_install();
  return drive_run_tests(tests, sizeof tests / sizeof *tests);
}
