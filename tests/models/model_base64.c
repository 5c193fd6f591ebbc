/*
 * Base64 beside a reader and writer of single bits: all texts of up to two bytes, a 256th of all data of three bytes and all
 * texts of four telling characters in each round, and random ones of any length with a bad byte at any place.
 */
#include "wire/base64.h"

#include <stdlib.h>
#include <string.h>

#include "models/model.h"
#include "support/plain_base64.h"

const unsigned model_short_rounds = 12;

enum { MOST = 100 };

/* Both ends in memory of the very size. */
static void check_decode(fc_slice text) {
  uint8_t plain[2 * MOST], *exact = malloc(text.len + 1);
  uint8_t *ours = malloc(fc__base64_decoded_max(text.len) + 1);
  size_t plain_len = 0, len = 0;
  MODEL_CHECK(exact && ours, "no memory");
  if (text.len) memcpy(exact, text.data, text.len);
  exact = realloc(exact, text.len ? text.len : 1);
  ours = realloc(ours, fc__base64_decoded_max(text.len) ? fc__base64_decoded_max(text.len) : 1);
  bool right = plain_base64_decode(text, plain, &plain_len);
  bool taken = fc__base64_decode((fc_slice){exact, text.len}, ours, &len);
  MODEL_CHECK(taken == right, "\"%.*s\" is %s", (int)text.len, text.data,
              taken ? "taken" : "refused");
  MODEL_CHECK(!right || (len == plain_len && memcmp(ours, plain, len) == 0),
              "\"%.*s\" is read as %zu other bytes", (int)text.len, text.data, len);
  free(exact);
  free(ours);
}

static void check_encode(fc_slice data) {
  uint8_t plain[2 * MOST], ours[2 * MOST];
  size_t len = plain_base64_encode(data, plain);
  MODEL_CHECK(fc__base64_encoded_len(data.len) == len, "%zu bytes are said to take %zu", data.len,
              fc__base64_encoded_len(data.len));
  ours[len] = 0x55;
  fc__base64_encode(data, ours);
  MODEL_CHECK(memcmp(ours, plain, len) == 0 && ours[len] == 0x55, "%zu bytes are written otherwise",
              data.len);
}

static void check_short(void) {
  uint8_t bytes[3] = {(uint8_t)model_seed()};
  check_decode((fc_slice){bytes, 0});
  check_encode((fc_slice){bytes, 0});
  for (unsigned second = 0; second < 256; second++) {
    bytes[1] = (uint8_t)second;
    for (size_t len = 1; len <= 2; len++) {
      check_decode((fc_slice){bytes, len});
      check_encode((fc_slice){bytes, len});
    }
    for (unsigned third = 0; third < 256; third += 1) {
      bytes[2] = (uint8_t)third;
      check_encode((fc_slice){bytes, 3});
    }
  }
}

static void check_groups(void) {
  static const char telling[] = "AQgw8/+z9=- \n";
  size_t count = sizeof telling; /* with the NUL */
  for (size_t number = 0; number < count * count * count * count; number++) {
    uint8_t text[4];
    size_t rest = number;
    for (size_t i = 0; i < 4; i++, rest /= count) text[i] = (uint8_t)telling[rest % count];
    check_decode((fc_slice){text, 4});
  }
}

static void check_long(struct fc__random *random) {
  uint8_t data[MOST], text[2 * MOST + 4];
  size_t len = model_between(random, 0, MOST - 4);
  for (size_t i = 0; i < len; i++) data[i] = (uint8_t)fc__random_next(random);
  check_encode((fc_slice){data, len});
  size_t coded = plain_base64_encode((fc_slice){data, len}, text);
  if (model_chance(random, 50)) {
    while (coded % 4) text[coded++] = '=';
  }
  if (model_chance(random, 20)) text[coded++] = '=';
  check_decode((fc_slice){text, coded});
  if (coded == 0) return;
  text[model_between(random, 0, coded - 1)] = (uint8_t)fc__random_next(random);
  check_decode((fc_slice){text, coded});
}

void model_round(struct fc__random *random) {
  check_short();
  check_groups();
  for (int i = 0; i < 500; i++) check_long(random);
}
