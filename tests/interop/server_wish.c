/* What a request's metadata asks of the server: reading it, the metadata and the status it gets. */
#include "server_wish.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void require(bool ok, const char *what) {
  if (ok) return;
  fprintf(stderr, "interop_server: %s\n", what);
  exit(1);
}

static bool starts_with(fc_slice text, const char *prefix) {
  size_t len = strlen(prefix);
  return text.len >= len && memcmp(text.data, prefix, len) == 0;
}

static void copy_text(char *to, size_t size, fc_slice from) {
  require(from.len < size, "a value in the metadata is too long");
  memcpy(to, from.data, from.len);
  to[from.len] = '\0';
}

static long number(fc_slice value) {
  char text[24];
  copy_text(text, sizeof text, value);
  return atol(text);
}

static void add(fc_metadata *metadata, fc_slice key, fc_slice value) {
  char name[64];
  fc_error err = FC_ERROR_INIT;
  copy_text(name, sizeof name, key);
  require(fc_metadata_add(metadata, name, value, &err) == FC_OK, err.message);
}

static void add_number(fc_metadata *metadata, const char *key, long long value) {
  char text[24];
  snprintf(text, sizeof text, "%lld", value);
  add(metadata, fc_slice_from_string(key), fc_slice_from_string(text));
}

static void add_filler(fc_metadata *metadata, long size) {
  char *filler = malloc((size_t)size);
  require(filler != NULL, "out of memory");
  memset(filler, 'f', (size_t)size);
  add(metadata, fc_slice_from_string("last-filler"), (fc_slice){(uint8_t *)filler, (size_t)size});
  free(filler);
}

static fc_compression encoding(fc_slice name) {
  return fc_slice_equals(name, "gzip") ? FC_COMPRESSION_GZIP : FC_COMPRESSION_DEFLATE;
}

static void read_entry(struct wish *wish, fc_slice key, fc_slice value) {
  if (starts_with(key, "first-")) add(wish->first, key, value);
  if (starts_with(key, "last-")) add(wish->last, key, value);
  if (fc_slice_equals(key, "want-code")) wish->code = (fc_code)number(value);
  if (fc_slice_equals(key, "want-message-bin"))
    copy_text(wish->message, sizeof wish->message, value);
  if (fc_slice_equals(key, "want-details-bin")) wish->details = value;
  if (fc_slice_equals(key, "want-size")) wish->size = number(value);
  if (fc_slice_equals(key, "want-count")) wish->count = number(value);
  if (fc_slice_equals(key, "want-delay-ms")) wish->delay_ms = number(value);
  if (fc_slice_equals(key, "want-encoding")) wish->encoding = encoding(value);
  if (fc_slice_equals(key, "want-last-bytes")) add_filler(wish->last, number(value));
  if (fc_slice_equals(key, "authorization"))
    add(wish->last, fc_slice_from_string("saw-authorization"), value);
  if (fc_slice_equals(key, "id")) copy_text(wish->id, sizeof wish->id, value);
}

/* What fails here fails because the client has gone, which the handler is going to find out. */
static void send_headers(struct wish *wish, fc_call *call) {
  fc_result r = fc_call_set_compression(call, wish->encoding);
  if (r == FC_OK && fc_metadata_count(wish->first) > 0)
    r = fc_call_send_initial_metadata(call, wish->first);
  if (r == FC_OK) r = fc_call_set_trailing_metadata(call, wish->last);
  require(r == FC_OK || r == FC_ERR_CLOSED, "metadata is refused");
}

void wish_begin(struct wish *wish, fc_call *call) {
  const fc_metadata *request;
  *wish = (struct wish){.size = -1, .count = 1};
  wish->first = fc_metadata_create();
  wish->last = fc_metadata_create();
  require(wish->first && wish->last, "out of memory");
  int64_t remaining = fc_call_time_remaining(call);
  if (remaining != FC_NEVER) add_number(wish->last, "saw-deadline-ms", remaining / FC_MILLISECOND);
  require(fc_call_initial_metadata(call, 0, &request) == FC_OK, "a request without metadata");
  for (size_t i = 0; i < fc_metadata_count(request); i++) {
    fc_metadata_entry entry = fc_metadata_at(request, i);
    read_entry(wish, entry.key, entry.value);
  }
  send_headers(wish, call);
  if (wish->delay_ms > 0 && fc_call_wait(call, wish->delay_ms * FC_MILLISECOND) != FC_ERR_TIMEOUT)
    wish->count = 0;
}

void wish_end(struct wish *wish, fc_call *call) {
  fc_call_finish(call, wish->code, wish->message, wish->details);
  fc_metadata_destroy(wish->first);
  fc_metadata_destroy(wish->last);
}
