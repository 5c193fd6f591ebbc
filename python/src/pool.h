#ifndef ENGINE_POOL_H
#define ENGINE_POOL_H
/* Threads for what may block in the application's code: reused, started when needed, gone when idle for long. */
#include "module.h"

/* Runs job(user) once on another thread, with Python's lock, in a copy of the caller's context variables. -1 with an
 * exception: it will not run. */
int engine_pool_run(struct engine *engine, void (*job)(void *user), void *user);

#endif
