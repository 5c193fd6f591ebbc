/*
 * What became of a call. The library knows its status when that arrives; to the application the call goes on until it
 * has taken the messages before, so that it can still be cancelled.
 */
#include "callback.h"
#include "client.h"
#include "codec.h"
#include "gil.h"
#include "metadata.h"
#include "status.h"

/* Looks whether a message is left. Another thread that receives takes it by itself. */
static bool has_message(struct engine_call *call) {
  if (call->peeked) return true;
  return fc_call_try_recv(call->flight->call, &call->peeked) == FC_OK;
}

bool engine_call_is_over(struct engine_call *call) {
  if (call->own) return true;
  return fc_call_is_done(call->flight->call) && !(call->streams && has_message(call));
}

fc_result engine_call_wait(struct engine_call *call, int64_t timeout_ns) {
  fc_result r;
  if (call->own) return FC_OK;
  ENGINE_WAIT_BEGIN r = fc_call_wait(call->flight->call, timeout_ns);
  ENGINE_WAIT_END if (r == FC_OK || r == FC_ERR_CANCELLED) engine_callbacks_first(call->flight);
  return engine_waited(r == FC_ERR_CANCELLED ? FC_OK : r);
}

/* ---- the only response ---- */

/* The bytes of a call that is over are given once. */
static int settle(struct engine_call *call) {
  fc_bytes *bytes;
  call->settled = true;
  if (fc_call_recv(call->flight->call, &bytes) != FC_OK) return 0;
  PyObject *response = engine_deserialize(call->engine, call->deserializer, bytes);
  if (response) {
    engine_set(&call->response, response);
    return 0;
  }
  if (PyErr_Occurred()) return -1;
  return engine_call_decide(call, FC_CODE_INTERNAL, "Exception deserializing response!");
}

int engine_call_settle(struct engine_call *call) {
  if (call->streams || call->settled || call->own) return 0;
  return settle(call);
}

/* ---- the status ---- */

fc_code engine_call_code(struct engine_call *call) {
  return call->own ? call->own_code : fc_call_status(call->flight->call)->code;
}

PyObject *engine_call_details(struct engine_call *call) {
  if (!call->own) return engine_text_to_object(fc_call_status(call->flight->call)->message);
  Py_INCREF(call->own_details);
  return call->own_details;
}

PyObject *engine_call_debug_string(struct engine_call *call) {
  fc_call *c = call->flight->call;
  if (engine_call_code(call) == FC_CODE_OK) return PyUnicode_FromString("");
  if (!call->own) {
    const fc_status *status = fc_call_status(c);
    return engine_debug_string(status->code, status->message, status->origin, c);
  }
  if (call->own_debug) {
    Py_INCREF(call->own_debug);
    return call->own_debug;
  }
  const char *details = PyUnicode_AsUTF8AndSize(call->own_details, NULL);
  return details ? engine_debug_string(call->own_code, details, FC_ORIGIN_LOCAL, c) : NULL;
}

PyObject *engine_call_describe(struct engine_call *call, PyObject *name) {
  static const char ok[] = "<%U of RPC that terminated with:\n\tstatus = %S\n\tdetails = \"%U\"\n>";
  static const char not_ok[] =
      "<%U of RPC that terminated with:\n\tstatus = %S\n\tdetails = \"%U\"\n"
      "\tdebug_error_string = \"%U\"\n>";
  PyObject *result = NULL, *debug = NULL;
  PyObject *code = engine_code_to_object(call->engine, engine_call_code(call));
  PyObject *details = code ? engine_call_details(call) : NULL;
  if (details && engine_call_code(call) == FC_CODE_OK) {
    result = PyUnicode_FromFormat(ok, name, code, details);
  } else if (details && (debug = engine_call_debug_string(call)) != NULL) {
    result = PyUnicode_FromFormat(not_ok, name, code, details, debug);
  }
  Py_XDECREF(debug);
  Py_XDECREF(details);
  Py_XDECREF(code);
  return result;
}

/* ---- metadata ---- */

static PyObject *keep(PyObject **place, PyObject *value) {
  if (!value) return NULL;
  Py_INCREF(value);
  engine_set(place, value);
  return value;
}

static PyObject *kept(PyObject *value) {
  Py_INCREF(value);
  return value;
}

PyObject *engine_call_initial(struct engine_call *call) {
  fc_call *c = call->flight->call;
  const fc_metadata *list = NULL;
  fc_result r = FC_OK;
  if (call->initial) return kept(call->initial);
  if (c) {
    ENGINE_WAIT_BEGIN r = fc_call_initial_metadata(c, FC_NEVER, &list);
    ENGINE_WAIT_END
  }
  if (engine_waited(r) == FC_ERR_INTERRUPTED) return NULL;
  return keep(&call->initial, engine_metadata_to_object(call->engine, list));
}

PyObject *engine_call_trailing(struct engine_call *call) {
  if (call->trailing) return kept(call->trailing);
  if (engine_call_wait(call, FC_NEVER) != FC_OK) return NULL;
  fc_call *c = call->flight->call;
  if (!c || call->own) return keep(&call->trailing, PyTuple_New(0));
  return keep(&call->trailing, engine_trailing_to_object(call->engine, c));
}

PyObject *engine_call_raise(PyObject *object) {
  PyErr_SetObject((PyObject *)Py_TYPE(object), object);
  return NULL;
}
