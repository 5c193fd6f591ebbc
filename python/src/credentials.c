/* The types CallCredentials and ChannelCredentials, and the functions that make them. */
#include "credentials.h"

#include <string.h>

#include "errors.h"
#include "plugin.h"

struct call_credentials {
  PyObject_HEAD fc_call_credentials *credentials;
};

struct channel_credentials {
  PyObject_HEAD fc_channel_credentials *credentials;
};

/* ---- from objects ---- */

static int call_of(struct engine *engine, PyObject *inner, fc_call_credentials **out) {
  if (!PyObject_TypeCheck(inner, engine_client_type(engine, ENGINE_TYPE_CALL_CREDENTIALS))) {
    PyErr_Format(PyExc_TypeError, "%R is no call credentials", inner);
    return -1;
  }
  *out = ((struct call_credentials *)inner)->credentials;
  return 0;
}

int engine_call_credentials_from_object(struct engine *engine, PyObject *object,
                                        fc_call_credentials **out) {
  PyObject *inner = PyObject_GetAttrString(object, "_credentials");
  int r = inner ? call_of(engine, inner, out) : -1;
  Py_XDECREF(inner); /* the object has it */
  return r;
}

int engine_channel_credentials_from_object(struct engine *engine, PyObject *object,
                                           fc_channel_credentials **out) {
  *out = NULL;
  if (object == Py_None) return 0;
  if (!PyObject_TypeCheck(object, engine_client_type(engine, ENGINE_TYPE_CHANNEL_CREDENTIALS))) {
    PyErr_Format(PyExc_TypeError, "%R is no channel credentials", object);
    return -1;
  }
  *out = ((struct channel_credentials *)object)->credentials;
  return 0;
}

/* ---- to objects: they take the reference over, also when they fail ---- */

static PyObject *wrap_call(struct engine *engine, fc_call_credentials *credentials) {
  PyObject *object =
      PyType_GenericAlloc(engine_client_type(engine, ENGINE_TYPE_CALL_CREDENTIALS), 0);
  if (object) {
    ((struct call_credentials *)object)->credentials = credentials;
  } else {
    fc_call_credentials_destroy(credentials);
  }
  return object;
}

static PyObject *wrap_channel(struct engine *engine, fc_channel_credentials *credentials) {
  PyObject *object =
      PyType_GenericAlloc(engine_client_type(engine, ENGINE_TYPE_CHANNEL_CREDENTIALS), 0);
  if (object) {
    ((struct channel_credentials *)object)->credentials = credentials;
  } else {
    fc_channel_credentials_destroy(credentials);
  }
  return object;
}

/* ---- of a call ---- */

static PyObject *token_credentials(PyObject *module, PyObject *args) {
  const char *token;
  fc_call_credentials *credentials;
  fc_error err = FC_ERROR_INIT;
  if (!PyArg_ParseTuple(args, "s", &token)) return NULL;
  fc_result r = fc_call_credentials_from_token(token, &credentials, &err);
  return r == FC_OK ? wrap_call(engine_of_module(module), credentials) : engine_raise(r, &err);
}

static PyObject *plugin_credentials(PyObject *module, PyObject *args) {
  PyObject *ask;
  const char *name;
  fc_call_credentials *credentials;
  struct engine *engine = engine_of_module(module);
  if (!PyArg_ParseTuple(args, "Oz", &ask, &name) ||
      engine_plugin_create(engine, ask, name, &credentials) < 0)
    return NULL;
  return wrap_call(engine, credentials);
}

static PyObject *composite_call(PyObject *module, PyObject *args) {
  struct engine *engine = engine_of_module(module);
  PyObject *one, *other;
  fc_call_credentials *first, *second, *credentials;
  fc_error err = FC_ERROR_INIT;
  if (!PyArg_ParseTuple(args, "OO", &one, &other) || call_of(engine, one, &first) < 0 ||
      call_of(engine, other, &second) < 0)
    return NULL;
  fc_result r = fc_call_credentials_composite(first, second, &credentials, &err);
  return r == FC_OK ? wrap_call(engine, credentials) : engine_raise(r, &err);
}

/* ---- of a channel ---- */

static fc_slice slice_of(const Py_buffer *buffer) {
  return (fc_slice){buffer->buf, (size_t)buffer->len};
}

static PyObject *make_tls(struct engine *engine, const Py_buffer *roots, const Py_buffer *key,
                          const Py_buffer *chain) {
  fc_tls_client_options options = FC_TLS_CLIENT_OPTIONS_INIT;
  fc_tls_identity identity = {.private_key = slice_of(key), .certificate_chain = slice_of(chain)};
  fc_channel_credentials *credentials;
  fc_error err = FC_ERROR_INIT;
  fc_result r;
  options.roots = slice_of(roots);
  options.insecure_common_name =
      true; /* as in grpcio: many a test's certificate has nothing else */
  if (key->buf || chain->buf) options.identity = &identity;
  Py_BEGIN_ALLOW_THREADS r = fc_channel_credentials_tls(&options, &credentials, &err);
  Py_END_ALLOW_THREADS return r == FC_OK ? wrap_channel(engine, credentials)
                                         : engine_raise(r, &err);
}

/* Bytes, which str is not, or None. */
static int get_pem(PyObject *object, Py_buffer *out) {
  return object == Py_None ? 0 : PyObject_GetBuffer(object, out, PyBUF_SIMPLE);
}

