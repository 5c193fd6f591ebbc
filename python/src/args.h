#ifndef ENGINE_ARGS_H
#define ENGINE_ARGS_H
/* The arguments of a call: (request, timeout, metadata, credentials, wait_for_ready, compression), by place or name. */
#include "module.h"

enum engine_arg {
  ENGINE_ARG_REQUEST, /* request, or request_iterator where the client streams */
  ENGINE_ARG_TIMEOUT,
  ENGINE_ARG_METADATA,
  ENGINE_ARG_CREDENTIALS,
  ENGINE_ARG_WAIT_FOR_READY,
  ENGINE_ARG_COMPRESSION,
  ENGINE_ARG_COUNT,
};

/* Borrowed; NULL where not given. */
struct engine_args {
  PyObject *value[ENGINE_ARG_COUNT];
};

/* Of tp_call. 0, or -1 with TypeError. streams: the client does. */
int engine_args_from_call(struct engine *engine, bool streams, PyObject *args, PyObject *kwargs,
                          struct engine_args *out);

/* Of a method with METH_FASTCALL | METH_KEYWORDS. */
int engine_args_from_vector(struct engine *engine, bool streams, PyObject *const *args,
                            Py_ssize_t count, PyObject *names, struct engine_args *out);

/* What the arguments but the request say. 0: engine_options_finish must follow; -1 with an exception. Any other: the fc_code
 * with which the call ends before it has begun, and err tells why: metadata that cannot be sent is INTERNAL. */
int engine_args_to_options(struct engine *engine, const struct engine_args *args,
                           fc_call_options *out, fc_error *err);
void engine_options_finish(fc_call_options *options);

#endif
