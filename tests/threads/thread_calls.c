/*
 * Several threads on one call or channel: a sender that waits for room beside a receiver, waits for the same end, for
 * metadata, for a state. Each goes on as soon as it can, however another one ends the call meanwhile.
 */
#include <string.h>

#include "threads/pair.h"

#define MS FC_MILLISECOND

enum {
  MESSAGES = 4,
  LENGTH = 30000
}; /* more than a window and the buffers between have room for */

static struct pair pair;
static fc_call *call;
static bool cancelled;

static void start(pthread_t *thread, void *(*run)(void *), void *user) {
  MUST(pthread_create(thread, NULL, run, user) == 0);
}

static void join(pthread_t thread) { MUST(pthread_join(thread, NULL) == 0); }

/* ---- streams ---- */

static void open_stream(void) {
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  o.initial_window_bytes = 65535;
  pair_open(&pair, &o);
  cancelled = false;
  MUST(fc_stream_stream(pair.channel, "/t/Echo", NULL, &call, NULL) == FC_OK);
}

static void *send_all(void *user) {
  struct sched_promise promise = {.what = NULL};
  static uint8_t bytes[LENGTH];
  (void)user;
  sched_promise(&promise, "all messages are sent", sched_now() + 5 * MS);
  for (int i = 0; i < MESSAGES; i++) {
    if (fc_call_send_copy(call, (fc_slice){bytes, sizeof bytes}, 0) != FC_OK) break;
    MUST(i < MESSAGES);
  }
  sched_kept(&promise);
  (void)fc_call_close_send(call);
  return NULL;
}

static void *receive_all(void *user) {
  struct sched_promise promise = {.what = NULL};
  fc_bytes *message;
  int count = 0;
  (void)user;
  sched_promise(&promise, "all messages are received", sched_now() + 5 * MS);
  while (fc_call_recv(call, &message) == FC_OK) {
    MUST(fc_bytes_slice(message).len == LENGTH);
    fc_bytes_unref(message);
    count++;
  }
  sched_kept(&promise);
  MUST(count == MESSAGES || cancelled);
  return NULL;
}

static void close_stream(void) {
  MUST(fc_call_status(call)->code == FC_CODE_OK || cancelled);
  fc_call_destroy(call);
  pair_close(&pair);
}

static void one_sends_and_one_receives(void) {
  pthread_t sender;
  open_stream();
  start(&sender, send_all, NULL);
  receive_all(NULL);
  join(sender);
  close_stream();
}

/* Nobody receives: the sender waits for room until the call is cancelled. */
static void a_third_one_cancels(void) {
  pthread_t sender, receiver;
  open_stream();
  cancelled = true;
  start(&sender, send_all, NULL);
  if (sched_random(2))
    start(&receiver, receive_all, NULL), (void)fc_call_is_done(call);
  else
    receiver = sender;
  sched_sleep((int64_t)sched_random(4) * MS);
  fc_call_cancel(call, FC_CODE_CANCELLED, NULL);
  if (!pthread_equal(receiver, sender)) join(receiver);
  join(sender);
  close_stream();
}

static void *send_until_closed(void *user) {
  static const uint8_t bytes[65536];
  fc_result r;
  (void)user;
  do r = fc_call_send_copy(call, (fc_slice){bytes, sizeof bytes}, 0);
  while (r == FC_OK);
  MUST(r == FC_ERR_CLOSED);
  return NULL;
}

/* There is no server: it waits for room until another thread closes the sending side. */
static void another_ends_a_send(void) {
  pthread_t sender;
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  o.wait_for_ready = FC_WAIT_FOR_READY_ON;
  memset(&pair, 0, sizeof pair);
  pair_open_channel(&pair);
  MUST(fc_stream_stream(pair.channel, "/t/Echo", &o, &call, NULL) == FC_OK);
  start(&sender, send_until_closed, NULL);
  if (sched_random(2)) sched_sleep((int64_t)sched_random(4) * MS);
  MUST(fc_call_close_send(call) == FC_OK);
  join(sender);
  fc_call_destroy(call);
  pair_close(&pair);
}

