#ifndef OFFICIAL_MESSAGE_H
#define OFFICIAL_MESSAGE_H
/* Messages of protobuf-c on calls: what the server and the client of the official test cases share. */
#include <farcall/call.h>

#include "grpc/testing/empty.pb-c.h"
#include "grpc/testing/messages.pb-c.h"

/* The packed bytes; ends the program without memory. */
fc_bytes *message_pack(const ProtobufCMessage *message);

/* Sends a message; flags as fc_call_send has them. False: the call is over. */
bool message_send(fc_call *call, const ProtobufCMessage *message, unsigned flags);

/* The next message, to be freed with message_free; NULL: there is none, or it is no such message. */
ProtobufCMessage *message_receive(fc_call *call, const ProtobufCMessageDescriptor *descriptor);
void message_free(ProtobufCMessage *message);

/* A payload of so many zeros, which stay where they are. */
Grpc__Testing__Payload message_payload(size_t size);

enum { PAYLOAD_MAX = 4 << 20 };

#endif
