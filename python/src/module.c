/* The module's definition: its state, and the parts that make it up. */
#include "module.h"

#define X(part) engine_add_##part,
static int (*const parts[])(PyObject *module) = {ENGINE_PARTS(X)};
#undef X

static int exec_module(PyObject *module) {
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    if (parts[i](module) < 0) return -1;
  }
  return 0;
}

/* ---- state ---- */

/* Every object of the state, for traverse and clear. */
static int each_object(struct engine *engine, int (*visit)(PyObject **object, void *arg),
                       void *arg) {
  int r = 0;
  for (int i = 0; i < ENGINE_CLASS_COUNT && r == 0; i++) r = visit(&engine->classes[i], arg);
  for (int i = 0; i < ENGINE_CODE_COUNT && r == 0; i++) r = visit(&engine->codes[i], arg);
  for (int i = 0; i < ENGINE_STATE_COUNT && r == 0; i++) r = visit(&engine->states[i], arg);
  for (int i = 0; i < ENGINE_SERVER_TYPE_COUNT && r == 0; i++)
    r = visit(&engine->server_types[i], arg);
  for (int i = 0; i < ENGINE_NAME_COUNT && r == 0; i++) r = visit(&engine->arg_names[i], arg);
  if (r == 0) r = visit(&engine->copy_context, arg);
  for (int i = 0; i < ENGINE_CLIENT_TYPE_COUNT && r == 0; i++)
    r = visit(&engine->client_types[i], arg);
  return r;
}

struct visitor {
  visitproc visit;
  void *arg;
};

static int visit_object(PyObject **object, void *arg) {
  struct visitor *v = arg;
  return *object ? v->visit(*object, v->arg) : 0;
}

static int clear_object(PyObject **object, void *arg) {
  (void)arg;
  Py_CLEAR(*object);
  return 0;
}

static int traverse_module(PyObject *module, visitproc visit, void *arg) {
  struct visitor v = {visit, arg};
  struct engine *engine = engine_of_module(module);
  return engine ? each_object(engine, visit_object, &v) : 0;
}

static int clear_module(PyObject *module) {
  struct engine *engine = engine_of_module(module);
  if (engine) (void)each_object(engine, clear_object, NULL);
  return 0;
}

static void free_module(void *module) { (void)clear_module(module); }

/* ---- types ---- */

/* A class of the package's has no module state of its own: that of the first base that is ours. */
struct engine *engine_of_type(PyTypeObject *type) {
  struct engine *engine = NULL;
  while (type && !(engine = PyType_GetModuleState(type))) {
    PyErr_Clear();
    type = PyType_GetSlot(type, Py_tp_base);
  }
  return engine;
}

PyTypeObject *engine_add_type(PyObject *module, PyType_Spec *spec, PyObject *bases) {
  PyObject *type = PyType_FromModuleAndSpec(module, spec, bases);
  if (type && PyModule_AddType(module, (PyTypeObject *)type) < 0) Py_CLEAR(type);
  return (PyTypeObject *)type;
}

int engine_add_methods(PyTypeObject *type, PyMethodDef *table) {
  for (PyMethodDef *m = table; m->ml_name; m++) {
    PyObject *method = PyDescr_NewMethod(type, m);
    int r = method ? PyObject_SetAttrString((PyObject *)type, m->ml_name, method) : -1;
    Py_XDECREF(method);
    if (r < 0) return -1;
  }
  return 0;
}

/* ---- definition ---- */

static PyModuleDef_Slot slots[] = {
    ENGINE_SLOT(Py_mod_exec, exec_module),
    {0, NULL},
};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "farcall._engine",
    .m_doc = "The C library behind the package farcall. Not for direct use.",
    .m_size = sizeof(struct engine),
    .m_slots = slots,
    .m_traverse = traverse_module,
    .m_clear = clear_module,
    .m_free = free_module,
};

PyMODINIT_FUNC PyInit__engine(void);

PyMODINIT_FUNC PyInit__engine(void) { return PyModuleDef_Init(&definition); }
