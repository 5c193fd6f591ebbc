/* Memory of a case, headers, and the runner's pipe. */
#include "common.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/base64.h"

void require(bool ok, const char *what) {
  if (ok) return;
  fprintf(stderr, "conformance: %s\n", what);
  exit(1);
}

struct arena_block {
  struct arena_block *next;
  max_align_t memory[];
};

void *arena_take(struct arena *arena, size_t size) {
  struct arena_block *block = calloc(1, sizeof *block + size);
  require(block != NULL, "out of memory");
  block->next = arena->blocks;
  arena->blocks = block;
  return block->memory;
}

void arena_free(struct arena *arena) {
  for (struct arena_block *block = arena->blocks, *next; block; block = next) {
    next = block->next;
    free(block);
  }
  arena->blocks = NULL;
}

ProtobufCBinaryData arena_copy(struct arena *arena, fc_slice bytes) {
  ProtobufCBinaryData copy = {bytes.len, arena_take(arena, bytes.len)};
  if (bytes.len) memcpy(copy.data, bytes.data, bytes.len);
  return copy;
}

ProtobufCBinaryData arena_pack(struct arena *arena, const ProtobufCMessage *message) {
  size_t size = protobuf_c_message_get_packed_size(message);
  ProtobufCBinaryData packed = {size, arena_take(arena, size)};
  protobuf_c_message_pack(message, packed.data);
  return packed;
}

char *arena_text(struct arena *arena, fc_slice chars) {
  char *text = arena_take(arena, chars.len + 1);
  if (chars.len) memcpy(text, chars.data, chars.len);
  return text;
}

fc_slice slice_of(ProtobufCBinaryData data) { return (fc_slice){data.data, data.len}; }

fc_tls_identity identity_of(const Connectrpc__Conformance__V1__TLSCreds *creds) {
  fc_tls_identity identity = {0};
  identity.certificate_chain = slice_of(creds->cert);
  identity.private_key = slice_of(creds->key);
  return identity;
}

/* ---- headers ---- */

static bool is_binary(fc_slice key) {
  return key.len > 4 && memcmp(key.data + key.len - 4, "-bin", 4) == 0;
}

/* The suite writes names as HTTP/1 does; metadata keys are in lower case. */
static char *lower_case(struct arena *arena, const char *name) {
  char *lower = arena_text(arena, fc_slice_from_string(name));
  for (char *c = lower; *c; c++) *c = (char)tolower((unsigned char)*c);
  return lower;
}

static void add_value(fc_metadata *metadata, const char *header_name, const char *value) {
  struct arena arena = {0};
  char *name = lower_case(&arena, header_name);
  fc_slice bytes = fc_slice_from_string(value);
  fc_error err = FC_ERROR_INIT;
  if (is_binary(fc_slice_from_string(name))) {
    uint8_t *decoded = arena_take(&arena, fc__base64_decoded_max(bytes.len));
    size_t len;
    if (fc__base64_decode(bytes, decoded, &len)) bytes = (fc_slice){decoded, len};
  }
  require(fc_metadata_add(metadata, name, bytes, &err) == FC_OK, err.message);
  arena_free(&arena);
}

fc_metadata *metadata_from(Header **headers, size_t count) {
  fc_metadata *metadata = fc_metadata_create();
  require(metadata != NULL, "out of memory");
  for (size_t i = 0; i < count; i++)
    for (size_t j = 0; j < headers[i]->n_value; j++)
      add_value(metadata, headers[i]->name, headers[i]->value[j]);
  return metadata;
}

static char *value_text(struct arena *arena, fc_metadata_entry entry) {
  if (!is_binary(entry.key)) return arena_text(arena, entry.value);
  char *text = arena_take(arena, fc__base64_encoded_len(entry.value.len) + 1);
  fc__base64_encode(entry.value, (uint8_t *)text);
  return text;
}

size_t headers_from(struct arena *arena, const fc_metadata *metadata, Header ***out) {
  size_t count = fc_metadata_count(metadata), found = 0;
  *out = arena_take(arena, count * sizeof **out);
  for (size_t i = 0; i < count; i++) {
    fc_metadata_entry entry = fc_metadata_at(metadata, i);
    size_t at = 0;
    while (at < found && !fc_slice_equals(entry.key, (*out)[at]->name)) at++;
    if (at == found) {
      Header *header = (*out)[found++] = arena_take(arena, sizeof *header);
      connectrpc__conformance__v1__header__init(header);
      header->name = arena_text(arena, entry.key);
      header->value = arena_take(arena, count * sizeof *header->value);
    }
    Header *header = (*out)[at];
    header->value[header->n_value++] = value_text(arena, entry);
  }
  return found;
}

/* ---- the runner ---- */

ProtobufCMessage *runner_read(const ProtobufCMessageDescriptor *descriptor) {
  uint8_t prefix[4];
  struct arena arena = {0};
  if (fread(prefix, 1, sizeof prefix, stdin) != sizeof prefix) return NULL;
  size_t len =
      (size_t)prefix[0] << 24 | (size_t)prefix[1] << 16 | (size_t)prefix[2] << 8 | prefix[3];
  uint8_t *bytes = arena_take(&arena, len);
  require(fread(bytes, 1, len, stdin) == len, "the runner stopped amid a message");
  ProtobufCMessage *message = protobuf_c_message_unpack(descriptor, NULL, len, bytes);
  require(message != NULL, "the runner sent an unknown message");
  arena_free(&arena);
  return message;
}

void runner_write(const ProtobufCMessage *message) {
  struct arena arena = {0};
  ProtobufCBinaryData packed = arena_pack(&arena, message);
  for (int shift = 24; shift >= 0; shift -= 8) putchar((int)(packed.len >> shift & 0xff));
  fwrite(packed.data, 1, packed.len, stdout);
  fflush(stdout);
  arena_free(&arena);
}
