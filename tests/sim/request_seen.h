#ifndef FC_TESTS_REQUEST_SEEN_H
#define FC_TESTS_REQUEST_SEEN_H
/* A handler for every method, in the world of request_world.h, that writes down all it can see of a
 * request, and answers with its message. */
#include "sim/request_world.h"

extern char request_seen[4096]; /* "/s/m in 100 s k=v (7)\n" for each, the message's length last */

void requests_serve_seen(void); /* a server with this handler, and a connection */

#endif
