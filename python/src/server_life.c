/* Start and end of a server, and of all servers with the interpreter. */
#include "errors.h"
#include "gil.h"
#include "server.h"

/* ---- the end ---- */

static void stop_running(struct engine_server *s) {
  if (!s->running) return;
  s->running = false;
  PyObject *done = s->on_end ? PyObject_CallNoArgs(s->on_end) : NULL;
  if (s->on_end && !done) PyErr_WriteUnraisable(s->on_end);
  Py_XDECREF(done);
  Py_DECREF((PyObject *)s);
}

void engine_server_ended(fc_server *server, void *user) {
  struct engine_gil gil;
  (void)server;
  if (!engine_gil_enter(&gil)) return;
  stop_running(user);
  engine_gil_leave(&gil);
}

/* ---- what the package calls ---- */

static PyObject *server_start(PyObject *self, PyObject *unused) {
  struct engine_server *s = engine_server_of(self);
  fc_error err = FC_ERROR_INIT;
  (void)unused;
  Py_INCREF((PyObject *)s);
  s->running = true;
  fc_result r = fc_server_start(s->server, &err);
  if (r == FC_OK) Py_RETURN_NONE;
  s->running = false;
  Py_DECREF((PyObject *)s);
  return engine_raise(r, &err);
}

static void shut_down(struct engine_server *s, int64_t grace) {
  ENGINE_WAIT_BEGIN(void) fc_server_shutdown(s->server, grace);
  ENGINE_WAIT_END
}

/* shutdown(grace): seconds; None is 0 */
static PyObject *server_shutdown(PyObject *self, PyObject *grace) {
  int64_t ns = 0;
  if (grace != Py_None && engine_seconds_to_ns(grace, &ns) < 0) return NULL;
  shut_down(engine_server_of(self), ns > 0 ? ns : 0);
  Py_RETURN_NONE;
}

/* Nobody has the server any more: what runs may end, nothing new begins. */
static PyObject *server_abandon(PyObject *self, PyObject *unused) {
  (void)unused;
  if (engine_server_of(self)->running) shut_down(engine_server_of(self), FC_NEVER);
  Py_RETURN_NONE;
}

/* Ends every server: at the interpreter's exit, and in a child made by fork, which has none of the threads. */
static PyObject *end_servers(PyObject *module, PyObject *unused) {
  (void)unused;
  struct engine_server *s = engine_of_module(module)->servers, *next;
  Py_XINCREF((PyObject *)s);
  for (; s; s = next) {
    if (s->running) shut_down(s, 0);
    next = s->next;
    Py_XINCREF((PyObject *)next);
    Py_DECREF((PyObject *)s);
  }
  Py_RETURN_NONE;
}

PyMethodDef engine_server_life[] = {
    {"start", server_start, METH_NOARGS, NULL},
    {"shutdown", server_shutdown, METH_O, NULL},
    {"abandon", server_abandon, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

PyMethodDef engine_server_functions[] = {
    {"end_servers", end_servers, METH_NOARGS,
     "end_servers()\n--\n\nCancels what the servers of this process do."},
    {NULL, NULL, 0, NULL},
};
