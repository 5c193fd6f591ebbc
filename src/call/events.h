#ifndef FC_CALL_EVENTS_H
#define FC_CALL_EVENTS_H
/* What the streams of a connection say, told to their calls. The owner of each connection is its fc__link. */
#include "http2/conn.h"

extern const struct fc__h2_events fc__call_events;

#endif
