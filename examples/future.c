/*
 * A call as a future, and its two kinds of timeout: the call's own, which ends it, and that of waiting,
 * after which the call goes on.
 *
 *   future [target]        with the server of server.c
 */
#include <farcall/rpc.h>
#include <stdio.h>

/* Starts a call that is answered after some milliseconds. */
static fc_call *start(fc_channel *channel, const char *milliseconds, int64_t timeout_ns) {
  fc_error err = FC_ERROR_INIT;
  fc_call *call;
  fc_call_options options = FC_CALL_OPTIONS_INIT;
  options.timeout_ns = timeout_ns;
  if (fc_unary_unary_future(channel, "/example.Text/Slow", fc_slice_from_string(milliseconds),
                            &options, &call, &err) != FC_OK) {
    fprintf(stderr, "%s\n", err.message);
  }
  return call;
}

/* Waits for the end, and tells how that went. */
static void wait_for(fc_call *call, int64_t timeout_ns) {
  fc_result result = fc_call_wait(call, timeout_ns);
  if (result == FC_ERR_TIMEOUT) {
    printf("still running\n");
    return;
  }
  const fc_status *status = fc_call_status(call);
  printf("%s: %s", result == FC_ERR_CANCELLED ? "cancelled" : "done", fc_code_name(status->code));
  fc_bytes *response;
  if (fc_call_recv(call, &response) == FC_OK) {
    fc_slice text = fc_bytes_slice(response);
    printf(", \"%.*s\"", (int)text.len, (const char *)text.data);
    fc_bytes_unref(response);
  }
  printf("\n");
}

int main(int argc, char **argv) {
  fc_error err = FC_ERROR_INIT;
  fc_channel *channel;
  if (fc_channel_create(argc > 1 ? argv[1] : "127.0.0.1:50051", NULL, &channel, &err) != FC_OK) {
    fprintf(stderr, "%s\n", err.message);
    return 1;
  }
  fc_call *patient = start(channel, "500", 30 * FC_SECOND);
  fc_call *hasty = start(channel, "60000", 100 * FC_MILLISECOND);
  int failed = patient == NULL || hasty == NULL;
  if (!failed) {
    wait_for(patient, 10 * FC_MILLISECOND);
    wait_for(patient, 10 * FC_SECOND);
    wait_for(hasty, FC_NEVER);
  }
  fc_call_destroy(patient);
  fc_call_destroy(hasty);
  fc_channel_destroy(channel);
  return failed;
}
