/* Packing, sending and receiving messages of protobuf-c. */
#include "message.h"

#include <stdlib.h>

fc_bytes *message_pack(const ProtobufCMessage *message) {
  uint8_t *data;
  fc_bytes *bytes = fc_bytes_create(protobuf_c_message_get_packed_size(message), &data);
  if (!bytes) abort();
  protobuf_c_message_pack(message, data);
  return bytes;
}

bool message_send(fc_call *call, const ProtobufCMessage *message, unsigned flags) {
  fc_bytes *bytes = message_pack(message);
  if (fc_call_send(call, bytes, flags) == FC_OK) return true;
  fc_bytes_unref(bytes);
  return false;
}

ProtobufCMessage *message_receive(fc_call *call, const ProtobufCMessageDescriptor *descriptor) {
  fc_bytes *bytes;
  if (fc_call_recv(call, &bytes) != FC_OK) return NULL;
  fc_slice packed = fc_bytes_slice(bytes);
  ProtobufCMessage *message = protobuf_c_message_unpack(descriptor, NULL, packed.len, packed.data);
  fc_bytes_unref(bytes);
  return message;
}

void message_free(ProtobufCMessage *message) {
  if (message) protobuf_c_message_free_unpacked(message, NULL);
}

Grpc__Testing__Payload message_payload(size_t size) {
  static uint8_t zeros[PAYLOAD_MAX];
  Grpc__Testing__Payload payload = GRPC__TESTING__PAYLOAD__INIT;
  if (size > sizeof zeros) abort();
  payload.body.data = zeros;
  payload.body.len = size;
  return payload;
}
