/* What a handler asks of its context: of the call, of its end, of its client. */
#include "auth.h"
#include "codec.h"
#include "errors.h"
#include "gil.h"
#include "metadata.h"
#include "server.h"
#include "status.h"

/* ---- the call ---- */

static PyObject *is_active(PyObject *self, PyObject *unused) {
  struct engine_context *c = engine_context_of(self);
  (void)unused;
  return PyBool_FromLong(c->call && !c->answered && !fc_call_is_done(c->call));
}

/* Without a deadline grpcio gives a time that never passes, and programs reckon with numbers. This is the longest that
 * Python's own waits take. */
static PyObject *time_remaining(PyObject *self, PyObject *unused) {
  struct engine_context *c = engine_context_of(self);
  (void)unused;
  int64_t left = c->call ? fc_call_time_remaining(c->call) : 0;
  return PyFloat_FromDouble(left == FC_NEVER ? 9223372036.0 : (double)left / (double)FC_SECOND);
}

static PyObject *cancel(PyObject *self, PyObject *unused) {
  struct engine_context *c = engine_context_of(self);
  (void)unused;
  if (c->call) fc_call_cancel(c->call, FC_CODE_CANCELLED, "Cancelled by the server's application!");
  Py_RETURN_NONE;
}

/* ---- callbacks of the end ---- */

static void run_callbacks(struct engine_context *c) {
  PyObject *callbacks = c->callbacks;
  c->callbacks = NULL;
  c->told = true;
  for (Py_ssize_t i = 0; callbacks && i < PyList_Size(callbacks); i++) {
    PyObject *done = PyObject_CallNoArgs(PyList_GetItem(callbacks, i));
    if (!done) engine_log_server_exception(c->engine, "Exception calling callback!");
    Py_XDECREF(done);
  }
  Py_XDECREF(callbacks);
}

static void on_done(fc_call *call, void *user) {
  struct engine_context *c = user;
  struct engine_gil gil;
  (void)call;
  if (!engine_gil_enter(&gil)) return;
  run_callbacks(c);
  Py_DECREF((PyObject *)c);
  engine_gil_leave(&gil);
}

static int watch_end(struct engine_context *c) {
  c->callbacks = PyList_New(0);
  if (!c->callbacks) return -1;
  Py_INCREF((PyObject *)c);
  fc_result r = c->call ? fc_call_on_done(c->call, on_done, c) : FC_ERR_CLOSED;
  if (r == FC_OK) return 1;
  Py_DECREF((PyObject *)c);
  Py_CLEAR(c->callbacks);
  if (r == FC_ERR_CLOSED) return 0;
  (void)engine_raise(r, NULL);
  return -1;
}

static PyObject *add_callback(PyObject *self, PyObject *callback) {
  struct engine_context *c = engine_context_of(self);
  if (c->told) Py_RETURN_FALSE;
  int watched = c->callbacks ? 1 : watch_end(c);
  if (watched < 0) return NULL;
  if (watched == 0) Py_RETURN_FALSE;
  if (PyList_Append(c->callbacks, callback) < 0) return NULL;
  Py_RETURN_TRUE;
}

/* ---- the client ---- */

static PyObject *invocation_metadata(PyObject *self, PyObject *unused) {
  struct engine_context *c = engine_context_of(self);
  const fc_metadata *metadata;
  (void)unused;
  if (!c->metadata && c->call) {
    if (fc_call_initial_metadata(c->call, 0, &metadata) != FC_OK) metadata = NULL;
    c->metadata = engine_metadata_to_object(c->engine, metadata);
    if (!c->metadata) return NULL;
  }
  return engine_or_none(c->metadata);
}

static PyObject *peer(PyObject *self, PyObject *unused) {
  struct engine_context *c = engine_context_of(self);
  char text[160];
  (void)unused;
  if (!c->peer && c->call) {
    fc_call_peer(c->call, text, sizeof text);
    c->peer = engine_text_to_object(text);
    if (!c->peer) return NULL;
  }
  return engine_or_none(c->peer);
}

static PyObject *method(PyObject *self, PyObject *unused) {
  struct engine_context *c = engine_context_of(self);
  (void)unused;
  if (!c->method && c->call) {
    c->method = engine_text_to_object(fc_call_method(c->call));
    if (!c->method) return NULL;
  }
  return engine_or_none(c->method);
}

/* A dictionary and, behind it, the name of the identity. */
static PyObject *auth_pair(struct engine_context *c) {
  if (!c->auth && c->call) c->auth = engine_auth_to_object(fc_call_auth_context(c->call));
  if (!c->auth && !PyErr_Occurred()) c->auth = Py_BuildValue("{}O", Py_None);
  return c->auth;
}

/* A copy, for the handler to change. */
static PyObject *auth_context(PyObject *self, PyObject *unused) {
  PyObject *pair = auth_pair(engine_context_of(self));
  (void)unused;
  return pair ? PyDict_Copy(PyTuple_GetItem(pair, 0)) : NULL;
}

static PyObject *peer_identity_key(PyObject *self, PyObject *unused) {
  PyObject *pair = auth_pair(engine_context_of(self));
  (void)unused;
  return pair ? engine_or_none(PyTuple_GetItem(pair, 1)) : NULL;
}

static PyObject *peer_identities(PyObject *self, PyObject *unused) {
  PyObject *pair = auth_pair(engine_context_of(self));
  (void)unused;
  if (!pair) return NULL;
  PyObject *key = PyTuple_GetItem(pair, 1);
  return engine_or_none(key == Py_None ? NULL
                                       : PyDict_GetItemWithError(PyTuple_GetItem(pair, 0), key));
}

PyMethodDef engine_context_asks[] = {
    {"is_active", is_active, METH_NOARGS, NULL},
    {"time_remaining", time_remaining, METH_NOARGS, NULL},
    {"cancel", cancel, METH_NOARGS, NULL},
    {"add_callback", add_callback, METH_O, NULL},
    {"invocation_metadata", invocation_metadata, METH_NOARGS, NULL},
    {"peer", peer, METH_NOARGS, NULL},
    {"auth_context", auth_context, METH_NOARGS, NULL},
    {"peer_identity_key", peer_identity_key, METH_NOARGS, NULL},
    {"peer_identities", peer_identities, METH_NOARGS, NULL},
    {"_method", method, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};
