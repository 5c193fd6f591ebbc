/*
 * The clients of the echo service on farcall: echo_client WORKLOAD PORT LIMIT [NAME]
 *
 *   unary       one thread, one blocking call at a time, 64 B
 *   blocking    the same against a blocking handler
 *   outstanding[N]  N calls outstanding on one connection by callback, 64 B (N: 100)
 *   bidi        ping-pong of 64 B messages on one stream
 *   sstream     a server stream of 64 B messages
 *   cstream     a client stream of 64 B messages
 *   echo1m      unary with 1 MiB
 *   connections[N]  unary calls in turn over N channels with a connection each
 *
 * LIMIT is "1.5s" for a time, after a warm-up, or a number of operations without one.
 */
#include <farcall/rpc.h>

#include "measure.h"

static void fail(const char *what, const char *why) {
  fprintf(stderr, "echo_client: %s: %s\n", what, why);
  exit(1);
}

static fc_channel *connect_to(const char *port) {
  char target[64];
  fc_channel_options options = FC_CHANNEL_OPTIONS_INIT;
  fc_channel *channel;
  fc_error err = FC_ERROR_INIT;
  snprintf(target, sizeof target, "127.0.0.1:%s", port);
  if (fc_channel_create(target, &options, &channel, &err) != FC_OK) fail("channel", err.message);
  return channel;
}

static uint8_t *payload(size_t size) {
  uint8_t *data = malloc(size);
  if (!data) abort();
  memset(data, 'x', size);
  return data;
}

/* ---- unary ---- */

static void call_once(fc_channel *channel, const char *method, fc_slice request) {
  fc_bytes *response;
  fc_error err = FC_ERROR_INIT;
  if (fc_unary_unary(channel, method, request, NULL, &response, NULL, &err) != FC_CODE_OK)
    fail(method, err.message);
  if (fc_bytes_slice(response).len != request.len) fail(method, "wrong length");
  fc_bytes_unref(response);
}

static void run_unary(fc_channel **channels, size_t count, const char *method, struct measure *m,
                      struct limit l, size_t size, uint64_t warm) {
  fc_slice request = {payload(size), size};
  for (uint64_t i = limit_warm(&l, warm); i > 0; i--)
    call_once(channels[i % count], method, request);
  uint64_t done = 0;
  limit_start(&l, m);
  for (; limit_more(&l, done); done++) {
    uint64_t t = measure_now();
    call_once(channels[done % count], method, request);
    measure_sample(m, measure_now() - t);
  }
  measure_end(m, done);
}

/* ---- many outstanding, in the host mode: the program's own loop dispatches ---- */

struct outstanding {
  fc_channel *channel;
  fc_slice request;
  uint64_t done, left;
  struct measure *measure;
  int open;
};

struct slot {
  struct outstanding *all;
  uint64_t begun;
};

static void start(struct slot *slot);

static void answered(fc_call *call, const fc_status *status, fc_bytes *response, void *user) {
  struct slot *slot = user;
  struct outstanding *all = slot->all;
  (void)call;
  if (status->code != FC_CODE_OK) fail("outstanding", status->message);
  fc_bytes_unref(response);
  all->done++;
  all->open--;
  if (all->measure) measure_sample(all->measure, measure_now() - slot->begun);
  if (all->left > 0) start(slot);
}

static void start(struct slot *slot) {
  struct outstanding *all = slot->all;
  fc_error err = FC_ERROR_INIT;
  slot->begun = measure_now();
  all->left--;
  all->open++;
  if (fc_unary_unary_async(all->channel, "/bench.Echo/Unary", all->request, NULL, answered, slot,
                           NULL, &err) != FC_OK) {
    fail("outstanding", err.message);
  }
}

static void turn(fc_reactor *reactor) {
  int64_t timeout = fc_reactor_timeout(reactor);
  (void)timeout;
  if (fc_reactor_dispatch(reactor) != FC_OK) fail("dispatch", "busy");
}

#include <poll.h>

static void run_until_quiet(fc_reactor *reactor, struct outstanding *all) {
  struct pollfd fd = {.fd = fc_reactor_fd(reactor), .events = POLLIN};
  while (all->open > 0) {
    if (fc_reactor_timeout(reactor) > 0) (void)poll(&fd, 1, 1000);
    turn(reactor);
  }
}

static void run_outstanding(const char *port, struct measure *m, struct limit l, int depth) {
  fc_reactor_options ro = FC_REACTOR_OPTIONS_INIT;
  fc_channel_options co = FC_CHANNEL_OPTIONS_INIT;
  fc_reactor *reactor;
  fc_error err = FC_ERROR_INIT;
  char target[64];
  ro.mode = FC_REACTOR_HOST;
  if (fc_reactor_create(&ro, &reactor, &err) != FC_OK) fail("reactor", err.message);
  co.reactor = reactor;
  snprintf(target, sizeof target, "127.0.0.1:%s", port);
  struct outstanding all = {.request = {payload(64), 64}};
  if (fc_channel_create(target, &co, &all.channel, &err) != FC_OK) fail("channel", err.message);
  struct slot *slots = calloc((size_t)depth, sizeof *slots);
  if (!slots) abort();
  all.left = l.operations ? l.operations : limit_warm(&l, 20000);
  for (int i = 0; i < depth; i++) {
    slots[i].all = &all;
    if (all.left > 0) start(&slots[i]);
  }
  if (!l.operations) {
    run_until_quiet(reactor, &all);
    all.measure = m;
    limit_start(&l, m);
    all.done = 0;
    all.left = UINT64_MAX;
    for (int i = 0; i < depth; i++) start(&slots[i]);
    struct pollfd fd = {.fd = fc_reactor_fd(reactor), .events = POLLIN};
    while (limit_more(&l, all.done)) {
      if (fc_reactor_timeout(reactor) > 0) (void)poll(&fd, 1, 1000);
      turn(reactor);
    }
    all.left = 0;
  } else {
    limit_start(&l, m);
  }
  uint64_t done = all.done;
  if (!l.operations) measure_end(m, done);
  run_until_quiet(reactor, &all);
  if (l.operations) measure_end(m, all.done);
  free(slots);
  fc_channel_destroy(all.channel);
  fc_reactor_destroy(reactor);
}

