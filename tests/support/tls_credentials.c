/* The credentials of tls_credentials.h. */
#include "support/tls_credentials.h"

#include "support/check.h"

fc_tls_client_options tls_client_options(void) {
  fc_tls_client_options o = FC_TLS_CLIENT_OPTIONS_INIT;
  o.roots = cert_text("ca.pem");
  return o;
}

fc_channel_credentials *tls_channel(const fc_tls_client_options *options) {
  fc_channel_credentials *credentials;
  fc_error err = FC_ERROR_INIT;
  if (fc_channel_credentials_tls(options, &credentials, &err) != FC_OK) fail_msg("%s", err.message);
  return credentials;
}

fc_channel_credentials *tls_channel_as(const char *identity) {
  fc_tls_client_options o = tls_client_options();
  fc_tls_identity shown;
  if (identity) {
    shown = cert_identity(identity);
    o.identity = &shown;
  }
  return tls_channel(&o);
}

fc_server_credentials *tls_server_with(const fc_tls_server_options *options) {
  fc_server_credentials *credentials;
  fc_error err = FC_ERROR_INIT;
  if (fc_server_credentials_tls(options, &credentials, &err) != FC_OK) fail_msg("%s", err.message);
  return credentials;
}

fc_server_credentials *tls_server(const char *identity, fc_tls_client_auth auth) {
  fc_tls_server_options o = FC_TLS_SERVER_OPTIONS_INIT;
  fc_tls_identity shown = cert_identity(identity);
  o.identities = &shown;
  o.identity_count = 1;
  o.client_auth = auth;
  if (auth == FC_TLS_CLIENT_AUTH_REQUEST || auth == FC_TLS_CLIENT_AUTH_REQUIRE) {
    o.client_roots = cert_text("ca.pem");
  }
  return tls_server_with(&o);
}
