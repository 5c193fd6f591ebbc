/*
 * Contexts: who may use the call, and until when. A handler may keep its context for ever, and hand it to other threads;
 * the call itself goes as soon as the handler is done and no thread is inside of the library with it. What can still be
 * asked then is kept.
 */
#include "gil.h"
#include "metadata.h"
#include "server.h"

struct engine_context *engine_context_create(struct engine_server *server,
                                             struct engine_handler *handler, fc_call *call) {
  struct engine *engine = server->engine;
  PyTypeObject *type = (PyTypeObject *)engine_class(engine, ENGINE_CLASS_ServicerContext);
  struct engine_context *c = type ? (struct engine_context *)engine_new(type) : NULL;
  if (!c) {
    (void)fc_call_finish(call, FC_CODE_RESOURCE_EXHAUSTED, "out of memory", FC_SLICE_EMPTY);
    fc_call_destroy(call);
    return NULL;
  }
  Py_INCREF((PyObject *)server);
  Py_INCREF((PyObject *)handler);
  c->engine = engine;
  c->server = server;
  c->handler = handler;
  c->call = call;
  return c;
}

/* ---- who uses the call ---- */

fc_call *engine_context_enter(struct engine_context *c) {
  if (c->call) c->users++;
  return c->call;
}

static void release_call(struct engine_context *c) {
  fc_call *call = c->call;
  c->call = NULL;
  fc_call_destroy(call);
}

void engine_context_leave(struct engine_context *c) {
  c->users--;
  if (c->given_up && c->users == 0) release_call(c);
}

/* Somebody may still ask. */
static void keep_answers(struct engine_context *c) {
  static const char *const questions[] = {"invocation_metadata", "peer", "auth_context", "_method"};
  for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
    PyObject *answer = PyObject_CallMethod((PyObject *)c, questions[i], NULL);
    if (!answer) PyErr_Clear();
    Py_XDECREF(answer);
  }
}

void engine_context_give_up(struct engine_context *c) {
  if (!c->call || c->given_up) return;
  c->given_up = true;
  if (Py_REFCNT((PyObject *)c) > 1) keep_answers(c);
  if (c->users == 0) release_call(c);
}

bool engine_context_is_gone(const struct engine_context *c) {
  return !c->answered && (!c->call || fc_call_is_done(c->call));
}

/* ---- the type ---- */

static int traverse(PyObject *self, visitproc visit, void *arg) {
  struct engine_context *c = (struct engine_context *)self;
  PyObject *const objects[] = {
      (PyObject *)Py_TYPE(self),
      (PyObject *)c->server,
      (PyObject *)c->handler,
      c->code,
      c->details,
      c->trailing,
      c->status_details,
      c->metadata,
      c->peer,
      c->auth,
      c->callbacks,
      c->method,
  };
  for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) Py_VISIT(objects[i]);
  return 0;
}

/* The server and the handler cannot be part of a cycle that only the collector ends: tasks and the library hold them. */
static int clear(PyObject *self) {
  struct engine_context *c = (struct engine_context *)self;
  Py_CLEAR(c->code);
  Py_CLEAR(c->details);
  Py_CLEAR(c->trailing);
  Py_CLEAR(c->metadata);
  Py_CLEAR(c->callbacks);
  return 0;
}

static void dealloc(PyObject *self) {
  struct engine_context *c = (struct engine_context *)self;
  PyObject_GC_UnTrack(self);
  if (c->call) release_call(c);
  (void)clear(self);
  Py_CLEAR(c->status_details);
  Py_CLEAR(c->peer);
  Py_CLEAR(c->method);
  Py_CLEAR(c->auth);
  Py_CLEAR(c->handler);
  Py_CLEAR(c->server);
  engine_free(self);
}

static PyType_Slot slots[] = {
    ENGINE_SLOT(Py_tp_dealloc, dealloc),
    ENGINE_SLOT(Py_tp_traverse, traverse),
    ENGINE_SLOT(Py_tp_clear, clear),
    {0, NULL},
};

PyType_Spec engine_context_spec = {
    .name = "farcall._engine.ServicerContext",
    .basicsize = sizeof(struct engine_context),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
    .slots = slots,
};
