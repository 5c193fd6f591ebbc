/* The callables of a method, one type for each pattern: blocking calls, futures, streams. */
#include "module.h"

#include <structmember.h>

#include "blocking.h"
#include "launch.h"

/* ---- what the types do when they are called ---- */

static bool client_streams(const struct engine_method *self) {
  return !(self->pattern & FC_PATTERN_UNARY_STREAM);
}

static PyObject *call_blocking(PyObject *object, PyObject *args, PyObject *kwargs) {
  struct engine_method *self = (struct engine_method *)object;
  struct engine_args read;
  if (engine_args_from_call(self->engine, client_streams(self), args, kwargs, &read) < 0)
    return NULL;
  return client_streams(self) ? engine_block_on_requests(self, &read, false)
                              : engine_block_on_request(self, &read, false);
}

static PyObject *call_streaming(PyObject *object, PyObject *args, PyObject *kwargs) {
  struct engine_method *self = (struct engine_method *)object;
  struct engine_args read;
  if (engine_args_from_call(self->engine, client_streams(self), args, kwargs, &read) < 0)
    return NULL;
  return engine_launch(self, &read);
}

static PyObject *with_call(PyObject *object, PyObject *const *args, Py_ssize_t count,
                           PyObject *names) {
  struct engine_method *self = (struct engine_method *)object;
  struct engine_args read;
  if (engine_args_from_vector(self->engine, client_streams(self), args, count, names, &read) < 0)
    return NULL;
  return client_streams(self) ? engine_block_on_requests(self, &read, true)
                              : engine_block_on_request(self, &read, true);
}

static PyObject *future(PyObject *object, PyObject *const *args, Py_ssize_t count,
                        PyObject *names) {
  struct engine_method *self = (struct engine_method *)object;
  struct engine_args read;
  if (engine_args_from_vector(self->engine, client_streams(self), args, count, names, &read) < 0)
    return NULL;
  return engine_launch(self, &read);
}

/* ---- life ---- */

static PyObject *none_to_null(PyObject *object) {
  if (object == Py_None) return NULL;
  Py_INCREF(object);
  return object;
}

static PyObject *create(PyTypeObject *type, PyObject *args, PyObject *kwargs, fc_pattern pattern) {
  static char *names[] = {"channel", "method", "request_serializer", "response_deserializer", NULL};
  struct engine *engine = engine_of_type(type);
  PyObject *channel, *path, *serializer, *deserializer;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!OOO", names,
                                   engine_client_type(engine, ENGINE_TYPE_CHANNEL), &channel, &path,
                                   &serializer, &deserializer))
    return NULL;
  path = PyUnicode_Check(path) ? PyUnicode_AsUTF8String(path) : PyObject_Bytes(path);
  if (!path) return NULL;
  struct engine_method *self =
      (struct engine_method *)((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
  if (!self) {
    Py_DECREF(path);
    return NULL;
  }
  self->engine = engine;
  Py_INCREF((PyObject *)channel);
  self->channel = (struct engine_channel *)channel;
  self->path_object = path;
  self->path = PyBytes_AsString(path);
  self->serializer = none_to_null(serializer);
  self->deserializer = none_to_null(deserializer);
  self->pattern = pattern;
  return (PyObject *)self;
}

static int method_traverse(PyObject *object, visitproc visit, void *arg) {
  struct engine_method *self = (struct engine_method *)object;
  Py_VISIT(self->channel);
  Py_VISIT(self->serializer);
  Py_VISIT(self->deserializer);
  Py_VISIT(Py_TYPE(object));
  return 0;
}

static int method_clear(PyObject *object) {
  struct engine_method *self = (struct engine_method *)object;
  Py_CLEAR(self->serializer);
  Py_CLEAR(self->deserializer);
  return 0;
}

static void method_dealloc(PyObject *object) {
  struct engine_method *self = (struct engine_method *)object;
  PyTypeObject *type = Py_TYPE(object);
  PyObject_GC_UnTrack(object);
  (void)method_clear(object);
  Py_XDECREF((PyObject *)self->channel);
  Py_XDECREF(self->path_object);
  ((freefunc)PyType_GetSlot(type, Py_tp_free))(object);
  Py_DECREF(type);
}

/* ---- the types ---- */

#define VECTOR(function) (PyCFunction)(void (*)(void)) function, METH_FASTCALL | METH_KEYWORDS

static PyMethodDef one_response[] = {
    {"with_call", VECTOR(with_call),
     "with_call(request, timeout=None, metadata=None, credentials=None, wait_for_ready=None, "
     "compression=None)\n--\n\nThe response and the call."},
    {"future", VECTOR(future),
     "future(request, timeout=None, metadata=None, credentials=None, wait_for_ready=None, "
     "compression=None)\n--\n\nThe call, which is a future of its response."},
    {NULL, NULL, 0, NULL},
};

static PyMethodDef many_responses[] = {{NULL, NULL, 0, NULL}};

/* The names that libraries which look into grpcio's know. */
static PyMemberDef members[] = {
    {"_method", T_OBJECT, offsetof(struct engine_method, path_object), READONLY, "the path"},
    {"_request_serializer", T_OBJECT, offsetof(struct engine_method, serializer), READONLY,
     "or None"},
    {"_response_deserializer", T_OBJECT, offsetof(struct engine_method, deserializer), READONLY,
     "or None"},
    {NULL, 0, 0, 0, NULL},
};

#define TYPE(title, pattern, call_function, table)                                                 \
  static PyObject *title##_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {             \
    return create(type, args, kwargs, pattern);                                                    \
  }                                                                                                \
  static PyType_Slot title##_slots[] = {                                                           \
      ENGINE_SLOT(Py_tp_new, title##_new),                                                         \
      ENGINE_SLOT(Py_tp_call, call_function),                                                      \
      ENGINE_SLOT(Py_tp_dealloc, method_dealloc),                                                  \
      ENGINE_SLOT(Py_tp_traverse, method_traverse),                                                \
      ENGINE_SLOT(Py_tp_clear, method_clear),                                                      \
      {Py_tp_methods, table},                                                                      \
      {Py_tp_members, members},                                                                    \
      {0, NULL},                                                                                   \
  };                                                                                               \
  static PyType_Spec title##_spec = {                                                              \
      .name = "farcall._engine." #title,                                                           \
      .basicsize = sizeof(struct engine_method),                                                   \
      .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,                      \
      .slots = title##_slots,                                                                      \
  };

TYPE(UnaryUnary, FC_PATTERN_UNARY_UNARY, call_blocking, one_response)
TYPE(UnaryStream, FC_PATTERN_UNARY_STREAM, call_streaming, many_responses)
TYPE(StreamUnary, FC_PATTERN_STREAM_UNARY, call_blocking, one_response)
TYPE(StreamStream, FC_PATTERN_STREAM_STREAM, call_streaming, many_responses)

int engine_add_callable(PyObject *module) {
  PyType_Spec *const specs[] = {&UnaryUnary_spec, &UnaryStream_spec, &StreamUnary_spec,
                                &StreamStream_spec};
  for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
    PyTypeObject *type = engine_add_type(module, specs[i], NULL);
    if (!type) return -1;
    Py_DECREF((PyObject *)type);
  }
  return 0;
}
