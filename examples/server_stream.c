/*
 * A stream of responses: read to its end, with what the server says before and after it; then one that is
 * left early.
 *
 *   server_stream [target]        with the server of server.c
 */
#include <farcall/rpc.h>
#include <stdio.h>

static fc_call *count_to(fc_channel *channel, const char *last, const fc_metadata *metadata) {
  fc_error err = FC_ERROR_INIT;
  fc_call *call;
  fc_call_options options = FC_CALL_OPTIONS_INIT;
  options.metadata = metadata;
  options.timeout_ns = 30 * FC_SECOND;
  if (fc_unary_stream(channel, "/example.Text/CountTo", fc_slice_from_string(last), &options, &call,
                      &err) != FC_OK) {
    fprintf(stderr, "%s\n", err.message);
  }
  return call;
}

static void print_value(const char *title, const fc_metadata *metadata, const char *key) {
  fc_slice value = {NULL, 0};
  if (!fc_metadata_find(metadata, key, &value)) value = fc_slice_from_string("none");
  printf("%s: %s = %.*s\n", title, key, (int)value.len, (const char *)value.data);
}

/* Reads up to limit responses; those that are not read hold the server up once the windows are full. */
static void read_some(fc_call *call, int limit) {
  fc_bytes *message;
  for (int i = 0; i < limit && fc_call_recv(call, &message) == FC_OK; i++) {
    fc_slice text = fc_bytes_slice(message);
    printf("%.*s\n", (int)text.len, (const char *)text.data);
    fc_bytes_unref(message);
  }
}

static void print_end(fc_call *call) {
  const fc_status *status = fc_call_status(call);
  print_value("trailing", fc_call_trailing_metadata(call), "sum");
  printf("status: %s \"%s\"\n", fc_code_name(status->code), status->message);
}

int main(int argc, char **argv) {
  fc_error err = FC_ERROR_INIT;
  fc_channel *channel = NULL;
  fc_metadata *metadata = fc_metadata_create();
  if (metadata == NULL || fc_metadata_add_string(metadata, "x-request-id", "4711", &err) != FC_OK ||
      fc_channel_create(argc > 1 ? argv[1] : "127.0.0.1:50051", NULL, &channel, &err) != FC_OK) {
    fprintf(stderr, "%s\n", err.message);
    fc_metadata_destroy(metadata);
    return 1;
  }
  fc_call *whole = count_to(channel, "4", metadata);
  fc_call *left = count_to(channel, "1000000", metadata);
  int failed = whole == NULL || left == NULL;
  if (!failed) {
    const fc_metadata *initial;
    if (fc_call_initial_metadata(whole, FC_NEVER, &initial) == FC_OK) {
      print_value("initial", initial, "x-request-id"); /* known before the first message is read */
    }
    read_some(whole, 1000);
    print_end(whole);

    read_some(left, 3);
    fc_call_cancel(left, FC_CODE_CANCELLED, "three are enough");
    print_end(left);
  }
  fc_call_destroy(left); /* alone, it would have cancelled the call as well */
  fc_call_destroy(whole);
  fc_channel_destroy(channel);
  fc_metadata_destroy(metadata);
  return failed;
}
