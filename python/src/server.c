/* The server object: how it is made, its handlers and its ports. */
#include "server.h"

#include "bytes.h"
#include "errors.h"
#include "gil.h"
#include "server_credentials.h"
#include "status.h"

/* ---- the beginning ---- */

/* The number of calls at once: None is no limit. */
static int read_maximum(PyObject *maximum, fc_server_options *out) {
  if (maximum == Py_None) return 0;
  long value = PyLong_AsLong(maximum);
  if (value == -1 && PyErr_Occurred()) return -1;
  out->max_concurrent_calls = value < 1 ? 1 : value > INT32_MAX ? INT32_MAX : (uint32_t)value;
  return 0;
}

static int make_server(struct engine_server *s, PyObject *options, PyObject *maximum,
                       PyObject *compression) {
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  fc_error err = FC_ERROR_INIT;
  if (engine_server_options(options, &o) < 0 || read_maximum(maximum, &o) < 0) return -1;
  if (compression != Py_None && engine_compression_from_object(compression, &o.compression) < 0)
    return -1;
  o.any_path = true;
  o.on_untaken = engine_lane_untaken;
  o.on_end = engine_server_ended;
  o.user = s;
  s->max_send = engine_max_send(o.max_send_message_bytes);
  if (fc_server_create(&o, &s->server, &err) == FC_OK) return 0;
  (void)engine_raise(err.result, &err);
  return -1;
}

/* Whatever has no handler of its own is the resolver's. The library keeps a pointer to the handler. */
static int add_fallback(struct engine_server *s) {
  fc_error err = FC_ERROR_INIT;
  fc_handler h = FC_HANDLER_INIT;
  PyObject *handler = (PyObject *)engine_handler_create(s->engine, Py_None);
  int r = handler ? PyList_Append(s->handlers, handler) : -1;
  Py_XDECREF((PyObject *)handler);
  if (r < 0) return -1;
  h.kind = FC_HANDLER_TAKEN;
  h.pattern = FC_PATTERN_STREAM_STREAM;
  h.user = handler;
  if (fc_server_set_fallback(s->server, &h, &err) == FC_OK) return 0;
  (void)engine_raise(err.result, &err);
  return -1;
}

static PyObject *find_context_class(void) {
  PyObject *module = PyImport_ImportModule("contextvars");
  PyObject *class = module ? PyObject_GetAttrString(module, "Context") : NULL;
  Py_XDECREF(module);
  return class;
}

/* Server(pool, resolver, intercepted, options, maximum_concurrent_rpcs, compression, on_end) */
static PyObject *server_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
  PyObject *pool, *resolver, *options, *maximum, *compression, *end;
  int intercepted;
  if (kwargs && PyDict_Size(kwargs) > 0) {
    PyErr_SetString(PyExc_TypeError, "Server() takes no keyword arguments");
    return NULL;
  }
  if (!PyArg_ParseTuple(args, "OOpOOOO", &pool, &resolver, &intercepted, &options, &maximum,
                        &compression, &end)) {
    return NULL;
  }
  struct engine_server *s = (struct engine_server *)engine_new(type);
  if (!s) return NULL;
  s->engine = engine_of_type(type);
  s->next = s->engine->servers;
  s->engine->servers = s;
  Py_INCREF(resolver);
  Py_INCREF(end);
  s->resolver = resolver;
  s->on_end = end;
  s->intercepted = intercepted;
  s->handlers = PyList_New(0);
  s->new_context = find_context_class();
  if (s->handlers && s->new_context && make_server(s, options, maximum, compression) == 0 &&
      engine_lane_of(s, pool) == 0 && add_fallback(s) == 0) {
    return (PyObject *)s;
  }
  Py_DECREF((PyObject *)s);
  return NULL;
}

/* ---- handlers and ports ---- */

/* How many responses there are is not the library's business: interceptors may answer with handlers of another kind. */
static int add_handler(struct engine_server *s, const char *path, struct engine_handler *handler,
                       unsigned lane) {
  fc_error err = FC_ERROR_INIT;
  fc_handler h = FC_HANDLER_INIT;
  h.kind = FC_HANDLER_TAKEN;
  h.pattern = handler->request_streaming ? FC_PATTERN_STREAM_STREAM : FC_PATTERN_UNARY_STREAM;
  h.user = handler;
  h.queue = lane;
  fc_result r = fc_server_register(s->server, path, &h, &err);
  if (r == FC_OK) return PyList_Append(s->handlers, (PyObject *)handler);
  if (r == FC_ERR_EXISTS) return 0; /* the one that was there first is found */
  (void)engine_raise(r, &err);
  return -1;
}

/* register(path, handler, pool) */
static PyObject *server_register(PyObject *self, PyObject *args) {
  struct engine_server *s = engine_server_of(self);
  const char *path;
  PyObject *given, *pool;
  if (!PyArg_ParseTuple(args, "sOO", &path, &given, &pool)) return NULL;
  int lane = engine_lane_of(s, pool);
  if (lane < 0) return NULL;
  struct engine_handler *handler = engine_handler_create(s->engine, given);
  int r = handler ? add_handler(s, path, handler, (unsigned)lane) : -1;
  Py_XDECREF((PyObject *)handler);
  if (r < 0) return NULL;
  Py_RETURN_NONE;
}

