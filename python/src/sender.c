/* What a handler that does not block answers with, from any thread: sender(response), and sender(None) at the end. */
#include "server.h"

struct sender {
  PyObject_HEAD struct engine_context *context;
};

static int send(struct engine_context *c, PyObject *response) {
  PyObject *bytes = engine_answer_serialize(c, response);
  if (!bytes) return PyErr_Occurred() ? -1 : 0;
  (void)engine_answer_next(c, bytes);
  Py_DECREF(bytes);
  return PyErr_Occurred() ? -1 : 0;
}

static PyObject *sender_call(PyObject *self, PyObject *args, PyObject *kwargs) {
  struct engine_context *c = ((struct sender *)self)->context;
  PyObject *response;
  (void)kwargs;
  if (!PyArg_ParseTuple(args, "O", &response)) return NULL;
  int r = 0;
  if (response == Py_None) {
    engine_answer(c, NULL);
  } else {
    r = send(c, response);
  }
  if (c->answered) engine_context_give_up(c);
  if (r < 0) return NULL;
  Py_RETURN_NONE;
}

PyObject *engine_sender_create(struct engine_context *c) {
  PyTypeObject *type = (PyTypeObject *)c->engine->server_types[ENGINE_TYPE_SENDER];
  struct sender *s = (struct sender *)engine_new(type);
  if (!s) return NULL;
  Py_INCREF((PyObject *)c);
  s->context = c;
  return (PyObject *)s;
}

static int traverse(PyObject *self, visitproc visit, void *arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(((struct sender *)self)->context);
  return 0;
}

static void dealloc(PyObject *self) {
  PyObject_GC_UnTrack(self);
  Py_CLEAR(((struct sender *)self)->context);
  engine_free(self);
}

static PyType_Slot slots[] = {
    ENGINE_SLOT(Py_tp_dealloc, dealloc),
    ENGINE_SLOT(Py_tp_traverse, traverse),
    ENGINE_SLOT(Py_tp_call, sender_call),
    {0, NULL},
};

PyType_Spec engine_sender_spec = {
    .name = "farcall._engine.ResponseSender",
    .basicsize = sizeof(struct sender),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = slots,
};
