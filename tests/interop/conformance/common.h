#ifndef CONFORMANCE_COMMON_H
#define CONFORMANCE_COMMON_H
/* What the client and the server under test share: memory that goes with a case, headers, and talking to the runner. */
#include <farcall/call.h>
#include <farcall/tls.h>

#include "connectrpc/conformance/v1/client_compat.pb-c.h"
#include "connectrpc/conformance/v1/server_compat.pb-c.h"
#include "rpc_status.pb-c.h"

typedef Connectrpc__Conformance__V1__Header Header;
typedef Google__Protobuf__Any Any;

/* Zeroed memory that all goes at once; the program ends without memory. */
struct arena {
  struct arena_block *blocks;
};

void *arena_take(struct arena *arena, size_t size);
void arena_free(struct arena *arena);

ProtobufCBinaryData arena_copy(struct arena *arena, fc_slice bytes);
ProtobufCBinaryData arena_pack(struct arena *arena, const ProtobufCMessage *message);
char *arena_text(struct arena *arena, fc_slice chars);

/* Values of "-bin" keys are base64 in a Header. */
fc_metadata *metadata_from(Header **headers, size_t count);
size_t headers_from(struct arena *arena, const fc_metadata *metadata, Header ***out);

fc_slice slice_of(ProtobufCBinaryData data);
fc_tls_identity identity_of(const Connectrpc__Conformance__V1__TLSCreds *creds); /* borrows them */

/* One message of the runner, a 32-bit length before it, from standard input or to standard output. */
ProtobufCMessage *runner_read(const ProtobufCMessageDescriptor *descriptor); /* NULL: the end */
void runner_write(const ProtobufCMessage *message);

void require(bool ok, const char *what); /* ends the program unless ok */

#endif
