/* Many calls outstanding on one connection: each one that ends starts the next, in its callback. */
#include <poll.h>
#include <semaphore.h>

#include "client.h"

struct outstanding {
  fc_channel *channel;
  fc_slice request;
  struct measure *measure;
  uint64_t warm, done; /* calls to end before measuring, and since then */
  struct slot *slots;
  int depth, started, open;
  bool measured;
  sem_t over;
};

struct slot {
  struct outstanding *all;
  uint64_t begun;
};

static bool another(struct outstanding *all) {
  if (all->warm > 0) {
    if (--all->warm == 0) measure_begin(all->measure);
    return true;
  }
  all->done++;
  if (measure_more(all->measure, all->done)) return true;
  if (!all->measured) measure_end(all->measure, all->done);
  all->measured = true;
  return false;
}

static void start(struct slot *slot);

static void answered(fc_call *call, const fc_status *status, fc_bytes *response, void *user) {
  struct slot *slot = user;
  struct outstanding *all = slot->all;
  (void)call;
  if (status->code != FC_CODE_OK) fail("outstanding", status->message);
  if (fc_bytes_slice(response).len != all->request.len) fail("outstanding", "wrong length");
  fc_bytes_unref(response);
  all->open--;
  slot->begun = measure_sample(all->measure, slot->begun);
  while (all->started < all->depth) start(&all->slots[all->started++]);
  if (another(all)) {
    start(slot);
  } else if (all->open == 0) {
    sem_post(&all->over);
  }
}

static void start(struct slot *slot) {
  struct outstanding *all = slot->all;
  fc_error err = FC_ERROR_INIT;
  all->open++;
  if (!slot->begun) slot->begun = all->measure->now;
  if (fc_unary_unary_async(all->channel, "/bench.Echo/Unary", all->request, NULL, answered, slot,
                           NULL, &err) != FC_OK) {
    fail("outstanding", err.message);
  }
}

/* Starts one call, whose callback starts the others: so all is done on the thread that runs callbacks. */
static void begin(struct outstanding *all, struct job *job, fc_reactor *reactor) {
  all->channel = connect_to(job->target, reactor);
  all->request = payload(64);
  all->measure = &job->measure;
  all->depth = job->number;
  all->warm = measure_warm(all->measure, 20000);
  all->slots = calloc((size_t)all->depth, sizeof *all->slots);
  if (!all->slots) abort();
  for (int i = 0; i < all->depth; i++) all->slots[i].all = all;
  sem_init(&all->over, 0, 0);
  measure_begin(all->measure);
  start(&all->slots[all->started++]);
}

static void end(struct outstanding *all) {
  fc_channel_destroy(all->channel);
  sem_destroy(&all->over);
  free(all->slots);
}

void run_background(struct job *job) {
  struct outstanding all = {0};
  begin(&all, job, NULL);
  while (sem_wait(&all.over)) continue;
  end(&all);
}

/* One turn of a host's event loop. */
static void turn(fc_reactor *reactor) {
  struct pollfd fd = {.fd = fc_reactor_fd(reactor), .events = POLLIN};
  int64_t timeout = fc_reactor_timeout(reactor);
  if (timeout > 0) {
    struct timespec ts = {timeout / FC_SECOND, timeout % FC_SECOND};
    (void)ppoll(&fd, 1, timeout == FC_NEVER ? NULL : &ts, NULL);
  }
  if (fc_reactor_dispatch(reactor) != FC_OK) fail("dispatch", "busy");
}

void run_outstanding(struct job *job) {
  struct outstanding all = {0};
  fc_reactor_options options = FC_REACTOR_OPTIONS_INIT;
  fc_reactor *reactor;
  fc_error err = FC_ERROR_INIT;
  options.mode = FC_REACTOR_HOST;
  if (fc_reactor_create(&options, &reactor, &err) != FC_OK) fail("reactor", err.message);
  begin(&all, job, reactor);
  while (sem_trywait(&all.over)) turn(reactor);
  end(&all);
  fc_reactor_destroy(reactor);
}
