/* Each pattern in each mode under each driver, over TLS 1.3 and over mutual TLS 1.2. */
#include "support/failing_alloc.h"
#include "support/patterns.h"
#include "support/tls_credentials.h"

static void with_tls(struct exchange_security *security) {
  security->channel = tls_channel_as(NULL);
  security->server = tls_server("server", FC_TLS_CLIENT_AUTH_NONE);
}

static void with_mutual_tls(struct exchange_security *security) {
  fc_tls_client_options o = tls_client_options();
  fc_tls_identity identity = cert_identity("client");
  o.identity = &identity;
  o.max_version = FC_TLS_VERSION_1_2;
  security->channel = tls_channel(&o);
  security->server = tls_server("server", FC_TLS_CLIENT_AUTH_REQUIRE);
}

int main(void) {
  failing_alloc_install();
  int failed = patterns_run(with_tls);
  return patterns_run(with_mutual_tls) + failed;
}
