/*
 * A server with one method of each pattern, and a slow one. Messages are plain text. The other examples
 * are clients of it.
 *
 *   server [address]        "127.0.0.1:0" by default, a free port; prints the port and serves until Ctrl-C
 */
#include <ctype.h>
#include <farcall/server.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static fc_bytes *capitals(fc_slice text) {
  uint8_t *data;
  fc_bytes *bytes = fc_bytes_create(text.len, &data);
  for (size_t i = 0; bytes != NULL && i < text.len; i++) data[i] = (uint8_t)toupper(text.data[i]);
  return bytes;
}

/* Sends one response and ends the call; fails when the client has gone, and then there is nothing to do. */
static void respond(fc_call *call, fc_bytes *response) {
  if (fc_call_respond(call, response) != FC_OK) fc_bytes_unref(response);
}

static void respond_text(fc_call *call, const char *text) {
  respond(call, fc_bytes_copy(text, strlen(text)));
}

static void finish(fc_call *call, fc_code code, const char *message) {
  fc_call_finish(call, code, message, (fc_slice){NULL, 0});
}

/* A number in text, between 1 and a million; 0 if it is none. */
static int number_of(fc_slice text) {
  char copy[16] = "";
  if (text.len < sizeof copy) memcpy(copy, text.data, text.len);
  int number = atoi(copy);
  return number >= 1 && number <= 1000000 ? number : 0;
}

/* Gives "x-request-id" back to whoever sent one. */
static void send_initial_metadata(fc_call *call) {
  const fc_metadata *request;
  fc_slice id;
  if (fc_call_initial_metadata(call, 0, &request) != FC_OK) return;
  if (!fc_metadata_find(request, "x-request-id", &id)) return;
  fc_metadata *metadata = fc_metadata_create();
  if (metadata != NULL && fc_metadata_add(metadata, "x-request-id", id, NULL) == FC_OK &&
      fc_call_send_initial_metadata(call, metadata) != FC_OK) {
    puts("a client has gone");
  }
  fc_metadata_destroy(metadata);
}

/* Trailing metadata with one number in it. */
static void set_trailing_number(fc_call *call, const char *key, long long number) {
  char text[24];
  snprintf(text, sizeof text, "%lld", number);
  fc_metadata *metadata = fc_metadata_create();
  if (metadata != NULL && fc_metadata_add_string(metadata, key, text, NULL) == FC_OK &&
      fc_call_set_trailing_metadata(call, metadata) != FC_OK) {
    puts("a client has gone");
  }
  fc_metadata_destroy(metadata);
}

/* unary-unary: the request in capitals. It never waits, so it runs as an asynchronous handler, which owns
 * its handle. */
static void upper(fc_call *call, void *user) {
  (void)user;
  fc_bytes *request;
  if (fc_call_recv(call, &request) == FC_OK) {
    fc_slice text = fc_bytes_slice(request);
    send_initial_metadata(call);
    set_trailing_number(call, "letters", (long long)text.len);
    respond(call, capitals(text));
    fc_bytes_unref(request);
  }
  fc_call_destroy(call);
}

/* unary-stream: counts up to the number in the request. */
static void count_to(fc_call *call, void *user) {
  (void)user;
  fc_bytes *request;
  if (fc_call_recv(call, &request) != FC_OK) return;
  int last = number_of(fc_bytes_slice(request));
  fc_bytes_unref(request);
  if (last == 0) {
    finish(call, FC_CODE_INVALID_ARGUMENT, "not a number from 1 to 1000000");
    return;
  }
  send_initial_metadata(call);
  long long sum = 0;
  for (int i = 1; i <= last; i++) {
    char text[16];
    snprintf(text, sizeof text, "%d", i);
    if (fc_call_send_copy(call, fc_slice_from_string(text), 0) != FC_OK)
      return; /* the client left */
    sum += i;
  }
  set_trailing_number(call, "sum", sum);
  finish(call, FC_CODE_OK, NULL);
}

