#ifndef INTEROP_SERVER_WISH_H
#define INTEROP_SERVER_WISH_H
/* What a request's metadata asks of the server; see service.md. */
#include <farcall/server.h>

struct wish {
  fc_code code;
  char message[1024];
  fc_slice details;
  long size; /* -1: as the request's message */
  long count;
  long delay_ms;
  fc_compression encoding;
  char id[32];
  fc_metadata *first;
  fc_metadata *last;
};

/* Reads it from a call that has just begun, and answers what must be said before the first message. */
void wish_begin(struct wish *wish, fc_call *call);

/* Ends the call with the status wanted, and frees what the wish holds. */
void wish_end(struct wish *wish, fc_call *call);

#endif
