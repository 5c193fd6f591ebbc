/*
 * A blocked call that another thread cancels after a while.
 *
 *   cancel [target]        with the server of server.c
 */
#include <farcall/rpc.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

static void *cancel_later(void *arg) {
  nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
  fc_call_cancel(arg, FC_CODE_CANCELLED, "it took too long");
  fc_call_cancel(arg, FC_CODE_CANCELLED, "again"); /* does nothing */
  return NULL;
}

int main(int argc, char **argv) {
  fc_error err = FC_ERROR_INIT;
  fc_channel *channel = NULL;
  fc_call *call = NULL;
  pthread_t canceller;
  int failed = 1;
  if (fc_channel_create(argc > 1 ? argv[1] : "127.0.0.1:50051", NULL, &channel, &err) != FC_OK ||
      fc_unary_unary_future(channel, "/example.Text/Slow", fc_slice_from_string("60000"), NULL,
                            &call, &err) != FC_OK) {
    fprintf(stderr, "%s\n", err.message);
  } else if (pthread_create(&canceller, NULL, cancel_later, call) == 0) {
    fc_result result = fc_call_wait(call, FC_NEVER);
    const fc_status *status = fc_call_status(call);
    printf("%s\n", fc_result_text(result));
    printf("status: %s \"%s\", said by %s\n", fc_code_name(status->code), status->message,
           status->origin == FC_ORIGIN_PEER ? "the server" : "this side");
    failed = pthread_join(canceller, NULL) != 0 || result != FC_ERR_CANCELLED;
  }
  fc_call_destroy(call);
  fc_channel_destroy(channel);
  return failed;
}
