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

/* ---- on another pool ---- */

/* Submits the rest, in a copy of the context variables that interceptors may have set. NULL with an exception. */
static PyObject *submit_rest(struct engine_context *c) {
  PyObject *module = PyImport_ImportModule("contextvars");
  PyObject *variables = module ? PyObject_CallMethod(module, "copy_context", NULL) : NULL;
  PyObject *run = variables ? PyObject_GetAttrString(variables, "run") : NULL;
  PyObject *go_on = c->engine->server_types[ENGINE_FUNCTION_GO_ON];
  PyObject *future =
      run ? PyObject_CallMethod(c->handler->pool, "submit", "OOO", run, go_on, c) : NULL;
  Py_XDECREF(run);
  Py_XDECREF(variables);
  Py_XDECREF(module);
  return future;
}

/* The handler that was found has a pool of its own. True: c is that pool's from now on. */
static bool move(struct engine_context *c) {
  PyObject *future = submit_rest(c);
  Py_XDECREF(future);
  if (future) return true;
  engine_log_server_exception(c->engine, "Exception submitting to a handler's thread pool!");
  engine_answer_failure(c, FC_CODE_UNAVAILABLE, "The handler's thread pool takes no work!");
  return false;
}

/* ---- all of it ---- */

enum { HERE = 1, ENDED = 0, ELSEWHERE = 2 }; /* and -1: an exception must go on */

/* Whether the call goes on, and where. */
static int find_handler(struct engine_context *c) {
  struct engine_server *server = c->server;
  if (c->handler->handler && !server->intercepted) return HERE;
  struct engine_handler *found = resolve(server, c);
  if (!found) return refuse_unresolved(c);
  struct engine_handler *before = c->handler;
  bool elsewhere = found->pool && found->pool != before->pool;
  c->handler = found;
  Py_DECREF((PyObject *)before);
  if (!elsewhere) return HERE;
  return move(c) ? ELSEWHERE : ENDED;
}

static int handle(struct engine_context *c) {
  PyObject *request = engine_request(c);
  if (!request) return PyErr_Occurred() ? -1 : 0;
  PyObject *result = call_behavior(c, request);
  Py_DECREF(request);
  if (!result) return engine_answer_exception(c, "Exception calling application");
  int r = 0;
  if (!c->handler->response_streaming) {
    r = answer_one(c, result);
  } else if (!c->handler->non_blocking) {
    r = answer_many(c, result);
  }
  Py_DECREF(result);
  return r;
}

/* The call goes, unless its handler answers later. An exception that is set stays. */
static void finish(struct engine_context *c) {
  bool goes_on = c->handler->non_blocking && c->handler->response_streaming && !c->answered;
  if (goes_on && !engine_context_is_gone(c)) return;
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  engine_context_give_up(c);
  PyErr_Restore(type, value, traceback);
}

/* What Context.run calls. True: the call is not this thread's any more. */
static PyObject *serve_context(PyObject *module, PyObject *context) {
  struct engine_context *c = (struct engine_context *)context;
  (void)module;
  int r = find_handler(c);
  if (r == ELSEWHERE) Py_RETURN_TRUE;
  if (r == HERE) r = handle(c);
  if (r < 0) return NULL;
  Py_RETURN_FALSE;
}

/* The same on the pool that it was moved to. */
static PyObject *go_on(PyObject *module, PyObject *context) {
  struct engine_context *c = (struct engine_context *)context;
  (void)module;
  int r = handle(c);
  finish(c);
  if (r < 0) return NULL;
  Py_RETURN_NONE;
}

int engine_serve(struct engine_server *server, struct engine_handler *handler, PyObject *run,
                 fc_call *call) {
  struct engine_context *c = engine_context_create(server, handler, call);
  if (!c) return -1;
  PyObject *function = server->engine->server_types[ENGINE_FUNCTION_SERVE];
  PyObject *done = PyObject_CallFunctionObjArgs(run, function, c, NULL);
  if (done != Py_True) finish(c);
  Py_DECREF((PyObject *)c);
  Py_XDECREF(done);
  return done ? 0 : -1;
}

PyMethodDef engine_serve_functions[] = {
    {"_serve", serve_context, METH_O, NULL},
    {"_go_on", go_on, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};
