#ifndef ENGINE_BLOCKING_H
#define ENGINE_BLOCKING_H
/* Calls that the calling thread waits for: the response, or a tuple of it and the call. */
#include "args.h"
#include "client.h"

PyObject *engine_block_on_request(struct engine_method *self, const struct engine_args *args,
                                  bool with_call);
PyObject *engine_block_on_requests(struct engine_method *self, const struct engine_args *args,
                                   bool with_call);

#endif
