/* What a handler asks of its context, and what it says of the answer to come. */
#include <string.h>

#include "auth.h"
#include "codec.h"
#include "errors.h"
#include "gil.h"
#include "metadata.h"
#include "server.h"
#include "status.h"

static struct engine_context *context_of(PyObject *self) { return (struct engine_context *)self; }

static PyObject *or_none(PyObject *object) {
  PyObject *result = object ? object : Py_None;
  Py_INCREF(result);
  return result;
}

/* ---- the call ---- */

static PyObject *is_active(PyObject *self, PyObject *unused) {
  struct engine_context *c = context_of(self);
  (void)unused;
  return PyBool_FromLong(c->call && !c->answered && !fc_call_is_done(c->call));
}

/* Without a deadline grpcio gives a time that never passes, and programs reckon with numbers. This is the longest that
 * Python's own waits take. */
static PyObject *time_remaining(PyObject *self, PyObject *unused) {
  struct engine_context *c = context_of(self);
  (void)unused;
  int64_t left = c->call ? fc_call_time_remaining(c->call) : 0;
  return PyFloat_FromDouble(left == FC_NEVER ? 9223372036.0 : (double)left / (double)FC_SECOND);
}

static PyObject *cancel(PyObject *self, PyObject *unused) {
  struct engine_context *c = context_of(self);
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
  struct engine_context *c = context_of(self);
  if (c->told) Py_RETURN_FALSE;
  int watched = c->callbacks ? 1 : watch_end(c);
  if (watched < 0) return NULL;
  if (watched == 0) Py_RETURN_FALSE;
  if (PyList_Append(c->callbacks, callback) < 0) return NULL;
  Py_RETURN_TRUE;
}

/* ---- the client ---- */

static PyObject *invocation_metadata(PyObject *self, PyObject *unused) {
  struct engine_context *c = context_of(self);
  const fc_metadata *metadata;
  (void)unused;
  if (!c->metadata && c->call) {
    if (fc_call_initial_metadata(c->call, 0, &metadata) != FC_OK) metadata = NULL;
    c->metadata = engine_metadata_to_object(c->engine, metadata);
    if (!c->metadata) return NULL;
  }
  return or_none(c->metadata);
}

static PyObject *peer(PyObject *self, PyObject *unused) {
  struct engine_context *c = context_of(self);
  char text[160];
  (void)unused;
  if (!c->peer && c->call) {
    fc_call_peer(c->call, text, sizeof text);
    c->peer = engine_text_to_object(text);
    if (!c->peer) return NULL;
  }
  return or_none(c->peer);
}

static PyObject *method(PyObject *self, PyObject *unused) {
  struct engine_context *c = context_of(self);
  (void)unused;
  if (!c->method && c->call) {
    c->method = engine_text_to_object(fc_call_method(c->call));
    if (!c->method) return NULL;
  }
  return or_none(c->method);
}

/* A dictionary and, behind it, the name of the identity. */
static PyObject *auth_pair(struct engine_context *c) {
  if (!c->auth && c->call) c->auth = engine_auth_to_object(fc_call_auth_context(c->call));
  if (!c->auth && !PyErr_Occurred()) c->auth = Py_BuildValue("{}O", Py_None);
  return c->auth;
}

/* A copy, for the handler to change. */
static PyObject *auth_context(PyObject *self, PyObject *unused) {
  PyObject *pair = auth_pair(context_of(self));
  (void)unused;
  return pair ? PyDict_Copy(PyTuple_GetItem(pair, 0)) : NULL;
}

static PyObject *peer_identity_key(PyObject *self, PyObject *unused) {
  PyObject *pair = auth_pair(context_of(self));
  (void)unused;
  return pair ? or_none(PyTuple_GetItem(pair, 1)) : NULL;
}

static PyObject *peer_identities(PyObject *self, PyObject *unused) {
  PyObject *pair = auth_pair(context_of(self));
  (void)unused;
  if (!pair) return NULL;
  PyObject *key = PyTuple_GetItem(pair, 1);
  return or_none(key == Py_None ? NULL : PyDict_GetItemWithError(PyTuple_GetItem(pair, 0), key));
}

/* ---- the answer ---- */

/* Once the headers have gone it has no effect, like in grpcio. */
static PyObject *set_compression(PyObject *self, PyObject *compression) {
  struct engine_context *c = context_of(self);
  fc_compression chosen;
  if (engine_compression_from_object(compression, &chosen) < 0) return NULL;
  if (c->call) (void)fc_call_set_compression(c->call, chosen);
  Py_RETURN_NONE;
}

static PyObject *disable_next_message_compression(PyObject *self, PyObject *unused) {
  (void)unused;
  context_of(self)->uncompressed = true;
  Py_RETURN_NONE;
}

static PyObject *send_initial_metadata(PyObject *self, PyObject *pairs) {
  struct engine_context *c = context_of(self);
  fc_metadata *metadata;
  if (engine_metadata_from_object(pairs, &metadata) < 0) return NULL;
  fc_result r = c->call ? fc_call_send_initial_metadata(c->call, metadata) : FC_ERR_CLOSED;
  fc_metadata_destroy(metadata);
  if (r == FC_OK) Py_RETURN_NONE;
  if (r == FC_ERR_BUSY || c->answered) {
    PyErr_SetString(PyExc_ValueError, "Initial metadata no longer allowed!");
  } else if (r == FC_ERR_CLOSED) {
    PyErr_SetNone(engine_class(c->engine, ENGINE_CLASS_RpcError));
  } else if (r == FC_ERR_LIMIT) {
    PyErr_SetString(PyExc_ValueError, "metadata was invalid: larger than the client takes");
  } else {
    (void)engine_raise(r, NULL);
  }
  return NULL;
}

