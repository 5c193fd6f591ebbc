#ifndef PLACE_TABLE_H
#define PLACE_TABLE_H
/* The time-zone table of the tz database as protobuf messages, and what farcall needs to send such. */
#include <farcall/base.h>

#include "place.pb-c.h"

#define PLACE_TABLE_PATH "/usr/share/zoneinfo/zone1970.tab"

struct place_table {
  Place__Place *places;
  size_t count;
};

/* Reads a table; 0, or -1 with errno set. */
int place_table_load(struct place_table *table, const char *path);
void place_table_free(struct place_table *table);

/* Finds a place by its whole name or the last part of it; spaces stand for underscores. NULL: there is none. */
const Place__Place *place_table_find(const struct place_table *table, const char *name);

/* The way along the great circle. */
double place_distance_km(const Place__Point *from, const Place__Point *to);

/* A message as farcall sends it; NULL when out of memory. */
static inline fc_bytes *place_pack(const ProtobufCMessage *message) {
  uint8_t *data;
  fc_bytes *bytes = fc_bytes_create(protobuf_c_message_get_packed_size(message), &data);
  if (bytes != NULL) protobuf_c_message_pack(message, data);
  return bytes;
}

#endif
