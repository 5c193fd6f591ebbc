/* The end of the interpreter, and signals while threads wait in the library. */
#include "client.h"
#include "gil.h"

/* On a thread that waits, so without Python's lock. An exception of the signal's handler stays set for the thread. */
static bool signal_raises(void *user) {
  (void)user;
  struct engine_gil gil;
  if (!engine_gil_enter(&gil)) return false;
  bool raised = PyErr_CheckSignals() < 0;
  engine_gil_leave(&gil);
  return raised;
}

/* Closed channels have nothing more to do when the process takes its libraries apart. */
static PyObject *end(PyObject *module, PyObject *ignored) {
  (void)ignored;
  struct engine *engine = engine_of_module(module);
  engine_gil_close();
  for (struct engine_channel *c = engine->channels; c; c = c->next) {
    c->closed = true;
    fc_channel_close(c->channel);
  }
  Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"end", end, METH_NOARGS,
     "end()\n--\n\nFor atexit: no callback is called any more, and every channel is closed."},
    {NULL, NULL, 0, NULL},
};

int engine_add_exit(PyObject *module) {
  fc_set_interrupt_check(signal_raises, NULL);
  return PyModule_AddFunctions(module, functions);
}
