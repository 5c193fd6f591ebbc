/* Blocking unary calls of 64 B that are not all alike, or carry what calls of real programs do. */
#include <farcall/metadata.h>

#include "client.h"

enum { METHODS = 20, WARM = 5000 };

static void call(fc_channel *channel, const char *method, fc_slice request,
                 const fc_call_options *options) {
  fc_bytes *response;
  fc_error err = FC_ERROR_INIT;
  if (fc_unary_unary(channel, method, request, options, &response, NULL, &err) != FC_CODE_OK)
    fail(method, err.message);
  if (fc_bytes_slice(response).len != request.len) fail(method, "wrong length");
  fc_bytes_unref(response);
}

static void run(struct job *job, int count, const fc_call_options *options) {
  struct measure *m = &job->measure;
  fc_slice request = payload(64);
  fc_channel *channel = connect_to(job->target, NULL);
  char methods[METHODS][32];
  uint64_t done = 0, begun;
  for (int i = 0; i < count; i++)
    snprintf(methods[i], sizeof methods[i], "/bench.Echo/Unary%02d", i);
  for (uint64_t i = measure_warm(m, WARM); i > 0; i--)
    call(channel, methods[i % count], request, options);
  measure_begin(m);
  for (begun = m->now; measure_more(m, done); done++) {
    call(channel, methods[done % count], request, options);
    begun = measure_sample(m, begun);
  }
  measure_end(m, done);
  fc_channel_destroy(channel);
}

void run_methods(struct job *job) {
  if (job->number < 1 || job->number > METHODS) fail("methods", "1 to 20");
  run(job, job->number, NULL);
}

static void add(fc_metadata *metadata, const char *key, const char *value) {
  fc_error err = FC_ERROR_INIT;
  if (fc_metadata_add_string(metadata, key, value, &err) != FC_OK) fail(key, err.message);
}

void run_deadline(struct job *job) {
  fc_call_options options = FC_CALL_OPTIONS_INIT;
  fc_metadata *metadata = fc_metadata_create();
  if (!metadata) abort();
  add(metadata, "x-request-id", "0123456789abcdef");
  add(metadata, "authorization", "Bearer 0123456789abcdef0123456789abcdef");
  options.timeout_ns = 5 * FC_SECOND;
  options.metadata = metadata;
  run(job, 1, &options);
  fc_metadata_destroy(metadata);
}
