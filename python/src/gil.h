#ifndef ENGINE_GIL_H
#define ENGINE_GIL_H
/*
 * Python's global lock. A thread that waits in the library gives it up, once; a callback of the library's takes it,
 * unless the interpreter is about to end. Lock order: this one before any of the library's, never the other way.
 */
#include <signal.h>

#include "module.h"

/* Around a call of the library that may wait. An exception that a signal's handler raised meanwhile is set behind it. */
#define ENGINE_WAIT_BEGIN Py_BEGIN_ALLOW_THREADS
#define ENGINE_WAIT_END Py_END_ALLOW_THREADS

/* The result of such a call: the handler may have raised although what was waited for has come too. */
static inline fc_result engine_waited(fc_result result) {
  return PyErr_Occurred() ? FC_ERR_INTERRUPTED : result;
}

struct engine_gil {
  PyGILState_STATE state;
  bool lent;       /* a thread of the library's... */
  sigset_t before; /* ...with the signals that it blocks */
};

/* Takes the lock on any thread. False: the interpreter is ending, and Python must not be touched any more. */
bool engine_gil_enter(struct engine_gil *gil);
void engine_gil_leave(struct engine_gil *gil);

/* The interpreter begins to end: from here on engine_gil_enter says no. */
void engine_gil_close(void);
bool engine_is_closing(void);

#endif
