/*
 * How many places a second can be looked up: one after the other, and with a hundred calls under way.
 *
 *   place_burst [target [seconds]]        with place_server, or place_server.py
 */
#include <farcall/rpc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "place_table.h"

enum { OUTSTANDING = 100 };

static const char method[] = "/place.Atlas/Lookup";

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void print_rate(int count, double start, const char *how) {
  printf("  burst: %.0f lookups a second, %s\n", count / (now() - start), how);
}

static bool one_by_one(fc_channel *channel, fc_slice request, double seconds) {
  int count = 0;
  bool ok = true;
  fc_bytes *response;
  double start = now();
  for (; ok && now() < start + seconds; count++) {
    ok = fc_unary_unary(channel, method, request, NULL, &response, NULL, NULL) == FC_CODE_OK;
    fc_bytes_unref(response);
  }
  print_rate(count, start, "one at a time");
  return ok;
}

/* Waits for a call, if there is one, and gives it back; says whether it went well. */
static bool harvest(fc_call **call) {
  fc_bytes *response = NULL;
  bool ok = *call == NULL || fc_call_recv(*call, &response) == FC_OK;
  fc_bytes_unref(response);
  fc_call_destroy(*call);
  *call = NULL;
  return ok;
}

static bool many_at_once(fc_channel *channel, fc_slice request, double seconds) {
  fc_call *calls[OUTSTANDING] = {NULL};
  int count = 0;
  bool ok = true;
  double start = now();
  for (; ok && now() < start + seconds; count++) {
    fc_call **oldest = &calls[count % OUTSTANDING];
    ok = harvest(oldest) &&
         fc_unary_unary_future(channel, method, request, NULL, oldest, NULL) == FC_OK;
  }
  for (int i = 0; i < OUTSTANDING; i++) ok = harvest(&calls[(count + i) % OUTSTANDING]) && ok;
  print_rate(count, start, "a hundred at a time");
  return ok;
}

int main(int argc, char **argv) {
  double seconds = argc > 2 ? atof(argv[2]) : 1;
  fc_error err = FC_ERROR_INIT;
  fc_channel *channel = NULL;
  Place__Name name = PLACE__NAME__INIT;
  name.name = "Asia/Kolkata";
  fc_bytes *request = place_pack(&name.base);
  if (fc_channel_create(argc > 1 ? argv[1] : "127.0.0.1:50051", NULL, &channel, &err) != FC_OK ||
      fc_channel_wait_ready(channel, 10 * FC_SECOND, &err) != FC_OK) {
    fprintf(stderr, "%s\n", err.message);
    fc_bytes_unref(request);
    fc_channel_destroy(channel);
    return 1;
  }
  bool ok = one_by_one(channel, fc_bytes_slice(request), seconds) &&
            many_at_once(channel, fc_bytes_slice(request), seconds);
  fc_bytes_unref(request);
  fc_channel_destroy(channel);
  return !ok;
}
