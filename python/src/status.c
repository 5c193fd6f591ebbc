/* Status codes, connectivity states and compression. */
#include "status.h"

#include <string.h>

static PyObject *member(PyObject *const *table, int count, int number, const char *what) {
  if (number >= 0 && number < count && table[number]) {
    Py_INCREF(table[number]);
    return table[number];
  }
  PyErr_Format(PyExc_RuntimeError, "%s has no member with the number %d", what, number);
  return NULL;
}

PyObject *engine_code_to_object(struct engine *engine, fc_code code) {
  return member(engine->codes, ENGINE_CODE_COUNT, (int)code, "StatusCode");
}

PyObject *engine_state_to_object(struct engine *engine, fc_connectivity state) {
  return member(engine->states, ENGINE_STATE_COUNT, (int)state, "ChannelConnectivity");
}

/* Members are singletons: looking for the very object is quicker than asking for its value. */
int engine_code_from_object(struct engine *engine, PyObject *object, fc_code *code) {
  for (int i = 0; i < ENGINE_CODE_COUNT; i++) {
    if (engine->codes[i] != object) continue;
    *code = (fc_code)i;
    return 0;
  }
  PyErr_Format(PyExc_TypeError, "%R is no StatusCode", object);
  return -1;
}

int engine_compression_from_object(PyObject *object, fc_compression *compression) {
  *compression = FC_COMPRESSION_UNSET;
  if (object == Py_None) return 0;
  PyObject *index = PyNumber_Index(object);
  long number = index ? PyLong_AsLong(index) : -1;
  Py_XDECREF(index);
  if (number == -1 && PyErr_Occurred()) return -1;
  if (number < 0 || number > FC_COMPRESSION_GZIP - FC_COMPRESSION_NONE) {
    PyErr_Format(PyExc_ValueError, "%R is no Compression", object);
    return -1;
  }
  *compression = (fc_compression)(FC_COMPRESSION_NONE + number);
  return 0;
}

PyObject *engine_text_to_object(const char *text) {
  return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
}
