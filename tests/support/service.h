#ifndef FC_TESTS_SERVICE_H
#define FC_TESTS_SERVICE_H
/* The server of exchange.h in a process of its own, so that what a client costs its process can be counted. */
#include <sys/types.h>

#include "farcall/server.h"

struct service {
  pid_t process;
  int stop; /* the server ends when it is closed */
  int port;
};

/* To be called before this process uses the library. credentials makes those of the server; NULL: insecure. */
void service_start(struct service *service, fc_server_credentials *(*credentials)(void));
void service_stop(struct service *service);

#endif
