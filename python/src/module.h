#ifndef ENGINE_MODULE_H
#define ENGINE_MODULE_H
/*
 * farcall._engine: the C library as Python types. It translates and decides nothing; names, texts and classes that users
 * see are those of the package farcall, which registers them here once.
 *
 * All state hangs on the module. An object of ours keeps a pointer to it, and its type keeps the module alive.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>

#include "farcall/rpc.h"

/* The package's classes and functions, by the names that _engine.register takes. */
#define ENGINE_CLASSES(X)                                                                          \
  X(StatusCode)                                                                                    \
  X(ChannelConnectivity)                                                                           \
  X(Compression)                                                                                   \
  X(Metadatum)                                                                                     \
  X(RpcError)                                                                                      \
  X(FutureTimeoutError)                                                                            \
  X(FutureCancelledError)                                                                          \
  X(invalid_metadata_error) /* (details) */                                                        \
  X(inactive_rpc_error) /* (initial metadata, trailing metadata, code, details, debug string) */   \
  X(MultiThreadedRendezvous)                                                                       \
  X(SingleThreadedRendezvous)                                                                      \
  X(log_exception)        /* (text, exception) */                                                  \
  X(log_server_exception) /* likewise */                                                           \
  X(ServicerContext)

/* The parts of the engine: each adds its types and functions to the module with engine_add_PART. */
#define ENGINE_PARTS(X)                                                                            \
  X(gil)                                                                                           \
  X(registry)                                                                                      \
  X(args)                                                                                          \
  X(credentials)                                                                                   \
  X(channel)                                                                                       \
  X(callable)                                                                                      \
  X(call)                                                                                          \
  X(pool)                                                                                          \
  X(exit)                                                                                          \
  X(server)                                                                                        \
  X(server_credentials)

enum engine_class {
#define X(name) ENGINE_CLASS_##name,
  ENGINE_CLASSES(X)
#undef X
      ENGINE_CLASS_COUNT
};

enum {
  ENGINE_CODE_COUNT = FC_CODE_UNAUTHENTICATED + 1,
  ENGINE_STATE_COUNT = 5,
  ENGINE_NAME_COUNT = 6
};

/* The types that the client makes objects of. */
enum engine_client_type {
  ENGINE_TYPE_CHANNEL,
  ENGINE_TYPE_WATCH,
  ENGINE_TYPE_CALL_CREDENTIALS,
  ENGINE_TYPE_CHANNEL_CREDENTIALS,
  ENGINE_TYPE_AUTH_ANSWER,
  ENGINE_CLIENT_TYPE_COUNT
};

/* The types and functions that the server makes objects of, or calls. */
enum engine_server_type {
  ENGINE_TYPE_HANDLER,
  ENGINE_TYPE_CONTEXT,
  ENGINE_TYPE_REQUESTS,
  ENGINE_TYPE_SENDER,
  ENGINE_TYPE_TASK,
  ENGINE_TYPE_CREDENTIALS,
  ENGINE_FUNCTION_SERVE,
  ENGINE_FUNCTION_GO_ON,
  ENGINE_SERVER_TYPE_COUNT
};

struct engine_channel;
struct engine_server;

/* The module's state. Every object in it is listed in module.c, for the garbage collector. */
struct engine {
  PyObject *classes[ENGINE_CLASS_COUNT];
  PyObject *codes[ENGINE_CODE_COUNT];   /* members of StatusCode, by number */
  PyObject *states[ENGINE_STATE_COUNT]; /* members of ChannelConnectivity, by number */
  PyObject *arg_names[ENGINE_NAME_COUNT];
  PyObject *client_types[ENGINE_CLIENT_TYPE_COUNT];
  PyObject *copy_context; /* of contextvars */
  PyObject *server_types[ENGINE_SERVER_TYPE_COUNT];
  struct engine_channel *channels; /* all that there are, linked by next */
  struct engine_server *servers;   /* all that there are, linked by next */
};

#define X(part) int engine_add_##part(PyObject *module);
ENGINE_PARTS(X)
#undef X

static inline struct engine *engine_of_module(PyObject *module) {
  return PyModule_GetState(module);
}

static inline PyTypeObject *engine_client_type(struct engine *engine,
                                               enum engine_client_type type) {
  return (PyTypeObject *)engine->client_types[type];
}

/* The engine of a type of ours, or of a class derived from one. Never NULL. */
struct engine *engine_of_type(PyTypeObject *type);

/* A borrowed class; NULL with RuntimeError when it was not registered. */
PyObject *engine_class(struct engine *engine, enum engine_class which);

/* Makes a heap type, adds it to the module under its short name, and returns a new reference. */
PyTypeObject *engine_add_type(PyObject *module, PyType_Spec *spec, PyObject *bases);

/* Gives a type more methods: their tables lie in several files, and a type's slots take one. */
int engine_add_methods(PyTypeObject *type, PyMethodDef *table);

#define ENGINE_SLOT(slot, function)                                                                \
  { slot, (void *)(function) }

/* Puts a new reference in the place of an old one, which is dropped last: that may run any code. */
static inline void engine_set(PyObject **place, PyObject *value) {
  PyObject *old = *place;
  *place = value;
  Py_XDECREF(old);
}

#endif
