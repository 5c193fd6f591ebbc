/*
 * From a call to its answer, on a thread of the pool: find the handler where that needs Python, take the request, call the
 * behavior, send what it gives. Each call runs in a contextvars.Context of its own.
 */
#include "codec.h"
#include "gil.h"
#include "metadata.h"
#include "server.h"

/* ---- the behavior ---- */

static PyObject *call_behavior(struct engine_context *c, PyObject *request) {
  PyObject *behavior = c->handler->behavior ? c->handler->behavior : Py_None;
  if (!c->handler->non_blocking || !c->handler->response_streaming)
    return PyObject_CallFunctionObjArgs(behavior, request, c, NULL);
  PyObject *sender = engine_sender_create(c);
  if (!sender) return NULL;
  PyObject *result = PyObject_CallFunctionObjArgs(behavior, request, c, sender, NULL);
  Py_DECREF(sender);
  return result;
}

/* ---- one response ---- */

static int answer_one(struct engine_context *c, PyObject *response) {
  PyObject *bytes = engine_answer_serialize(c, response);
  if (!bytes) return PyErr_Occurred() ? -1 : 0;
  engine_answer(c, bytes);
  Py_DECREF(bytes);
  return PyErr_Occurred() ? -1 : 0;
}

/* ---- many responses ---- */

/* 1: *out is the next one; 0: there is none, or the call has ended; -1 an exception must go on. */
static int next_response(struct engine_context *c, PyObject *iterator, PyObject **out) {
  *out = NULL;
  if (PyIter_Check(iterator)) {
    *out = PyIter_Next(iterator);
  } else {
    PyErr_Format(PyExc_TypeError, "%R is not an iterator", iterator);
  }
  if (*out && *out != Py_None) return 1;
  if (PyErr_Occurred()) return engine_answer_exception(c, "Exception iterating responses");
  Py_CLEAR(*out); /* None ends a stream as grpcio's do */
  engine_answer(c, NULL);
  return 0;
}

static int answer_many(struct engine_context *c, PyObject *iterator) {
  PyObject *response;
  bool goes_on = true;
  while (goes_on) {
    int r = next_response(c, iterator, &response);
    if (r <= 0) return r;
    PyObject *bytes = engine_answer_serialize(c, response);
    Py_DECREF(response);
    if (!bytes) return PyErr_Occurred() ? -1 : 0;
    goes_on = engine_answer_next(c, bytes);
    Py_DECREF(bytes);
  }
  return PyErr_Occurred() ? -1 : 0;
}

/* ---- finding the handler ---- */

/* What the library has found, or what the resolver makes of it. A new reference; NULL: the call has ended. */
static struct engine_handler *resolve(struct engine_server *server, struct engine_context *c) {
  PyObject *known = c->handler->handler ? c->handler->handler : Py_None;
  PyObject *metadata = PyObject_CallMethod((PyObject *)c, "invocation_metadata", NULL);
  PyObject *found = NULL;
  if (metadata) {
    found =
        PyObject_CallFunction(server->resolver, "sOO", fc_call_method(c->call), metadata, known);
    Py_DECREF(metadata);
  }
  struct engine_handler *handler = NULL;
  if (found == known && found != Py_None) {
    Py_INCREF((PyObject *)c->handler);
    handler = c->handler;
  } else if (found && found != Py_None) {
    handler = engine_handler_create(c->engine, found);
  }
  bool none = found == Py_None;
  Py_XDECREF(found);
  if (none) engine_answer_failure(c, FC_CODE_UNIMPLEMENTED, "Method not found!");
  return handler;
}

static int refuse_unresolved(struct engine_context *c) {
  bool ends_threads = PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_Exception);
  if (!PyErr_Occurred()) return 0;
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  engine_answer_failure(c, FC_CODE_UNKNOWN, "Error in service handler!");
  PyErr_Restore(type, value, traceback);
  if (ends_threads) return -1;
  engine_log_server_exception(c->engine, "Exception servicing handler!");
  return 0;
}

/* 1: c has its handler; 0: the call has ended; -1 an exception must go on. */
static int find_handler(struct engine_context *c) {
  struct engine_server *server = c->server;
  if (c->handler->handler && !server->intercepted) return 1;
  struct engine_handler *found = resolve(server, c);
  if (!found) return refuse_unresolved(c);
  struct engine_handler *before = c->handler;
  c->handler = found;
  Py_DECREF((PyObject *)before);
  return 1;
}

/* ---- all of it ---- */

static int handle(struct engine_context *c) {
  int r = find_handler(c);
  if (r <= 0) return r;
  PyObject *request = engine_request(c);
  if (!request) return PyErr_Occurred() ? -1 : 0;
  PyObject *result = call_behavior(c, request);
  Py_DECREF(request);
  if (!result) return engine_answer_exception(c, "Exception calling application");
  r = 0;
  if (!c->handler->response_streaming) {
    r = answer_one(c, result);
  } else if (!c->handler->non_blocking) {
    r = answer_many(c, result);
  }
  Py_DECREF(result);
  return r;
}

/* What Context.run calls. */
static PyObject *serve_context(PyObject *module, PyObject *context) {
  (void)module;
  if (handle((struct engine_context *)context) < 0) return NULL;
  Py_RETURN_NONE;
}

int engine_serve(struct engine_server *server, struct engine_handler *handler, PyObject *run,
                 fc_call *call) {
  struct engine_context *c = engine_context_create(server, handler, call);
  if (!c) return -1;
  PyObject *function = server->engine->server_types[ENGINE_FUNCTION_SERVE];
  PyObject *done = PyObject_CallFunctionObjArgs(run, function, c, NULL);
  bool goes_on = c->handler->non_blocking && c->handler->response_streaming && !c->answered;
  if (!goes_on || engine_context_is_gone(c)) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    engine_context_give_up(c);
    PyErr_Restore(type, value, traceback);
  }
  Py_DECREF((PyObject *)c);
  Py_XDECREF(done);
  return done ? 0 : -1;
}

PyMethodDef engine_serve_functions[] = {
    {"_serve", serve_context, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};
