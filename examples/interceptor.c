/*
 * An interceptor that adds a header to every call of a channel.
 *
 *   interceptor [target]        with the server of server.c
 */
#include <farcall/rpc.h>
#include <stdio.h>

static fc_result add_header(fc_next *next, const char *method, const fc_call_options *options,
                            fc_call **out, fc_error *err, void *user) {
  fc_call_options changed = *options;
  fc_metadata *metadata =
      options->metadata != NULL ? fc_metadata_copy(options->metadata) : fc_metadata_create();
  if (metadata == NULL) return FC_ERR_NO_MEMORY;
  changed.metadata = metadata;
  fc_result result = fc_metadata_add_string(metadata, "x-request-id", user, err);
  if (result == FC_OK) result = fc_next_call(next, method, &changed, out, err);
  fc_metadata_destroy(metadata);
  return result;
}

int main(int argc, char **argv) {
  fc_error err = FC_ERROR_INIT;
  fc_channel *channel;
  fc_call *call;
  fc_bytes *response;
  fc_interceptor interceptor = {add_header, "from the interceptor"};
  fc_channel_options options = FC_CHANNEL_OPTIONS_INIT;
  options.interceptors = &interceptor;
  options.interceptor_count = 1;
  if (fc_channel_create(argc > 1 ? argv[1] : "127.0.0.1:50051", &options, &channel, &err) !=
      FC_OK) {
    fprintf(stderr, "%s\n", err.message);
    return 1;
  }
  fc_code code = fc_unary_unary(channel, "/example.Text/Upper", fc_slice_from_string("hello"), NULL,
                                &response, &call, &err);
  if (code == FC_CODE_OK) {
    const fc_metadata *initial;
    fc_slice text = fc_bytes_slice(response), id;
    printf("response: %.*s\n", (int)text.len, (const char *)text.data);
    if (fc_call_initial_metadata(call, 0, &initial) == FC_OK &&
        fc_metadata_find(initial, "x-request-id", &id)) {
      printf("the server saw x-request-id: %.*s\n", (int)id.len, (const char *)id.data);
    }
  } else {
    fprintf(stderr, "%s: %s\n", fc_code_name(code), err.message);
  }
  fc_bytes_unref(response);
  fc_call_destroy(call);
  fc_channel_destroy(channel);
  return code != FC_CODE_OK;
}
