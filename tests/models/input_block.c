/* Header blocks of the model of input. */
#include "models/input_steps.h"

#define SLICE(text) fc_slice_from_string(text)

static void add(struct plain_h2_block *b, const char *name, fc_slice value) {
  if (b->count == PLAIN_H2_FIELDS) return;
  b->fields[b->count++] = (struct plain_field){SLICE(name), value};
}

static void add_text(struct plain_h2_block *b, const char *name, const char *value) {
  add(b, name, SLICE(value));
}

/* Nearly always in the same order, so that the bytes of one block come again with another table. */
static void add_pseudo(struct fc__random *random, struct plain_h2_block *b) {
  static const char *const names[] = {":method", ":scheme", ":path", ":authority"};
  static const char *const values[4][3] = {{"POST", "POST", "GET"},
                                           {"http", "http", "https"},
                                           {"/s/m", "/s/n", "/s/other"},
                                           {"a", "b", "localhost:50051"}};
  size_t first = model_chance(random, 80) ? 0 : model_between(random, 0, 3);
  size_t left_out = model_between(random, 0, 40);
  for (size_t i = 0; i < 4; i++) {
    size_t k = (first + i) % 4;
    if (k != left_out) add_text(b, names[k], MODEL_PICK(random, values[k]));
  }
  if (model_chance(random, 3)) add_text(b, names[first], "x"); /* twice */
}

static void add_status(struct fc__random *random, struct plain_h2_block *b) {
  static const char *const statuses[] = {"200", "200", "200", "404", "503", "103", "101", "99"};
  if (!model_chance(random, 3)) add_text(b, ":status", MODEL_PICK(random, statuses));
}

/* RFC 9113 sections 8.1 to 8.3 */
static void add_wrong(struct fc__random *random, struct plain_h2_block *b) {
  static const char *const wrong[][2] = {
      {":path", "/late"},
      {"Upper", "x"},
      {"connection", "close"},
      {"te", "gzip"},
      {"a b", "x"},
      {":unknown", "x"},
      {"", "x"},
      {"keep-alive", "1"},
      {"x", "a\nb"},
      {"x", "a\rb"},
      {"upgrade", "h2c"},
      {"a:b", "x"},
      {"transfer-encoding", ""},
      {":status", "1"},
      {"x-\x7f", "value"},
      {"x\xc3", "x"},
      {"content-length", "1a"},
      {"content-length", ""},
  };
  size_t i = model_between(random, 0, sizeof wrong / sizeof *wrong - 1);
  add_text(b, wrong[i][0], wrong[i][1]);
}

static void add_regular(struct fc__random *random, struct plain_h2_block *b) {
  static const char *const names[] = {"te-x", "user-agent", "grpc-status", "x-a", "x-b", "date"};
  static const char text[] = "a value of some length, of which a part is taken each time";
  size_t count = model_between(random, 0, 6);
  for (size_t i = 0; i < count; i++) {
    size_t len = model_chance(random, 50) ? 1 : model_between(random, 1, sizeof text - 1);
    fc_slice value = {(const uint8_t *)text, len};
    if (value.data[len - 1] == ' ') value.len--;
    add(b, MODEL_PICK(random, names), value);
  }
  if (model_chance(random, 30)) add_text(b, "te", "trailers");
}

struct plain_h2_block input_block(struct plain_h2 *p, bool trailers) {
  struct fc__random *random = p->random;
  bool server = p->script.server;
  static const char *const lengths[] = {"0", "5", "100", "16384"};
  struct plain_h2_block b = {.end = model_chance(random, trailers ? 95 : 25)};
  if (model_chance(random, 30)) {
    plain_h2_repeat(p, &b);
    if (model_chance(random, 70)) return b;
  }
  if (!trailers && server && b.count == 0) add_pseudo(random, &b);
  if (!trailers && !server && b.count == 0) add_status(random, &b);
  if (model_chance(random, 60)) add_regular(random, &b);
  if (model_chance(random, 15)) add_text(&b, "content-length", MODEL_PICK(random, lengths));
  if (model_chance(random, 8)) add_wrong(random, &b);
  return b;
}