static PyObject *tls_credentials(PyObject *module, PyObject *args) {
  Py_buffer roots = {0}, key = {0}, chain = {0};
  PyObject *texts[3], *object = NULL;
  if (!PyArg_ParseTuple(args, "OOO", &texts[0], &texts[1], &texts[2])) return NULL;
  if (get_pem(texts[0], &roots) == 0 && get_pem(texts[1], &key) == 0 &&
      get_pem(texts[2], &chain) == 0)
    object = make_tls(engine_of_module(module), &roots, &key, &chain);
  PyBuffer_Release(&roots);
  PyBuffer_Release(&key);
  PyBuffer_Release(&chain);
  return object;
}

static PyObject *local_credentials(PyObject *module, PyObject *args) {
  int type;
  fc_channel_credentials *credentials;
  fc_error err = FC_ERROR_INIT;
  if (!PyArg_ParseTuple(args, "i", &type)) return NULL;
  fc_result r = fc_channel_credentials_local((fc_local_type)type, &credentials, &err);
  return r == FC_OK ? wrap_channel(engine_of_module(module), credentials) : engine_raise(r, &err);
}

static PyObject *insecure_credentials(PyObject *module, PyObject *ignored) {
  (void)ignored;
  fc_channel_credentials *credentials;
  fc_error err = FC_ERROR_INIT;
  fc_result r = fc_channel_credentials_insecure(&credentials, &err);
  return r == FC_OK ? wrap_channel(engine_of_module(module), credentials) : engine_raise(r, &err);
}

static PyObject *composite_channel(PyObject *module, PyObject *args) {
  struct engine *engine = engine_of_module(module);
  PyObject *one, *other;
  fc_channel_credentials *channel, *credentials;
  fc_call_credentials *call;
  fc_error err = FC_ERROR_INIT;
  if (!PyArg_ParseTuple(args, "OO", &one, &other) ||
      engine_channel_credentials_from_object(engine, one, &channel) < 0 ||
      call_of(engine, other, &call) < 0)
    return NULL;
  fc_result r = fc_channel_credentials_composite(channel, call, &credentials, &err);
  return r == FC_OK ? wrap_channel(engine, credentials) : engine_raise(r, &err);
}

/* ---- the types ---- */

static void call_dealloc(PyObject *object) {
  PyTypeObject *type = Py_TYPE(object);
  fc_call_credentials *credentials = ((struct call_credentials *)object)->credentials;
  /* Dropping a plugin takes Python's lock. */
  Py_BEGIN_ALLOW_THREADS fc_call_credentials_destroy(credentials);
  Py_END_ALLOW_THREADS((freefunc)PyType_GetSlot(type, Py_tp_free))(object);
  Py_DECREF(type);
}

static void channel_dealloc(PyObject *object) {
  PyTypeObject *type = Py_TYPE(object);
  fc_channel_credentials *credentials = ((struct channel_credentials *)object)->credentials;
  Py_BEGIN_ALLOW_THREADS fc_channel_credentials_destroy(credentials);
  Py_END_ALLOW_THREADS((freefunc)PyType_GetSlot(type, Py_tp_free))(object);
  Py_DECREF(type);
}

static PyType_Slot call_slots[] = {ENGINE_SLOT(Py_tp_dealloc, call_dealloc), {0, NULL}};
static PyType_Slot channel_slots[] = {ENGINE_SLOT(Py_tp_dealloc, channel_dealloc), {0, NULL}};

static PyType_Spec call_spec = {
    .name = "farcall._engine.CallCredentials",
    .basicsize = sizeof(struct call_credentials),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = call_slots,
};

static PyType_Spec channel_spec = {
    .name = "farcall._engine.ChannelCredentials",
    .basicsize = sizeof(struct channel_credentials),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = channel_slots,
};

static PyMethodDef functions[] = {
    {"token_call_credentials", token_credentials, METH_VARARGS,
     "token_call_credentials(token)\n--\n\nCredentials that send a bearer token."},
    {"plugin_call_credentials", plugin_credentials, METH_VARARGS,
     "plugin_call_credentials(ask, name)\n--\n\nCredentials that ask for each call: "
     "ask(service_url, "
     "method_name, answer), and answer(metadata, error)."},
    {"composite_call_credentials", composite_call, METH_VARARGS,
     "composite_call_credentials(first, second)\n--\n\nBoth."},
    {"tls_channel_credentials", tls_credentials, METH_VARARGS,
     "tls_channel_credentials(roots, key, chain)\n--\n\nPEM as bytes, each may be None."},
    {"local_channel_credentials", local_credentials, METH_VARARGS,
     "local_channel_credentials(type)\n--\n\n0: Unix sockets, 1: loopback addresses."},
    {"insecure_channel_credentials", insecure_credentials, METH_NOARGS,
     "insecure_channel_credentials()\n--\n\nNothing is encrypted."},
    {"composite_channel_credentials", composite_channel, METH_VARARGS,
     "composite_channel_credentials(channel, call)\n--\n\nA channel's, with those of all its "
     "calls."},
    {NULL, NULL, 0, NULL},
};

int engine_add_credentials(PyObject *module) {
  struct engine *engine = engine_of_module(module);
  engine->client_types[ENGINE_TYPE_CALL_CREDENTIALS] =
      (PyObject *)engine_add_type(module, &call_spec, NULL);
  engine->client_types[ENGINE_TYPE_CHANNEL_CREDENTIALS] =
      (PyObject *)engine_add_type(module, &channel_spec, NULL);
  if (!engine->client_types[ENGINE_TYPE_CALL_CREDENTIALS] ||
      !engine->client_types[ENGINE_TYPE_CHANNEL_CREDENTIALS])
    return -1;
  if (engine_plugin_add_type(module) < 0) return -1;
  return PyModule_AddFunctions(module, functions);
}
