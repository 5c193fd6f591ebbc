/*
 * The rules for the fields of a block beside code that goes through RFC 9113 sections 8.1 to 8.5 rule by rule: names and values
 * of all lengths with any byte at any place, pseudo-headers in any order and number, requests, responses and trailers.
 */
#include "http2/validate.h"

#include <stdlib.h>
#include <string.h>

#include "models/model.h"
#include "support/plain_fields.h"

const unsigned model_short_rounds = 30000;

enum { FIELDS_MOST = 10, TEXT_MOST = 40 };

struct field {
  uint8_t name[TEXT_MOST], value[TEXT_MOST];
  size_t name_len, value_len;
};

static struct field fields[FIELDS_MOST];
static size_t count;

/* ---- blocks by chance ---- */

static void set(uint8_t *to, size_t *len, const char *text) {
  *len = strlen(text);
  memcpy(to, text, *len);
}

static void make_field(struct fc__random *random, struct field *f, const char *name,
                       const char *value) {
  static const char *const values[] = {"",
                                       "trailers",
                                       "200",
                                       "101",
                                       "99",
                                       "100",
                                       "5",
                                       "007",
                                       "5 ",
                                       " 5",
                                       "123456789012345678",
                                       "1234567890123456789",
                                       "x"};
  set(f->name, &f->name_len, name);
  set(f->value, &f->value_len, value ? value : MODEL_PICK(random, values));
  if (model_chance(random, 10)) {
    f->value_len = model_between(random, 0, TEXT_MOST);
    memset(f->value, 'v', f->value_len);
  }
  if (f->value_len && model_chance(random, 12)) {
    f->value[model_between(random, 0, f->value_len - 1)] = (uint8_t)fc__random_next(random);
  }
  if (model_chance(random, 2)) {
    f->name_len = model_between(random, 0, TEXT_MOST);
    memset(f->name, 'n', f->name_len);
    if (f->name_len)
      f->name[model_between(random, 0, f->name_len - 1)] = (uint8_t)fc__random_next(random);
  }
}

static const char *const request_pseudo[] = {":authority", ":method", ":path", ":scheme"};

static void make_block(struct fc__random *random, bool server, bool trailers) {
  static const char *const names[] = {"te",          "content-length", "x",
                                      "grpc-status", "user-agent",     "accept"};
  static const char *const odd[] = {"connection",
                                    "keep-alive",
                                    "upgrade",
                                    "proxy-connection",
                                    "transfer-encoding",
                                    ":status",
                                    ":path",
                                    ":method",
                                    ":x",
                                    "X"};
  count = 0;
  for (size_t i = 0; i < 4 && !trailers && server; i++) {
    const char *const *name = &request_pseudo[(i + model_seed()) % 4];
    const char *value = (*name)[1] == 'm' && model_chance(random, 20) ? "CONNECT" : "/v";
    if (!model_chance(random, 10)) make_field(random, &fields[count++], *name, value);
  }
  if (!trailers && !server) make_field(random, &fields[count++], ":status", NULL);
  while (count < FIELDS_MOST && model_chance(random, 70)) {
    bool rare = model_chance(random, 4);
    make_field(random, &fields[count++], rare ? MODEL_PICK(random, odd) : MODEL_PICK(random, names),
               NULL);
  }
}

/* As it comes from the decoder: with its token, and perhaps judged before. */
static bool check_field(struct fc__random *random, struct fc__h2_check *k, const struct field *f,
                        uint8_t *judged) {
  uint8_t *exact = malloc(f->value_len ? f->value_len : 1);
  MODEL_CHECK(exact, "no memory");
  memcpy(exact, f->value, f->value_len);
  struct fc__field field = {{f->name, f->name_len}, {exact, f->value_len}, 0, false, NULL};
  field.token = (uint8_t)fc__token_of(field.name);
  if (model_chance(random, 50)) field.judged = judged;
  bool good = fc__h2_check_field(k, &field);
  fc_slice value = plain_fields_trim((fc_slice){f->value, f->value_len});
  MODEL_CHECK(!good || (field.value.len == value.len &&
                        (value.len == 0 || memcmp(field.value.data, value.data, value.len) == 0)),
              "a value of %zu bytes is cut to %zu, not %zu", f->value_len, field.value.len,
              value.len);
  free(exact);
  return good;
}

void model_round(struct fc__random *random) {
  bool server = model_chance(random, 50), trailers = model_chance(random, 20);
  bool end = model_chance(random, 50);
  make_block(random, server, trailers);
  struct plain_field plain[FIELDS_MOST];
  for (size_t i = 0; i < count; i++) {
    const struct field *f = &fields[i];
    plain[i] = (struct plain_field){{f->name, f->name_len}, {f->value, f->value_len}};
  }
  struct plain_judgement told = plain_fields_judge(plain, count, server, trailers, end);
  uint8_t judged[FIELDS_MOST] = {0};
  for (int times = 0; times < 3; times++) {
    struct fc__h2_check k = {.server = server, .trailers = trailers};
    size_t good = 0;
    while (good < count && check_field(random, &k, &fields[good], &judged[good])) good++;
    MODEL_CHECK(good == told.good, "%zu fields of %zu are taken, %zu are right", good, count,
                told.good);
    if (good < count) continue;
    MODEL_CHECK(fc__h2_check_block(&k, end) == told.right, "a block is%s right",
                told.right ? "" : " not");
    MODEL_CHECK(
        k.has_length == (told.length >= 0) && (!k.has_length || (int64_t)k.length == told.length),
        "the content-length is another one");
    MODEL_CHECK(server || trailers || k.status == told.status, "the status is %u", k.status);
  }
}
