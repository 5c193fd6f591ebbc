/* Metadata in both directions. */
#include "metadata.h"

#include <string.h>

/* ---- from Python ---- */

static bool is_binary(fc_slice key) {
  return key.len > 4 && memcmp(key.data + key.len - 4, "-bin", 4) == 0;
}

/* What belongs to gRPC and HTTP/2 themselves: programs that set such keys get what the library sends, as in grpcio. */
static bool is_librarys(fc_slice key) {
  static const char *const names[] = {"connection", "content-length",   "content-type",      "host",
                                      "keep-alive", "proxy-connection", "transfer-encoding", "te",
                                      "upgrade"};
  if (key.len >= 5 && memcmp(key.data, "grpc-", 5) == 0) return true;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (fc_slice_equals(key, names[i])) return true;
  }
  return false;
}

/* Borrows the text of a str or bytes; -1 with TypeError. A lone surrogate is no text, and gives what no key and value may
 * have. */
static int borrow(PyObject *object, fc_slice *out) {
  Py_ssize_t len = 1;
  const char *data = NULL;
  if (PyUnicode_Check(object)) {
    data = PyUnicode_AsUTF8AndSize(object, &len);
    if (!data) PyErr_Clear();
  } else if (PyBytes_Check(object)) {
    char *bytes;
    if (PyBytes_AsStringAndSize(object, &bytes, &len) == 0) data = bytes;
  } else {
    PyErr_Format(PyExc_TypeError, "Expected str, not %R", (PyObject *)Py_TYPE(object));
    return -1;
  }
  *out = (fc_slice){(const uint8_t *)(data ? data : "\n"), data ? (size_t)len : 1};
  return 0;
}

static int borrow_value(fc_slice key, PyObject *object, fc_slice *out) {
  if (!is_binary(key) || PyBytes_Check(object)) return borrow(object, out);
  PyErr_Format(PyExc_TypeError, "Binary metadata key=\"%.100s\" expected bytes, got %R", key.data,
               (PyObject *)Py_TYPE(object));
  return -1;
}

static int add_pair(fc_metadata *list, PyObject *key, PyObject *value, fc_error *err) {
  fc_slice k, v;
  if (borrow(key, &k) < 0 || borrow_value(k, value, &v) < 0) return -1;
  if (is_librarys(k)) return 0;
  /* The library reads a key as a C string: one with a zero inside would be cut. */
  const char *name = memchr(k.data, 0, k.len) ? "\n" : (const char *)k.data;
  fc_result r = fc_metadata_add(list, name, v, err);
  if (r == FC_ERR_INVALID) return 1;
  if (r != FC_OK) PyErr_NoMemory();
  return r == FC_OK ? 0 : -1;
}

static int add_item(fc_metadata *list, PyObject *item, fc_error *err) {
  PyObject *pair = PySequence_Tuple(item);
  if (!pair) return -1;
  int r = -1;
  if (PyTuple_Size(pair) == 2) {
    r = add_pair(list, PyTuple_GetItem(pair, 0), PyTuple_GetItem(pair, 1), err);
  } else {
    PyErr_Format(PyExc_ValueError, "metadata was invalid: %zd values instead of a key and a value",
                 PyTuple_Size(pair));
  }
  Py_DECREF(pair);
  return r;
}

static int add_items(fc_metadata *list, PyObject *items, fc_error *err) {
  int r = 0;
  for (Py_ssize_t i = 0; i < PyTuple_Size(items) && r == 0; i++)
    r = add_item(list, PyTuple_GetItem(items, i), err);
  return r;
}

int engine_metadata_read(PyObject *object, fc_metadata **out, fc_error *err) {
  *out = NULL;
  if (object == Py_None) return 0;
  PyObject *items = PySequence_Tuple(object);
  if (!items) return -1;
  int r = 0;
  if (PyTuple_Size(items) > 0) {
    *out = fc_metadata_create();
    r = *out ? add_items(*out, items, err) : -1;
    if (!*out) PyErr_NoMemory();
  }
  Py_DECREF(items);
  if (r == 0) return 0;
  fc_metadata_destroy(*out);
  *out = NULL;
  return r;
}

int engine_metadata_from_object(PyObject *object, fc_metadata **out) {
  fc_error err = FC_ERROR_INIT;
  int r = engine_metadata_read(object, out, &err);
  if (r > 0) PyErr_Format(PyExc_ValueError, "metadata was invalid: %s", err.message);
  return r == 0 ? 0 : -1;
}

/* ---- to Python ---- */

static PyObject *value_to_object(fc_metadata_entry entry) {
  const char *data = (const char *)entry.value.data;
  Py_ssize_t len = (Py_ssize_t)entry.value.len;
  if (is_binary(entry.key)) return PyBytes_FromStringAndSize(data, len);
  return PyUnicode_DecodeLatin1(data ? data : "", len, NULL);
}

/* The class is a named tuple, whose items are set like those of any new tuple. */
static PyObject *entry_to_object(PyTypeObject *class, allocfunc alloc, fc_metadata_entry entry) {
  PyObject *key =
      PyUnicode_DecodeLatin1((const char *)entry.key.data, (Py_ssize_t)entry.key.len, NULL);
  PyObject *value = key ? value_to_object(entry) : NULL;
  PyObject *pair = value ? alloc(class, 2) : NULL;
  if (!pair) {
    Py_XDECREF(key);
    Py_XDECREF(value);
    return NULL;
  }
  (void)PyTuple_SetItem(pair, 0, key);
  (void)PyTuple_SetItem(pair, 1, value);
  return pair;
}

/* -1 with an exception. */
static int set_entry(PyObject *list, size_t at, PyTypeObject *class, fc_metadata_entry entry) {
  allocfunc alloc = (allocfunc)PyType_GetSlot(class, Py_tp_alloc);
  PyObject *pair = entry_to_object(class, alloc, entry);
  return pair ? PyTuple_SetItem(list, (Py_ssize_t)at, pair) : -1;
}

/* last comes behind the others, unless its key is empty. */
static PyObject *list_to_object(struct engine *engine, const fc_metadata *metadata,
                                fc_metadata_entry last) {
  size_t count = fc_metadata_count(metadata), all = count + (last.key.len > 0);
  if (all == 0) return PyTuple_New(0);
  PyTypeObject *class = (PyTypeObject *)engine_class(engine, ENGINE_CLASS_Metadatum);
  PyObject *list = class ? PyTuple_New((Py_ssize_t)all) : NULL;
  for (size_t i = 0; list && i < all; i++) {
    fc_metadata_entry entry = i < count ? fc_metadata_at(metadata, i) : last;
    if (set_entry(list, i, class, entry) < 0) Py_CLEAR(list);
  }
  return list;
}

PyObject *engine_metadata_to_object(struct engine *engine, const fc_metadata *metadata) {
  return list_to_object(engine, metadata, (fc_metadata_entry){FC_SLICE_EMPTY, FC_SLICE_EMPTY});
}

PyObject *engine_trailing_to_object(struct engine *engine, fc_call *call) {
  fc_metadata_entry details = {FC_SLICE_EMPTY, fc_call_status(call)->details};
  if (details.value.len > 0) details.key = fc_slice_from_string("grpc-status-details-bin");
  return list_to_object(engine, fc_call_trailing_metadata(call), details);
}
