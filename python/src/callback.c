/* Callbacks run on the library's thread: they take Python's lock, and what they raise goes to the log. */
#include "callback.h"

#include "codec.h"
#include "errors.h"
#include "gil.h"

struct callback {
  struct engine *engine;
  PyObject *function, *argument;
};

static void drop(struct callback *c) {
  Py_DECREF(c->function);
  Py_XDECREF(c->argument);
  PyMem_Free(c);
}

static void run(fc_call *call, void *user) {
  (void)call;
  struct callback *c = user;
  struct engine_gil gil;
  if (!engine_gil_enter(&gil)) return; /* the interpreter ends: nobody can drop the objects */
  PyObject *done = PyObject_CallFunctionObjArgs(c->function, c->argument, NULL);
  if (!done) engine_log_exception(c->engine, "Exception in callback of a call's end");
  Py_XDECREF(done);
  drop(c);
  engine_gil_leave(&gil);
}

int engine_callback_add(struct engine_call *call, PyObject *function, PyObject *argument) {
  if (call->own) return 0;
  struct callback *c = PyMem_Malloc(sizeof *c);
  if (!c) {
    PyErr_NoMemory();
    return -1;
  }
  Py_INCREF(function);
  Py_XINCREF(argument);
  *c = (struct callback){call->engine, function, argument};
  fc_result r = fc_call_on_done(call->flight->call, run, c);
  if (r == FC_OK) return 1;
  drop(c);
  if (r == FC_ERR_CLOSED) return 0;
  engine_raise(r, NULL);
  return -1;
}
