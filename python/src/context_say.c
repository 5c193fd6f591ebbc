/* What a handler says of the answer to come: metadata, compression, status. */
#include <string.h>

#include "errors.h"
#include "metadata.h"
#include "server.h"
#include "status.h"

/* Once the headers have gone it has no effect, like in grpcio. */
static PyObject *set_compression(PyObject *self, PyObject *compression) {
  struct engine_context *c = engine_context_of(self);
  fc_compression chosen;
  if (engine_compression_from_object(compression, &chosen) < 0) return NULL;
  if (c->call) (void)fc_call_set_compression(c->call, chosen);
  Py_RETURN_NONE;
}

static PyObject *disable_next_message_compression(PyObject *self, PyObject *unused) {
  (void)unused;
  engine_context_of(self)->uncompressed = true;
  Py_RETURN_NONE;
}

static PyObject *send_initial_metadata(PyObject *self, PyObject *pairs) {
  struct engine_context *c = engine_context_of(self);
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
  struct engine_context *c = engine_context_of(self);
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
  return engine_or_none(engine_context_of(self)->trailing);
}

static PyObject *set_code(PyObject *self, PyObject *code) {
  Py_INCREF(code);
  engine_set(&engine_context_of(self)->code, code);
  Py_RETURN_NONE;
}

static PyObject *code(PyObject *self, PyObject *unused) {
  (void)unused;
  return engine_or_none(engine_context_of(self)->code);
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
  engine_set(&engine_context_of(self)->details, bytes);
  Py_RETURN_NONE;
}

static PyObject *details(PyObject *self, PyObject *unused) {
  (void)unused;
  return engine_or_none(engine_context_of(self)->details);
}

static PyObject *set_aborted(PyObject *self, PyObject *unused) {
  (void)unused;
  engine_context_of(self)->aborted = true;
  Py_RETURN_NONE;
}

static PyObject *is_aborted(PyObject *self, PyObject *unused) {
  (void)unused;
  return PyBool_FromLong(engine_context_of(self)->aborted);
}

PyMethodDef engine_context_says[] = {
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
    {NULL, NULL, 0, NULL},
};
