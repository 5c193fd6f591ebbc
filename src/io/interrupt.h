#ifndef FC_IO_INTERRUPT_H
#define FC_IO_INTERRUPT_H
/* What the application has to say when a signal's handler has interrupted a thread that waits. */
#include <stdbool.h>

/* Asks it, without any lock; true ends the wait. */
bool fc__interrupt_asks_to_stop(void);
/* The calling thread is the one that has set the check: signals are its business. */
bool fc__interrupt_is_here(void);

#endif
