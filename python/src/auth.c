/* Auth contexts as Python sees them. */
#include "auth.h"

/* Adds one value to the list of its name. -1 with an exception. */
static int add_property(PyObject *all, fc_auth_property property) {
  PyObject *list = PyDict_GetItemString(all, property.name); /* borrowed */
  if (!list) {
    list = PyList_New(0);
    int r = list ? PyDict_SetItemString(all, property.name, list) : -1;
    Py_XDECREF(list);
    if (r < 0) return -1;
  }
  PyObject *value =
      PyBytes_FromStringAndSize((const char *)property.value.data, (Py_ssize_t)property.value.len);
  int r = value ? PyList_Append(list, value) : -1;
  Py_XDECREF(value);
  return r;
}

PyObject *engine_auth_to_object(const fc_auth_context *context) {
  PyObject *all = PyDict_New();
  for (size_t i = 0; all && i < fc_auth_context_count(context); i++) {
    if (add_property(all, fc_auth_context_at(context, i)) < 0) Py_CLEAR(all);
  }
  if (!all) return NULL;
  PyObject *pair = Py_BuildValue("Oz", all, fc_auth_context_identity(context));
  Py_DECREF(all);
  return pair;
}
