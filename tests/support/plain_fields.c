/* Field rules, plainly. */
#include "support/plain_fields.h"

#include <string.h>

static bool is_any(fc_slice name, const char *const *words) {
  for (; *words; words++) {
    if (fc_slice_equals(name, *words)) return true;
  }
  return false;
}

/* ---- one field ---- */

static const char *const of_requests[] = {":authority", ":method", ":path", ":scheme", NULL};
static const char *const of_responses[] = {":status", NULL};
static const char *const of_connections[] = {"connection",        "keep-alive", "proxy-connection",
                                             "transfer-encoding", "upgrade",    NULL};

static bool is_pseudo(fc_slice name) {
  return is_any(name, of_requests) || is_any(name, of_responses);
}

/* Section 8.2.1 */
static bool bytes_are_right(const struct plain_field *f) {
  if (f->name.len == 0) return false;
  for (size_t i = 0; i < f->name.len; i++) {
    uint8_t byte = f->name.data[i];
    if (byte <= 0x20 || (byte >= 0x41 && byte <= 0x5a) || byte >= 0x7f) return false;
    if (byte == ':' && !is_pseudo(f->name)) return false;
  }
  for (size_t i = 0; i < f->value.len; i++) {
    uint8_t byte = f->value.data[i];
    if (byte == 0x00 || byte == 0x0a || byte == 0x0d) return false;
  }
  return true;
}

static bool is_blank(uint8_t byte) { return byte == ' ' || byte == '\t'; }

fc_slice plain_fields_trim(fc_slice value) {
  while (value.len && is_blank(value.data[value.len - 1])) value.len--;
  while (value.len && is_blank(*value.data)) value.data++, value.len--;
  return value;
}

/* -1: not a number of at most 18 digits. */
static int64_t number_of(fc_slice text) {
  int64_t number = 0;
  if (text.len == 0 || text.len > 18) return -1;
  for (size_t i = 0; i < text.len; i++) {
    if (text.data[i] < '0' || text.data[i] > '9') return -1;
    number = number * 10 + (text.data[i] - '0');
  }
  return number;
}

static bool value_is_right(const struct plain_field *f, int64_t length_before) {
  fc_slice value = plain_fields_trim(f->value);
  int64_t number = number_of(value);
  if (is_any(f->name, of_connections)) return false; /* section 8.2.2 */
  if (fc_slice_equals(f->name, "te")) return fc_slice_equals(value, "trailers");
  if (fc_slice_equals(f->name, "content-length"))
    return number >= 0 && (length_before < 0 || length_before == number);
  if (is_any(f->name, of_responses)) return value.len == 3 && number >= 100 && number != 101;
  return !is_any(f->name, of_requests) || value.len > 0;
}

/* ---- a block ---- */

static const struct plain_field *find(const struct plain_field *fields, size_t count,
                                      const char *name) {
  for (size_t i = 0; i < count; i++) {
    if (fc_slice_equals(fields[i].name, name)) return &fields[i];
  }
  return NULL;
}

/* Section 8.3: pseudo-headers of this direction, each once, before all other fields. */
static bool place_is_right(const struct plain_field *fields, size_t at, bool request,
                           bool trailers) {
  fc_slice name = fields[at].name;
  if (!is_pseudo(name)) return true;
  if (trailers || !is_any(name, request ? of_requests : of_responses)) return false;
  for (size_t i = 0; i < at; i++) {
    fc_slice other = fields[i].name;
    if (!is_pseudo(other) ||
        (other.len == name.len && memcmp(other.data, name.data, name.len) == 0))
      return false;
  }
  return true;
}

static bool is_whole(const struct plain_field *fields, size_t count, bool request, bool end,
                     int64_t status) {
  if (!request) return status > 0 && !(status < 200 && end);
  const struct plain_field *method = find(fields, count, ":method");
  bool scheme = find(fields, count, ":scheme"), path = find(fields, count, ":path");
  if (method && fc_slice_equals(plain_fields_trim(method->value), "CONNECT"))
    return !scheme && !path && find(fields, count, ":authority"); /* section 8.5 */
  return method && scheme && path;
}

struct plain_judgement plain_fields_judge(const struct plain_field *fields, size_t count,
                                          bool request, bool trailers, bool end) {
  struct plain_judgement j = {.length = -1};
  for (; j.good < count; j.good++) {
    const struct plain_field *f = &fields[j.good];
    if (!bytes_are_right(f) || !place_is_right(fields, j.good, request, trailers) ||
        !value_is_right(f, j.length))
      return j;
    if (fc_slice_equals(f->name, "content-length"))
      j.length = number_of(plain_fields_trim(f->value));
    if (is_any(f->name, of_responses)) j.status = number_of(plain_fields_trim(f->value));
  }
  j.right = trailers ? end : is_whole(fields, count, request, end, j.status);
  return j;
}