/* stream-unary: says how many messages came, and how long they were together. */
static void summarise(fc_call *call, void *user) {
  (void)user;
  fc_bytes *message;
  size_t messages = 0, bytes = 0;
  for (; fc_call_recv(call, &message) == FC_OK; fc_bytes_unref(message)) {
    messages++;
    bytes += fc_bytes_slice(message).len;
  }
  char text[64];
  snprintf(text, sizeof text, "%zu messages, %zu bytes", messages, bytes);
  respond_text(call, text);
}

/* stream-stream: answers each message at once, in capitals. */
static void chat(fc_call *call, void *user) {
  (void)user;
  fc_bytes *message;
  while (fc_call_recv(call, &message) == FC_OK) {
    fc_bytes *answer = capitals(fc_bytes_slice(message));
    fc_bytes_unref(message);
    if (fc_call_send(call, answer, 0) != FC_OK) {
      fc_bytes_unref(answer);
      return;
    }
  }
  finish(call, FC_CODE_OK, NULL);
}

/* unary-unary: answers after as many milliseconds as the request says, or stops when nobody waits for it
 * any more: waiting for the end of the call is a sleep that ends with the call. */
static void slow(fc_call *call, void *user) {
  (void)user;
  fc_bytes *request;
  if (fc_call_recv(call, &request) != FC_OK) return;
  int milliseconds = number_of(fc_bytes_slice(request));
  fc_bytes_unref(request);
  if (fc_call_wait(call, milliseconds * FC_MILLISECOND) != FC_ERR_TIMEOUT) return;
  respond_text(call, "at last");
}

static const struct {
  const char *name;
  fc_pattern pattern;
  fc_handler_kind kind;
  fc_handler_fn fn;
} methods[] = {
    {"/example.Text/Upper", FC_PATTERN_UNARY_UNARY, FC_HANDLER_ASYNC, upper},
    {"/example.Text/CountTo", FC_PATTERN_UNARY_STREAM, FC_HANDLER_BLOCKING, count_to},
    {"/example.Text/Summarise", FC_PATTERN_STREAM_UNARY, FC_HANDLER_BLOCKING, summarise},
    {"/example.Text/Chat", FC_PATTERN_STREAM_STREAM, FC_HANDLER_BLOCKING, chat},
    {"/example.Text/Slow", FC_PATTERN_UNARY_UNARY, FC_HANDLER_BLOCKING, slow},
};

static fc_result set_up(const char *address, fc_server **server, int *port, fc_error *err) {
  fc_result result = fc_server_create(NULL, server, err);
  for (size_t i = 0; result == FC_OK && i < sizeof methods / sizeof methods[0]; i++) {
    fc_handler handler = FC_HANDLER_INIT;
    handler.pattern = methods[i].pattern;
    handler.kind = methods[i].kind;
    handler.fn = methods[i].fn;
    result = fc_server_register(*server, methods[i].name, &handler, err);
  }
  if (result == FC_OK) result = fc_server_listen(*server, address, port, err);
  if (result == FC_OK) result = fc_server_start(*server, err);
  return result;
}

int main(int argc, char **argv) {
  fc_error err = FC_ERROR_INIT;
  fc_server *server = NULL;
  int port = 0, signal_number = 0;
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop, NULL); /* before the library starts threads, which inherit it */

  int failed = set_up(argc > 1 ? argv[1] : "127.0.0.1:0", &server, &port, &err) != FC_OK;
  if (failed) {
    fprintf(stderr, "%s\n", err.message);
  } else {
    printf("listening on port %d\n", port);
    fflush(stdout);
    sigwait(&stop, &signal_number);
    failed =
        fc_server_shutdown(server, FC_SECOND) != FC_OK || fc_server_wait(server, FC_NEVER) != FC_OK;
  }
  fc_server_destroy(server);
  return failed;
}
