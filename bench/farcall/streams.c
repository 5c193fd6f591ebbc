/* Messages of 64 B on one stream: there and back in turn, or one way as fast as they go. */
#include "client.h"

enum { SIZE = 64, WARM = 20000, WARM_PING = 5000 };

static void check(fc_result result, fc_call *call, const char *what) {
  if (result != FC_OK) fail(what, fc_call_status(call)->message);
}

static void send_one(fc_call *call, fc_bytes *message) {
  check(fc_call_send(call, fc_bytes_ref(message), 0), call, "send");
}

static void recv_one(fc_call *call) {
  fc_bytes *message;
  check(fc_call_recv(call, &message), call, "receive");
  if (fc_bytes_slice(message).len != SIZE) fail("receive", "wrong length");
  fc_bytes_unref(message);
}

static fc_bytes *message_of_size(void) {
  fc_slice data = payload(SIZE);
  return fc_bytes_wrap(data.data, data.len, NULL, NULL);
}

static void finish(struct measure *m, uint64_t done, fc_call *call, fc_channel *channel) {
  measure_end(m, done);
  fc_call_destroy(call);
  fc_channel_destroy(channel);
}

void run_bidi(struct job *job) {
  struct measure *m = &job->measure;
  fc_channel *channel = connect_to(job->target, NULL);
  fc_bytes *message = message_of_size();
  uint64_t done = 0, begun;
  fc_call *call;
  fc_error err = FC_ERROR_INIT;
  if (fc_stream_stream(channel, "/bench.Echo/BidiStream", NULL, &call, &err) != FC_OK)
    fail("bidi", err.message);
  for (uint64_t i = measure_warm(m, WARM_PING); i > 0; i--) {
    send_one(call, message);
    recv_one(call);
  }
  measure_begin(m);
  for (begun = m->now; measure_more(m, done); done++) {
    send_one(call, message);
    recv_one(call);
    begun = measure_sample(m, begun);
  }
  fc_bytes_unref(message);
  finish(m, done, call, channel);
}

void run_server_stream(struct job *job) {
  struct measure *m = &job->measure;
  fc_channel *channel = connect_to(job->target, NULL);
  uint64_t done = 0;
  char spec[64];
  fc_call *call;
  fc_error err = FC_ERROR_INIT;
  snprintf(spec, sizeof spec, "%llu %d",
           m->operations ? (unsigned long long)m->operations : 4000000000ULL, SIZE);
  if (fc_unary_stream(channel, "/bench.Echo/ServerStream", fc_slice_from_string(spec), NULL, &call,
                      &err) != FC_OK) {
    fail("sstream", err.message);
  }
  for (uint64_t i = measure_warm(m, WARM); i > 0; i--) recv_one(call);
  for (measure_begin(m); measure_more(m, done); done++) recv_one(call);
  finish(m, done, call, channel);
}

struct source {
  struct measure *measure;
  fc_bytes *message;
  uint64_t warm, done;
};

static fc_bytes *next_message(fc_call *call, void *user) {
  struct source *source = user;
  (void)call;
  if (source->warm > 0) {
    if (--source->warm == 0) measure_begin(source->measure);
  } else if (measure_more(source->measure, source->done)) {
    source->done++;
  } else {
    return NULL;
  }
  return fc_bytes_ref(source->message);
}

void run_client_stream(struct job *job) {
  struct source source = {&job->measure, message_of_size(), measure_warm(&job->measure, WARM), 0};
  fc_channel *channel = connect_to(job->target, NULL);
  fc_bytes *response;
  fc_call *call;
  fc_error err = FC_ERROR_INIT;
  measure_begin(&job->measure);
  fc_code code = fc_stream_unary(channel, "/bench.Echo/ClientStream", next_message, &source, NULL,
                                 &response, &call, &err);
  if (code != FC_CODE_OK) fail("cstream", err.message);
  fc_bytes_unref(response); /* it came, so the server has read every message */
  fc_bytes_unref(source.message);
  finish(&job->measure, source.done, call, channel);
}

/* ---- short streams, one after the other: NUMBER messages each ---- */

static void server_stream_once(fc_channel *channel, const char *spec, int messages) {
  fc_call *call;
  fc_error err = FC_ERROR_INIT;
  if (fc_unary_stream(channel, "/bench.Echo/ServerStream", fc_slice_from_string(spec), NULL, &call,
                      &err) != FC_OK) {
    fail("sstreams", err.message);
  }
  for (int i = 0; i < messages; i++) recv_one(call);
  if (fc_call_status(call)->code != FC_CODE_OK) fail("sstreams", fc_call_status(call)->message);
  fc_call_destroy(call);
}

void run_server_streams(struct job *job) {
  struct measure *m = &job->measure;
  uint64_t done = 0;
  char spec[64];
  job->channel = connect_to(job->target, NULL);
  snprintf(spec, sizeof spec, "%d %d", job->number, SIZE);
  for (uint64_t i = measure_warm(m, WARM / 100); i > 0; i--)
    server_stream_once(job->channel, spec, job->number);
  for (measure_begin(m); measure_more(m, done); done += job->number)
    server_stream_once(job->channel, spec, job->number);
  measure_end(m, done);
}

struct burst {
  fc_bytes *message;
  int left;
};

static fc_bytes *next_of_burst(fc_call *call, void *user) {
  struct burst *burst = user;
  (void)call;
  return burst->left-- > 0 ? fc_bytes_ref(burst->message) : NULL;
}

static void client_stream_once(fc_channel *channel, fc_bytes *message, int messages) {
  struct burst burst = {message, messages};
  fc_bytes *response;
  fc_error err = FC_ERROR_INIT;
  if (fc_stream_unary(channel, "/bench.Echo/ClientStream", next_of_burst, &burst, NULL, &response,
                      NULL, &err) != FC_CODE_OK) {
    fail("cstreams", err.message);
  }
  fc_bytes_unref(response);
}

void run_client_streams(struct job *job) {
  struct measure *m = &job->measure;
  fc_bytes *message = message_of_size();
  uint64_t done = 0;
  job->channel = connect_to(job->target, NULL);
  for (uint64_t i = measure_warm(m, WARM / 100); i > 0; i--)
    client_stream_once(job->channel, message, job->number);
  for (measure_begin(m); measure_more(m, done); done += job->number)
    client_stream_once(job->channel, message, job->number);
  measure_end(m, done);
  fc_bytes_unref(message);
}

/* ---- by callback ---- */

static void answered(fc_call *call, const fc_status *status, fc_bytes *response, void *user) {
  (void)call, (void)user;
  if (status->code != FC_CODE_OK) fail("cstream", status->message);
  fc_bytes_unref(response);
}

void run_client_stream_by_callback(struct job *job) {
  struct source source = {&job->measure, message_of_size(), measure_warm(&job->measure, WARM), 0};
  fc_channel *channel = connect_to(job->target, NULL);
  fc_call *call;
  fc_error err = FC_ERROR_INIT;
  measure_begin(&job->measure);
  if (fc_stream_unary_async(channel, "/bench.Echo/ClientStream", next_message, NULL, answered,
                            &source, &call, &err) != FC_OK) {
    fail("cstream", err.message);
  }
  (void)fc_call_status(call); /* waits for the end */
  fc_bytes_unref(source.message);
  finish(&job->measure, source.done, call, channel);
}
