/*
 * Two calls to a server that is not there yet: one fails at once, the other waits until the server has
 * started. The server is in this program, on a Unix socket.
 *
 *   wait_for_ready
 */
#include <farcall/rpc.h>
#include <farcall/server.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char address[64];

static void greet(fc_call *call, void *user) {
  fc_bytes *response = fc_bytes_copy(user, strlen(user));
  if (fc_call_respond(call, response) != FC_OK) fc_bytes_unref(response);
  fc_call_destroy(call);
}

static void *start_late(void *arg) {
  fc_server **server = arg;
  fc_error err = FC_ERROR_INIT;
  fc_handler handler = FC_HANDLER_INIT;
  handler.pattern = FC_PATTERN_UNARY_UNARY;
  handler.kind = FC_HANDLER_ASYNC;
  handler.fn = greet;
  handler.user = "sorry, I am late";
  nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
  if (fc_server_create(NULL, server, &err) != FC_OK ||
      fc_server_register(*server, "/example.Text/Greet", &handler, &err) != FC_OK ||
      fc_server_listen(*server, address, NULL, &err) != FC_OK ||
      fc_server_start(*server, &err) != FC_OK) {
    fprintf(stderr, "%s\n", err.message);
  }
  return NULL;
}

static fc_code greet_with(fc_channel *channel, fc_wait_for_ready wait_for_ready) {
  fc_bytes *response;
  fc_call_options options = FC_CALL_OPTIONS_INIT;
  options.wait_for_ready = wait_for_ready;
  options.timeout_ns = 10 * FC_SECOND;
  fc_code code = fc_unary_unary(channel, "/example.Text/Greet", fc_slice_from_string("hello"),
                                &options, &response, NULL, NULL);
  if (code == FC_CODE_OK) {
    fc_slice text = fc_bytes_slice(response);
    printf("OK: %.*s\n", (int)text.len, (const char *)text.data);
  } else {
    printf("%s\n", fc_code_name(code));
  }
  fc_bytes_unref(response);
  return code;
}

int main(void) {
  fc_error err = FC_ERROR_INIT;
  fc_channel *channel;
  fc_server *server = NULL;
  pthread_t starter;
  fc_channel_options options = FC_CHANNEL_OPTIONS_INIT;
  options.min_backoff_ns =
      100 * FC_MILLISECOND; /* the pause after the first failure; 1 s by default */
  snprintf(address, sizeof address, "unix-abstract:farcall-example-%ld", (long)getpid());
  if (fc_channel_create(address, &options, &channel, &err) != FC_OK) {
    fprintf(stderr, "%s\n", err.message);
    return 1;
  }
  fc_code code = greet_with(channel, FC_WAIT_FOR_READY_OFF);
  if (code == FC_CODE_UNAVAILABLE && pthread_create(&starter, NULL, start_late, &server) == 0) {
    code = greet_with(channel, FC_WAIT_FOR_READY_ON);
    pthread_join(starter, NULL);
  }
  fc_channel_destroy(channel);
  fc_server_destroy(server);
  return code != FC_CODE_OK;
}
