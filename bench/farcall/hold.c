/*
 * Opens many connections or calls and holds them, in two steps: the memory of one is what the second step has added.
 * Each has been used once, so what it needs to work is there.
 */
#include "client.h"

static void hold(struct job *job, void (*open_one)(struct job *job, void **one),
                 void (*close_one)(void *one)) {
  int count = 2 * job->number;
  void **held = calloc((size_t)count, sizeof *held);
  if (!held) abort();
  for (int i = 0; i < count; i++) {
    if (i == job->number) measure_pause(i);
    open_one(job, &held[i]);
  }
  measure_pause(count);
  for (int i = 0; i < count; i++) close_one(held[i]);
  free(held);
}

static void open_connection(struct job *job, void **one) {
  uint8_t bytes[64] = {0};
  fc_channel *channel = connect_to(job->target, NULL);
  call_once(channel, "/bench.Echo/Unary", (fc_slice){bytes, sizeof bytes});
  *one = channel;
}

static void close_connection(void *one) { fc_channel_destroy(one); }

void run_hold_connections(struct job *job) { hold(job, open_connection, close_connection); }

static void open_call(struct job *job, void **one) {
  uint8_t bytes[64] = {0};
  fc_bytes *echo;
  fc_call *call;
  fc_error err = FC_ERROR_INIT;
  if (!job->channel) job->channel = connect_to(job->target, NULL);
  if (fc_stream_stream(job->channel, "/bench.Echo/BidiStream", NULL, &call, &err) != FC_OK)
    fail("hold", err.message);
  if (fc_call_send_copy(call, (fc_slice){bytes, sizeof bytes}, 0) != FC_OK ||
      fc_call_recv(call, &echo) != FC_OK) {
    fail("hold", fc_call_status(call)->message);
  }
  fc_bytes_unref(echo);
  *one = call;
}

static void close_call(void *one) { fc_call_destroy(one); }

void run_hold_calls(struct job *job) { hold(job, open_call, close_call); }
