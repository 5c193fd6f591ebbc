#ifndef FC_TESTS_TLS_CREDENTIALS_H
#define FC_TESTS_TLS_CREDENTIALS_H
/* Credentials of the certificates of certs.h. Each ends the test where it cannot be made. */
#include "farcall/credentials.h"
#include "support/certs.h"

/* Options that trust ca.pem, to be changed. */
fc_tls_client_options tls_client_options(void);
fc_channel_credentials *tls_channel(const fc_tls_client_options *options);
/* Trusts ca.pem, and shows the certificate of that name unless it is NULL. */
fc_channel_credentials *tls_channel_as(const char *identity);

/* Shows the certificate of that name, and verifies clients against ca.pem if it asks for theirs. */
fc_server_credentials *tls_server(const char *identity, fc_tls_client_auth auth);
fc_server_credentials *tls_server_with(const fc_tls_server_options *options);

#endif
