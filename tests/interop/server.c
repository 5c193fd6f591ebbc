/*
 * The test server of service.md: interop_server [--certs FOLDER [--mutual]]. Prints its port, serves until
 * SIGTERM.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server_security.h"
#include "server_wish.h"

enum { NOTES = 256 };

/* The calls that were seen to be cancelled. */
static struct {
  pthread_mutex_t lock;
  char ids[NOTES][32];
  unsigned count;
} notes = {.lock = PTHREAD_MUTEX_INITIALIZER};

static atomic_long away_ms;
static int strict_port;
static fc_server_credentials *credentials;

static void check(fc_result r, const fc_error *err) {
  if (r == FC_OK) return;
  fprintf(stderr, "interop_server: %s\n", err->message);
  exit(1);
}

static void note(const char *id) {
  pthread_mutex_lock(&notes.lock);
  snprintf(notes.ids[notes.count++ % NOTES], sizeof notes.ids[0], "%s", id);
  pthread_mutex_unlock(&notes.lock);
}

static bool noted(fc_slice id) {
  bool found = false;
  pthread_mutex_lock(&notes.lock);
  for (int i = 0; i < NOTES && !found; i++) found = id.len > 0 && fc_slice_equals(id, notes.ids[i]);
  pthread_mutex_unlock(&notes.lock);
  return found;
}

/* Sends a message, which it takes; false when the call is over. */
static bool send_message(fc_call *call, fc_bytes *message) {
  if (fc_call_send(call, message, 0) == FC_OK) return true;
  fc_bytes_unref(message);
  return false;
}

static bool send_text(fc_call *call, const char *text) {
  return send_message(call, fc_bytes_copy(text, strlen(text)));
}

/* A response to a request: of the size wanted, or the request itself. Takes the request. */
static fc_bytes *response_to(const struct wish *wish, fc_bytes *request) {
  uint8_t *data;
  if (wish->size < 0) return request;
  fc_bytes_unref(request);
  fc_bytes *response = fc_bytes_create((size_t)wish->size, &data);
  if (response) memset(data, 'r', (size_t)wish->size);
  return response;
}

/* Unary and Down. */
static void respond(fc_call *call, void *user) {
  struct wish wish;
  fc_bytes *message = NULL;
  (void)user;
  wish_begin(&wish, call);
  if (fc_call_recv(call, &message) == FC_OK) {
    message = response_to(&wish, message);
    while (wish.code == FC_CODE_OK && wish.count-- > 0)
      if (!send_message(call, fc_bytes_ref(message))) break;
    if (fc_call_is_done(call)) note(wish.id);
    fc_bytes_unref(message);
  }
  wish_end(&wish, call);
}

static void up(fc_call *call, void *user) {
  struct wish wish;
  fc_bytes *message;
  size_t messages = 0, bytes = 0;
  char text[64];
  (void)user;
  wish_begin(&wish, call);
  for (; fc_call_recv(call, &message) == FC_OK; fc_bytes_unref(message)) {
    messages++;
    bytes += fc_bytes_slice(message).len;
  }
  snprintf(text, sizeof text, "%zu %zu", messages, bytes);
  if (wish.code == FC_CODE_OK && !send_text(call, text)) note(wish.id);
  wish_end(&wish, call);
}

static void both(fc_call *call, void *user) {
  struct wish wish;
  fc_bytes *message;
  (void)user;
  wish_begin(&wish, call);
  while (fc_call_recv(call, &message) == FC_OK)
    if (!send_message(call, response_to(&wish, message))) break;
  if (fc_call_is_done(call)) note(wish.id);
  wish_end(&wish, call);
}

static void collect(fc_call *call, void *user) {
  enum { MOST = 1000 };
  struct wish wish;
  fc_bytes *messages[MOST];
  int count = 0;
  (void)user;
  wish_begin(&wish, call);
  while (count < MOST && fc_call_recv(call, &messages[count]) == FC_OK) count++;
  for (int i = 0; i < count; i++)
    if (!send_message(call, messages[i])) note(wish.id);
  wish_end(&wish, call);
}

static void early(fc_call *call, void *user) {
  struct wish wish;
  (void)user;
  wish_begin(&wish, call);
  wish_end(&wish, call);
}

static void wait_for_end(fc_call *call, void *user) {
  struct wish wish;
  (void)user;
  wish_begin(&wish, call);
  if (fc_call_wait(call, 10 * FC_SECOND) != FC_ERR_TIMEOUT) note(wish.id);
  wish_end(&wish, call);
}

