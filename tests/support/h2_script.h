#ifndef FC_TESTS_H2_SCRIPT_H
#define FC_TESTS_H2_SCRIPT_H
/*
 * A conversation that can be held again and again: the bytes that the peer says, and between them what the owner of the
 * connection does. However the bytes are cut, what comes of it must be the same text.
 */
#include "base/random.h"
#include "support/h2_peer.h"

enum { H2_SCRIPT_ROOM = 1 << 20, H2_SCRIPT_STOPS = 1024 };

struct h2_script {
  bool server;
  bool answers;         /* whole requests are answered within their last event */
  unsigned reset_every; /* events in which the owner resets a stream: see h2_record */
  struct fc__h2_config config;
  unsigned requests;       /* a client's, opened before the first byte: ids 1, 3, 5... */
  uint64_t requests_ended; /* a bit for each that ends at once */
  uint8_t bytes[H2_SCRIPT_ROOM];
  size_t len;
  struct h2_stop {
    size_t at; /* once so many bytes were said */
    enum h2_stop_kind {
      H2_STOP_DRAIN,  /* output is written */
      H2_STOP_RESET,  /* the owner resets a stream with value as code */
      H2_STOP_FINISH, /* a server answers a stream; output is written */
      H2_STOP_PING,   /* with value as opaque */
    } kind;
    uint32_t id, value;
  } stops[H2_SCRIPT_STOPS];
  size_t stop_count;
};

void h2_script_begin(struct h2_script *script, bool server);
void h2_script_bytes(struct h2_script *script, fc_slice bytes);
void h2_script_frame(struct h2_script *script, unsigned type, unsigned flags, uint32_t id,
                     fc_slice payload);
void h2_script_u32(struct h2_script *script, unsigned type, uint32_t id, uint32_t value);
void h2_script_stop(struct h2_script *script, enum h2_stop_kind kind, uint32_t id, uint32_t value);

/* Holds the conversation: events, what was sent except WINDOW_UPDATEs (which depend on the cuts), and the failure.
 * random: the bytes come in pieces; NULL: in one from stop to stop. The caller frees the result. */
char *h2_script_play(const struct h2_script *script, const struct fc__h2_events *events,
                     struct fc__random *random);

#endif
