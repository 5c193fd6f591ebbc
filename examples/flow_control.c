/*
 * A fast producer and a bounded queue: the stream takes a block when the server has room for it, so a slow
 * server slows the producer down, and memory stays small.
 *
 *   flow_control [target]        with the server of server.c
 */
#include <farcall/rpc.h>
#include <pthread.h>
#include <stdio.h>

enum { ROOM = 8, BLOCKS = 400, BLOCK_BYTES = 64 * 1024 };

struct queue {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  fc_bytes *blocks[ROOM];
  int first, count, most;
  int ended; /* no more is put in, or nobody takes out any more */
};

/* Waits for room; says whether the block was taken. */
static int put(struct queue *queue, fc_bytes *block) {
  pthread_mutex_lock(&queue->mutex);
  while (queue->count == ROOM && !queue->ended) pthread_cond_wait(&queue->changed, &queue->mutex);
  int taken = !queue->ended;
  if (taken) {
    queue->blocks[(queue->first + queue->count++) % ROOM] = block;
    if (queue->count > queue->most) queue->most = queue->count;
    pthread_cond_signal(&queue->changed);
  }
  pthread_mutex_unlock(&queue->mutex);
  return taken;
}

/* The source of the stream: waits for a block; NULL is the end. */
static fc_bytes *take(fc_call *call, void *user) {
  (void)call;
  struct queue *queue = user;
  fc_bytes *block = NULL;
  pthread_mutex_lock(&queue->mutex);
  while (queue->count == 0 && !queue->ended) pthread_cond_wait(&queue->changed, &queue->mutex);
  if (queue->count > 0) {
    block = queue->blocks[queue->first];
    queue->first = (queue->first + 1) % ROOM;
    queue->count--;
    pthread_cond_signal(&queue->changed);
  }
  pthread_mutex_unlock(&queue->mutex);
  return block;
}

static void end(struct queue *queue) {
  pthread_mutex_lock(&queue->mutex);
  queue->ended = 1;
  pthread_cond_signal(&queue->changed);
  pthread_mutex_unlock(&queue->mutex);
}

static void *produce(void *user) {
  static const char content[BLOCK_BYTES];
  for (int i = 0; i < BLOCKS; i++) {
    fc_bytes *block = fc_bytes_wrap(content, sizeof content, NULL, NULL); /* not copied: it stays */
    if (block == NULL || !put(user, block)) {
      fc_bytes_unref(block);
      break;
    }
  }
  end(user);
  return NULL;
}

int main(int argc, char **argv) {
  fc_error err = FC_ERROR_INIT;
  fc_channel *channel = NULL;
  fc_bytes *response = NULL;
  struct queue queue = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
  pthread_t producer;
  if (fc_channel_create(argc > 1 ? argv[1] : "127.0.0.1:50051", NULL, &channel, &err) != FC_OK) {
    fprintf(stderr, "%s\n", err.message);
    return 1;
  }
  if (pthread_create(&producer, NULL, produce, &queue) != 0) return 1;

  fc_code code = fc_stream_unary(channel, "/example.Text/Summarise", take, &queue, NULL, &response,
                                 NULL, &err);
  end(&queue); /* had the call failed, the producer would still wait for room */
  pthread_join(producer, NULL);
  if (code == FC_CODE_OK) {
    fc_slice text = fc_bytes_slice(response);
    printf("server: %.*s\n", (int)text.len, (const char *)text.data);
    printf("never more than %d blocks in the queue: %s\n", ROOM, queue.most <= ROOM ? "yes" : "no");
  } else {
    fprintf(stderr, "%s: %s\n", fc_code_name(code), err.message);
  }
  for (fc_bytes *rest; (rest = take(NULL, &queue)) != NULL;) fc_bytes_unref(rest);
  fc_bytes_unref(response);
  fc_channel_destroy(channel);
  return code != FC_CODE_OK;
}
