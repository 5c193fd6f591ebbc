/*
 * The plugin. The library asks without Python's lock, on the thread that makes the call; the answer is an object that the
 * application calls, once, then or later. One that it drops unused answers too, with a failure.
 */
#include "plugin.h"

#include "codec.h"
#include "errors.h"
#include "gil.h"
#include "metadata.h"

struct plugin {
  struct engine *engine;
  PyObject *ask;
};

struct answer {
  PyObject_HEAD fc_auth_request *request; /* NULL once it was answered */
};

/* ---- the answer ---- */

/* Without Python's lock, since the call goes on at once, on this thread. */
static void give(struct answer *self, fc_metadata *metadata, const char *failure) {
  fc_auth_request *request = self->request;
  self->request = NULL;
  if (!request) return;
  Py_BEGIN_ALLOW_THREADS fc_auth_request_answer(request, metadata, failure);
  Py_END_ALLOW_THREADS
}

static void give_failure(struct answer *self, PyObject *error) {
  PyObject *text = PyObject_Str(error);
  const char *failure = text ? PyUnicode_AsUTF8AndSize(text, NULL) : NULL;
  PyErr_Clear();
  give(self, NULL, failure ? failure : "the plugin failed");
  Py_XDECREF(text);
}

static PyObject *answer_call(PyObject *object, PyObject *args, PyObject *kwargs) {
  static char *names[] = {"metadata", "error", NULL};
  struct answer *self = (struct answer *)object;
  PyObject *metadata, *error;
  fc_metadata *list;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO", names, &metadata, &error)) return NULL;
  if (error != Py_None) {
    give_failure(self, error);
    Py_RETURN_NONE;
  }
  if (engine_metadata_from_object(metadata, &list) < 0) {
    PyObject *exception = engine_take_exception();
    give_failure(self, exception);
    Py_XDECREF(exception);
    Py_RETURN_NONE;
  }
  give(self, list, NULL);
  fc_metadata_destroy(list);
  Py_RETURN_NONE;
}

static int answer_traverse(PyObject *object, visitproc visit, void *arg) {
  Py_VISIT(Py_TYPE(object));
  return 0;
}

static void answer_dealloc(PyObject *object) {
  PyTypeObject *type = Py_TYPE(object);
  PyObject_GC_UnTrack(object);
  give((struct answer *)object, NULL, "the plugin gave no metadata");
  ((freefunc)PyType_GetSlot(type, Py_tp_free))(object);
  Py_DECREF(type);
}

static PyType_Slot slots[] = {
    ENGINE_SLOT(Py_tp_call, answer_call),
    ENGINE_SLOT(Py_tp_dealloc, answer_dealloc),
    ENGINE_SLOT(Py_tp_traverse, answer_traverse),
    {Py_tp_doc, "(metadata, error): answers the request for a call's metadata."},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "farcall._engine.AuthAnswer",
    .basicsize = sizeof(struct answer),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = slots,
};

int engine_plugin_add_type(PyObject *module) {
  struct engine *engine = engine_of_module(module);
  engine->client_types[ENGINE_TYPE_AUTH_ANSWER] = (PyObject *)engine_add_type(module, &spec, NULL);
  return engine->client_types[ENGINE_TYPE_AUTH_ANSWER] ? 0 : -1;
}

/* ---- asking ---- */

static void ask(struct plugin *plugin, struct answer *answer) {
  PyObject *done =
      PyObject_CallFunction(plugin->ask, "ssO", fc_auth_request_service_url(answer->request),
                            fc_auth_request_method(answer->request), answer);
  if (!done) {
    PyObject *exception = engine_take_exception();
    if (exception) give_failure(answer, exception);
    Py_XDECREF(exception);
  }
  Py_XDECREF(done);
}

static void on_request(fc_auth_request *request, void *user) {
  struct plugin *plugin = user;
  struct engine_gil gil;
  if (!engine_gil_enter(&gil)) {
    fc_auth_request_answer(request, NULL, "the interpreter is ending");
    return;
  }
  struct answer *answer = (struct answer *)PyType_GenericAlloc(
      engine_client_type(plugin->engine, ENGINE_TYPE_AUTH_ANSWER), 0);
  if (answer) {
    answer->request = request;
    ask(plugin, answer);
    Py_DECREF(answer);
  } else {
    PyErr_Clear();
    fc_auth_request_answer(request, NULL, "out of memory");
  }
  engine_gil_leave(&gil);
}

static void on_drop(void *user) {
  struct plugin *plugin = user;
  struct engine_gil gil;
  if (!engine_gil_enter(&gil)) return;
  Py_DECREF(plugin->ask);
  PyMem_Free(plugin);
  engine_gil_leave(&gil);
}

int engine_plugin_create(struct engine *engine, PyObject *function, const char *name,
                         fc_call_credentials **out) {
  struct plugin *plugin = PyMem_Malloc(sizeof *plugin);
  if (!plugin) {
    PyErr_NoMemory();
    return -1;
  }
  fc_error err = FC_ERROR_INIT;
  *plugin = (struct plugin){engine, function};
  fc_result r = fc_call_credentials_from_plugin(name, on_request, plugin, on_drop, out, &err);
  if (r == FC_OK) {
    Py_INCREF(function);
    return 0;
  }
  PyMem_Free(plugin);
  engine_raise(r, &err);
  return -1;
}
