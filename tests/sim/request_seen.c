/* The handler of request_seen.h. */
#include "sim/request_seen.h"

#include <stdio.h>

char request_seen[4096];

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void note(const char *format, ...) {
  size_t len = strlen(request_seen);
  va_list args;
  va_start(args, format);
  vsnprintf(request_seen + len, sizeof request_seen - len, format, args);
  va_end(args);
}

static void see(fc_call *call, void *user) {
  const fc_metadata *metadata;
  fc_bytes *message;
  (void)user;
  requests.rig.begun++;
  note("%s", fc_call_method(call));
  if (fc_call_time_remaining(call) != FC_NEVER) {
    note(" in %d s", (int)(fc_call_time_remaining(call) / FC_SECOND));
  }
  assert_int_equal(fc_call_initial_metadata(call, 0, &metadata), FC_OK);
  for (size_t i = 0; i < fc_metadata_count(metadata); i++) {
    fc_metadata_entry e = fc_metadata_at(metadata, i);
    note(" %.*s=%.*s", (int)e.key.len, (const char *)e.key.data, (int)e.value.len,
         e.value.len ? (const char *)e.value.data : "");
  }
  assert_int_equal(fc_call_recv(call, &message), FC_OK);
  note(" (%zu)\n", fc_bytes_slice(message).len);
  if (fc_call_respond(call, message) != FC_OK) fc_bytes_unref(message);
  fc_call_destroy(call);
}

void requests_serve_seen(void) {
  fc_handler h = FC_HANDLER_INIT;
  h.pattern = FC_PATTERN_UNARY_UNARY;
  h.kind = FC_HANDLER_ASYNC;
  h.fn = see;
  requests_create(NULL);
  assert_int_equal(fc_server_set_fallback(requests.rig.server, &h, NULL), FC_OK);
  requests_connect();
  request_seen[0] = 0;
}
