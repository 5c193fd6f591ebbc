/*
 * Compression: for all calls of a channel, for one call, and not for one message. A peer that does not know
 * the algorithm answers UNIMPLEMENTED.
 *
 *   compression [target]        with the server of server.c
 */
#include <farcall/rpc.h>
#include <stdio.h>
#include <string.h>

/* One unary call; what is unset in it is as the channel says. */
static fc_code upper(fc_channel *channel, const char *text, fc_compression compression) {
  fc_bytes *response;
  fc_call_options options = FC_CALL_OPTIONS_INIT;
  options.compression = compression;
  fc_code code = fc_unary_unary(channel, "/example.Text/Upper", fc_slice_from_string(text),
                                &options, &response, NULL, NULL);
  printf("unary: %s, %zu bytes\n", fc_code_name(code), fc_bytes_slice(response).len);
  fc_bytes_unref(response);
  return code;
}

/* A stream whose second message goes as it is: it would not get smaller. */
static fc_code summarise(fc_channel *channel, const char *text, const char *packed) {
  fc_call *call;
  fc_bytes *response;
  if (fc_stream_unary_future(channel, "/example.Text/Summarise", NULL, &call, NULL) != FC_OK) {
    return FC_CODE_UNKNOWN;
  }
  if (fc_call_send_copy(call, fc_slice_from_string(text), 0) == FC_OK &&
      fc_call_send_copy(call, fc_slice_from_string(packed), FC_SEND_LAST | FC_SEND_UNCOMPRESSED) ==
          FC_OK &&
      fc_call_recv(call, &response) == FC_OK) {
    fc_slice summary = fc_bytes_slice(response);
    printf("stream: %.*s\n", (int)summary.len, (const char *)summary.data);
    fc_bytes_unref(response);
  }
  fc_code code = fc_call_status(call)->code;
  fc_call_destroy(call);
  return code;
}

int main(int argc, char **argv) {
  static char text[100001];
  fc_error err = FC_ERROR_INIT;
  fc_channel *channel;
  fc_channel_options options = FC_CHANNEL_OPTIONS_INIT;
  options.compression = FC_COMPRESSION_GZIP;
  if (fc_channel_create(argc > 1 ? argv[1] : "127.0.0.1:50051", &options, &channel, &err) !=
      FC_OK) {
    fprintf(stderr, "%s\n", err.message);
    return 1;
  }
  memset(text, 'a', sizeof text - 1);
  int failed = upper(channel, text, FC_COMPRESSION_UNSET) != FC_CODE_OK ||
               upper(channel, text, FC_COMPRESSION_DEFLATE) != FC_CODE_OK ||
               upper(channel, text, FC_COMPRESSION_NONE) != FC_CODE_OK ||
               summarise(channel, text, "q8Zr0vXk") != FC_CODE_OK;
  fc_channel_destroy(channel);
  return failed;
}
