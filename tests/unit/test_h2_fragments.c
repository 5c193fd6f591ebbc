/* Any fragmentation of the input gives the same events. */
#include <stdio.h>
#include <stdlib.h>

#include "support/h2_talks.h"

static const size_t chunks[] = {1, 2, 3, 7, 9, 64, 16384};

/* Events and failure of one conversation, for the caller to free. */
static char *hold(const struct h2_talk *talk, size_t chunk) {
  struct h2_peer p;
  h2_peer_init(&p, talk->server);
  h2_talk_hold(talk, &p, chunk);
  h2_drain(&p); /* streams that ended with our answer are told by it */
  uint32_t code;
  const char *failure = fc__h2_failure(p.conn, &code), *events = h2_events(&p);
  size_t size = strlen(events) + strlen(failure) + 64;
  char *text = malloc(size);
  assert_non_null(text);
  snprintf(text, size, "%s%s %s\n", events, fc__h2_error_name(code), failure);
  h2_peer_finish(&p);
  return text;
}

static void conversations_are_the_same_in_pieces_of_any_size(void **state) {
  (void)state;
  for (size_t i = 0; i < h2_talks_count; i++) {
    char *whole = hold(&h2_talks[i], 0);
    for (size_t k = 0; k < sizeof chunks / sizeof *chunks; k++) {
      char *cut = hold(&h2_talks[i], chunks[k]);
      if (strcmp(cut, whole) != 0) print_message("%s in %zu\n", h2_talks[i].name, chunks[k]);
      assert_string_equal(cut, whole);
      free(cut);
    }
    free(whole);
  }
}

static void conversations_say_what_they_should(void **state) {
  (void)state;
  static const struct {
    const char *name, *text;
  } marks[] = {
      {"calls", "data 1 \"first part, second part\" end\nclosed 1 NO_ERROR local\n"},
      {"calls", "trailer 3 own: trailer\nblock 3 end trailers\nclosed 3 NO_ERROR local\n"},
      {"interleaved", "goaway 0 NO_ERROR done\nNO_ERROR \n"},
      {"padding and continuations", "data 11 \"padded\" end\n"},
      {"resets", "closed 37 CANCEL remote\n"},
      {"resets", "closed 39 FLOW_CONTROL_ERROR local\n"},
      {"malformed requests", "block 7 end\n"},
      {"a header list too large", "block 1 large\ndata 1 \"served all the same\" end\n"},
      {"Huffman and tables", "field 3 :authority: www.example.com\n"},
      {"Huffman and tables", "COMPRESSION_ERROR a header block"},
      {"a window overrun", "PROTOCOL_ERROR WINDOW_UPDATE on an idle stream\n"},
      {"a wrong preface", "PROTOCOL_ERROR the client does not"},
      {"a frame too long", "FRAME_SIZE_ERROR "},
      {"answers", "block 1 informational\n"},
      {"answers", "trailer 5 grpc-message: fine\nblock 5 end trailers\nclosed 5 NO_ERROR remote\n"},
      {"bad answers", "closed 3 PROTOCOL_ERROR local\n"},
      {"going away", "goaway 3 NO_ERROR max_age\nclosed 5 REFUSED_STREAM remote\n"},
      {"push", "PROTOCOL_ERROR PUSH_PROMISE"},
      {"HTTP/1", "the server answers in HTTP/1\n"},
  };
  for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
    for (size_t k = 0; k < h2_talks_count; k++) {
      if (strcmp(h2_talks[k].name, marks[i].name) != 0) continue;
      char *text = hold(&h2_talks[k], 0);
      if (!strstr(text, marks[i].text)) print_message("%s:\n%s", marks[i].name, text);
      assert_non_null(strstr(text, marks[i].text));
      free(text);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(conversations_are_the_same_in_pieces_of_any_size),
      cmocka_unit_test(conversations_say_what_they_should),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
