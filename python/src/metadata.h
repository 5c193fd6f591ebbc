#ifndef ENGINE_METADATA_H
#define ENGINE_METADATA_H
/* Metadata: sequences of (key, value) on one side, fc_metadata on the other. */
#include "module.h"

/* Reads an iterable of pairs: keys are str or bytes, values str, or bytes for keys that end in "-bin". None and what is
 * empty give NULL in *out. 0, or -1 with an exception: ValueError "metadata was invalid: ..." */
int engine_metadata_from_object(PyObject *object, fc_metadata **out);

/* A tuple of the package's Metadatum (key, value): values are str, or bytes for keys that end in "-bin". A new reference;
 * NULL with an exception. */
PyObject *engine_metadata_to_object(struct engine *engine, const fc_metadata *metadata);

#endif
