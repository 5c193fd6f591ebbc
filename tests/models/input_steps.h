#ifndef FC_TESTS_INPUT_STEPS_H
#define FC_TESTS_INPUT_STEPS_H
/* What the plain peer of the model of input says and does by chance. All draw from p->random. */
#include "models/model.h"
#include "support/plain_h2.h"

/* The header block of a request, a response or trailers, nearly always a right one. */
struct plain_h2_block input_block(struct plain_h2 *p, bool trailers);

/* One of the streams, or NULL while there is none. */
struct plain_h2_stream *input_some_stream(struct plain_h2 *p);

/* One step of the peer or of the owner, all of them right. */
void input_step(struct plain_h2 *p, unsigned headers_percent);
void input_settings(struct plain_h2 *p);
void input_ping(struct plain_h2 *p, uint64_t opaque, bool ack);
void input_go_away(struct plain_h2 *p);

/* Frames that break a rule, perhaps none, and the code with which the connection must fail. */
enum fc__h2_error input_put_broken(struct plain_h2 *p);
enum fc__h2_error input_put_broken_beginning(struct plain_h2 *p);

#endif
