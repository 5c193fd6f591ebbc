/*
 * A unary call with a deadline and metadata, and everything that can be asked of it afterwards.
 *
 *   unary [target]        with the server of server.c
 */
#include <farcall/rpc.h>
#include <stdio.h>

static void print_metadata(const char *title, const fc_metadata *metadata) {
  for (size_t i = 0; i < fc_metadata_count(metadata); i++) {
    fc_metadata_entry entry = fc_metadata_at(metadata, i);
    printf("%s: %.*s = %.*s\n", title, (int)entry.key.len, (const char *)entry.key.data,
           (int)entry.value.len, (const char *)entry.value.data);
  }
}

static void print_call(fc_call *call) {
  const fc_status *status = fc_call_status(call);
  const fc_metadata *initial;
  char peer[160];
  fc_call_peer(call, peer, sizeof peer);
  printf("method: %s\n", fc_call_method(call));
  printf("peer: %s\n", peer);
  printf("status: %s \"%s\", said by %s\n", fc_code_name(status->code), status->message,
         status->origin == FC_ORIGIN_PEER ? "the server" : "this side");
  if (fc_call_initial_metadata(call, 0, &initial) == FC_OK) print_metadata("initial", initial);
  print_metadata("trailing", fc_call_trailing_metadata(call));
  printf("over: %s\n", fc_call_is_done(call) ? "yes" : "no");
  printf("in time: %s\n", fc_call_time_remaining(call) > 0 ? "yes" : "no");
}

int main(int argc, char **argv) {
  fc_error err = FC_ERROR_INIT;
  fc_channel *channel = NULL;
  fc_call *call = NULL;
  fc_bytes *response = NULL;
  fc_code code = FC_CODE_UNKNOWN;
  fc_metadata *metadata = fc_metadata_create();
  if (metadata == NULL || fc_metadata_add_string(metadata, "x-request-id", "4711", &err) != FC_OK ||
      fc_channel_create(argc > 1 ? argv[1] : "127.0.0.1:50051", NULL, &channel, &err) != FC_OK) {
    goto done;
  }

  fc_call_options options = FC_CALL_OPTIONS_INIT;
  options.timeout_ns = 10 * FC_SECOND;
  options.metadata = metadata;
  code = fc_unary_unary(channel, "/example.Text/Upper", fc_slice_from_string("hello"), &options,
                        &response, &call, &err);
  if (code == FC_CODE_OK) {
    fc_slice text = fc_bytes_slice(response);
    printf("response: %.*s\n", (int)text.len, (const char *)text.data);
  }
  if (call != NULL) print_call(call);

done:
  if (code != FC_CODE_OK) fprintf(stderr, "%s\n", err.message);
  fc_bytes_unref(response);
  fc_call_destroy(call);
  fc_channel_destroy(channel);
  fc_metadata_destroy(metadata);
  return code != FC_CODE_OK;
}
