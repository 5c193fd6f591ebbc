#ifndef FC_TESTS_RAW_END_H
#define FC_TESTS_RAW_END_H
/*
 * One end of a connection on the simulated network, made by hand: frames are built with the h2_put_
 * functions of h2_peer.h on end.peer and leave with raw_end_go; what the other end says is read as
 * the text that h2_peer.h describes. Preface and SETTINGS are said at the start, everything else is
 * the test's.
 */
#include "sim/sim_net.h"
#include "support/h2_peer.h"

/* What may stand between the frames of an end and the network, such as TLS. */
struct raw_layer {
  void (*begin)(struct raw_layer *layer); /* a new connection */
  /* Bytes came from the network: what they mean is appended to heard. */
  void (*take)(struct raw_layer *layer, fc_slice bytes, struct fc__buf *heard);
  /* Appends to wire whatever is to be sent: of said, as much as can be, which is taken away. */
  void (*give)(struct raw_layer *layer, struct fc__buf *said, struct fc__buf *wire);
};

struct raw_end {
  struct h2_peer peer;     /* without a connection of the engine's */
  struct raw_layer *layer; /* NULL: frames are what is sent */
  struct fc__buf wire;     /* of a layer, not sent yet */
  struct sim *sim;
  struct fc__loop *loop;
  struct fc__transport *transport; /* NULL: none yet, or it is over */
  struct fc__listener *listener;
  bool connected, deaf; /* deaf: reads nothing any more */
  const char *greeting; /* a server's end says it instead of SETTINGS */
  unsigned accepted;    /* connections; the latest is the one that is spoken on */
};

/* address: "10.0.0.1:80", or the path of a Unix socket. */
void raw_end_connect(struct raw_end *end, struct sim *sim, const char *address);
void raw_end_listen(struct raw_end *end, struct sim *sim, const char *address);
/* The same behind a layer. */
void raw_end_connect_by(struct raw_end *end, struct sim *sim, const char *address,
                        struct raw_layer *layer);
void raw_end_listen_by(struct raw_end *end, struct sim *sim, const char *address,
                       struct raw_layer *layer);
void raw_end_hang_up(struct raw_end *end);
void raw_end_finish(struct raw_end *end);

/* A header block of any length, in as many frames as it needs. */
void raw_end_block(struct raw_end *end, uint32_t id, unsigned flags, fc_slice block);
/* A gRPC message as DATA frames; compressed is the byte that says so. */
void raw_end_message(struct raw_end *end, uint32_t id, unsigned flags, unsigned compressed,
                     fc_slice message);
/* The same without its frames: prefix and message in memory that lives until the next call. */
fc_slice raw_end_framed(unsigned compressed, fc_slice message);

/* Encoded fields, RFC 7541 section 6: by hand, so that a test chooses what enters the table. */
struct raw_block {
  uint8_t bytes[65536];
  size_t len;
};
enum raw_literal { RAW_PLAIN = 0x00, RAW_INSERTED = 0x40, RAW_NEVER_INDEXED = 0x10 };

void raw_block_begin(struct raw_block *b, const char *fields); /* plain literals, as h2_block_of */
void raw_block_literal(struct raw_block *b, enum raw_literal how, const char *name, fc_slice value);
/* The newest entry of the dynamic table is 62, RFC 7541 section 2.3.3. */
void raw_block_index(struct raw_block *b, unsigned index);
fc_slice raw_block_slice(const struct raw_block *b);

/* Bytes as they are; a layer's own are put into end.wire so. */
void raw_append(struct fc__buf *buf, fc_slice bytes);

/* What was built leaves, and 20 ms pass. */
void raw_end_go(struct raw_end *end);
/* What the other end has said since the last call. */
const char *raw_end_said(struct raw_end *end);

/* How often a text occurs in another. */
unsigned raw_end_count(const char *text, const char *part);

#endif
