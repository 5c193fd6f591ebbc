#ifndef INTEROP_SERVER_SECURITY_H
#define INTEROP_SERVER_SECURITY_H
/* TLS of the test server; see service.md. */
#include <farcall/server.h>

/* What the options --certs FOLDER and --mutual ask for; insecure without them. Ends the program on failure. */
fc_server_credentials *security_credentials(int argc, char **argv);

/* The values of a property of the call's connection, one in a line each. */
fc_bytes *security_known(fc_call *call, fc_slice name);

#endif
