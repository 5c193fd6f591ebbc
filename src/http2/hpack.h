#ifndef FC_HTTP2_HPACK_H
#define FC_HTTP2_HPACK_H
/* Header compression, both directions. Spec: RFC 7541 */
#include "base/buf.h"
#include "farcall/base.h"

/*
 * Names that a gRPC peer meets are recognised once, when they enter a table or are read as a
 * literal; after that a field is told by its token and its name is not compared again.
 */
#define FC__TOKEN_LIST(X)                                                                          \
  X(AUTHORITY, ":authority")                                                                       \
  X(METHOD, ":method")                                                                             \
  X(PATH, ":path")                                                                                 \
  X(SCHEME, ":scheme")                                                                             \
  X(STATUS, ":status")                                                                             \
  X(TE, "te")                                                                                      \
  X(CONTENT_TYPE, "content-type")                                                                  \
  X(USER_AGENT, "user-agent")                                                                      \
  X(HOST, "host")                                                                                  \
  X(GRPC_TIMEOUT, "grpc-timeout")                                                                  \
  X(GRPC_ENCODING, "grpc-encoding")                                                                \
  X(GRPC_ACCEPT_ENCODING, "grpc-accept-encoding")                                                  \
  X(GRPC_STATUS, "grpc-status")                                                                    \
  X(GRPC_MESSAGE, "grpc-message")                                                                  \
  X(GRPC_STATUS_DETAILS_BIN, "grpc-status-details-bin")                                            \
  X(GRPC_PREVIOUS_RPC_ATTEMPTS, "grpc-previous-rpc-attempts")                                      \
  X(GRPC_RETRY_PUSHBACK_MS, "grpc-retry-pushback-ms")                                              \
  X(CONTENT_LENGTH, "content-length")                                                              \
  X(CONNECTION, "connection")                                                                      \
  X(KEEP_ALIVE, "keep-alive")                                                                      \
  X(PROXY_CONNECTION, "proxy-connection")                                                          \
  X(TRANSFER_ENCODING, "transfer-encoding")                                                        \
  X(UPGRADE, "upgrade")

enum fc__token {
  FC__TOKEN_NONE = 0, /* any other name */
#define X(name, text) FC__TOKEN_##name,
  FC__TOKEN_LIST(X)
#undef X
      FC__TOKEN_COUNT
};

struct fc__field {
  fc_slice name, value;
  uint8_t token;      /* enum fc__token */
  bool never_indexed; /* RFC 7541 section 6.2.3 */
  /* A field of the dynamic table comes again and again, the same each time: whoever has judged it may note that here,
   * as bits of his own. NULL for other fields. */
  uint8_t *judged;
};

enum fc__judged {
  FC__JUDGED_VALID = 1,    /* name and value, by the rules of RFC 9113 section 8.2.1 */
  FC__JUDGED_METADATA = 2, /* name and value, by the rules of gRPC's ASCII metadata */
};

enum fc__token fc__token_of(fc_slice name);

/* ---- decoder ---- */

enum { FC__HPACK_TABLE_DEFAULT = 4096, FC__HPACK_ENTRY_OVERHEAD = 32 };

/* Decodes header blocks that arrive in any fragments. Memory: the dynamic table (allocated when
 * first used, at most the size we advertised) and one partly received string, which is kept only up
 * to max_string bytes: past that the string is skipped and its field reported as too large (the
 * dynamic table is still brought in step, so that later blocks decode right: CVE-2023-32731). */
struct fc__hpack_decoder;

/* Called for each field in order. field's slices live until it returns. name or value longer than
 * max_string: slices are empty and too_large is true (token and never_indexed are told all the
 * same). size is the field's RFC 9113 section 6.5.2 size in either case. */
typedef void (*fc__hpack_field_fn)(void *user, const struct fc__field *field, size_t size,
                                   bool too_large);

/* table_max: the table size in force when the first block comes, FC__HPACK_TABLE_DEFAULT in HTTP/2.
 * NULL: no memory. */
