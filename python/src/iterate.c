/* A call as the iterator of its responses. */
#include "callback.h"
#include "client.h"
#include "codec.h"
#include "gil.h"

static PyObject *fail_deserializing(PyObject *object) {
  if (PyErr_Occurred()) return NULL;
  if (engine_call_decide(engine_call_of(object), FC_CODE_INTERNAL,
                         "Exception deserializing response!") < 0)
    return NULL;
  return engine_call_raise(object);
}

static PyObject *give(PyObject *object, fc_bytes *message) {
  struct engine_call *call = engine_call_of(object);
  PyObject *response = engine_deserialize(call->engine, call->deserializer, message);
  return response ? response : fail_deserializing(object);
}

/* NULL without an exception is the end. */
static PyObject *end(PyObject *object) {
  struct engine_call *call = engine_call_of(object);
  engine_callbacks_first(call->flight);
  return engine_call_code(call) == FC_CODE_OK ? NULL : engine_call_raise(object);
}

/* What has arrived already costs no change of locks. */
static fc_result receive(struct engine_call *call, fc_bytes **message) {
  fc_call *c = call->flight->call;
  fc_result r = fc_call_try_recv(c, message);
  if (r != FC_ERR_TIMEOUT) return r;
  ENGINE_WAIT_BEGIN r = fc_call_recv(c, message);
  ENGINE_WAIT_END if (engine_waited(r) == r) return r;
  call->peeked = *message; /* for the next time */
  return FC_ERR_INTERRUPTED;
}

PyObject *engine_call_next(PyObject *object) {
  struct engine_call *call = engine_call_of(object);
  fc_bytes *message = call->peeked;
  call->peeked = NULL;
  if (message) return give(object, message);
  if (call->own) return end(object);
  switch (receive(call, &message)) {
    case FC_OK:
      return give(object, message);
    case FC_END:
      return end(object);
    case FC_ERR_INTERRUPTED:
      return NULL;
    case FC_ERR_BUSY:
      PyErr_SetString(PyExc_ValueError, "another thread iterates over this call");
      return NULL;
    default:
      return PyErr_NoMemory();
  }
}
