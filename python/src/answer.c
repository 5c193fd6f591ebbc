/* What a server's call is answered with: responses and the status. */
#include <string.h>

#include "bytes.h"
#include "codec.h"
#include "errors.h"
#include "gil.h"
#include "server.h"

/* ---- the status ---- */

/* What is no StatusCode counts as UNKNOWN. */
static fc_code code_of(struct engine_context *c, fc_code otherwise) {
  fc_code code = FC_CODE_UNKNOWN;
  if (!c->code || c->code == Py_None) return otherwise;
  for (int i = 0; i < ENGINE_CODE_COUNT; i++) {
    if (c->engine->codes[i] == c->code) code = (fc_code)i;
  }
  return code;
}

static const char *text_of(const struct engine_context *c, const char *otherwise) {
  return c->details ? PyBytes_AsString(c->details) : otherwise;
}

static void finish(struct engine_context *c, fc_code code, const char *text) {
  fc_slice details = FC_SLICE_EMPTY;
  if (c->answered || !c->call) return;
  if (c->status_details) {
    details.data = (const uint8_t *)PyBytes_AsString(c->status_details);
    details.len = (size_t)PyBytes_Size(c->status_details);
  }
  c->answered = !fc_call_is_done(c->call);
  (void)fc_call_finish(c->call, code, text, details);
}

void engine_answer_failure(struct engine_context *c, fc_code code, const char *details) {
  finish(c, code_of(c, code), text_of(c, details));
}

/* Why a response was not taken, unless the call is over. */
static void refuse(struct engine_context *c, fc_result r, size_t len) {
  char text[96];
  switch (r) {
    case FC_ERR_LIMIT:
      PyOS_snprintf(text, sizeof text, ENGINE_SENT_TOO_MUCH("SERVER"), len, c->server->max_send);
      finish(c, FC_CODE_RESOURCE_EXHAUSTED, text);
      break;
    case FC_ERR_NO_MEMORY:
      finish(c, FC_CODE_RESOURCE_EXHAUSTED, "out of memory");
      break;
    case FC_ERR_BUSY:
      finish(c, FC_CODE_INTERNAL, "two threads send responses at once");
      break;
    default:
      break; /* the call is over */
  }
}

/* ---- responses ---- */

PyObject *engine_answer_serialize(struct engine_context *c, PyObject *response) {
  PyObject *bytes = engine_serialize(c->engine, c->handler->serializer, response);
  if (bytes && PyObject_CheckBuffer(bytes)) return bytes;
  Py_XDECREF(bytes);
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  engine_answer_failure(c, FC_CODE_INTERNAL, "Failed to serialize response!");
  PyErr_Restore(type, value, traceback);
  return NULL;
}

/* The message of a serialized response; NULL: the call has ended. */
static fc_bytes *message_of(struct engine_context *c, PyObject *response) {
  fc_bytes *message = engine_bytes_from_object(response);
  if (message) return message;
  PyErr_Clear();
  refuse(c, FC_ERR_NO_MEMORY, 0);
  return NULL;
}

static fc_result send_waiting(struct engine_context *c, fc_bytes *message, unsigned flags) {
  fc_result r;
  fc_call *call = engine_context_enter(c);
  ENGINE_WAIT_BEGIN
  r = fc_call_send(call, message, flags);
  ENGINE_WAIT_END
  engine_context_leave(c);
  return r;
}

/* Python's lock is given up only where the message has to wait. */
static bool send(struct engine_context *c, PyObject *response) {
  fc_bytes *message = c->call && !c->answered ? message_of(c, response) : NULL;
  if (!message) return false;
  unsigned flags = c->uncompressed ? FC_SEND_UNCOMPRESSED : 0;
  size_t len = fc_bytes_slice(message).len;
  c->uncompressed = false;
  fc_result r = fc_call_send(c->call, message, flags | FC_SEND_NO_WAIT);
  if (r == FC_ERR_TIMEOUT) r = send_waiting(c, message, flags);
  if (r == FC_OK) return true;
  fc_bytes_unref(message);
  refuse(c, r, len);
  return false;
}

bool engine_answer_next(struct engine_context *c, PyObject *response) { return send(c, response); }

/* The usual answer: one message and OK, in one step. */
static void respond(struct engine_context *c, PyObject *response) {
  fc_bytes *message = c->call && !c->answered ? message_of(c, response) : NULL;
  if (!message) return;
  size_t len = fc_bytes_slice(message).len;
  fc_result r = fc_call_respond(c->call, message);
  if (r == FC_OK) {
    c->answered = true;
  } else {
    fc_bytes_unref(message);
    refuse(c, r, len);
  }
}

void engine_answer(struct engine_context *c, PyObject *response) {
  fc_code code = code_of(c, FC_CODE_OK);
  bool usual = code == FC_CODE_OK && !c->details && !c->uncompressed;
  if (response && usual) {
    respond(c, response);
  } else if (!response || send(c, response)) {
    finish(c, code, text_of(c, NULL));
  }
}

/* ---- exceptions ---- */

/* "what: exception", as new bytes. */
static PyObject *describe(const char *what, PyObject *exception) {
  PyObject *text = PyUnicode_FromFormat("%s: %S", what, exception);
  PyObject *bytes = text ? PyUnicode_AsEncodedString(text, "utf-8", "replace") : NULL;
  Py_XDECREF(text);
  if (!bytes) PyErr_Clear();
  return bytes;
}

static void tell(struct engine_context *c, const char *text, PyObject *exception) {
  PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
  engine_log_server_exception(c->engine, text);
}

/* Iterators of requests raise RpcError when the client has gone; that is no failure of the application. */
static bool tells_of_the_end(struct engine_context *c, PyObject *exception) {
  return engine_context_is_gone(c) &&
         (PyObject *)Py_TYPE(exception) == engine_class(c->engine, ENGINE_CLASS_RpcError);
}

static void answer_exception(struct engine_context *c, const char *what, PyObject *exception) {
  if (c->aborted) {
    engine_answer_failure(c, FC_CODE_UNKNOWN, "RPC Aborted");
  } else if (!tells_of_the_end(c, exception)) {
    PyObject *described = describe(what, exception);
    const char *text = described ? PyBytes_AsString(described)
                                 : "Calling application raised unprintable Exception!";
    tell(c, text, exception);
    engine_answer_failure(c, FC_CODE_UNKNOWN, text);
    Py_XDECREF(described);
  }
}

int engine_answer_exception(struct engine_context *c, const char *what) {
  bool ends_threads = !PyErr_ExceptionMatches(PyExc_Exception);
  PyObject *exception = engine_take_exception();
  if (!exception) return 0;
  answer_exception(c, what, exception);
  if (ends_threads) PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
  Py_DECREF(exception);
  return ends_threads ? -1 : 0;
}