/* ---- the end of a call ---- */

static void *wait_for_the_end(void *timeout) {
  struct sched_promise promise = {.what = NULL};
  int64_t span = timeout ? *(int64_t *)timeout : FC_NEVER;
  sched_promise(&promise, "a wait for the end of a call",
                sched_now() + (timeout ? span : 2 * pair_slow));
  fc_result r = fc_call_wait(call, span);
  sched_kept(&promise);
  MUST(r == FC_OK || (r == FC_ERR_CANCELLED && cancelled) || (r == FC_ERR_TIMEOUT && timeout));
  return NULL;
}

static void *wait_for_metadata(void *user) {
  struct sched_promise promise = {.what = NULL};
  const fc_metadata *metadata;
  (void)user;
  sched_promise(&promise, "a wait for metadata", sched_now() + 2 * pair_slow);
  MUST(fc_call_initial_metadata(call, FC_NEVER, &metadata) != FC_ERR_TIMEOUT);
  sched_kept(&promise);
  return NULL;
}

static void several_wait_for_one_call(void) {
  static int64_t timeout;
  pthread_t threads[3];
  pair_open(&pair, NULL);
  cancelled = sched_random(2);
  timeout = (int64_t)sched_random(3) * pair_slow / 2;
  MUST(fc_unary_unary_future(pair.channel, sched_random(2) ? "/t/Work" : "/t/Answer",
                             fc_slice_from_string(sched_random(2) ? "slow" : "x"), NULL, &call,
                             NULL) == FC_OK);
  start(&threads[0], wait_for_the_end, NULL);
  start(&threads[1], wait_for_the_end, &timeout);
  start(&threads[2], wait_for_metadata, NULL);
  if (cancelled) {
    sched_sleep((int64_t)sched_random(4) * MS);
    fc_call_cancel(call, FC_CODE_CANCELLED, NULL);
  }
  for (int i = 0; i < 3; i++) join(threads[i]);
  fc_call_destroy(call);
  pair_close(&pair);
}

/* ---- states ---- */

static void *wait_until_ready(void *user) {
  (void)user;
  MUST(fc_channel_wait_ready(pair.channel, FC_NEVER, NULL) == FC_OK);
  return NULL;
}

static void *wait_for_a_change(void *user) {
  struct sched_promise promise = {.what = NULL};
  (void)user;
  sched_promise(&promise, "a wait for a change", sched_now() + 10 * MS);
  fc_result r = fc_channel_wait_change(pair.channel, FC_CONNECTIVITY_IDLE, 10 * MS);
  sched_kept(&promise);
  MUST(r == FC_OK || r == FC_ERR_TIMEOUT);
  return NULL;
}

/* The server comes later: the channel tries again. */
static void several_wait_for_a_state(void) {
  struct sched_promise promise = {.what = NULL};
  pthread_t ready, change;
  memset(&pair, 0, sizeof pair);
  pair_open_channel(&pair);
  start(&ready, wait_until_ready, NULL);
  start(&change, wait_for_a_change, NULL);
  sched_sleep((int64_t)sched_random(4) * MS);
  pair_open_server(&pair, NULL);
  sched_promise(&promise, "a channel is ready", sched_now() + 2 * FC_SECOND);
  join(ready);
  sched_kept(&promise);
  join(change);
  pair_close(&pair);
}

int main(int argc, char **argv) {
  static const struct sched_case cases[] = {
      SCHED_CASE(one_sends_and_one_receives), SCHED_CASE(a_third_one_cancels),
      SCHED_CASE(another_ends_a_send),        SCHED_CASE(several_wait_for_one_call),
      SCHED_CASE(several_wait_for_a_state),
  };
  return sched_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
