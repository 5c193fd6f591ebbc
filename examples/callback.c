/*
 * Three calls at once, each with a callback for its outcome. The callbacks run on the library's thread.
 *
 *   callback [target]        with the server of server.c
 */
#include <farcall/rpc.h>
#include <semaphore.h>
#include <stdio.h>

struct answer {
  fc_code code;
  char text[100];
  sem_t *arrived;
};

static void on_answer(fc_call *call, const fc_status *status, fc_bytes *response, void *user) {
  (void)call;
  struct answer *answer = user;
  fc_slice text = fc_bytes_slice(response); /* empty unless the status is OK */
  answer->code = status->code;
  snprintf(answer->text, sizeof answer->text, "%.*s", (int)text.len,
           text.len > 0 ? (const char *)text.data : "");
  fc_bytes_unref(response);
  sem_post(answer->arrived);
}

int main(int argc, char **argv) {
  static const char *const words[] = {"one", "two", "three"};
  fc_error err = FC_ERROR_INIT;
  fc_channel *channel;
  sem_t arrived;
  struct answer answers[3];
  int started = 0;
  if (fc_channel_create(argc > 1 ? argv[1] : "127.0.0.1:50051", NULL, &channel, &err) != FC_OK) {
    fprintf(stderr, "%s\n", err.message);
    return 1;
  }
  sem_init(&arrived, 0, 0);

  while (started < 3) {
    answers[started].arrived = &arrived;
    if (fc_unary_unary_async(channel, "/example.Text/Upper", fc_slice_from_string(words[started]),
                             NULL, on_answer, &answers[started], NULL, &err) != FC_OK) {
      fprintf(stderr, "%s\n", err.message);
      break;
    }
    started++;
  }
  for (int i = 0; i < started; i++) sem_wait(&arrived);
  for (int i = 0; i < started; i++) {
    printf("%s: %s %s\n", words[i], fc_code_name(answers[i].code), answers[i].text);
  }

  sem_destroy(&arrived);
  fc_channel_destroy(channel);
  return started < 3;
}
