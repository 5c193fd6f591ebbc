/* A call as a future of its response. */
#include "callback.h"
#include "client.h"
#include "errors.h"

/* The timeout of (timeout=None), by place or name. */
static int read_timeout(PyObject *const *args, Py_ssize_t count, PyObject *names, int64_t *ns) {
  PyObject *timeout = count > 0 ? args[0] : Py_None;
  Py_ssize_t named = names ? PyTuple_Size(names) : 0;
  bool known =
      named == 0 || (named == 1 && count == 0 &&
                     PyUnicode_CompareWithASCIIString(PyTuple_GetItem(names, 0), "timeout") == 0);
  if (count > 1 || !known) {
    PyErr_SetString(PyExc_TypeError, "takes one argument, timeout");
    return -1;
  }
  if (named) timeout = args[0];
  if (engine_seconds_to_ns(timeout, ns) < 0) return -1;
  if (*ns < 0) *ns = 0;
  return 0;
}

static int raise_class(struct engine *engine, enum engine_class which) {
  PyObject *class = engine_class(engine, which);
  if (class) PyErr_SetNone(class);
  return -1;
}

/* Waits for the outcome: 0 it is there; -1 with the exception that says why not. */
static int wait_for_outcome(PyObject *object, PyObject *const *args, Py_ssize_t count,
                            PyObject *names) {
  struct engine_call *call = engine_call_of(object);
  int64_t timeout;
  if (read_timeout(args, count, names, &timeout) < 0) return -1;
  fc_result r = engine_call_wait(call, timeout);
  if (r == FC_ERR_TIMEOUT) return raise_class(call->engine, ENGINE_CLASS_FutureTimeoutError);
  if (r != FC_OK || engine_call_settle(call) < 0) return -1;
  if (!call->cancelled) return 0;
  return raise_class(call->engine, ENGINE_CLASS_FutureCancelledError);
}

static PyObject *result(PyObject *object, PyObject *const *args, Py_ssize_t count,
                        PyObject *names) {
  if (wait_for_outcome(object, args, count, names) < 0) return NULL;
  struct engine_call *call = engine_call_of(object);
  if (engine_call_code(call) != FC_CODE_OK) return engine_call_raise(object);
  PyObject *response = call->response ? call->response : Py_None;
  Py_INCREF(response);
  return response;
}

static PyObject *exception(PyObject *object, PyObject *const *args, Py_ssize_t count,
                           PyObject *names) {
  if (wait_for_outcome(object, args, count, names) < 0) return NULL;
  if (engine_call_code(engine_call_of(object)) == FC_CODE_OK) Py_RETURN_NONE;
  Py_INCREF(object);
  return object;
}

static PyObject *cancelled(PyObject *object, PyObject *ignored) {
  (void)ignored;
  return PyBool_FromLong(engine_call_of(object)->cancelled);
}

static PyObject *running(PyObject *object, PyObject *ignored) {
  (void)ignored;
  return PyBool_FromLong(!engine_call_is_over(engine_call_of(object)));
}

static PyObject *done(PyObject *object, PyObject *ignored) {
  (void)ignored;
  return PyBool_FromLong(engine_call_is_over(engine_call_of(object)));
}

/* Over already: at once, and what it raises is the caller's, as in grpcio. */
static PyObject *add_done_callback(PyObject *object, PyObject *function) {
  int added = engine_callback_add(engine_call_of(object), function, object);
  if (added < 0) return NULL;
  if (added == 0) {
    PyObject *ignored = PyObject_CallFunctionObjArgs(function, object, NULL);
    if (!ignored) return NULL;
    Py_DECREF(ignored);
  }
  Py_RETURN_NONE;
}

#define VECTOR(function) (PyCFunction)(void (*)(void)) function, METH_FASTCALL | METH_KEYWORDS

PyMethodDef engine_future_methods[] = {
    {"result", VECTOR(result), "result(timeout=None)\n--\n\nWaits for the response."},
    {"exception", VECTOR(exception), "exception(timeout=None)\n--\n\nWaits for the outcome."},
    {"cancelled", cancelled, METH_NOARGS, "cancelled()\n--\n\nWhether cancel() ended it."},
    {"running", running, METH_NOARGS, "running()\n--\n\nWhether it goes on."},
    {"done", done, METH_NOARGS, "done()\n--\n\nWhether it is over."},
    {"add_done_callback", add_done_callback, METH_O,
     "add_done_callback(fn)\n--\n\nCalls fn(self) at the end."},
    {NULL, NULL, 0, NULL},
};
