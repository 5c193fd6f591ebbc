/*
 * A token for one call. On a channel without encryption it must not travel: the call ends at once, and nothing
 * is sent.
 *
 *   credentials [target]        with the server of server.c
 */
#include <farcall/credentials.h>
#include <farcall/rpc.h>
#include <stdio.h>

int main(int argc, char **argv) {
  fc_error err = FC_ERROR_INIT;
  fc_channel *channel = NULL;
  fc_call_credentials *token = NULL;
  fc_bytes *response;
  fc_call *call;
  if (fc_call_credentials_from_token("secret", &token, &err) != FC_OK ||
      fc_channel_create(argc > 1 ? argv[1] : "127.0.0.1:50051", NULL, &channel, &err) != FC_OK) {
    fprintf(stderr, "%s\n", err.message);
    fc_call_credentials_destroy(token);
    return 1;
  }
  fc_call_options options = FC_CALL_OPTIONS_INIT;
  options.credentials = token;
  fc_code code = fc_unary_unary(channel, "/example.Text/Upper", fc_slice_from_string("hello"),
                                &options, &response, &call, &err);
  if (call != NULL) {
    printf("%s, said by %s\n", fc_code_name(code),
           fc_call_status(call)->origin == FC_ORIGIN_PEER ? "the server" : "this side");
  }
  fc_bytes_unref(response);
  fc_call_destroy(call);
  fc_call_credentials_destroy(token);
  fc_channel_destroy(channel);
  return code != FC_CODE_UNAUTHENTICATED;
}
