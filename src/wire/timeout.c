/*
 * grpc-timeout, to and from nanoseconds. A deadline may be told too late but never too early, and a
 * number from the peer never wraps.
 */
#include "wire/timeout.h"

enum { DIGITS_MAX = 8 };
static const int64_t LARGEST = 99999999;

static const struct unit {
  int64_t ns;
  char letter;
} units[] = {
    {1, 'n'},         {FC_MICROSECOND, 'u'}, {FC_MILLISECOND, 'm'},
    {FC_SECOND, 'S'}, {60 * FC_SECOND, 'M'}, {3600 * FC_SECOND, 'H'},
};
enum { UNITS = sizeof units / sizeof units[0] };

static int64_t divide_up(int64_t a, int64_t b) { return a / b + (a % b != 0); }

static size_t write_number(int64_t value, char *out) {
  char digits[DIGITS_MAX];
  size_t len = 0;
  for (; value > 0; value /= 10) digits[len++] = (char)('0' + value % 10);
  for (size_t i = 0; i < len; i++) out[i] = digits[len - 1 - i];
  return len;
}

size_t fc__timeout_encode(int64_t timeout_ns, char out[FC__TIMEOUT_TEXT_MAX]) {
  if (timeout_ns < 1) timeout_ns = 1;
  int unit = 0;
  while (divide_up(timeout_ns, units[unit].ns) > LARGEST) unit++; /* hours hold any int64_t */
  int64_t value = divide_up(timeout_ns, units[unit].ns);
  for (; unit + 1 < UNITS; unit++) {
    int64_t factor = units[unit + 1].ns / units[unit].ns;
    if (value % factor != 0) break;
    value /= factor;
  }
  size_t len = write_number(value, out);
  out[len] = units[unit].letter;
  return len + 1;
}

static int64_t unit_ns(uint8_t letter) {
  for (int i = 0; i < UNITS; i++) {
    if (units[i].letter == (char)letter) return units[i].ns;
  }
  return 0;
}

bool fc__timeout_decode(fc_slice text, int64_t *timeout_ns) {
  if (text.len < 2) return false;
  size_t digits = text.len - 1;
  int64_t ns = unit_ns(text.data[digits]), value = 0;
  if (!ns) return false;
  for (size_t i = 0; i < digits; i++) {
    if (text.data[i] < '0' || text.data[i] > '9') return false;
    if (i < DIGITS_MAX) value = value * 10 + (text.data[i] - '0');
  }
  *timeout_ns = digits > DIGITS_MAX || value > INT64_MAX / ns ? FC_NEVER : value * ns;
  return true;
}
