/* Callbacks run on the library's thread: they take Python's lock, and what they raise goes to the log. */
#include "callback.h"

#include <time.h>

#include "codec.h"
#include "errors.h"
#include "gil.h"

struct callback {
  struct engine *engine;
  struct engine_flight *flight;
  PyObject *function, *argument;
};

/* Long enough for a thread to come to the lock, short where one cannot: its program may hold a lock of its own. */
#define BEGIN_LIMIT_NS (50 * FC_MILLISECOND)

static _Thread_local unsigned running; /* callbacks, on this thread: one may drive the next */

static void drop(struct callback *c) {
  engine_flight_unref(c->flight);
  Py_DECREF(c->function);
  Py_XDECREF(c->argument);
  PyMem_Free(c);
}

/* With Python's lock, which whoever waits for this needs as well: so the callback comes first. */
static void begin(struct engine_flight *flight) {
  if (atomic_fetch_sub(&flight->callbacks_due, 1) == 1) sem_post(&flight->callbacks_begun);
}

static void run(fc_call *call, void *user) {
  (void)call;
  struct callback *c = user;
  struct engine_gil gil;
  if (!engine_gil_enter(&gil)) return; /* the interpreter ends: nobody can drop the objects */
  begin(c->flight);
  ++running;
  PyObject *done = PyObject_CallFunctionObjArgs(c->function, c->argument, NULL);
  --running;
  if (!done) engine_log_exception(c->engine, "Exception in callback of a call's end");
  Py_XDECREF(done);
  drop(c);
  engine_gil_leave(&gil);
}

int engine_callback_add(struct engine_call *call, PyObject *function, PyObject *argument) {
  if (call->own) return 0;
  struct callback *c = PyMem_Malloc(sizeof *c);
  if (!c) {
    PyErr_NoMemory();
    return -1;
  }
  Py_INCREF(function);
  Py_XINCREF(argument);
  *c = (struct callback){call->engine, call->flight, function, argument};
  engine_flight_ref(call->flight);
  atomic_fetch_add(&call->flight->callbacks_due, 1);
  fc_result r = fc_call_on_done(call->flight->call, run, c);
  if (r == FC_OK) return 1;
  begin(call->flight);
  drop(c);
  if (r == FC_ERR_CLOSED) return 0;
  engine_raise(r, NULL);
  return -1;
}

static struct timespec after(int64_t ns) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t); /* the clock of semaphores */
  t.tv_nsec += (long)ns;
  t.tv_sec += t.tv_nsec / FC_SECOND;
  t.tv_nsec %= FC_SECOND;
  return t;
}

void engine_callbacks_first(struct engine_flight *flight) {
  if (atomic_load(&flight->callbacks_due) == 0 || running) return;
  ENGINE_WAIT_BEGIN struct timespec limit = after(BEGIN_LIMIT_NS);
  sem_timedwait(&flight->callbacks_begun, &limit);
  sem_post(&flight->callbacks_begun); /* for the next who waits */
  ENGINE_WAIT_END
}
