#ifndef FARCALL_METADATA_H
#define FARCALL_METADATA_H
/*
 * An ordered list of keys and values that travels before the messages (initial) or after them (trailing).
 * Spec: grpc/grpc doc/PROTOCOL-HTTP2.md, Custom-Metadata
 */
#include "farcall/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fc_metadata fc_metadata;

/** One entry. The value of a key that ends in "-bin" is any bytes; of others, printable ASCII. */
typedef struct fc_metadata_entry {
  fc_slice key;
  fc_slice value;
} fc_metadata_entry;

/**
 * Makes an empty list.
 *
 * Owns:    the caller owns the result and ends it with fc_metadata_destroy
 * Errors:  NULL when out of memory
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API fc_metadata *fc_metadata_create(void);

/**
 * Frees a list; NULL is fine.
 *
 * Owns:    takes the list
 * Errors:  none
 * Threads: one at a time per object. Blocks: never
 * Since:   0.1
 */
FC_API void fc_metadata_destroy(fc_metadata *metadata);

/**
 * Appends an entry; entries of the same key keep their order.
 *
 * Owns:    key and value are copied
 * Errors:  FC_ERR_INVALID the key is empty, has a character other than 0-9 a-z _ - . or is reserved
 *          (begins with "grpc-" or ":", or is one of te, host, content-type, content-length, connection,
 *          proxy-connection, keep-alive, transfer-encoding, upgrade), or the value of a key without "-bin" has a byte outside 0x20-0x7e;
 *          FC_ERR_NO_MEMORY; err may be NULL
 * Threads: one at a time per object. Blocks: never
 * Spec:    PROTOCOL-HTTP2.md, Custom-Metadata, Header-Name, ASCII-Value
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_metadata_add(fc_metadata *metadata, const char *key, fc_slice value,
                                             fc_error *err);

/**
 * Appends an entry whose value is a C string. As fc_metadata_add otherwise.
 *
 * Owns:    key and value are copied
 * Errors:  those of fc_metadata_add
 * Threads: one at a time per object. Blocks: never
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_metadata_add_string(fc_metadata *metadata, const char *key,
                                                    const char *value, fc_error *err);

/**
 * Copies a list.
 *
 * Owns:    the caller owns the result; NULL gives NULL
 * Errors:  NULL when out of memory
 * Threads: any, while nobody changes the list. Blocks: never
 * Since:   0.1
 */
FC_API fc_metadata *fc_metadata_copy(const fc_metadata *metadata);

/**
 * Counts the entries; a NULL list has none.
 *
 * Owns:    nothing
 * Errors:  none
 * Threads: any, while nobody changes the list. Blocks: never
 * Since:   0.1
 */
FC_API size_t fc_metadata_count(const fc_metadata *metadata);

/**
 * Gives the entry at an index below fc_metadata_count.
 *
 * Owns:    the slices live until the list changes or ends
 * Errors:  an index out of range gives an empty entry
 * Threads: any, while nobody changes the list. Blocks: never
 * Since:   0.1
 */
FC_API fc_metadata_entry fc_metadata_at(const fc_metadata *metadata, size_t index);

/**
 * Finds the first value of a key; says whether there is one.
 *
 * Owns:    *value lives until the list changes or ends; value may be NULL
 * Errors:  none
 * Threads: any, while nobody changes the list. Blocks: never
 * Since:   0.1
 */
FC_API bool fc_metadata_find(const fc_metadata *metadata, const char *key, fc_slice *value);

#ifdef __cplusplus
}
#endif
#endif
