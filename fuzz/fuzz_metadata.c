/*
 * Metadata from the wire: a list of fields, each a line "key value". What is accepted can be added by an
 * application, and survives the way to the wire and back.
 */
#include <string.h>

#include "base/buf.h"
#include "check.h"
#include "wire/metadata.h"

static void receive_again(void *user, fc_slice key, fc_slice value) {
  CHECK(fc__metadata_add_wire(user, key, value) == FC_OK);
}

/* An application echoes what it received. */
static void echo(struct fc_metadata *to, fc_metadata_entry entry) {
  char *key = malloc(entry.key.len + 1);
  CHECK(key);
  memcpy(key, entry.key.data, entry.key.len);
  key[entry.key.len] = '\0';
  CHECK(fc_metadata_add(to, key, entry.value, NULL) == FC_OK);
  free(key);
}

static bool same(fc_slice a, fc_slice b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static fc_slice without_spaces(fc_slice s) {
  while (s.len && s.data[0] == ' ') s.data++, s.len--;
  while (s.len && s.data[s.len - 1] == ' ') s.len--;
  return s;
}

static void check_round_trip(const struct fc_metadata *received) {
  struct fc_metadata echoed, back;
  struct fc__buf scratch;
  fc__metadata_init(&echoed);
  fc__metadata_init(&back);
  fc__buf_init(&scratch, SIZE_MAX);
  for (size_t i = 0; i < received->count; i++) echo(&echoed, fc_metadata_at(received, i));
  CHECK(fc__metadata_each_wire(&echoed, &scratch, receive_again, &back) == FC_OK);
  CHECK(back.count == received->count);
  for (size_t i = 0; i < back.count; i++) {
    fc_metadata_entry a = fc_metadata_at(received, i), b = fc_metadata_at(&back, i);
    CHECK(same(a.key, b.key));
    if (!fc__metadata_key_is_binary(a.key)) a.value = without_spaces(a.value);
    CHECK(same(a.value, b.value));
  }
  fc__buf_finish(&scratch);
  fc__metadata_finish(&echoed);
  fc__metadata_finish(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fc_metadata m;
  fc__metadata_init(&m);
  for (size_t at = 0; at < size;) {
    const uint8_t *line = data + at, *end = memchr(line, '\n', size - at);
    size_t len = end ? (size_t)(end - line) : size - at;
    const uint8_t *space = memchr(line, ' ', len);
    size_t key_len = space ? (size_t)(space - line) : len, before = m.count;
    fc_slice value = {line + key_len + (space != NULL), len - key_len - (space != NULL)};
    fc_result result = fc__metadata_add_wire(&m, (fc_slice){line, key_len}, value);
    CHECK(result == FC_OK || result == FC_ERR_PROTOCOL || result == FC_ERR_LIMIT);
    CHECK(result == FC_OK ? m.count - before <= FC__METADATA_PARTS_MAX : m.count == before);
    at += len + 1;
  }
  check_round_trip(&m);
  fc__metadata_finish(&m);
  return 0;
}
