#ifndef FC_IO_POSIX_FD_H
#define FC_IO_POSIX_FD_H
/* Descriptors that do not block and are not inherited by exec, on systems with and without the flags for it. */
#include <stdint.h>
#include <sys/socket.h>

int fc__fd_socket(int family); /* a stream; or a negative errno */
int fc__fd_accept(int fd, struct sockaddr *address, socklen_t *len); /* the same */
int fc__fd_prepare(int fd); /* sets both flags and no SIGPIPE; 0 or a negative errno */
void fc__fd_no_delay(int fd, int family); /* TCP only: small messages leave at once */
uint64_t fc__system_seed(void);           /* unlike any other process's */

#endif
