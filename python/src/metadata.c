/* Metadata in both directions. */
#include "metadata.h"

#include <string.h>

/* ---- from Python ---- */

static int invalid(PyObject *object) {
  PyErr_Format(PyExc_ValueError, "metadata was invalid: %R", object);
  return -1;
}

/* Borrows the text of a str or bytes. False without an exception: it is neither. */
static bool borrow(PyObject *object, fc_slice *out) {
  Py_ssize_t len;
  const char *data = NULL;
  if (PyUnicode_Check(object)) {
    data = PyUnicode_AsUTF8AndSize(object, &len);
  } else if (PyBytes_Check(object)) {
    char *bytes;
    if (PyBytes_AsStringAndSize(object, &bytes, &len) == 0) data = bytes;
  }
  PyErr_Clear(); /* a lone surrogate, which is no text either */
  if (!data) return false;
  *out = (fc_slice){(const uint8_t *)data, (size_t)len};
  return true;
}

/* The library reads a key as a C string: one with a zero inside would be cut. */
static bool add_pair(fc_metadata *list, PyObject *key, PyObject *value, bool *no_memory) {
  fc_slice k, v;
  if (!borrow(key, &k) || !borrow(value, &v) || memchr(k.data, 0, k.len)) return false;
  fc_result r = fc_metadata_add(list, (const char *)k.data, v, NULL);
  *no_memory = r == FC_ERR_NO_MEMORY;
  return r == FC_OK;
}

/* all is what the message of an exception shows. */
static int add_item(fc_metadata *list, PyObject *item, PyObject *all) {
  bool no_memory = false, added = false;
  PyObject *pair = PySequence_Tuple(item);
  if (pair && PyTuple_Size(pair) == 2) {
    added = add_pair(list, PyTuple_GetItem(pair, 0), PyTuple_GetItem(pair, 1), &no_memory);
  }
  Py_XDECREF(pair);
  if (added) return 0;
  PyErr_Clear();
  if (!no_memory) return invalid(all);
  PyErr_NoMemory();
  return -1;
}

static int add_items(fc_metadata *list, PyObject *items, PyObject *all) {
  for (Py_ssize_t i = 0; i < PyTuple_Size(items); i++) {
    if (add_item(list, PyTuple_GetItem(items, i), all) < 0) return -1;
  }
  return 0;
}

int engine_metadata_from_object(PyObject *object, fc_metadata **out) {
  *out = NULL;
  if (object == Py_None) return 0;
  PyObject *items = PySequence_Tuple(object);
  if (!items) return -1;
  int r = 0;
  if (PyTuple_Size(items) > 0) {
    *out = fc_metadata_create();
    if (*out) {
      r = add_items(*out, items, items);
    } else {
      PyErr_NoMemory();
      r = -1;
    }
  }
  Py_DECREF(items);
  if (r == 0) return 0;
  fc_metadata_destroy(*out);
  *out = NULL;
  return -1;
}

/* ---- to Python ---- */

static bool is_binary(fc_slice key) {
  return key.len >= 4 && memcmp(key.data + key.len - 4, "-bin", 4) == 0;
}

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

PyObject *engine_metadata_to_object(struct engine *engine, const fc_metadata *metadata) {
  size_t count = fc_metadata_count(metadata);
  if (count == 0) return PyTuple_New(0);
  PyTypeObject *class = (PyTypeObject *)engine_class(engine, ENGINE_CLASS_Metadatum);
  PyObject *list = class ? PyTuple_New((Py_ssize_t)count) : NULL;
  if (!list) return NULL;
  allocfunc alloc = (allocfunc)PyType_GetSlot(class, Py_tp_alloc);
  for (size_t i = 0; i < count; i++) {
    PyObject *pair = entry_to_object(class, alloc, fc_metadata_at(metadata, i));
    if (!pair) {
      Py_DECREF(list);
      return NULL;
    }
    (void)PyTuple_SetItem(list, (Py_ssize_t)i, pair);
  }
  return list;
}
