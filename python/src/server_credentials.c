/*
 * The type ServerCredentials. Certificates come as pairs (private key, certificate chain) of PEM bytes; with a fetcher
 * they are asked for anew when a handshake begins, and what was there stays when it raises or has nothing new.
 */
#include "server_credentials.h"

#include "codec.h"
#include "errors.h"
#include "gil.h"

struct server_credentials {
  PyObject_HEAD fc_server_credentials *credentials;
};

/* What a handshake's callback has. */
struct fetcher {
  struct engine *engine;
  PyObject *function; /* () -> None, or (pairs, roots or None) */
};

fc_server_credentials *engine_server_credentials_of(struct engine *engine, PyObject *object) {
  PyTypeObject *type = (PyTypeObject *)engine->server_types[ENGINE_TYPE_CREDENTIALS];
  if (PyObject_TypeCheck(object, type)) return ((struct server_credentials *)object)->credentials;
  PyErr_Format(PyExc_TypeError, "%R is no server credentials", object);
  return NULL;
}

static PyObject *create(struct engine *engine, fc_server_credentials *credentials, fc_result r,
                        const fc_error *err) {
  PyTypeObject *type = (PyTypeObject *)engine->server_types[ENGINE_TYPE_CREDENTIALS];
  if (r != FC_OK) return engine_raise(r, err);
  struct server_credentials *c =
      (struct server_credentials *)((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
  if (c) {
    c->credentials = credentials;
  } else {
    fc_server_credentials_destroy(credentials);
  }
  return (PyObject *)c;
}

/* ---- certificates ---- */

/* Borrowed by the slices: the tuple of pairs, which must live as long as they. */
struct identities {
  fc_tls_identity *items;
  size_t count;
  PyObject *pairs;
};

/* None is no bytes. */
static int read_pem(PyObject *object, fc_slice *out) {
  char *data;
  Py_ssize_t len;
  *out = FC_SLICE_EMPTY;
  if (object == Py_None) return 0;
  if (PyBytes_AsStringAndSize(object, &data, &len) < 0) return -1;
  *out = (fc_slice){(const uint8_t *)data, (size_t)len};
  return 0;
}

static int read_pair(PyObject *pair, fc_tls_identity *out) {
  if (!PyTuple_Check(pair) || PyTuple_Size(pair) != 2) {
    PyErr_SetString(PyExc_TypeError,
                    "a certificate is a tuple of private key and certificate chain");
    return -1;
  }
  if (read_pem(PyTuple_GetItem(pair, 0), &out->private_key) < 0) return -1;
  return read_pem(PyTuple_GetItem(pair, 1), &out->certificate_chain);
}

static void identities_finish(struct identities *i) {
  PyMem_Free(i->items);
  Py_CLEAR(i->pairs);
}

static int identities_read(PyObject *pairs, struct identities *out) {
  *out = (struct identities){NULL, 0, PySequence_Tuple(pairs)};
  if (!out->pairs) return -1;
  out->count = (size_t)PyTuple_Size(out->pairs);
  out->items = PyMem_Calloc(out->count + 1, sizeof *out->items);
  int r = out->items ? 0 : -1;
  if (r < 0) PyErr_NoMemory();
  for (size_t i = 0; r == 0 && i < out->count; i++)
    r = read_pair(PyTuple_GetItem(out->pairs, (Py_ssize_t)i), &out->items[i]);
  if (r < 0) identities_finish(out);
  return r;
}

/* ---- fetching ---- */

/* (pairs, roots or None) as the fetcher gives it. -1 with an exception. */
static int use_fetched(fc_server_credentials *credentials, PyObject *fetched) {
  PyObject *pairs, *roots;
  struct identities identities;
  fc_slice client_roots;
  fc_error err = FC_ERROR_INIT;
  if (!PyArg_ParseTuple(fetched, "OO", &pairs, &roots)) return -1;
  if (read_pem(roots, &client_roots) < 0 || identities_read(pairs, &identities) < 0) return -1;
  fc_result r = fc_server_credentials_update(credentials, identities.items, identities.count,
                                             client_roots, &err);
  identities_finish(&identities);
  if (r == FC_OK) return 0;
  (void)engine_raise(r, &err);
  return -1;
}

static void on_handshake(fc_server_credentials *credentials, void *user) {
  struct fetcher *f = user;
  struct engine_gil gil;
  if (!engine_gil_enter(&gil)) return;
  PyObject *fetched = PyObject_CallNoArgs(f->function);
  int r = fetched && fetched != Py_None ? use_fetched(credentials, fetched) : fetched ? 0 : -1;
  if (r < 0)
    engine_log_server_exception(f->engine, "Exception fetching a certificate configuration!");
  Py_XDECREF(fetched);
  engine_gil_leave(&gil);
}

/* The last reference to the credentials may go on any thread, also when Python is no more. */
static void drop_fetcher(void *user) {
  struct fetcher *f = user;
  struct engine_gil gil;
  if (!engine_gil_enter(&gil)) return;
  Py_DECREF(f->function);
  PyMem_Free(f);
  engine_gil_leave(&gil);
}

static struct fetcher *fetcher_create(struct engine *engine, PyObject *function) {
  struct fetcher *f = PyMem_Malloc(sizeof *f);
  if (!f) return (struct fetcher *)PyErr_NoMemory();
  Py_INCREF(function);
  *f = (struct fetcher){engine, function};
  return f;
}

/* ---- making credentials ---- */

static PyObject *create_tls(struct engine *engine, fc_tls_server_options *o, PyObject *fetch) {
  fc_server_credentials *credentials = NULL;
  fc_error err = FC_ERROR_INIT;
  struct fetcher *fetcher = NULL;
  if (fetch != Py_None && !(fetcher = fetcher_create(engine, fetch))) return NULL;
  if (fetcher) {
    o->on_handshake = on_handshake;
    o->handshake_user = fetcher;
    o->handshake_drop = drop_fetcher;
  }
  fc_result r = fc_server_credentials_tls(o, &credentials, &err);
  if (r != FC_OK && fetcher) drop_fetcher(fetcher);
  return create(engine, credentials, r, &err);
}

/* tls_server_credentials(pairs, roots or None, require_client_auth, fetch or None) */
static PyObject *tls(PyObject *module, PyObject *args) {
  PyObject *pairs, *roots, *fetch;
  int require;
  struct identities identities;
  fc_tls_server_options o = FC_TLS_SERVER_OPTIONS_INIT;
  if (!PyArg_ParseTuple(args, "OOpO", &pairs, &roots, &require, &fetch)) return NULL;
  if (read_pem(roots, &o.client_roots) < 0 || identities_read(pairs, &identities) < 0) return NULL;
  o.identities = identities.items;
  o.identity_count = identities.count;
  o.client_auth = require ? FC_TLS_CLIENT_AUTH_REQUIRE : FC_TLS_CLIENT_AUTH_NONE;
  PyObject *result = create_tls(engine_of_module(module), &o, fetch);
  identities_finish(&identities);
  return result;
}

static PyObject *insecure(PyObject *module, PyObject *unused) {
  fc_server_credentials *credentials = NULL;
  fc_error err = FC_ERROR_INIT;
  (void)unused;
  fc_result r = fc_server_credentials_insecure(&credentials, &err);
  return create(engine_of_module(module), credentials, r, &err);
}

/* local_server_credentials(tcp) */
static PyObject *local(PyObject *module, PyObject *tcp) {
  fc_server_credentials *credentials = NULL;
  fc_error err = FC_ERROR_INIT;
  int is_tcp = PyObject_IsTrue(tcp);
  if (is_tcp < 0) return NULL;
  fc_result r =
      fc_server_credentials_local(is_tcp ? FC_LOCAL_TCP : FC_LOCAL_UNIX, &credentials, &err);
  return create(engine_of_module(module), credentials, r, &err);
}

/* ---- the type ---- */

static void dealloc(PyObject *self) {
  PyTypeObject *type = Py_TYPE(self);
  fc_server_credentials_destroy(((struct server_credentials *)self)->credentials);
  ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
  Py_DECREF(type);
}

static PyType_Slot slots[] = {
    ENGINE_SLOT(Py_tp_dealloc, dealloc),
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "farcall._engine.ServerCredentials",
    .basicsize = sizeof(struct server_credentials),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = slots,
};

static PyMethodDef functions[] = {
    {"tls_server_credentials", tls, METH_VARARGS, NULL},
    {"insecure_server_credentials", insecure, METH_NOARGS, NULL},
    {"local_server_credentials", local, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

int engine_add_server_credentials(PyObject *module) {
  struct engine *engine = engine_of_module(module);
  PyObject *type = (PyObject *)engine_add_type(module, &spec, NULL);
  engine->server_types[ENGINE_TYPE_CREDENTIALS] = type;
  return type ? PyModule_AddFunctions(module, functions) : -1;
}
