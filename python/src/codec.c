/* Calling serializers. */
#include "codec.h"

#include "bytes.h"

PyObject *engine_take_exception(void) {
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  if (value && traceback) (void)PyException_SetTraceback(value, traceback);
  Py_XDECREF(type);
  Py_XDECREF(traceback);
  return value;
}

/* A log that fails itself says so on stderr, as logging does by default. */
static void log_by(struct engine *engine, enum engine_class function, const char *text) {
  PyObject *exception = engine_take_exception();
  PyObject *log = engine_class(engine, function);
  PyObject *done = log && exception ? PyObject_CallFunction(log, "sO", text, exception) : NULL;
  if (!done) PyErr_WriteUnraisable(log);
  Py_XDECREF(done);
  Py_XDECREF(exception);
}

void engine_log_exception(struct engine *engine, const char *text) {
  log_by(engine, ENGINE_CLASS_log_exception, text);
}

void engine_log_server_exception(struct engine *engine, const char *text) {
  log_by(engine, ENGINE_CLASS_log_server_exception, text);
}

/* None counts as a failure too, as in grpcio. */
static PyObject *check(struct engine *engine, PyObject *result, const char *text) {
  if (result && result != Py_None) return result;
  if (result) {
    Py_DECREF(result);
  } else if (PyErr_ExceptionMatches(PyExc_Exception)) {
    engine_log_exception(engine, text);
  }
  return NULL;
}

PyObject *engine_serialize(struct engine *engine, PyObject *serializer, PyObject *message) {
  if (!serializer) {
    Py_INCREF(message);
    return check(engine, message, "");
  }
  PyObject *result = PyObject_CallFunctionObjArgs(serializer, message, NULL);
  return check(engine, result, "Exception serializing message!");
}

PyObject *engine_deserialize(struct engine *engine, PyObject *deserializer, fc_bytes *bytes) {
  PyObject *message = engine_bytes_to_object(bytes);
  if (!message || !deserializer) return message;
  PyObject *result = PyObject_CallFunctionObjArgs(deserializer, message, NULL);
  Py_DECREF(message);
  return check(engine, result, "Exception deserializing message!");
}
