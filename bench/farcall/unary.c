/* Blocking unary calls, one at a time: on one connection, or on many in turn. */
#include "client.h"

/* A large request is handed over where it lies, a small one is copied. */
void call_once(fc_channel *channel, const char *method, fc_slice request) {
  fc_bytes *response, *large = NULL;
  fc_error err = FC_ERROR_INIT;
  fc_call_options options = FC_CALL_OPTIONS_INIT;
  fc_slice small = request;
  if (request.len > 65536) {
    options.request = large = fc_bytes_wrap(request.data, request.len, NULL, NULL);
    small = FC_SLICE_EMPTY;
  }
  fc_code code = fc_unary_unary(channel, method, small, &options, &response, NULL, &err);
  fc_bytes_unref(large);
  if (code != FC_CODE_OK) fail(method, err.message);
  if (fc_bytes_slice(response).len != request.len) fail(method, "wrong length");
  fc_bytes_unref(response);
}

static void run(struct job *job, const char *method, size_t size, size_t count, uint64_t warm) {
  struct measure *m = &job->measure;
  fc_slice request = payload(size);
  fc_channel **channels = calloc(count, sizeof *channels);
  uint64_t done = 0, begun;
  size_t next = 0;
  if (!channels) abort();
  for (size_t i = 0; i < count; i++) channels[i] = connect_to(job->target, NULL);
  for (uint64_t i = measure_warm(m, warm); i > 0; i--)
    call_once(channels[i % count], method, request);
  measure_begin(m);
  for (begun = m->now; measure_more(m, done); done++) {
    call_once(channels[next], method, request);
    begun = measure_sample(m, begun);
    if (++next == count) next = 0;
  }
  measure_end(m, done);
  for (size_t i = 0; i < count; i++) fc_channel_destroy(channels[i]);
  free(channels);
}

void run_unary(struct job *job) { run(job, "/bench.Echo/Unary", 64, 1, 5000); }

void run_blocking(struct job *job) { run(job, "/bench.Echo/Blocking", 64, 1, 5000); }

void run_echo1m(struct job *job) { run(job, "/bench.Echo/Unary", 1 << 20, 1, 100); }

void run_connections(struct job *job) {
  size_t count = (size_t)job->number;
  run(job, "/bench.Echo/Unary", 64, count, count * 2 + 2000);
}
