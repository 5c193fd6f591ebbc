/*
 * Calls in an event loop of the program's own, with no thread of the library: the loop watches one descriptor,
 * waits no longer than it is told, and gives the library its turns.
 *
 *   host_loop [target]        with the server of server.c
 */
#include <farcall/rpc.h>
#include <poll.h>
#include <stdio.h>

struct answers {
  int running;
  fc_code code;
};

/* Runs within a turn, so on the loop's own thread. */
static bool on_number(fc_call *call, fc_bytes *message, void *user) {
  (void)call, (void)user;
  fc_slice text = fc_bytes_slice(message);
  printf("%.*s\n", (int)text.len, (const char *)text.data);
  fc_bytes_unref(message);
  return true;
}

static void on_end(fc_call *call, const fc_status *status, fc_bytes *response, void *user) {
  (void)call, (void)response;
  struct answers *answers = user;
  answers->code = status->code;
  answers->running--;
}

/* In milliseconds, rounded up, for poll; -1 without end. */
static int poll_timeout(fc_reactor *reactor) {
  int64_t timeout = fc_reactor_timeout(reactor);
  if (timeout == FC_NEVER) return -1;
  if (timeout > 3600 * FC_SECOND) timeout = 3600 * FC_SECOND; /* an early turn does no harm */
  return (int)((timeout + FC_MILLISECOND - 1) / FC_MILLISECOND);
}

static void run(fc_reactor *reactor, const struct answers *answers) {
  while (answers->running > 0) {
    struct pollfd watched = {.fd = fc_reactor_fd(reactor), .events = POLLIN};
    poll(&watched, 1,
         poll_timeout(reactor)); /* a real loop watches its other descriptors here, too */
    if (fc_reactor_dispatch(reactor) != FC_OK) return;
  }
}

int main(int argc, char **argv) {
  fc_error err = FC_ERROR_INIT;
  fc_reactor *reactor = NULL;
  fc_channel *channel = NULL;
  struct answers answers = {.running = 1, .code = FC_CODE_UNKNOWN};
  fc_reactor_options mode = FC_REACTOR_OPTIONS_INIT;
  fc_channel_options options = FC_CHANNEL_OPTIONS_INIT;
  mode.mode = FC_REACTOR_HOST;
  if (fc_reactor_create(&mode, &reactor, &err) != FC_OK) goto failed;
  options.reactor = reactor;
  if (fc_channel_create(argc > 1 ? argv[1] : "127.0.0.1:50051", &options, &channel, &err) !=
          FC_OK ||
      fc_unary_stream_async(channel, "/example.Text/CountTo", fc_slice_from_string("3"), NULL,
                            on_number, on_end, &answers, NULL, &err) != FC_OK) {
    goto failed;
  }
  run(reactor, &answers);
  printf("status: %s\n", fc_code_name(answers.code));
failed:
  if (err.result != FC_OK) fprintf(stderr, "%s\n", err.message);
  fc_channel_destroy(channel);
  fc_reactor_destroy(reactor);
  return answers.code != FC_CODE_OK;
}
