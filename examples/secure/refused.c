/*
 * What goes wrong, and how it reads: every way to meet the wrong server ends in a call that is UNAVAILABLE and
 * a sentence that names the step, the address and the reason.
 *
 *   refused FOLDER [target]        with secure_server.c and the same folder
 */
#include <farcall/rpc.h>
#include <stdio.h>
#include <string.h>

static char folder_file[512];

static const char *in_folder(const char *folder, const char *name) {
  snprintf(folder_file, sizeof folder_file, "%s/%s", folder, name);
  return folder_file;
}

/* A verdict of our own, on a server whose certificate is good: no. */
static fc_result not_today(const fc_auth_context *peer, const char *name, fc_error *err,
                           void *user) {
  (void)peer, (void)user;
  snprintf(err->message, sizeof err->message, "%s is not to be called today", name);
  return FC_ERR_INVALID;
}

/* One call with the options given, on a channel of its own. */
static int try_with(const char *what, const char *target, const fc_tls_client_options *tls,
                    const char *name) {
  fc_error err = FC_ERROR_INIT;
  fc_channel *channel = NULL;
  fc_channel_options options = FC_CHANNEL_OPTIONS_INIT;
  fc_call_options call_options = FC_CALL_OPTIONS_INIT;
  fc_code code = FC_CODE_UNKNOWN;
  options.tls_target_name = name;
  call_options.timeout_ns = 5 * FC_SECOND;
  if (fc_channel_credentials_tls(tls, &options.credentials, &err) == FC_OK &&
      fc_channel_create(target, &options, &channel, &err) == FC_OK) {
    code = fc_unary_unary(channel, "/example.Secure/Upper", FC_SLICE_EMPTY, &call_options, NULL,
                          NULL, &err);
  }
  printf("%s\n  %s: %s\n", what, fc_code_name(code), err.message);
  fc_channel_destroy(channel);
  fc_channel_credentials_destroy(options.credentials);
  return code == FC_CODE_UNAVAILABLE;
}

int main(int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: refused FOLDER [target]\n");
    return 2;
  }
  const char *target = argc > 2 ? argv[2] : "127.0.0.1:50051";
  uint8_t other_key[32] = {0};
  fc_tls_client_options good = FC_TLS_CLIENT_OPTIONS_INIT, strange = FC_TLS_CLIENT_OPTIONS_INIT;
  char roots[512], other_roots[512];
  memcpy(roots, in_folder(argv[1], "ca.pem"), sizeof roots);
  memcpy(other_roots, in_folder(argv[1], "other_ca.pem"), sizeof other_roots);
  good.roots_file = roots;
  strange.roots_file = other_roots;
  int refused = try_with("another authority", target, &strange, NULL);
  refused += try_with("another name", target, &good, "elsewhere.example");
  good.pinned_keys = (fc_slice){other_key, sizeof other_key};
  refused += try_with("another key", target, &good, NULL);
  good.pinned_keys = FC_SLICE_EMPTY;
  good.verify = not_today;
  refused += try_with("our own verdict", target, &good, NULL);
  return refused != 4;
}
