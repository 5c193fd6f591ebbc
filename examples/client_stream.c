/*
 * A stream of requests that come from a generator: farcall asks it for the next one when the last has left.
 *
 *   client_stream [target]        with the server of server.c
 */
#include <farcall/rpc.h>
#include <stdio.h>
#include <string.h>

struct words {
  const char *const *next; /* ends with NULL */
};

static fc_bytes *next_word(fc_call *call, void *user) {
  (void)call;
  struct words *words = user;
  const char *word = *words->next;
  if (word == NULL) return NULL;
  words->next++;
  return fc_bytes_copy(word, strlen(word));
}

int main(int argc, char **argv) {
  static const char *const text[] = {"do", "what", "has", "to", "be", "done", NULL};
  struct words words = {text};
  fc_error err = FC_ERROR_INIT;
  fc_channel *channel;
  fc_bytes *response;
  if (fc_channel_create(argc > 1 ? argv[1] : "127.0.0.1:50051", NULL, &channel, &err) != FC_OK) {
    fprintf(stderr, "%s\n", err.message);
    return 1;
  }
  fc_code code = fc_stream_unary(channel, "/example.Text/Summarise", next_word, &words, NULL,
                                 &response, NULL, &err);
  if (code == FC_CODE_OK) {
    fc_slice summary = fc_bytes_slice(response);
    printf("%.*s\n", (int)summary.len, (const char *)summary.data);
  } else {
    fprintf(stderr, "%s: %s\n", fc_code_name(code), err.message);
  }
  fc_bytes_unref(response);
  fc_channel_destroy(channel);
  return code != FC_CODE_OK;
}