/* ---- streams ---- */

static fc_call *open_stream(fc_channel *channel, const char *method) {
  fc_call *call;
  fc_error err = FC_ERROR_INIT;
  if (fc_stream_stream(channel, method, NULL, &call, &err) != FC_OK) fail(method, err.message);
  return call;
}

static void send_one(fc_call *call, fc_bytes *message) {
  if (fc_call_send(call, fc_bytes_ref(message), 0) != FC_OK)
    fail("send", fc_call_status(call)->message);
}

static void recv_one(fc_call *call) {
  fc_bytes *message;
  if (fc_call_recv(call, &message) != FC_OK) fail("recv", fc_call_status(call)->message);
  fc_bytes_unref(message);
}

static void run_bidi(fc_channel *channel, struct measure *m, struct limit l) {
  fc_call *call = open_stream(channel, "/bench.Echo/BidiStream");
  fc_bytes *message = fc_bytes_wrap(payload(64), 64, NULL, NULL);
  for (uint64_t i = limit_warm(&l, 5000); i > 0; i--) {
    send_one(call, message);
    recv_one(call);
  }
  uint64_t done = 0;
  limit_start(&l, m);
  for (; limit_more(&l, done); done++) {
    uint64_t t = measure_now();
    send_one(call, message);
    recv_one(call);
    measure_sample(m, measure_now() - t);
  }
  measure_end(m, done);
  fc_bytes_unref(message);
  fc_call_destroy(call);
}

static void run_server_stream(fc_channel *channel, struct measure *m, struct limit l) {
  char spec[64];
  fc_call *call;
  fc_error err = FC_ERROR_INIT;
  snprintf(spec, sizeof spec, "%llu 64",
           l.operations ? (unsigned long long)l.operations : 4000000000ULL);
  if (fc_unary_stream(channel, "/bench.Echo/ServerStream", fc_slice_from_string(spec), NULL, &call,
                      &err) != FC_OK) {
    fail("sstream", err.message);
  }
  for (uint64_t i = limit_warm(&l, 20000); i > 0; i--) recv_one(call);
  uint64_t done = 0;
  limit_start(&l, m);
  for (; limit_more(&l, done); done++) recv_one(call);
  measure_end(m, done);
  fc_call_destroy(call);
}

static void run_client_stream(fc_channel *channel, struct measure *m, struct limit l) {
  fc_call *call;
  fc_error err = FC_ERROR_INIT;
  fc_bytes *message = fc_bytes_wrap(payload(64), 64, NULL, NULL);
  if (fc_stream_unary_future(channel, "/bench.Echo/ClientStream", NULL, &call, &err) != FC_OK)
    fail("cstream", err.message);
  for (uint64_t i = limit_warm(&l, 20000); i > 0; i--) send_one(call, message);
  uint64_t done = 0;
  limit_start(&l, m);
  for (; limit_more(&l, done); done++) send_one(call, message);
  if (fc_call_close_send(call) != FC_OK || fc_call_status(call)->code != FC_CODE_OK)
    fail("cstream", fc_call_status(call)->message);
  measure_end(m, done); /* the server has read every message by now */
  fc_bytes_unref(message);
  fc_call_destroy(call);
}

/* The number behind a workload's name, or otherwise. */
static int number_in(const char *work, const char *name, int otherwise) {
  const char *digits = work + strlen(name);
  return *digits ? atoi(digits) : otherwise;
}

int main(int argc, char **argv) {
  if (argc < 4) {
    fprintf(stderr, "usage: echo_client WORKLOAD PORT LIMIT [NAME]\n");
    return 2;
  }
  const char *work = argv[1], *port = argv[2];
  struct limit l = limit_parse(argv[3]);
  struct measure m;
  measure_init(&m, argc > 4 ? argv[4] : work);
  if (!strncmp(work, "outstanding", 11)) {
    run_outstanding(port, &m, l, number_in(work, "outstanding", 100));
    return 0;
  }
  size_t count = strncmp(work, "connections", 11) ? 1 : (size_t)number_in(work, "connections", 100);
  fc_channel **channels = calloc(count, sizeof(fc_channel *));
  if (!channels) abort();
  for (size_t i = 0; i < count; i++) channels[i] = connect_to(port);
  if (!strcmp(work, "unary"))
    run_unary(channels, 1, "/bench.Echo/Unary", &m, l, 64, 5000);
  else if (!strcmp(work, "blocking"))
    run_unary(channels, 1, "/bench.Echo/Blocking", &m, l, 64, 5000);
  else if (!strcmp(work, "echo1m"))
    run_unary(channels, 1, "/bench.Echo/Unary", &m, l, 1 << 20, 50);
  else if (count > 1)
    run_unary(channels, count, "/bench.Echo/Unary", &m, l, 64, count * 4);
  else if (!strcmp(work, "bidi"))
    run_bidi(channels[0], &m, l);
  else if (!strcmp(work, "sstream"))
    run_server_stream(channels[0], &m, l);
  else if (!strcmp(work, "cstream"))
    run_client_stream(channels[0], &m, l);
  else
    fail(work, "no such workload");
  for (size_t i = 0; i < count; i++) fc_channel_destroy(channels[i]);
  return 0;
}