/* The bytes of google.rpc.Status, which the library sends by itself. */
static bool is_status_details(PyObject *pair) {
  PyObject *key = PySequence_GetItem(pair, 0);
  const char *text = NULL;
  if (key && PyUnicode_Check(key)) text = PyUnicode_AsUTF8AndSize(key, NULL);
  if (key && PyBytes_Check(key)) text = PyBytes_AsString(key);
  bool is = text && strcmp(text, "grpc-status-details-bin") == 0;
  Py_XDECREF(key);
  PyErr_Clear();
  return is;
}

/* Divides pairs into what is metadata and the details of the status. A new list; NULL with an exception. */
static PyObject *split_trailing(PyObject *pairs, PyObject **details) {
  PyObject *rest = PyList_New(0), *all = PySequence_Tuple(pairs);
  *details = NULL;
  for (Py_ssize_t i = 0; rest && all && i < PyTuple_Size(all); i++) {
    PyObject *pair = PyTuple_GetItem(all, i);
    if (is_status_details(pair)) {
      PyObject *value = PySequence_GetItem(pair, 1);
      engine_set(details, value);
    } else if (PyList_Append(rest, pair) < 0) {
      Py_CLEAR(rest);
    }
  }
  if (!all) Py_CLEAR(rest);
  Py_XDECREF(all);
  return rest;
}

static int use_trailing(struct engine_context *c, PyObject *pairs) {
  PyObject *details = NULL, *rest = split_trailing(pairs, &details);
  fc_metadata *metadata = NULL;
  int r = rest ? engine_metadata_from_object(rest, &metadata) : -1;
  Py_XDECREF(rest);
  if (r == 0 && details && !PyBytes_Check(details)) {
    PyErr_Format(PyExc_ValueError, "metadata was invalid: %R", pairs);
    r = -1;
  }
  if (r == 0) {
    if (c->call) (void)fc_call_set_trailing_metadata(c->call, metadata);
    Py_XINCREF(details);
    engine_set(&c->status_details, details);
  }
  Py_XDECREF(details);
  fc_metadata_destroy(metadata);
  return r;
}

static PyObject *set_trailing_metadata(PyObject *self, PyObject *pairs) {
  struct engine_context *c = context_of(self);
  PyObject *kept = pairs == Py_None ? PyTuple_New(0) : PySequence_Tuple(pairs);
  int r = kept ? use_trailing(c, kept) : -1;
  if (r == 0) {
    PyObject *given = pairs == Py_None ? Py_None : kept;
    Py_INCREF(given);
    engine_set(&c->trailing, given);
  }
  Py_XDECREF(kept);
  if (r < 0) return NULL;
  Py_RETURN_NONE;
}

static PyObject *trailing_metadata(PyObject *self, PyObject *unused) {
  (void)unused;
  return or_none(context_of(self)->trailing);
}

static PyObject *set_code(PyObject *self, PyObject *code) {
  Py_INCREF(code);
  engine_set(&context_of(self)->code, code);
  Py_RETURN_NONE;
}

static PyObject *code(PyObject *self, PyObject *unused) {
  (void)unused;
  return or_none(context_of(self)->code);
}

/* Kept as the bytes that are sent, which is also what details() gives. */
static PyObject *set_details(PyObject *self, PyObject *details) {
  PyObject *bytes = details;
  if (PyUnicode_Check(details)) {
    bytes = PyUnicode_AsEncodedString(details, "utf-8", NULL);
  } else if (PyBytes_Check(details)) {
    Py_INCREF(bytes);
  } else {
    PyErr_Format(PyExc_TypeError, "details must be str, not %R", details);
    return NULL;
  }
  if (!bytes) return NULL;
  engine_set(&context_of(self)->details, bytes);
  Py_RETURN_NONE;
}

static PyObject *details(PyObject *self, PyObject *unused) {
  (void)unused;
  return or_none(context_of(self)->details);
}

static PyObject *set_aborted(PyObject *self, PyObject *unused) {
  (void)unused;
  context_of(self)->aborted = true;
  Py_RETURN_NONE;
}

static PyObject *is_aborted(PyObject *self, PyObject *unused) {
  (void)unused;
  return PyBool_FromLong(context_of(self)->aborted);
}

PyMethodDef engine_context_methods[] = {
    {"is_active", is_active, METH_NOARGS, NULL},
    {"time_remaining", time_remaining, METH_NOARGS, NULL},
    {"cancel", cancel, METH_NOARGS, NULL},
    {"add_callback", add_callback, METH_O, NULL},
    {"invocation_metadata", invocation_metadata, METH_NOARGS, NULL},
    {"peer", peer, METH_NOARGS, NULL},
    {"auth_context", auth_context, METH_NOARGS, NULL},
    {"peer_identity_key", peer_identity_key, METH_NOARGS, NULL},
    {"peer_identities", peer_identities, METH_NOARGS, NULL},
    {"set_compression", set_compression, METH_O, NULL},
    {"disable_next_message_compression", disable_next_message_compression, METH_NOARGS, NULL},
    {"send_initial_metadata", send_initial_metadata, METH_O, NULL},
    {"set_trailing_metadata", set_trailing_metadata, METH_O, NULL},
    {"trailing_metadata", trailing_metadata, METH_NOARGS, NULL},
    {"set_code", set_code, METH_O, NULL},
    {"code", code, METH_NOARGS, NULL},
    {"set_details", set_details, METH_O, NULL},
    {"details", details, METH_NOARGS, NULL},
    {"_set_aborted", set_aborted, METH_NOARGS, NULL},
    {"_is_aborted", is_aborted, METH_NOARGS, NULL},
    {"_method", method, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};
