#ifndef ENGINE_ERRORS_H
#define ENGINE_ERRORS_H
/* Failures of the library's functions as Python exceptions. What became of a call is no exception here: see call.h. */
#include "module.h"

/* Sets the exception of a result: MemoryError, ValueError, OSError, RuntimeError. Returns NULL. err may be NULL. */
PyObject *engine_raise(fc_result result, const fc_error *err);

/* Seconds as Python counts them into nanoseconds: None is FC_NEVER, what is too large too. -1 with TypeError. */
int engine_seconds_to_ns(PyObject *seconds, int64_t *ns);

#endif
