#ifndef FARCALL_STATUS_H
#define FARCALL_STATUS_H
/* The outcome of a call: code, message, details and who said so. Spec: grpc/grpc doc/statuscodes.md */
#include "farcall/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FC_CODE_LIST(X)                                                                            \
  X(OK, 0)                                                                                         \
  X(CANCELLED, 1)                                                                                  \
  X(UNKNOWN, 2)                                                                                    \
  X(INVALID_ARGUMENT, 3)                                                                           \
  X(DEADLINE_EXCEEDED, 4)                                                                          \
  X(NOT_FOUND, 5)                                                                                  \
  X(ALREADY_EXISTS, 6)                                                                             \
  X(PERMISSION_DENIED, 7)                                                                          \
  X(RESOURCE_EXHAUSTED, 8)                                                                         \
  X(FAILED_PRECONDITION, 9)                                                                        \
  X(ABORTED, 10)                                                                                   \
  X(OUT_OF_RANGE, 11)                                                                              \
  X(UNIMPLEMENTED, 12)                                                                             \
  X(INTERNAL, 13)                                                                                  \
  X(UNAVAILABLE, 14)                                                                               \
  X(DATA_LOSS, 15)                                                                                 \
  X(UNAUTHENTICATED, 16)

/** The seventeen status codes of gRPC. */
typedef enum fc_code {
#define X(name, value) FC_CODE_##name = value,
  FC_CODE_LIST(X)
#undef X
} fc_code;

/** Who decided a status. */
typedef enum fc_origin {
  FC_ORIGIN_LOCAL = 0, /* this side: a bad argument, a deadline, a cancellation, no connection */
  FC_ORIGIN_PEER = 1,  /* the other side's application or library said so */
} fc_origin;

/** The outcome of a call. It lives as long as the call that it belongs to. */
typedef struct fc_status {
  fc_code code;
  fc_origin origin;
  const char *message; /* never NULL; UTF-8; may be empty */
  fc_slice details;    /* grpc-status-details-bin, decoded; empty where there is none */
} fc_status;

/**
 * Names a status code: "DEADLINE_EXCEEDED".
 *
 * Owns:    a constant string
 * Errors:  a value that is no code gives "UNKNOWN"
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API const char *fc_code_name(fc_code code);

#ifdef __cplusplus
}
#endif
#endif
