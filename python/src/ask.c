/* What a call can be asked: the methods of Call and RpcContext. */
#include "callback.h"
#include "client.h"
#include "status.h"

static PyObject *initial_metadata(PyObject *object, PyObject *ignored) {
  (void)ignored;
  return engine_call_initial(engine_call_of(object));
}

static PyObject *trailing_metadata(PyObject *object, PyObject *ignored) {
  (void)ignored;
  return engine_call_trailing(engine_call_of(object));
}

/* Waits until the status is known, the one response's deserializing included, which may change it. */
static struct engine_call *ended(PyObject *object) {
  struct engine_call *call = engine_call_of(object);
  if (engine_call_wait(call, FC_NEVER) != FC_OK || engine_call_settle(call) < 0) return NULL;
  return call;
}

static PyObject *code(PyObject *object, PyObject *ignored) {
  (void)ignored;
  struct engine_call *call = ended(object);
  return call ? engine_code_to_object(call->engine, engine_call_code(call)) : NULL;
}

static PyObject *details(PyObject *object, PyObject *ignored) {
  (void)ignored;
  struct engine_call *call = ended(object);
  return call ? engine_call_details(call) : NULL;
}

static PyObject *debug_error_string(PyObject *object, PyObject *ignored) {
  (void)ignored;
  struct engine_call *call = ended(object);
  return call ? engine_call_debug_string(call) : NULL;
}

static PyObject *is_active(PyObject *object, PyObject *ignored) {
  (void)ignored;
  return PyBool_FromLong(!engine_call_is_over(engine_call_of(object)));
}

static PyObject *time_remaining(PyObject *object, PyObject *ignored) {
  (void)ignored;
  fc_call *call = engine_call_of(object)->flight->call;
  int64_t left = call ? fc_call_time_remaining(call) : FC_NEVER;
  if (left == FC_NEVER) Py_RETURN_NONE;
  return PyFloat_FromDouble((double)left / (double)FC_SECOND);
}

/* The peer may have ended the call a moment ago, unseen: it is cancelled all the same. */
static PyObject *cancel(PyObject *object, PyObject *ignored) {
  (void)ignored;
  struct engine_call *call = engine_call_of(object);
  if (engine_call_is_over(call)) Py_RETURN_FALSE;
  if (engine_call_decide(call, FC_CODE_CANCELLED, "Locally cancelled by application!") < 0)
    return NULL;
  call->cancelled = true;
  Py_RETURN_TRUE;
}

static PyObject *add_callback(PyObject *object, PyObject *callback) {
  int added = engine_callback_add(engine_call_of(object), callback, NULL);
  return added < 0 ? NULL : PyBool_FromLong(added);
}

PyMethodDef engine_ask_methods[] = {
    {"initial_metadata", initial_metadata, METH_NOARGS, "initial_metadata()\n--\n\nWaits for it."},
    {"trailing_metadata", trailing_metadata, METH_NOARGS,
     "trailing_metadata()\n--\n\nWaits for the end."},
    {"code", code, METH_NOARGS, "code()\n--\n\nWaits for the end."},
    {"details", details, METH_NOARGS, "details()\n--\n\nWaits for the end."},
    {"debug_error_string", debug_error_string, METH_NOARGS,
     "debug_error_string()\n--\n\nWaits for the end. What went wrong, where, and who said so."},
    {"is_active", is_active, METH_NOARGS, "is_active()\n--\n\nWhether it goes on."},
    {"time_remaining", time_remaining, METH_NOARGS,
     "time_remaining()\n--\n\nSeconds until the deadline, or None."},
    {"cancel", cancel, METH_NOARGS, "cancel()\n--\n\nEnds the call; whether it was not over."},
    {"add_callback", add_callback, METH_O,
     "add_callback(callback)\n--\n\nCalls back at the end; False when it is over."},
    {NULL, NULL, 0, NULL},
};
