/*
 * The client of the echo service on farcall: client WORKLOAD[=NUMBER] PORT LIMIT SERVER_PID. The workloads are listed
 * below; LIMIT is that of measure.h. With BENCH_TLS in the environment, a folder of certificates, calls go over TLS.
 */
#include "client.h"

static const struct {
  const char *name;
  void (*run)(struct job *job);
  int number; /* when none is given */
} workloads[] = {
    {"unary", run_unary, 0},               /* one blocking call at a time, 64 B */
    {"blocking", run_blocking, 0},         /* the same, the handler on a worker thread */
    {"echo1m", run_echo1m, 0},             /* the same with 1 MiB */
    {"connections", run_connections, 100}, /* the same over NUMBER connections in turn */
    {"methods", run_methods, 20},          /* the same, of NUMBER methods in turn, 20 at most */
    {"deadline", run_deadline, 0},         /* the same with a deadline and two metadata entries */
    {"outstanding", run_outstanding, 100}, /* NUMBER calls at a time, the program's own loop */
    {"background", run_background, 100},   /* the same, callbacks on the library's thread */
    {"bidi", run_bidi, 0},                 /* ping-pong of 64 B on one stream */
    {"sstream", run_server_stream, 0},     /* a server stream of 64 B messages */
    {"cstream", run_client_stream, 0},     /* a client stream of 64 B messages */
    {"sstreams", run_server_streams, 100}, /* server streams of NUMBER messages, one at a time */
    {"cstreams", run_client_streams, 100}, /* client streams of NUMBER messages, one at a time */
    {"cstream-callback", run_client_stream_by_callback, 0}, /* the same, by callback */
    {"hold-connections", run_hold_connections, 1000},       /* opens NUMBER, then NUMBER more */
    {"hold-calls", run_hold_calls, 1000},
};

void fail(const char *what, const char *why) {
  fprintf(stderr, "client: %s: %s\n", what, why);
  exit(1);
}

static fc_channel_credentials *tls_credentials(const char *folder) {
  fc_tls_client_options options = FC_TLS_CLIENT_OPTIONS_INIT;
  fc_channel_credentials *credentials;
  fc_error err = FC_ERROR_INIT;
  char roots[512];
  snprintf(roots, sizeof roots, "%s/ca.pem", folder);
  options.roots_file = roots;
  if (fc_channel_credentials_tls(&options, &credentials, &err) != FC_OK) fail("TLS", err.message);
  return credentials;
}

fc_channel *connect_to(const char *target, fc_reactor *reactor) {
  fc_channel_options options = FC_CHANNEL_OPTIONS_INIT;
  fc_channel *channel;
  fc_error err = FC_ERROR_INIT;
  const char *folder = getenv("BENCH_TLS");
  options.reactor = reactor;
  if (folder) options.credentials = tls_credentials(folder);
  if (fc_channel_create(target, &options, &channel, &err) != FC_OK) fail("channel", err.message);
  fc_channel_credentials_destroy(options.credentials);
  return channel;
}

fc_slice payload(size_t size) {
  uint8_t *data = malloc(size);
  if (!data) abort();
  memset(data, 'x', size);
  return (fc_slice){data, size};
}

int main(int argc, char **argv) {
  char target[64];
  struct job job = {.target = target};
  if (argc < 5) {
    fprintf(stderr, "usage: client WORKLOAD[=NUMBER] PORT LIMIT SERVER_PID\n");
    return 2;
  }
  size_t length = strcspn(argv[1], "=");
  snprintf(target, sizeof target, "ipv4:127.0.0.1:%s", argv[2]);
  measure_init(&job.measure, argv[3], argv[4]);
  measure_raise_files();
  for (size_t i = 0; i < sizeof workloads / sizeof workloads[0]; i++) {
    if (strlen(workloads[i].name) != length || strncmp(workloads[i].name, argv[1], length) != 0)
      continue;
    job.number = argv[1][length] ? atoi(argv[1] + length + 1) : workloads[i].number;
    workloads[i].run(&job);
    fc_channel_destroy(job.channel);
    return 0;
  }
  fail(argv[1], "no such workload");
}
