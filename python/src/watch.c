/*
 * The type Watch. What the library calls back with is an object of its own, counted, since a watch may be dropped while
 * its callback runs.
 */
#include "watch.h"

#include "codec.h"
#include "errors.h"
#include "gil.h"
#include "status.h"

struct watch {
  PyObject_HEAD struct engine_channel *channel;
  PyObject *callback; /* NULL once it was cancelled */
  fc_watch *watch;    /* NULL once the library was told so too */
  bool calling;       /* the callback runs */
};

static void tell(struct watch *self, fc_connectivity state) {
  struct engine *engine = self->channel->engine;
  PyObject *callback = self->callback;
  PyObject *member = engine_state_to_object(engine, state);
  Py_INCREF(callback);
  PyObject *done = member ? PyObject_CallFunctionObjArgs(callback, member, NULL) : NULL;
  if (!done) engine_log_exception(engine, "Exception calling channel subscription callback!");
  Py_XDECREF(done);
  Py_DECREF(callback);
  Py_XDECREF(member);
}

/* The library waits for a callback that runs, unless it is told by the callback itself. When the interpreter ends, the
 * thread of such a callback may be gone for good; the watch then goes with the process. */
static void end(struct watch *self) {
  fc_watch *watch = self->watch;
  self->watch = NULL;
  if (!watch || engine_is_closing()) return;
  Py_BEGIN_ALLOW_THREADS fc_watch_cancel(watch);
  Py_END_ALLOW_THREADS
}

/* Whoever drops the watch waits for this, until it has Python's lock: from then on it keeps the watch itself. */
static void on_state(fc_channel *channel, fc_connectivity state, void *user) {
  (void)channel;
  struct watch *self = user;
  struct engine_gil gil;
  if (!engine_gil_enter(&gil)) return;
  if (self->callback) {
    Py_INCREF((PyObject *)self);
    self->calling = true;
    tell(self, state);
    self->calling = false;
    if (!self->callback) end(self);
    Py_DECREF((PyObject *)self);
  }
  engine_gil_leave(&gil);
}

/* Does not wait for a callback that runs: it may need a lock that the caller has. */
static void cancel(struct watch *self) {
  Py_CLEAR(self->callback);
  if (!self->calling) end(self);
}

static PyObject *watch_cancel(PyObject *object, PyObject *ignored) {
  (void)ignored;
  cancel((struct watch *)object);
  Py_RETURN_NONE;
}

static int watch_traverse(PyObject *object, visitproc visit, void *arg) {
  struct watch *self = (struct watch *)object;
  Py_VISIT(self->channel);
  Py_VISIT(self->callback);
  Py_VISIT(Py_TYPE(object));
  return 0;
}

static int watch_clear(PyObject *object) {
  struct watch *self = (struct watch *)object;
  cancel(self);
  return 0;
}

static void watch_dealloc(PyObject *object) {
  struct watch *self = (struct watch *)object;
  PyTypeObject *type = Py_TYPE(object);
  PyObject_GC_UnTrack(object);
  (void)watch_clear(object);
  Py_XDECREF((PyObject *)self->channel);
  ((freefunc)PyType_GetSlot(type, Py_tp_free))(object);
  Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"cancel", watch_cancel, METH_NOARGS,
     "cancel()\n--\n\nEnds the watch. A callback that runs on another thread goes on."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    ENGINE_SLOT(Py_tp_dealloc, watch_dealloc),  ENGINE_SLOT(Py_tp_traverse, watch_traverse),
    ENGINE_SLOT(Py_tp_clear, watch_clear),      {Py_tp_methods, methods},
    {Py_tp_doc, "What Channel.watch returns."}, {0, NULL},
};

static PyType_Spec spec = {
    .name = "farcall._engine.Watch",
    .basicsize = sizeof(struct watch),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = slots,
};

PyObject *engine_watch_create(struct engine_channel *channel, PyObject *callback) {
  PyTypeObject *type = engine_client_type(channel->engine, ENGINE_TYPE_WATCH);
  struct watch *self = (struct watch *)PyType_GenericAlloc(type, 0);
  if (!self) return NULL;
  Py_INCREF((PyObject *)channel);
  self->channel = channel;
  Py_INCREF(callback);
  self->callback = callback;
  fc_result r = fc_channel_watch(channel->channel, on_state, self, &self->watch);
  if (r == FC_OK) return (PyObject *)self;
  Py_DECREF(self);
  return engine_raise(r, NULL);
}

int engine_watch_add_type(PyObject *module) {
  struct engine *engine = engine_of_module(module);
  engine->client_types[ENGINE_TYPE_WATCH] = (PyObject *)engine_add_type(module, &spec, NULL);
  return engine->client_types[ENGINE_TYPE_WATCH] ? 0 : -1;
}
