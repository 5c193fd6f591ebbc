#ifndef FC_TESTS_SERVICE_H
#define FC_TESTS_SERVICE_H
/* The server of exchange.h in a process of its own, so that what a client costs its process can be counted. */
#include <sys/types.h>

struct service {
  pid_t process;
  int stop; /* the server ends when it is closed */
  int port;
};

/* To be called before this process uses the library. */
void service_start(struct service *service);
void service_stop(struct service *service);

#endif
