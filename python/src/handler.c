/* Method handlers, taken apart once for all their calls. */
#include "server.h"

/* 0; -1 with an exception. */
static int read_flag(PyObject *object, const char *name, bool *out) {
  PyObject *value = PyObject_GetAttrString(object, name);
  int truth = value ? PyObject_IsTrue(value) : -1;
  Py_XDECREF(value);
  *out = truth > 0;
  return truth < 0 ? -1 : 0;
}

static int read_function(PyObject *object, const char *name, PyObject **out) {
  PyObject *value = PyObject_GetAttrString(object, name);
  if (!value) return -1;
  if (value == Py_None) {
    Py_DECREF(value);
    value = NULL;
  }
  engine_set(out, value);
  return 0;
}

static const char *kind_of(const struct engine_handler *h) {
  if (h->request_streaming) return h->response_streaming ? "stream_stream" : "stream_unary";
  return h->response_streaming ? "unary_stream" : "unary_unary";
}

/* An attribute of the function, if it has it. */
static int read_mark(PyObject *function, const char *name, bool *out) {
  *out = false;
  if (!function || !PyObject_HasAttrString(function, name)) return 0;
  return read_flag(function, name, out);
}

/* A behavior may have a pool of threads to run on. */
static void read_pool(struct engine_handler *h) {
  PyObject *pool =
      h->behavior ? PyObject_GetAttrString(h->behavior, "experimental_thread_pool") : NULL;
  if (pool && !PyObject_HasAttrString(pool, "submit")) Py_CLEAR(pool);
  engine_set(&h->pool, pool);
  PyErr_Clear();
}

static int read_handler(struct engine_handler *h, PyObject *handler) {
  if (read_flag(handler, "request_streaming", &h->request_streaming) < 0) return -1;
  if (read_flag(handler, "response_streaming", &h->response_streaming) < 0) return -1;
  if (read_function(handler, "request_deserializer", &h->deserializer) < 0) return -1;
  if (read_function(handler, "response_serializer", &h->serializer) < 0) return -1;
  if (read_function(handler, kind_of(h), &h->behavior) < 0) return -1;
  read_pool(h);
  return read_mark(h->behavior, "experimental_non_blocking", &h->non_blocking);
}

struct engine_handler *engine_handler_create(struct engine *engine, PyObject *handler) {
  PyTypeObject *type = (PyTypeObject *)engine->server_types[ENGINE_TYPE_HANDLER];
  struct engine_handler *h = (struct engine_handler *)engine_new(type);
  if (!h || handler == Py_None) return h;
  Py_INCREF(handler);
  h->handler = handler;
  if (read_handler(h, handler) == 0) return h;
  Py_DECREF((PyObject *)h);
  return NULL;
}

static int handler_traverse(PyObject *self, visitproc visit, void *arg) {
  struct engine_handler *h = (struct engine_handler *)self;
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(h->handler);
  Py_VISIT(h->behavior);
  Py_VISIT(h->deserializer);
  Py_VISIT(h->serializer);
  Py_VISIT(h->pool);
  return 0;
}

static int handler_clear(PyObject *self) {
  struct engine_handler *h = (struct engine_handler *)self;
  Py_CLEAR(h->handler);
  Py_CLEAR(h->behavior);
  Py_CLEAR(h->deserializer);
  Py_CLEAR(h->serializer);
  Py_CLEAR(h->pool);
  return 0;
}

static void handler_dealloc(PyObject *self) {
  PyObject_GC_UnTrack(self);
  (void)handler_clear(self);
  engine_free(self);
}

static PyType_Slot slots[] = {
    ENGINE_SLOT(Py_tp_dealloc, handler_dealloc),
    ENGINE_SLOT(Py_tp_traverse, handler_traverse),
    ENGINE_SLOT(Py_tp_clear, handler_clear),
    {0, NULL},
};

PyType_Spec engine_handler_spec = {
    .name = "farcall._engine.Handler",
    .basicsize = sizeof(struct engine_handler),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = slots,
};
