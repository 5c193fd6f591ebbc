/* Requests on their way to a handler: the only one, or an iterator of many. */
#include "codec.h"
#include "gil.h"
#include "server.h"

struct requests {
  PyObject_HEAD struct engine_context *context;
};

/* Python's lock is given up only where there is nothing yet. */
static fc_result receive(struct engine_context *c, fc_bytes **message) {
  fc_call *call = engine_context_enter(c);
  if (!call) return FC_END;
  fc_result r = fc_call_try_recv(call, message);
  if (r == FC_ERR_TIMEOUT) {
    ENGINE_WAIT_BEGIN
    r = fc_call_recv(call, message);
    ENGINE_WAIT_END
  }
  engine_context_leave(c);
  return r;
}

/* NULL: the deserializer has failed, which ends the call. */
static PyObject *deserialize(struct engine_context *c, fc_bytes *message) {
  PyObject *request = engine_deserialize(c->engine, c->handler->deserializer, message);
  if (request) return request;
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  engine_answer_failure(c, FC_CODE_INTERNAL, "Exception deserializing request!");
  PyErr_Restore(type, value, traceback);
  return NULL;
}

/* ---- one ---- */

static PyObject *only_request(struct engine_context *c) {
  fc_bytes *message;
  fc_result r = receive(c, &message);
  if (r == FC_OK) return deserialize(c, message);
  if (!PyErr_Occurred() && !engine_context_is_gone(c)) {
    char text[300];
    PyOS_snprintf(text, sizeof text, "\"%.200s\" requires exactly one request message.",
                  fc_call_method(c->call));
    engine_answer_failure(c, FC_CODE_UNIMPLEMENTED, text);
  }
  return NULL;
}

/* ---- many ---- */

static PyObject *after_the_last(struct engine_context *c, fc_result r) {
  if (PyErr_Occurred()) return NULL; /* of a signal's handler */
  if (r == FC_ERR_BUSY) {
    PyErr_SetString(PyExc_ValueError, "another thread waits for the next request");
  } else if (r == FC_ERR_NO_MEMORY) {
    (void)PyErr_NoMemory();
  } else if (engine_context_is_gone(c)) {
    PyErr_SetNone(engine_class(c->engine, ENGINE_CLASS_RpcError));
  }
  return NULL; /* StopIteration, where nothing is set */
}

static PyObject *requests_next(PyObject *self) {
  struct engine_context *c = ((struct requests *)self)->context;
  fc_bytes *message;
  if (c->answered) return NULL;
  fc_result r = receive(c, &message);
  return r == FC_OK ? deserialize(c, message) : after_the_last(c, r);
}

/* The method that iterators had in Python 2, and grpcio's still have. */
static PyObject *requests_next_method(PyObject *self, PyObject *unused) {
  (void)unused;
  PyObject *request = requests_next(self);
  if (!request && !PyErr_Occurred()) PyErr_SetNone(PyExc_StopIteration);
  return request;
}

static PyObject *requests_create(struct engine_context *c) {
  PyTypeObject *type = (PyTypeObject *)c->engine->server_types[ENGINE_TYPE_REQUESTS];
  struct requests *r = (struct requests *)engine_new(type);
  if (!r) return NULL;
  Py_INCREF((PyObject *)c);
  r->context = c;
  return (PyObject *)r;
}

PyObject *engine_request(struct engine_context *c) {
  return c->handler->request_streaming ? requests_create(c) : only_request(c);
}

/* ---- the type ---- */

static int traverse(PyObject *self, visitproc visit, void *arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(((struct requests *)self)->context);
  return 0;
}

static void dealloc(PyObject *self) {
  PyObject_GC_UnTrack(self);
  Py_CLEAR(((struct requests *)self)->context);
  engine_free(self);
}

static PyMethodDef methods[] = {
    {"next", requests_next_method, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    ENGINE_SLOT(Py_tp_dealloc, dealloc),        ENGINE_SLOT(Py_tp_traverse, traverse),
    ENGINE_SLOT(Py_tp_iter, PyObject_SelfIter), ENGINE_SLOT(Py_tp_iternext, requests_next),
    ENGINE_SLOT(Py_tp_methods, methods),        {0, NULL},
};

PyType_Spec engine_requests_spec = {
    .name = "farcall._engine.RequestIterator",
    .basicsize = sizeof(struct requests),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = slots,
};
