/* What a blocking call raises: an object of its own, without a call behind it. */
#include "client.h"
#include "metadata.h"
#include "status.h"

/* As in grpcio: the word of the code, what happened and where, and what the peer said of it. */
PyObject *engine_debug_string(fc_code code, const char *message, fc_origin origin, fc_call *call) {
  PyObject *text = engine_text_to_object(message), *result = NULL;
  char peer[160] = "";
  fc_call_peer(call, peer, sizeof peer);
  if (text && origin == FC_ORIGIN_PEER) {
    result = PyUnicode_FromFormat(
        "UNKNOWN:Error received from peer %s {grpc_message:\"%U\", grpc_status:%d}", peer, text,
        (int)code);
  } else if (text) {
    result = PyUnicode_FromFormat("%s:%U {grpc_status:%d%s%s}", fc_code_name(code), text, (int)code,
                                  peer[0] ? ", peer:" : "", peer);
  }
  Py_XDECREF(text);
  return result;
}

static PyObject *initial_of(struct engine *engine, fc_call *call) {
  const fc_metadata *list = NULL;
  if (call && fc_call_initial_metadata(call, 0, &list) != FC_OK) list = NULL;
  return engine_metadata_to_object(engine, list);
}

static PyObject *trailing_of(struct engine *engine, fc_call *call) {
  return call ? engine_trailing_to_object(engine, call) : engine_metadata_to_object(engine, NULL);
}

static PyObject *debug_of(fc_call *call, fc_code code, PyObject *details) {
  if (call) {
    const fc_status *status = fc_call_status(call);
    return engine_debug_string(status->code, status->message, status->origin, call);
  }
  const char *text = PyUnicode_AsUTF8AndSize(details, NULL);
  return text ? engine_debug_string(code, text, FC_ORIGIN_LOCAL, NULL) : NULL;
}

static void raise_object(PyObject *error) {
  if (!error) return;
  PyErr_SetObject((PyObject *)Py_TYPE(error), error);
  Py_DECREF(error);
}

PyObject *engine_raise_inactive(struct engine *engine, fc_call *call, fc_code code,
                                PyObject *details) {
  if (!details) return NULL;
  PyObject *class = engine_class(engine, ENGINE_CLASS_inactive_rpc_error);
  PyObject *code_object = class ? engine_code_to_object(engine, code) : NULL;
  PyObject *initial = code_object ? initial_of(engine, call) : NULL;
  PyObject *trailing = initial ? trailing_of(engine, call) : NULL;
  PyObject *debug = trailing ? debug_of(call, code, details) : NULL;
  if (debug) {
    raise_object(
        PyObject_CallFunctionObjArgs(class, initial, trailing, code_object, details, debug, NULL));
  }
  Py_XDECREF(debug);
  Py_XDECREF(trailing);
  Py_XDECREF(initial);
  Py_XDECREF(code_object);
  Py_DECREF(details);
  return NULL;
}
