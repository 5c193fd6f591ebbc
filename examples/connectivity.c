/*
 * The states of a channel, from making it to closing it, as a watch is told of them.
 *
 *   connectivity [target]        with the server of server.c
 */
#include <farcall/channel.h>
#include <semaphore.h>
#include <stdio.h>

static void on_state(fc_channel *channel, fc_connectivity state, void *user) {
  (void)channel;
  printf("%s\n", fc_connectivity_name(state));
  if (state == FC_CONNECTIVITY_SHUTDOWN) sem_post(user);
}

int main(int argc, char **argv) {
  fc_error err = FC_ERROR_INIT;
  fc_channel *channel;
  fc_watch *watch;
  sem_t closed;
  if (fc_channel_create(argc > 1 ? argv[1] : "127.0.0.1:50051", NULL, &channel, &err) != FC_OK) {
    fprintf(stderr, "%s\n", err.message);
    return 1;
  }
  sem_init(&closed, 0, 0);
  int failed = fc_channel_watch(channel, on_state, &closed, &watch) != FC_OK;
  if (!failed) {
    failed = fc_channel_wait_ready(channel, 10 * FC_SECOND, &err) != FC_OK;
    if (failed) fprintf(stderr, "%s\n", err.message);
    fc_channel_close(channel);
    sem_wait(&closed);
    fc_watch_cancel(watch);
  }
  sem_destroy(&closed);
  fc_channel_destroy(channel);
  return failed;
}
