/* Forks over TLS: a child makes a handshake of its own, and leaves its parent's connection alone. */
#include "support/forks.h"
#include "support/tls_credentials.h"

static fc_channel_credentials *channel(void) { return tls_channel_as("client"); }
static fc_server_credentials *server(void) {
  return tls_server("server", FC_TLS_CLIENT_AUTH_REQUIRE);
}

int main(void) {
  const struct forks_security security = {channel, server};
  return forks_run(&security);
}
