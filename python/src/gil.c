/* Who may still take Python's lock, and the end of that when the interpreter ends. */
#include "gil.h"

#include <stdatomic.h>

/* Set by atexit, while all of Python still works. From then on the interpreter may go at any time, and a thread
 * that waited for its lock would never return. */
static atomic_bool closing;

void engine_gil_close(void) { atomic_store(&closing, true); }

bool engine_is_closing(void) { return atomic_load_explicit(&closing, memory_order_relaxed); }

/* What the program blocks. The library's threads block all signals, and would pass that on to the threads and processes
 * that a callback of the program's starts, which then could not be terminated. */
static sigset_t of_the_program;

bool engine_gil_enter(struct engine_gil *gil) {
  if (engine_is_closing()) return false;
  gil->lent = PyGILState_GetThisThreadState() == NULL;
  if (gil->lent) pthread_sigmask(SIG_SETMASK, &of_the_program, &gil->before);
  gil->state = PyGILState_Ensure();
  return true;
}

void engine_gil_leave(struct engine_gil *gil) {
  PyGILState_Release(gil->state);
  if (gil->lent) pthread_sigmask(SIG_SETMASK, &gil->before, NULL);
}

int engine_add_gil(PyObject *module) {
  (void)module;
  pthread_sigmask(SIG_SETMASK, NULL, &of_the_program);
  return 0;
}
