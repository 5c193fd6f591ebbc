/*
 * Random requests, right and wrong, on one connection: handlers and client see the same whether they
 * arrive whole, where repeated fields are not decoded, or in pieces of any size.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "http2/hpack.h"
#include "sim/request_seen.h"

static const char *const fields[][2] = {
    {":method", "POST"},
    {":method", "GET"},
    {":scheme", "http"},
    {":path", "/s/m"},
    {":path", "/s/other"},
    {":authority", "test"},
    {"te", "trailers"},
    {"content-type", "application/grpc"},
    {"content-type", "x"},
    {"grpc-timeout", "100S"},
    {"grpc-timeout", "wrong"},
    {"grpc-encoding", "gzip"},
    {"grpc-encoding", "wrong"},
    {"grpc-accept-encoding", "gzip"},
    {"k", "v"},
    {"k-bin", "AAEC"},
    {"k-bin", "%"},
    {"user-agent", "\x83\x86\xbe\xbe\xbe"},
    {"content-length", "12"},
    {"connection", "close"},
};

/* Mostly what a good request has, in order. */
static void random_block(struct fc__random *random, struct fc__hpack_encoder *encoder,
                         struct fc__buf *out) {
  static const uint8_t usual[] = {0, 2, 3, 5, 6, 7};
  out->len = 0;
  for (size_t i = 0; i < sizeof usual + 4; i++) {
    uint64_t odd = fc__random_below(random, 12);
    size_t which = i < sizeof usual ? usual[i] : 14;
    if (odd == 0) which = (size_t)fc__random_below(random, sizeof fields / sizeof *fields);
    if (odd == 1 || (i >= sizeof usual && odd < 8)) continue;
    enum fc__hpack_indexing how = odd == 2 ? FC__HPACK_LITERAL : FC__HPACK_INDEX;
    assert_true(fc__hpack_encode(encoder, out, fc_slice_from_string(fields[which][0]),
                                 fc_slice_from_string(fields[which][1]), how));
  }
}

/* What handlers and the client see of the conversation that a seed gives. */
static char *converse(uint64_t seed, size_t read_max) {
  enum { REQUESTS = 40, MOST = 1 << 20 };
  struct fc__random random;
  struct fc__buf out;
  requests_stop(NULL);
  requests.read_max = read_max;
  struct fc__hpack_encoder *encoder = fc__hpack_encoder_create();
  char *all = calloc(1, MOST);
  assert_true(encoder && all);
  fc__buf_init(&out, SIZE_MAX);
  fc__random_init(&random, seed);
  requests_serve_seen();
  for (int i = 0; i < REQUESTS; i++) {
    request_seen[0] = 0;
    random_block(&random, encoder, &out);
    requests_ask_block((fc_slice){out.data, out.len});
    size_t len = strlen(all);
    /* The client's end hears NO_ERROR when the server has answered before it has read all. */
    char *stop = strstr(requests.said, "RST_STREAM");
    if (stop && strstr(stop, "NO_ERROR")) *stop = 0;
    snprintf(all + len, MOST - len, "%d: %s%s", i, request_seen, requests.said);
  }
  fc__hpack_encoder_destroy(encoder);
  fc__buf_finish(&out);
  return all;
}

static void random_requests_are_the_same_in_pieces(void **state) {
  (void)state;
  static const size_t pieces[] = {1, 3, 7, 20};
  for (uint64_t seed = 1; seed <= 30; seed++) {
    char *whole = converse(seed, 0);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
      char *cut = converse(seed, pieces[i]);
      assert_string_equal(cut, whole);
      free(cut);
    }
    free(whole);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      REQUEST_TEST_WHOLE(random_requests_are_the_same_in_pieces),
  };
  return requests_run(tests, sizeof tests / sizeof *tests);
}
