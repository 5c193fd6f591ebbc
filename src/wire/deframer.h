#ifndef FC_WIRE_DEFRAMER_H
#define FC_WIRE_DEFRAMER_H
/* Messages out of a stream of bytes. Spec: PROTOCOL-HTTP2.md, Length-Prefixed-Message */
#include "farcall/base.h"

enum { FC__MESSAGE_PREFIX = 5 };

/* The longest message that can be sent. Its length has four bytes in the prefix; where size_t has no more, messages stay
 * below half of that, so that a length, the prefix and what waits already can be added up. */
#define FC__MESSAGE_MAX (SIZE_MAX > UINT32_MAX ? (size_t)UINT32_MAX : SIZE_MAX / 2)

struct fc__deframer {
  uint8_t prefix[FC__MESSAGE_PREFIX];
  uint8_t prefix_len;
  size_t message_len; /* that the prefix promises */
  /* len: received so far; capacity grows with what arrives, at most twice that + 4 KiB */
  fc_bytes *partial;
};

void fc__deframer_init(struct fc__deframer *d);
void fc__deframer_finish(struct fc__deframer *d);           /* frees a partial message */
bool fc__deframer_in_message(const struct fc__deframer *d); /* inside a prefix or a message */

/* Takes bytes from *data (advancing it) until one message is whole, or none are left.
 *
 * FC_OK            *message is a whole one (the caller owns it), *compressed its flag; call again
 *                  while data is left
 * FC_END           needs more bytes
 * FC_ERR_LIMIT     promises more than max_len, told at the fifth byte
 * FC_ERR_PROTOCOL  a flag other than 0 and 1
 * FC_ERR_NO_MEMORY
 *
 * After an error nothing is held; message_len still tells what was promised. */
fc_result fc__deframer_next(struct fc__deframer *d, fc_slice *data, size_t max_len,
                            fc_bytes **message, bool *compressed);

void fc__message_prefix(uint8_t out[FC__MESSAGE_PREFIX], size_t len, bool compressed);

#endif
