/*
 * Large messages leave from where they lie: what arrives is what was sent, however the network cuts
 * it, and nothing is read once it was released. CVE-2024-11407
 */
#include <stdlib.h>

#include "farcall/rpc.h"
#include "support/check.h"
#include "support/failing_alloc.h"
#include "support/server_rig.h"

enum { CALLS = 12, LEN = 300000 };

/* ---- messages in the host's memory, which is overwritten as soon as it is released ---- */

struct lent {
  uint8_t *data;
  size_t len;
};

static int lent_out;

static void take_back(void *user) {
  struct lent *lent = user;
  memset(lent->data, 0xdd, lent->len);
  free(lent->data);
  free(lent);
  lent_out--;
}

static uint8_t byte_at(uint64_t seed, size_t at) {
  return (uint8_t)((at * 2654435761u + seed * 97) >> 7);
}

static fc_bytes *lend(uint64_t seed, size_t len) {
  struct lent *lent = malloc(sizeof *lent);
  assert_non_null(lent);
  lent->len = len;
  lent->data = malloc(len);
  assert_non_null(lent->data);
  for (size_t i = 0; i < len; i++) lent->data[i] = byte_at(seed, i);
  lent_out++;
  fc_bytes *bytes = fc_bytes_wrap(lent->data, len, take_back, lent);
  assert_non_null(bytes);
  return bytes;
}

static void expect_content(const fc_bytes *bytes, uint64_t seed, size_t len) {
  fc_slice got = fc_bytes_slice(bytes);
  assert_int_equal(got.len, len);
  for (size_t i = 0; i < len; i++) {
    if (got.data[i] != byte_at(seed, i)) fail_msg("byte %zu of message %d", i, (int)seed);
  }
}

/* ---- */

struct told {
  uint64_t seed;
  size_t len;
  bool over;
};

static void tell(fc_call *call, const fc_status *status, fc_bytes *response, void *user) {
  struct told *told = user;
  (void)call;
  if (status->code != FC_CODE_OK) fail_msg("%s", status->message);
  expect_content(response, told->seed, told->len);
  fc_bytes_unref(response);
  told->over = true;
}

static void start(fc_channel *channel, struct told *told) {
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  o.request = lend(told->seed, told->len);
  assert_int_equal(
      fc_unary_unary_async(channel, "/t/Answer", (fc_slice){0}, &o, tell, told, NULL, NULL), FC_OK);
  fc_bytes_unref(o.request);
}

static void exchange_over(uint64_t seed) {
  struct rig rig;
  struct told told[CALLS];
  fc_channel *channel;
  fc_channel_options o = FC_CHANNEL_OPTIONS_INIT;
  rig_create(&rig, NULL);
  rig_register(&rig);
  sim_link(rig.sim, NULL)->read_max = seed % 2 ? 1 + seed * 7919 % 20000 : 0;
  sim_link(rig.sim, NULL)->write_max = 1 + seed * 104729 % 40000;
  sim_link(rig.sim, NULL)->buffer = 1000 + seed * 15485863 % 100000;
  rig_start(&rig);
  o.reactor = sim_reactor(rig.sim);
  assert_int_equal(fc_channel_create("ipv4:" RIG_ADDRESS, &o, &channel, NULL), FC_OK);
  for (size_t i = 0; i < CALLS; i++) {
    told[i] = (struct told){i, i % 3 ? 1 + i * LEN / CALLS : 100 * i, false};
    start(channel, &told[i]);
  }
  sim_run_for(rig.sim, 100 * FC_SECOND);
  for (size_t i = 0; i < CALLS; i++) assert_true(told[i].over);
  fc_channel_destroy(channel);
  rig_close(&rig);
  assert_int_equal(lent_out, 0);
}

static void what_arrives_is_what_was_sent(void **state) {
  (void)state;
  size_t live = failing_alloc_live();
  for (uint64_t seed = 1; seed <= 12; seed++) exchange_over(seed);
  assert_int_equal(failing_alloc_live(), live);
}

/* Calls that end while their messages wait to be written. */
static void messages_of_calls_that_end_are_given_back(void **state) {
  (void)state;
  struct rig rig;
  fc_channel *channel;
  fc_call *calls[CALLS];
  fc_channel_options o = FC_CHANNEL_OPTIONS_INIT;
  size_t live = failing_alloc_live();
  rig_open(&rig, NULL);
  sim_link(rig.sim, NULL)->buffer = 5000;
  o.reactor = sim_reactor(rig.sim);
  assert_int_equal(fc_channel_create("ipv4:" RIG_ADDRESS, &o, &channel, NULL), FC_OK);
  for (size_t i = 0; i < CALLS; i++) {
    fc_call_options c = FC_CALL_OPTIONS_INIT;
    c.request = lend(i, LEN);
    assert_int_equal(
        fc_unary_unary_future(channel, "/t/Answer", (fc_slice){0}, &c, &calls[i], NULL), FC_OK);
    fc_bytes_unref(c.request);
    sim_run_for(rig.sim, (int64_t)i * FC_MILLISECOND);
    if (i % 2) fc_call_destroy(calls[i]);
  }
  for (size_t i = 0; i < CALLS; i += 2) {
    fc_bytes *response;
    assert_int_equal(fc_call_recv(calls[i], &response), FC_OK);
    expect_content(response, i, LEN);
    fc_bytes_unref(response);
    fc_call_destroy(calls[i]);
  }
  fc_channel_destroy(channel);
  rig_close(&rig);
  assert_int_equal(lent_out, 0);
  assert_int_equal(failing_alloc_live(), live);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_arrives_is_what_was_sent),
      cmocka_unit_test(messages_of_calls_that_end_are_given_back),
  };
  failing_alloc_install();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
