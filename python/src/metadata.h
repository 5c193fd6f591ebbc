#ifndef ENGINE_METADATA_H
#define ENGINE_METADATA_H
/* Metadata: sequences of (key, value) on one side, fc_metadata on the other. */
#include "module.h"

/* Reads an iterable of pairs: keys are str or bytes, values str, or bytes for keys that end in "-bin". None and what is
 * empty give NULL in *out. 0; 1 when a key or value cannot be sent, which err explains; -1 with an exception. */
int engine_metadata_read(PyObject *object, fc_metadata **out, fc_error *err);

/* The same; what cannot be sent is ValueError "metadata was invalid: ..." */
int engine_metadata_from_object(PyObject *object, fc_metadata **out);

/* A tuple of the package's Metadatum (key, value): values are str, or bytes for keys that end in "-bin". A new reference;
 * NULL with an exception. */
PyObject *engine_metadata_to_object(struct engine *engine, const fc_metadata *metadata);

/* What came with the status of a client's call that is over, the details of the status among it. As above. */
PyObject *engine_trailing_to_object(struct engine *engine, fc_call *call);

#endif
