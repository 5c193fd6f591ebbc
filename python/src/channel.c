/* The type Channel: what the package's class stands on. */
#include "client.h"

#include <structmember.h>

#include "bytes.h"
#include "credentials.h"
#include "errors.h"
#include "options.h"
#include "status.h"
#include "watch.h"

fc_channel *engine_channel_open(struct engine_channel *channel) {
  if (!channel->closed) return channel->channel;
  PyErr_SetString(PyExc_ValueError, "Cannot invoke RPC on closed channel!");
  return NULL;
}

/* ---- life ---- */

/* Under Python's lock. */
static void enlist(struct engine_channel *self) {
  self->place = &self->engine->channels;
  self->next = *self->place;
  if (self->next) self->next->place = &self->next;
  *self->place = self;
}

static void unlist(struct engine_channel *self) {
  *self->place = self->next;
  if (self->next) self->next->place = self->place;
}

static int open_channel(struct engine_channel *self, const char *target, PyObject *pairs,
                        fc_channel_credentials *credentials) {
  struct engine_channel_options options;
  fc_error err = FC_ERROR_INIT;
  if (engine_channel_options_read(pairs, &options) < 0) return -1;
  options.options.credentials = credentials;
  self->single_threaded = options.single_threaded;
  self->max_send = engine_max_send(options.options.max_send_message_bytes);
  fc_result r = fc_channel_create(target, &options.options, &self->channel, &err);
  engine_channel_options_finish(&options);
  if (r == FC_OK) return 0;
  engine_raise(r, &err);
  return -1;
}

static PyObject *channel_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
  static char *names[] = {"target", "options", "credentials", NULL};
  const char *target;
  PyObject *pairs, *credentials_object = Py_None;
  fc_channel_credentials *credentials;
  struct engine *engine = engine_of_type(type);
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "sO|O", names, &target, &pairs,
                                   &credentials_object) ||
      engine_channel_credentials_from_object(engine, credentials_object, &credentials) < 0) {
    return NULL;
  }
  struct engine_channel *self =
      (struct engine_channel *)((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
  if (!self) return NULL;
  self->engine = engine;
  enlist(self);
  if (open_channel(self, target, pairs, credentials) == 0) return (PyObject *)self;
  Py_DECREF(self);
  return NULL;
}

static void channel_dealloc(PyObject *object) {
  struct engine_channel *self = (struct engine_channel *)object;
  PyTypeObject *type = Py_TYPE(object);
  PyObject_GC_UnTrack(object);
  unlist(self);
  fc_channel_destroy(self->channel);
  ((freefunc)PyType_GetSlot(type, Py_tp_free))(object);
  Py_DECREF(type);
}

static int channel_traverse(PyObject *object, visitproc visit, void *arg) {
  Py_VISIT(Py_TYPE(object));
  return 0;
}

/* ---- methods ---- */

static PyObject *channel_close(PyObject *object, PyObject *ignored) {
  (void)ignored;
  struct engine_channel *self = (struct engine_channel *)object;
  self->closed = true;
  Py_BEGIN_ALLOW_THREADS fc_channel_close(self->channel);
  Py_END_ALLOW_THREADS Py_RETURN_NONE;
}

static PyObject *channel_state(PyObject *object, PyObject *connect) {
  struct engine_channel *self = (struct engine_channel *)object;
  int truth = PyObject_IsTrue(connect);
  if (truth < 0) return NULL;
  return engine_state_to_object(self->engine, fc_channel_state(self->channel, truth != 0));
}

static PyObject *channel_watch(PyObject *object, PyObject *callback) {
  return engine_watch_create((struct engine_channel *)object, callback);
}

static PyMethodDef methods[] = {
    {"close", channel_close, METH_NOARGS,
     "close()\n--\n\nCancels the calls and closes the connections."},
    {"state", channel_state, METH_O,
     "state(connect)\n--\n\nThe state; with connect, an idle channel begins to connect."},
    {"watch", channel_watch, METH_O,
     "watch(callback)\n--\n\nCalls back with each state, until the Watch that is returned is "
     "cancelled."},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef members[] = {
    {"closed", T_BOOL, offsetof(struct engine_channel, closed), READONLY, "close() was called"},
    {"single_threaded", T_BOOL, offsetof(struct engine_channel, single_threaded), READONLY,
     "streams of responses are read by the iterating thread alone"},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot slots[] = {
    ENGINE_SLOT(Py_tp_new, channel_new),
    ENGINE_SLOT(Py_tp_dealloc, channel_dealloc),
    ENGINE_SLOT(Py_tp_traverse, channel_traverse),
    {Py_tp_methods, methods},
    {Py_tp_members, members},
    {Py_tp_doc, "Channel(target, options, credentials=None)\n--\n\nA channel of the library."},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "farcall._engine.Channel",
    .basicsize = sizeof(struct engine_channel),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
    .slots = slots,
};

int engine_add_channel(PyObject *module) {
  struct engine *engine = engine_of_module(module);
  engine->client_types[ENGINE_TYPE_CHANNEL] = (PyObject *)engine_add_type(module, &spec, NULL);
  return engine->client_types[ENGINE_TYPE_CHANNEL] && engine_watch_add_type(module) == 0 ? 0 : -1;
}
