/*
 * The type Call: the base of what a call returns. It derives from Exception, because a failed call is raised itself; its
 * own fields lie behind those of Exception, whose size only the interpreter knows.
 */
#include "client.h"
#include "status.h"

static Py_ssize_t base_size; /* the same in all interpreters of a process */

struct engine_call *engine_call_of(PyObject *object) {
  return (struct engine_call *)((char *)object + base_size);
}

/* ---- life ---- */

static PyObject *allocate(PyTypeObject *type) {
  newfunc base_new = (newfunc)PyType_GetSlot((PyTypeObject *)PyExc_Exception, Py_tp_new);
  PyObject *nothing = PyTuple_New(0);
  PyObject *object = nothing ? base_new(type, nothing, NULL) : NULL;
  Py_XDECREF(nothing);
  return object;
}

static PyObject *kept(PyObject *object) {
  Py_XINCREF(object);
  return object;
}

PyObject *engine_call_create(struct engine_method *method, enum engine_class class,
                             struct engine_flight *flight) {
  PyObject *type = engine_class(method->engine, class);
  PyObject *object = type ? allocate((PyTypeObject *)type) : NULL;
  if (!object) {
    engine_flight_unref(flight);
    return NULL;
  }
  struct engine_call *call = engine_call_of(object);
  call->engine = method->engine;
  call->flight = flight;
  call->streams = !(method->pattern & FC_PATTERN_STREAM_UNARY);
  call->deserializer = method->deserializer;
  Py_XINCREF(call->deserializer);
  return object;
}

static int call_traverse(PyObject *object, visitproc visit, void *arg) {
  struct engine_call *call = engine_call_of(object);
  Py_VISIT(Py_TYPE(object));
  Py_VISIT(call->deserializer);
  Py_VISIT(call->response);
  Py_VISIT(call->initial);
  Py_VISIT(call->trailing);
  Py_VISIT(call->own_details);
  Py_VISIT(call->own_debug);
  traverseproc base = (traverseproc)PyType_GetSlot((PyTypeObject *)PyExc_Exception, Py_tp_traverse);
  return base(object, visit, arg);
}

static int call_clear(PyObject *object) {
  struct engine_call *call = engine_call_of(object);
  Py_CLEAR(call->deserializer);
  Py_CLEAR(call->response);
  Py_CLEAR(call->initial);
  Py_CLEAR(call->trailing);
  Py_CLEAR(call->own_details);
  Py_CLEAR(call->own_debug);
  inquiry base = (inquiry)PyType_GetSlot((PyTypeObject *)PyExc_Exception, Py_tp_clear);
  return base(object);
}

/* Nobody can ask any more, but callbacks of the end may have been added. */
static void abandon(struct engine_call *call) {
  if (!call->flight) return;
  fc_call_cancel(call->flight->call, FC_CODE_CANCELLED, "Cancelled upon garbage collection!");
  engine_flight_unref(call->flight);
  call->flight = NULL;
}

/* Exception's own deallocation untracks the object once more, which does no harm, and frees it. */
static void call_dealloc(PyObject *object) {
  struct engine_call *call = engine_call_of(object);
  PyTypeObject *type = Py_TYPE(object);
  PyObject_GC_UnTrack(object);
  abandon(call);
  fc_bytes_unref(call->peeked);
  (void)call_clear(object);
  ((destructor)PyType_GetSlot((PyTypeObject *)PyExc_Exception, Py_tp_dealloc))(object);
  Py_DECREF(type);
}

/* A call that is over without ever having been made: what a pickled one comes back as. */
static PyObject *call_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
  static char *names[] = {"initial_metadata", "trailing_metadata",  "code",
                          "details",          "debug_error_string", NULL};
  PyObject *initial, *trailing, *code, *details, *debug;
  fc_code number;
  struct engine *engine = engine_of_type(type);
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOOUU", names, &initial, &trailing, &code,
                                   &details, &debug) ||
      engine_code_from_object(engine, code, &number) < 0)
    return NULL;
  PyObject *object = allocate(type);
  struct engine_flight *flight = object ? engine_flight_create(NULL) : NULL;
  if (!flight) {
    Py_XDECREF(object);
    return NULL;
  }
  struct engine_call *call = engine_call_of(object);
  call->engine = engine;
  call->flight = flight;
  call->initial = kept(initial);
  call->trailing = kept(trailing);
  call->own = true;
  call->own_code = number;
  call->own_details = kept(details);
  call->own_debug = kept(debug);
  return object;
}

/* ---- deciding the status on this side ---- */

int engine_call_decide(struct engine_call *call, fc_code code, const char *details) {
  PyObject *text = PyUnicode_FromString(details);
  if (!text) return -1;
  fc_call_cancel(call->flight->call, code, details);
  fc_bytes *peeked = call->peeked;
  call->peeked = NULL;
  engine_set(&call->own_details, text);
  call->own_code = code;
  call->own = true;
  fc_bytes_unref(peeked);
  return 0;
}

/* ---- the type ---- */

static PyObject *call_iter(PyObject *object) {
  Py_INCREF(object);
  return object;
}

static PyObject *call_repr(PyObject *object) {
  struct engine_call *call = engine_call_of(object);
  PyObject *name = PyType_GetName(Py_TYPE(object)), *result = NULL;
  if (!name) return NULL;
  if (!engine_call_is_over(call)) {
    result = PyUnicode_FromFormat("<%U object>", name);
  } else if (engine_call_settle(call) == 0) {
    result = engine_call_describe(call, name);
  }
  Py_DECREF(name);
  return result;
}

static PyObject *next_method(PyObject *object, PyObject *ignored) {
  (void)ignored;
  PyObject *message = engine_call_next(object);
  if (!message && !PyErr_Occurred()) PyErr_SetNone(PyExc_StopIteration);
  return message;
}

static PyMethodDef next_methods[] = {
    {"next", next_method, METH_NOARGS, "next()\n--\n\nThe next response, as next(call)."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    ENGINE_SLOT(Py_tp_new, call_new),
    ENGINE_SLOT(Py_tp_dealloc, call_dealloc),
    ENGINE_SLOT(Py_tp_traverse, call_traverse),
    ENGINE_SLOT(Py_tp_clear, call_clear),
    ENGINE_SLOT(Py_tp_iter, call_iter),
    ENGINE_SLOT(Py_tp_iternext, engine_call_next),
    ENGINE_SLOT(Py_tp_repr, call_repr),
    ENGINE_SLOT(Py_tp_str, call_repr),
    {Py_tp_doc, "A call of the library: iterator of its responses, future and context."},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "farcall._engine.Call",
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
    .slots = slots,
};

static int measure_base(void) {
  PyObject *size = PyObject_GetAttrString(PyExc_Exception, "__basicsize__");
  if (!size) return -1;
  base_size = PyLong_AsSsize_t(size);
  Py_DECREF(size);
  spec.basicsize = (int)(base_size + (Py_ssize_t)sizeof(struct engine_call));
  return PyErr_Occurred() ? -1 : 0;
}

int engine_add_call(PyObject *module) {
  if (measure_base() < 0) return -1;
  PyTypeObject *type = engine_add_type(module, &spec, PyExc_Exception);
  int r = type && engine_add_methods(type, engine_ask_methods) == 0 &&
                  engine_add_methods(type, engine_future_methods) == 0 &&
                  engine_add_methods(type, next_methods) == 0
              ? 0
              : -1;
  Py_XDECREF((PyObject *)type);
  return r;
}