static void noticed(fc_call *call, void *user) {
  fc_bytes *id;
  (void)user;
  if (fc_call_recv(call, &id) != FC_OK) return;
  for (int i = 0; i < 500 && !noted(fc_bytes_slice(id)); i++)
    if (fc_call_wait(call, 10 * FC_MILLISECOND) != FC_ERR_TIMEOUT) break;
  (void)send_text(call, noted(fc_bytes_slice(id)) ? "yes" : "no");
  fc_bytes_unref(id);
  fc_call_finish(call, FC_CODE_OK, NULL, (fc_slice){0});
}

static void known(fc_call *call, void *user) {
  fc_bytes *name;
  (void)user;
  if (fc_call_recv(call, &name) != FC_OK) return;
  fc_bytes *answer = security_known(call, fc_bytes_slice(name));
  fc_bytes_unref(name);
  if (send_message(call, answer)) fc_call_finish(call, FC_CODE_OK, NULL, (fc_slice){0});
}

static void strict(fc_call *call, void *user) {
  char address[32];
  (void)user;
  snprintf(address, sizeof address, "127.0.0.1:%d", strict_port);
  (void)send_text(call, address);
  fc_call_finish(call, FC_CODE_OK, NULL, (fc_slice){0});
}

static void stop(fc_call *call, void *user) {
  fc_bytes *request;
  char text[16] = "";
  (void)user;
  if (fc_call_recv(call, &request) != FC_OK) return;
  fc_slice ms = fc_bytes_slice(request);
  memcpy(text, ms.data, ms.len < sizeof text ? ms.len : 0);
  away_ms = atol(text);
  if (fc_call_respond(call, request) != FC_OK) fc_bytes_unref(request);
  kill(getpid(), SIGUSR1);
}

static const struct {
  const char *name;
  fc_pattern pattern;
  fc_handler_fn fn;
} methods[] = {
    {"/interop.Test/Unary", FC_PATTERN_UNARY_UNARY, respond},
    {"/interop.Test/Down", FC_PATTERN_UNARY_STREAM, respond},
    {"/interop.Test/Up", FC_PATTERN_STREAM_UNARY, up},
    {"/interop.Test/Both", FC_PATTERN_STREAM_STREAM, both},
    {"/interop.Test/Collect", FC_PATTERN_STREAM_STREAM, collect},
    {"/interop.Test/Early", FC_PATTERN_STREAM_STREAM, early},
    {"/interop.Test/Wait", FC_PATTERN_UNARY_UNARY, wait_for_end},
    {"/interop.Test/Noticed", FC_PATTERN_UNARY_UNARY, noticed},
    {"/interop.Test/Known", FC_PATTERN_UNARY_UNARY, known},
    {"/interop.Test/Strict", FC_PATTERN_UNARY_UNARY, strict},
    {"/interop.Test/Stop", FC_PATTERN_UNARY_UNARY, stop},
};

static fc_server *serve(const char *address, const fc_server_options *options, int *port) {
  fc_server *server;
  fc_error err = FC_ERROR_INIT;
  check(fc_server_create(options, &server, &err), &err);
  for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
    fc_handler handler = FC_HANDLER_INIT;
    handler.pattern = methods[i].pattern;
    handler.fn = methods[i].fn;
    check(fc_server_register(server, methods[i].name, &handler, &err), &err);
  }
  check(fc_server_listen_secure(server, address, credentials, port, &err), &err);
  check(fc_server_start(server, &err), &err);
  return server;
}

/* False when it did not end in time. */
static bool end(fc_server *server) {
  bool ended = fc_server_shutdown(server, 10 * FC_SECOND) == FC_OK &&
               fc_server_wait(server, 20 * FC_SECOND) == FC_OK;
  fc_server_destroy(server);
  return ended;
}

int main(int argc, char **argv) {
  fc_server_options options = FC_SERVER_OPTIONS_INIT, lenient = FC_SERVER_OPTIONS_INIT;
  char address[64];
  int port, signal_number;
  bool well = true;
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGTERM);
  sigaddset(&wanted, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &wanted,
                  NULL); /* before the library starts threads, which inherit it */

  lenient.workers = 64;
  lenient.permit_ping_without_calls = true;
  lenient.min_ping_interval_ns = FC_MILLISECOND;
  credentials = security_credentials(argc, argv);
  fc_server *strict_server = serve("127.0.0.1:0", &options, &strict_port);
  fc_server *server = serve("127.0.0.1:0", &lenient, &port);
  snprintf(address, sizeof address, "127.0.0.1:%d", port);
  printf("%d\n", port);
  fflush(stdout);
  while (sigwait(&wanted, &signal_number) == 0 && signal_number == SIGUSR1) {
    well = end(server) && well;
    usleep((useconds_t)away_ms * 1000);
    server = serve(address, &lenient, &port);
  }
  well = end(server) && well;
  well = end(strict_server) && well;
  fc_server_credentials_destroy(credentials);
  return well ? 0 : 1;
}
