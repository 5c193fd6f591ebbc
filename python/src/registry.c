/* The classes of the package that the engine makes objects of: registered once, when farcall is imported. */
#include <string.h>

#include "module.h"

static const char *const names[ENGINE_CLASS_COUNT] = {
#define X(name) #name,
    ENGINE_CLASSES(X)
#undef X
};

PyObject *engine_class(struct engine *engine, enum engine_class which) {
  PyObject *found = engine->classes[which];
  if (!found) PyErr_Format(PyExc_RuntimeError, "farcall has registered no %s", names[which]);
  return found;
}

/* An enumeration's members by the number that their value begins with. */
static int keep_member(PyObject *member, PyObject **table, long count) {
  PyObject *value = PyObject_GetAttrString(member, "value");
  PyObject *first = value ? PySequence_GetItem(value, 0) : NULL;
  long number = first ? PyLong_AsLong(first) : -1;
  Py_XDECREF(value);
  Py_XDECREF(first);
  if (PyErr_Occurred()) return -1;
  if (number < 0 || number >= count) {
    PyErr_Format(PyExc_ValueError, "%R has the number %ld", member, number);
    return -1;
  }
  Py_INCREF(member);
  engine_set(&table[number], member);
  return 0;
}

static int keep_members(PyObject *class, PyObject **table, long count) {
  PyObject *iterator = PyObject_GetIter(class), *member;
  int r = iterator ? 0 : -1;
  while (r == 0 && (member = PyIter_Next(iterator)) != NULL) {
    r = keep_member(member, table, count);
    Py_DECREF(member);
  }
  Py_XDECREF(iterator);
  return PyErr_Occurred() ? -1 : r;
}

static int find_name(PyObject *key) {
  const char *name = PyUnicode_AsUTF8AndSize(key, NULL);
  if (!name) return -1;
  for (int i = 0; i < ENGINE_CLASS_COUNT; i++) {
    if (strcmp(name, names[i]) == 0) return i;
  }
  PyErr_Format(PyExc_TypeError, "register() knows no class %R", key);
  return -1;
}

static int keep_class(struct engine *engine, PyObject *key, PyObject *class) {
  int which = find_name(key);
  if (which < 0) return -1;
  Py_INCREF(class);
  engine_set(&engine->classes[which], class);
  if (which == ENGINE_CLASS_StatusCode)
    return keep_members(class, engine->codes, ENGINE_CODE_COUNT);
  if (which == ENGINE_CLASS_ChannelConnectivity)
    return keep_members(class, engine->states, ENGINE_STATE_COUNT);
  return 0;
}

static PyObject *register_classes(PyObject *module, PyObject *args, PyObject *kwargs) {
  PyObject *key, *class;
  Py_ssize_t position = 0;
  if (PyTuple_Size(args) != 0) {
    PyErr_SetString(PyExc_TypeError, "register() takes keyword arguments only");
    return NULL;
  }
  while (kwargs && PyDict_Next(kwargs, &position, &key, &class)) {
    if (keep_class(engine_of_module(module), key, class) < 0) return NULL;
  }
  Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"register", (PyCFunction)(void (*)(void))register_classes, METH_VARARGS | METH_KEYWORDS,
     "register(**classes)\n--\n\nTells the engine the package's classes, by name."},
    {NULL, NULL, 0, NULL},
};

int engine_add_registry(PyObject *module) { return PyModule_AddFunctions(module, functions); }
