#ifndef ENGINE_PLUGIN_H
#define ENGINE_PLUGIN_H
/* Call credentials that ask a Python function: the package's AuthMetadataPlugin. */
#include "module.h"

/* ask(service_url, method_name, answer) is called for each call; answer(metadata, error) may be called on any thread. -1
 * with an exception. */
int engine_plugin_create(struct engine *engine, PyObject *ask, const char *name,
                         fc_call_credentials **out);

int engine_plugin_add_type(PyObject *module);

#endif
