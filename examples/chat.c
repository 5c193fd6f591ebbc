/*
 * A conversation in both directions: one thread writes, another reads, on the same call.
 *
 *   chat [target]        with the server of server.c
 */
#include <farcall/rpc.h>
#include <pthread.h>
#include <stdio.h>

static void *write_all(void *arg) {
  static const char *const lines[] = {"good morning", "is anybody there?", "good night"};
  fc_call *call = arg;
  for (int i = 0; i < 3; i++) {
    unsigned flags = i == 2 ? FC_SEND_LAST : 0;
    if (fc_call_send_copy(call, fc_slice_from_string(lines[i]), flags) != FC_OK) break;
  }
  return NULL; /* if sending failed, the call is over, and the reader sees that as well */
}

static void read_all(fc_call *call) {
  fc_bytes *message;
  while (fc_call_recv(call, &message) == FC_OK) {
    fc_slice text = fc_bytes_slice(message);
    printf("%.*s\n", (int)text.len, (const char *)text.data);
    fc_bytes_unref(message);
  }
}

int main(int argc, char **argv) {
  fc_error err = FC_ERROR_INIT;
  fc_channel *channel = NULL;
  fc_call *call = NULL;
  fc_code code = FC_CODE_UNKNOWN;
  pthread_t writer;
  fc_call_options options = FC_CALL_OPTIONS_INIT;
  options.timeout_ns = 30 * FC_SECOND;
  if (fc_channel_create(argc > 1 ? argv[1] : "127.0.0.1:50051", NULL, &channel, &err) != FC_OK ||
      fc_stream_stream(channel, "/example.Text/Chat", &options, &call, &err) != FC_OK) {
    fprintf(stderr, "%s\n", err.message);
  } else if (pthread_create(&writer, NULL, write_all, call) == 0) {
    read_all(call);
    pthread_join(writer, NULL);
    code = fc_call_status(call)->code;
    printf("status: %s\n", fc_code_name(code));
  }
  fc_call_destroy(call);
  fc_channel_destroy(channel);
  return code != FC_CODE_OK;
}
