/* Numbers of options: read from Python, and put into the field of an options struct. */
#include "option_values.h"

static int64_t milliseconds(long long value) {
  if (value >= INT32_MAX) return FC_NEVER;
  return value > 0 ? value * FC_MILLISECOND : FC_MILLISECOND;
}

static size_t bytes(long long value) {
  if (value == 0) return 1;
  return (unsigned long long)value < SIZE_MAX ? (size_t)value : SIZE_MAX;
}

void engine_option_store(int kind, void *field, long long value) {
  switch (kind) {
    case ENGINE_OPTION_FLAG:
      *(bool *)field = value != 0;
      break;
    case ENGINE_OPTION_BYTES:
      *(size_t *)field = value < 0 ? SIZE_MAX : bytes(value);
      break;
    case ENGINE_OPTION_BYTES_OR_0:
      *(size_t *)field = value < 0 ? 0 : bytes(value);
      break;
    case ENGINE_OPTION_U32:
      *(uint32_t *)field = value < 0 ? 0 : value > INT32_MAX ? INT32_MAX : (uint32_t)value;
      break;
    case ENGINE_OPTION_MS:
      *(int64_t *)field = milliseconds(value);
      break;
    case ENGINE_OPTION_COMPRESSION:
      if (value >= 0 && value <= FC_COMPRESSION_GZIP - FC_COMPRESSION_NONE)
        *(fc_compression *)field = (fc_compression)(FC_COMPRESSION_NONE + value);
      break;
    default:
      break;
  }
}

int engine_option_number(PyObject *value, long long *out) {
  PyObject *number = PyUnicode_Check(value) || PyBytes_Check(value) ? NULL : PyNumber_Long(value);
  if (!number) {
    PyErr_Clear();
    return -1;
  }
  int overflow;
  *out = PyLong_AsLongLongAndOverflow(number, &overflow);
  if (overflow) *out = overflow < 0 ? LLONG_MIN : LLONG_MAX;
  Py_DECREF(number);
  return 0;
}
