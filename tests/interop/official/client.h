#ifndef OFFICIAL_CLIENT_H
#define OFFICIAL_CLIENT_H
/* What the cases of the official client share. */
#include <farcall/rpc.h>

#include "message.h"

extern fc_channel *channel;

/* Ends the program with the reason unless ok. */
void require(bool ok, const char *format, ...) __attribute__((format(printf, 2, 3)));
void require_status(fc_call *call, fc_code code, const char *message); /* NULL: any message */

fc_call *open_call(const char *method, fc_pattern pattern, const fc_call_options *given);

/* A unary call of grpc.testing.TestService or another service; its handle is always given. */
fc_call *unary(const char *method, const ProtobufCMessage *request, const fc_metadata *metadata,
               fc_bytes **response);

struct test_case {
  const char *name;
  void (*run)(void);
};

extern const struct test_case message_cases[], status_cases[]; /* each ends with an empty one */

#endif