/* A Unix socket has no port: grpcio says 1 for what was bound. */
static PyObject *bound(fc_result r, int port, const char *address, const fc_error *err) {
  if (r == FC_OK) return PyLong_FromLong(port ? port : 1);
  PyErr_Format(PyExc_RuntimeError, "Failed to bind to address %s: %s", address, err->message);
  return NULL;
}

/* listen(address, credentials or None) */
static PyObject *server_listen(PyObject *self, PyObject *args) {
  struct engine_server *s = engine_server_of(self);
  const char *address;
  PyObject *object;
  fc_error err = FC_ERROR_INIT;
  int port = 0;
  if (!PyArg_ParseTuple(args, "sO", &address, &object)) return NULL;
  fc_server_credentials *credentials = NULL;
  if (object != Py_None && !(credentials = engine_server_credentials_of(s->engine, object)))
    return NULL;
  fc_result r;
  ENGINE_WAIT_BEGIN
  r = credentials ? fc_server_listen_secure(s->server, address, credentials, &port, &err)
                  : fc_server_listen(s->server, address, &port, &err);
  ENGINE_WAIT_END
  return bound(r, port, address, &err);
}

/* ---- the type ---- */

static void unlist(struct engine_server *s) {
  struct engine_server **at = &s->engine->servers;
  while (*at && *at != s) at = &(*at)->next;
  if (*at) *at = s->next;
}

static int traverse(PyObject *self, visitproc visit, void *arg) {
  struct engine_server *s = engine_server_of(self);
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(s->resolver);
  Py_VISIT(s->on_end);
  Py_VISIT(s->handlers);
  for (unsigned i = 0; i < s->lane_count; i++) Py_VISIT(s->lanes[i].pool);
  return 0;
}

/* Handlers stay: the library may still come with a call for them. */
static int clear(PyObject *self) {
  struct engine_server *s = engine_server_of(self);
  Py_CLEAR(s->resolver);
  Py_CLEAR(s->on_end);
  return 0;
}

/* At the interpreter's exit the library's threads may be waiting for a lock that they never get. */
static void dealloc(PyObject *self) {
  struct engine_server *s = engine_server_of(self);
  PyObject_GC_UnTrack(self);
  unlist(s);
  if (s->server && !engine_is_closing()) {
    ENGINE_WAIT_BEGIN
    fc_server_destroy(s->server);
    ENGINE_WAIT_END
  }
  (void)clear(self);
  engine_lanes_clear(s);
  Py_CLEAR(s->handlers);
  Py_CLEAR(s->new_context);
  engine_free(self);
}

static PyMethodDef methods[] = {
    {"register", server_register, METH_VARARGS, NULL},
    {"listen", server_listen, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    ENGINE_SLOT(Py_tp_new, server_new),    ENGINE_SLOT(Py_tp_dealloc, dealloc),
    ENGINE_SLOT(Py_tp_traverse, traverse), ENGINE_SLOT(Py_tp_clear, clear),
    ENGINE_SLOT(Py_tp_methods, methods),   {0, NULL},
};

static PyType_Spec spec = {
    .name = "farcall._engine.Server",
    .basicsize = sizeof(struct engine_server),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = slots,
};

static int add_types(PyObject *module, struct engine *engine) {
  PyType_Spec *const specs[] = {
      [ENGINE_TYPE_HANDLER] = &engine_handler_spec,   [ENGINE_TYPE_CONTEXT] = &engine_context_spec,
      [ENGINE_TYPE_REQUESTS] = &engine_requests_spec, [ENGINE_TYPE_SENDER] = &engine_sender_spec,
      [ENGINE_TYPE_TASK] = &engine_task_spec,
  };
  for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
    engine->server_types[i] = (PyObject *)engine_add_type(module, specs[i], NULL);
    if (!engine->server_types[i]) return -1;
  }
  PyTypeObject *context = (PyTypeObject *)engine->server_types[ENGINE_TYPE_CONTEXT];
  if (engine_add_methods(context, engine_context_asks) < 0) return -1;
  return engine_add_methods(context, engine_context_says);
}

int engine_add_server(PyObject *module) {
  struct engine *engine = engine_of_module(module);
  PyTypeObject *type = engine_add_type(module, &spec, NULL);
  int r = type ? engine_add_methods(type, engine_server_life) : -1;
  Py_XDECREF((PyObject *)type);
  if (r < 0 || add_types(module, engine) < 0) return -1;
  if (PyModule_AddFunctions(module, engine_server_functions) < 0) return -1;
  if (PyModule_AddFunctions(module, engine_serve_functions) < 0) return -1;
  engine->server_types[ENGINE_FUNCTION_SERVE] = PyObject_GetAttrString(module, "_serve");
  engine->server_types[ENGINE_FUNCTION_GO_ON] = PyObject_GetAttrString(module, "_go_on");
  return PyErr_Occurred() ? -1 : 0;
}
