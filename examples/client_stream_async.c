/*
 * A stream of requests without a blocked thread: the library's thread asks for each request and tells the
 * outcome, while this one does something else.
 *
 *   client_stream_async [target]        with the server of server.c
 */
#include <farcall/rpc.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>

struct upload {
  int next, last;
  fc_code code;
  char summary[100];
  sem_t done;
};

static fc_bytes *next_line(fc_call *call, void *user) {
  (void)call;
  struct upload *upload = user;
  char line[32];
  if (upload->next > upload->last) return NULL;
  snprintf(line, sizeof line, "line %d", upload->next++);
  return fc_bytes_copy(line, strlen(line));
}

static void on_done(fc_call *call, const fc_status *status, fc_bytes *response, void *user) {
  (void)call;
  struct upload *upload = user;
  fc_slice text =
      response != NULL ? fc_bytes_slice(response) : fc_slice_from_string(status->message);
  upload->code = status->code;
  snprintf(upload->summary, sizeof upload->summary, "%.*s", (int)text.len, (const char *)text.data);
  fc_bytes_unref(response);
  sem_post(&upload->done);
}

int main(int argc, char **argv) {
  fc_error err = FC_ERROR_INIT;
  fc_channel *channel;
  struct upload upload = {.next = 1, .last = 100, .code = FC_CODE_UNKNOWN};
  if (fc_channel_create(argc > 1 ? argv[1] : "127.0.0.1:50051", NULL, &channel, &err) != FC_OK) {
    fprintf(stderr, "%s\n", err.message);
    return 1;
  }
  sem_init(&upload.done, 0, 0);
  if (fc_stream_unary_async(channel, "/example.Text/Summarise", next_line, NULL, on_done, &upload,
                            NULL, &err) == FC_OK) {
    printf("uploading\n");
    sem_wait(&upload.done);
    printf("%s: %s\n", fc_code_name(upload.code), upload.summary);
  } else {
    fprintf(stderr, "%s\n", err.message);
  }
  sem_destroy(&upload.done);
  fc_channel_destroy(channel);
  return upload.code != FC_CODE_OK;
}
