/* Compression of requests and responses, each by itself; grpc-go tells what it saw. */
#include <stdio.h>
#include <string.h>

#include "client.h"

static fc_slice compressible(void) {
  static uint8_t zeros[200000];
  return (fc_slice){zeros, sizeof zeros};
}

/* Servers that can tell say what encoding the requests had. */
static void expect_seen(fc_call *call, const char *encoding) {
  fc_slice seen;
  bool told = fc_metadata_find(fc_call_trailing_metadata(call), "saw-encoding", &seen);
  expect(told || strcmp(peer_name, "grpc-go") != 0, "the server does not tell the encoding");
  if (told)
    expect(fc_slice_equals(seen, encoding), "the server saw '%.*s', not '%s'", (int)seen.len,
           (const char *)seen.data, encoding);
}

static void unary_with(fc_compression compression, const char *sent, const char *wanted) {
  fc_call_options options =
      options_of(FC_PATTERN_UNARY_UNARY, wants("want-encoding", wanted, NULL));
  fc_call *call;
  fc_bytes *response;
  options.compression = compression;
  (void)fc_unary_unary(channel, "/interop.Test/Unary", compressible(), &options, &response, &call,
                       NULL);
  free_options(&options);
  if (expect_code(call, FC_CODE_OK)) {
    expect_slice(fc_bytes_slice(response), compressible(), "response");
    expect_seen(call, sent);
  }
  fc_bytes_unref(response);
  fc_call_destroy(call);
}

static void gzip_unary(void) { unary_with(FC_COMPRESSION_GZIP, "gzip", "gzip"); }

static void deflate_unary(void) { unary_with(FC_COMPRESSION_DEFLATE, "deflate", "deflate"); }

static void gzip_up_deflate_down(void) { unary_with(FC_COMPRESSION_GZIP, "gzip", "deflate"); }

static void plain_up_gzip_down(void) { unary_with(FC_COMPRESSION_NONE, "", "gzip"); }

static void stream_with(fc_compression compression, const char *name) {
  fc_call_options options =
      options_of(FC_PATTERN_STREAM_STREAM, wants("want-encoding", name, NULL));
  fc_call *call;
  size_t bytes;
  options.compression = compression;
  fc_result r = fc_channel_call(channel, "/interop.Test/Both", &options, &call, NULL);
  free_options(&options);
  if (!expect(r == FC_OK, "%s", fc_result_text(r))) return;
  send_all(call, compressible(), 3);
  r = fc_call_send_copy(call, compressible(), FC_SEND_UNCOMPRESSED);
  expect(r == FC_OK, "uncompressed: %s", fc_result_text(r));
  send_all(call, text(""), 1);
  fc_call_close_send(call);
  expect(receive_all(call, &bytes) == 5 && bytes == 800000, "%zu bytes", bytes);
  if (expect_code(call, FC_CODE_OK)) expect_seen(call, name);
  fc_call_destroy(call);
}

static void gzip_stream(void) { stream_with(FC_COMPRESSION_GZIP, "gzip"); }

static void deflate_stream(void) { stream_with(FC_COMPRESSION_DEFLATE, "deflate"); }

const struct test_case compression_cases[] = {
    {"gzip_unary", gzip_unary},
    {"deflate_unary", deflate_unary},
    {"gzip_up_deflate_down", gzip_up_deflate_down},
    {"plain_up_gzip_down", plain_up_gzip_down},
    {"gzip_stream", gzip_stream},
    {"deflate_stream", deflate_stream},
    {NULL, NULL},
};
