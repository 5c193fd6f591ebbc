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

/* The package's classes, by the names that _engine.register takes. */
#define ENGINE_CLASSES(X)                                                                          \
  X(StatusCode)                                                                                    \
  X(ChannelConnectivity)                                                                           \
  X(Compression)                                                                                   \
  X(Metadatum)                                                                                     \
  X(RpcError)                                                                                      \
  X(FutureTimeoutError)                                                                            \
  X(FutureCancelledError)                                                                          \
  X(InactiveRpcError)                                                                              \
  X(MultiThreadedRendezvous)                                                                       \
  X(SingleThreadedRendezvous)                                                                      \
  X(ServicerContext)

/* The parts of the engine: each adds its types and functions to the module with engine_add_PART. */
#define ENGINE_PARTS(X) X(registry)

enum engine_class {
#define X(name) ENGINE_CLASS_##name,
  ENGINE_CLASSES(X)
#undef X
      ENGINE_CLASS_COUNT
};

enum { ENGINE_CODE_COUNT = FC_CODE_UNAUTHENTICATED + 1, ENGINE_STATE_COUNT = 5 };

/* The module's state. Every object in it is listed in module.c, for the garbage collector. */
struct engine {
  PyObject *classes[ENGINE_CLASS_COUNT];
  PyObject *codes[ENGINE_CODE_COUNT];   /* members of StatusCode, by number */
  PyObject *states[ENGINE_STATE_COUNT]; /* members of ChannelConnectivity, by number */
};

#define X(part) int engine_add_##part(PyObject *module);
ENGINE_PARTS(X)
#undef X

static inline struct engine *engine_of_module(PyObject *module) {
  return PyModule_GetState(module);
}

/* The engine of a type of ours, or of a class derived from one. Never NULL. */
struct engine *engine_of_type(PyTypeObject *type);

/* A borrowed class; NULL with RuntimeError when it was not registered. */
PyObject *engine_class(struct engine *engine, enum engine_class which);

/* Makes a heap type, adds it to the module under its short name, and returns a new reference. */
PyTypeObject *engine_add_type(PyObject *module, PyType_Spec *spec, PyObject *bases);

#define ENGINE_SLOT(slot, function)                                                                \
  { slot, (void *)(function) }

/* Puts a new reference in the place of an old one, which is dropped last: that may run any code. */
static inline void engine_set(PyObject **place, PyObject *value) {
  PyObject *old = *place;
  *place = value;
  Py_XDECREF(old);
}

#endif