struct fc__hpack_decoder *fc__hpack_decoder_create(size_t table_max, size_t max_string);
void fc__hpack_decoder_destroy(struct fc__hpack_decoder *d);

/* The peer has acknowledged a SETTINGS_HEADER_TABLE_SIZE of ours. If that is less than the table
 * now has, the next block must begin with a size update, RFC 7541 section 4.2. To be called between
 * blocks. */
void fc__hpack_decoder_set_table_max(struct fc__hpack_decoder *d, size_t size);

enum fc__hpack_result {
  FC__HPACK_OK = 0,
  FC__HPACK_ERROR = -1,     /* COMPRESSION_ERROR, for good */
  FC__HPACK_NO_MEMORY = -2, /* for good */
};

/* Feeds the next fragment of a block; last ends the block (a block that ends inside a
 * representation is an error). Fields that are whole are reported at once. */
enum fc__hpack_result fc__hpack_decode(struct fc__hpack_decoder *d, fc_slice fragment, bool last,
                                       fc__hpack_field_fn fn, void *user);

/* While it stays the same, so does the meaning of each index. */
uint64_t fc__hpack_decoder_generation(const struct fc__hpack_decoder *d);

/* ---- encoder ---- */

struct fc__hpack_encoder;

struct fc__hpack_encoder *fc__hpack_encoder_create(void); /* NULL: no memory */
void fc__hpack_encoder_destroy(struct fc__hpack_encoder *e);

/* The peer's SETTINGS_HEADER_TABLE_SIZE; the encoder uses at most 4,096 bytes of it and announces a
 * change at the next block, RFC 7541 section 4.2. */
void fc__hpack_encoder_set_table_max(struct fc__hpack_encoder *e, size_t size);

enum fc__hpack_indexing {
  FC__HPACK_INDEX,   /* enters the dynamic table unless it would take most of it: what repeats */
  FC__HPACK_LITERAL, /* does not enter it (an exact match already there is used): what varies */
  FC__HPACK_NEVER,   /* must not be indexed by anybody on the way: secrets */
};

/* Appends one field to a block in out. False: out has no memory or no room below its ceiling for
 * fc__hpack_bound(name.len, value.len) bytes; then neither out nor the encoder has changed, but
 * fields of the same block may have entered the table before: see fc__hpack_encoder_restart. name
 * is lower case. */
bool fc__hpack_encode(struct fc__hpack_encoder *e, struct fc__buf *out, fc_slice name,
                      fc_slice value, enum fc__hpack_indexing indexing);

/* Appends the table size updates that are due, if any. fc__hpack_encode does so by itself; this is
 * for a block that begins with fields encoded stateless or replayed: call it when the block is
 * sent, before its fields. False: no memory or past the ceiling, and they are still due. */
bool fc__hpack_encode_updates(struct fc__hpack_encoder *e, struct fc__buf *out);

/* Appends a field without reading or changing any dynamic table, so that the bytes may be sent
 * later than other blocks: trailers that wait behind queued data. False: no memory or past the
 * ceiling. */
bool fc__hpack_encode_stateless(struct fc__buf *out, fc_slice name, fc_slice value,
                                bool never_indexed);

/* Empties the table and announces it with the next block (size 0, then the size): for when encoded
 * bytes that inserted entries could not be sent. */
void fc__hpack_encoder_restart(struct fc__hpack_encoder *e);

/* Most bytes that fc__hpack_encode can append for such a field, a pending table size update
 * included. */
size_t fc__hpack_bound(size_t name_len, size_t value_len);

/*
 * A run of fields encoded once and replayed. While the dynamic table has not changed since
 * `generation`, the bytes say the same fields; the caller keeps bytes and generation and encodes
 * anew when it differs. The generation changes with every insertion, eviction and size update (also
 * when one is written to a block), and is never 0. So bytes may be kept only if it is the same
 * after the run was encoded as before; and a block that cannot be sent needs
 * fc__hpack_encoder_restart only if it differs.
 */
uint64_t fc__hpack_encoder_generation(const struct fc__hpack_encoder *e);

#endif
