#ifndef FC_TESTS_CERTS_H
#define FC_TESTS_CERTS_H
/*
 * The certificates of scripts/certs.sh, which says what there is. ctest makes them before the tests
 * and says in FC_TEST_CERTS where they are; a program that runs by itself takes those of its build
 * folder. What is given lives until the program ends. A file that is not there ends the program.
 */
#include "farcall/tls.h"

const char *cert_path(const char *file); /* "server.pem" and the like */
fc_slice cert_text(const char *file);    /* what is in it */

/* The certificate chain and the key of a name: in memory, or as the files that hold them. */
fc_tls_identity cert_identity(const char *name);
fc_tls_identity cert_identity_files(const char *name);

#endif
