/*
 * grpc-timeout beside arithmetic of 128 bits: numbers of one to ten digits with all units and all other letters, and each
 * nanosecond count around a power of ten or of two. What is written is never less, at most eight digits, and the shortest.
 */
#include "wire/timeout.h"

#include <stdio.h>
#include <string.h>

#include "models/model.h"

const unsigned model_short_rounds = 800;

__extension__ typedef unsigned __int128 wide;

static const char letters[] = "numSMH";
static const wide units[] = {1, 1000, 1000000, 1000000000, 60000000000, 3600000000000};
enum { UNITS = 6, LARGEST = 99999999 };

/* ---- reading: PROTOCOL-HTTP2.md, Timeout ---- */

static bool read_plainly(const char *text, size_t len, int64_t *ns) {
  const char *unit = len ? strchr(letters, text[len - 1]) : NULL;
  if (len < 2 || !unit || !*unit) return false;
  wide value = 0;
  for (size_t i = 0; i + 1 < len; i++) {
    if (text[i] < '0' || text[i] > '9') return false;
    value = value * 10 + (wide)(text[i] - '0');
  }
  value *= units[unit - letters];
  *ns = len > 9 || value > INT64_MAX ? INT64_MAX : (int64_t)value;
  return true;
}

static void check_text(const char *text, size_t len) {
  int64_t plain = 0, ours = 0;
  bool right = read_plainly(text, len, &plain);
  bool taken = fc__timeout_decode((fc_slice){(const uint8_t *)text, len}, &ours);
  MODEL_CHECK(taken == right && (!right || plain == ours), "\"%.*s\" is %s as %lld, not %lld",
              (int)len, text, taken ? "taken" : "refused", (long long)ours, (long long)plain);
}

static void check_number(struct fc__random *random) {
  char text[16];
  size_t len = model_between(random, 0, 10);
  for (size_t i = 0; i < len; i++) text[i] = (char)model_between(random, '0', '9');
  if (len && model_chance(random, 20)) memset(text, model_chance(random, 50) ? '9' : '0', len);
  for (unsigned letter = 0; letter < 256; letter++) {
    text[len] = (char)letter;
    check_text(text, len + 1);
  }
  if (len == 0) return;
  text[model_between(random, 0, len - 1)] = (char)fc__random_next(random);
  text[len] = MODEL_PICK(random, letters);
  check_text(text, len + 1);
  check_text(text, len);
}

/* ---- writing ---- */

/* The smallest unit in which the number has eight digits loses least; of the units that say the same the largest is shortest. */
static void check_written(int64_t ns) {
  char out[FC__TIMEOUT_TEXT_MAX + 1] = {0};
  size_t len = fc__timeout_encode(ns, out), unit = 0, least = 0;
  wide asked = ns < 1 ? 1 : (wide)ns, value = 0;
  while ((asked + units[least] - 1) / units[least] > LARGEST) least++;
  MODEL_CHECK(len >= 2 && len <= 9 && out[0] != '0', "%lld is written as \"%s\"", (long long)ns,
              out);
  for (size_t i = 0; i + 1 < len; i++) {
    MODEL_CHECK(out[i] >= '0' && out[i] <= '9', "%lld is written as \"%s\"", (long long)ns, out);
    value = value * 10 + (wide)(out[i] - '0');
  }
  while (unit < UNITS && letters[unit] != out[len - 1]) unit++;
  MODEL_CHECK(unit < UNITS, "%lld is written as \"%s\"", (long long)ns, out);
  bool longer = unit + 1 < UNITS && value * units[unit] % units[unit + 1] == 0;
  value *= units[unit];
  MODEL_CHECK(value >= asked && value - asked < units[least] && !longer,
              "%lld is written as \"%s\"", (long long)ns, out);
  check_text(out, len);
}

static void check_around(struct fc__random *random) {
  wide at = 1;
  for (size_t i = model_between(random, 0, 62); i > 0; i--) at *= 2;
  if (model_chance(random, 70)) {
    at = 1;
    for (size_t i = model_between(random, 0, 8); i > 0; i--) at *= 10;
    at *= MODEL_PICK(random, units) * model_between(random, 1, model_chance(random, 50) ? 99 : 1);
  }
  for (int64_t by = -3; by <= 3; by++) {
    if (at + 3 < INT64_MAX) check_written((int64_t)at + by);
  }
  check_written((int64_t)(fc__random_next(random) >> model_between(random, 0, 63)));
}

void model_round(struct fc__random *random) {
  for (int i = 0; i < 20; i++) check_number(random);
  for (int i = 0; i < 100; i++) check_around(random);
  check_written(INT64_MAX);
  check_written(INT64_MIN);
}
