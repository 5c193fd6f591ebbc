/* Results and times. */
#include "errors.h"

PyObject *engine_raise(fc_result result, const fc_error *err) {
  const char *text = err && err->message[0] ? err->message : fc_result_text(result);
  switch (result) {
    case FC_ERR_NO_MEMORY:
      return PyErr_NoMemory();
    case FC_ERR_INVALID:
      PyErr_SetString(PyExc_ValueError, text);
      return NULL;
    case FC_ERR_SYSTEM:
      PyErr_SetString(PyExc_OSError, text);
      return NULL;
    default:
      PyErr_SetString(PyExc_RuntimeError, text);
      return NULL;
  }
}

int engine_seconds_to_ns(PyObject *seconds, int64_t *ns) {
  *ns = FC_NEVER;
  if (seconds == Py_None) return 0;
  double value = PyFloat_AsDouble(seconds);
  if (value == -1.0 && PyErr_Occurred()) return -1;
  /* 2^63 is the first number that does not fit; a NaN is refused as no time at all. */
  if (value != value) {
    PyErr_SetString(PyExc_ValueError, "a time is not a number");
    return -1;
  }
  double nanoseconds = value * 1e9;
  if (nanoseconds < -9223372036854775808.0) nanoseconds = -9223372036854775808.0;
  if (nanoseconds < 9223372036854775808.0) *ns = (int64_t)nanoseconds;
  return 0;
}
