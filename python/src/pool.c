/*
 * The pool. All of it is touched under Python's lock only; a worker that has nothing to do waits for a lock of its own,
 * which whoever has a job for it releases. A child made by fork has no workers.
 */
#include "pool.h"

#include <unistd.h>

#include "codec.h"
#include "gil.h"

enum { IDLE_MICROSECONDS = 10 * 1000 * 1000 };

struct worker {
  struct worker *next; /* in the list of idle ones */
  PyThread_type_lock wake;
  struct engine *engine;
  PyObject *context;
  void (*job)(void *user);
  void *user;
};

static struct worker *idle;
static pid_t owner; /* of the idle workers */

/* ---- running a job ---- */

static PyObject *enter(PyObject *self, PyObject *ignored) {
  (void)ignored;
  struct worker *w = PyCapsule_GetPointer(self, NULL);
  if (!w) return NULL;
  w->job(w->user);
  Py_RETURN_NONE;
}

static PyMethodDef enter_definition = {"enter", enter, METH_NOARGS, NULL};

/* A job that could not be entered would be lost, and what waits for it too: it runs without its context. */
static void run_job(struct worker *w) {
  PyObject *capsule = PyCapsule_New(w, NULL, NULL);
  PyObject *function = capsule ? PyCFunction_New(&enter_definition, capsule) : NULL;
  PyObject *done = function ? PyObject_CallMethod(w->context, "run", "O", function) : NULL;
  if (!done) {
    PyErr_Clear();
    w->job(w->user);
  }
  Py_XDECREF(done);
  Py_XDECREF(function);
  Py_XDECREF(capsule);
  Py_CLEAR(w->context);
}

/* ---- a worker's life ---- */

static void leave_idle(struct worker *w) {
  struct worker **place = &idle;
  while (*place && *place != w) place = &(*place)->next;
  if (*place) *place = w->next;
}

static bool is_idle(const struct worker *w) {
  const struct worker *other = idle;
  while (other && other != w) other = other->next;
  return other != NULL;
}

/* Says whether there is a job. Without Python's lock when the interpreter ends: *lost. */
static bool wait_for_job(struct worker *w, bool *lost) {
  w->next = idle;
  idle = w;
  PyThreadState *state = PyEval_SaveThread();
  PyLockStatus got = PyThread_acquire_lock_timed(w->wake, IDLE_MICROSECONDS, 0);
  *lost = engine_is_closing();
  if (*lost) return false;
  PyEval_RestoreThread(state);
  if (got == PY_LOCK_ACQUIRED) return true;
  if (is_idle(w)) {
    leave_idle(w);
    return false;
  }
  /* A job came while the time ran out. */
  (void)PyThread_acquire_lock(w->wake, 0);
  return true;
}

static void worker_free(struct worker *w) {
  if (w->wake) PyThread_free_lock(w->wake);
  Py_XDECREF(w->context);
  PyMem_Free(w);
}

static void work(void *user) {
  struct worker *w = user;
  struct engine_gil gil;
  bool lost = false;
  if (!engine_gil_enter(&gil)) return;
  do {
    run_job(w);
  } while (wait_for_job(w, &lost));
  if (lost) return;
  worker_free(w);
  engine_gil_leave(&gil);
}

/* ---- giving a job ---- */

static struct worker *take_idle(void) {
  if (owner != getpid()) {
    idle = NULL; /* they are the parent's */
    owner = getpid();
  }
  struct worker *w = idle;
  if (w) idle = w->next;
  return w;
}

static struct worker *worker_create(void) {
  struct worker *w = PyMem_Calloc(1, sizeof *w);
  if (!w) {
    PyErr_NoMemory();
    return NULL;
  }
  w->wake = PyThread_allocate_lock();
  if (w->wake) {
    (void)PyThread_acquire_lock(w->wake, 0);
    return w;
  }
  PyMem_Free(w);
  PyErr_NoMemory();
  return NULL;
}

static int start(struct worker *w) {
  if (PyThread_start_new_thread(work, w) != (unsigned long)-1) return 0;
  worker_free(w);
  PyErr_SetString(PyExc_RuntimeError, "can't start new thread");
  return -1;
}

int engine_pool_run(struct engine *engine, void (*job)(void *user), void *user) {
  PyObject *context = PyObject_CallNoArgs(engine->copy_context);
  if (!context) return -1;
  struct worker *w = take_idle();
  bool fresh = w == NULL;
  if (fresh) w = worker_create();
  if (!w) {
    Py_DECREF(context);
    return -1;
  }
  w->engine = engine;
  w->context = context;
  w->job = job;
  w->user = user;
  if (fresh) return start(w);
  PyThread_release_lock(w->wake);
  return 0;
}

/* Imported here and not when it is needed: a child that forks while another thread imports would wait for that for ever. */
int engine_add_pool(PyObject *module) {
  PyObject *variables = PyImport_ImportModule("_contextvars");
  PyObject *copy_context = variables ? PyObject_GetAttrString(variables, "copy_context") : NULL;
  Py_XDECREF(variables);
  engine_of_module(module)->copy_context = copy_context;
  return copy_context ? 0 : -1;
}
