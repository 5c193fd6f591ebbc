#ifndef ENGINE_STATUS_H
#define ENGINE_STATUS_H
/* Status codes, connectivity states and compression, as members of the package's enumerations. */
#include "module.h"

/* New references; NULL with an exception. */
PyObject *engine_code_to_object(struct engine *engine, fc_code code);
PyObject *engine_state_to_object(struct engine *engine, fc_connectivity state);

/* Of a member of StatusCode: 0, or -1 with TypeError. */
int engine_code_from_object(struct engine *engine, PyObject *object, fc_code *code);

/* Of None, a member of Compression, or its number: 0, or -1 with an exception. None is FC_COMPRESSION_UNSET. */
int engine_compression_from_object(PyObject *object, fc_compression *compression);

/* Text from a peer: UTF-8, where what is not shows as U+FFFD. A new reference; NULL with an exception. */
PyObject *engine_text_to_object(const char *text);

#endif
