/* Messages in both directions. */
#include "bytes.h"

#include <stdatomic.h>

/* An object whose memory a message has. */
struct lent {
  struct lent *next;
  Py_buffer view;
};

static _Atomic(struct lent *) returned;

/* Runs on any thread, under no lock. */
static void give_back(void *user) {
  struct lent *lent = user;
  lent->next = atomic_load_explicit(&returned, memory_order_relaxed);
  while (!atomic_compare_exchange_weak_explicit(&returned, &lent->next, lent, memory_order_release,
                                                memory_order_relaxed)) {
  }
}

void engine_bytes_sweep(void) {
  if (!atomic_load_explicit(&returned, memory_order_relaxed)) return;
  struct lent *lent = atomic_exchange_explicit(&returned, NULL, memory_order_acquire), *next;
  for (; lent; lent = next) {
    next = lent->next;
    PyBuffer_Release(&lent->view);
    PyMem_Free(lent);
  }
}

static fc_bytes *lend(PyObject *object) {
  struct lent *lent = PyMem_Malloc(sizeof *lent);
  if (!lent) return (fc_bytes *)PyErr_NoMemory();
  if (PyObject_GetBuffer(object, &lent->view, PyBUF_SIMPLE) < 0) {
    PyMem_Free(lent);
    return NULL;
  }
  fc_bytes *message = fc_bytes_wrap(lent->view.buf, (size_t)lent->view.len, give_back, lent);
  if (message) return message;
  PyBuffer_Release(&lent->view);
  PyMem_Free(lent);
  return (fc_bytes *)PyErr_NoMemory();
}

/* Only bytes never change: anything else is copied, unless it is longer than any message and will be refused. */
static fc_bytes *copy_buffer(PyObject *object) {
  Py_buffer view;
  if (PyObject_GetBuffer(object, &view, PyBUF_SIMPLE) < 0) return NULL;
  bool too_long = (size_t)view.len > UINT32_MAX;
  fc_bytes *message = too_long ? NULL : fc_bytes_copy(view.buf, (size_t)view.len);
  PyBuffer_Release(&view);
  if (too_long) return lend(object);
  return message ? message : (fc_bytes *)PyErr_NoMemory();
}

fc_bytes *engine_bytes_from_object(PyObject *object) {
  char *data;
  Py_ssize_t len;
  engine_bytes_sweep();
  if (!PyBytes_Check(object)) return copy_buffer(object);
  if (PyBytes_AsStringAndSize(object, &data, &len) < 0) return NULL;
  if (len > ENGINE_COPY_MAX) return lend(object);
  fc_bytes *message = fc_bytes_copy(data, (size_t)len);
  return message ? message : (fc_bytes *)PyErr_NoMemory();
}

PyObject *engine_bytes_to_object(fc_bytes *message) {
  fc_slice content = fc_bytes_slice(message);
  PyObject *object = PyBytes_FromStringAndSize((const char *)content.data, (Py_ssize_t)content.len);
  fc_bytes_unref(message);
  return object;
}
