#ifndef FC_BASE_MEM_H
#define FC_BASE_MEM_H
/* All memory of the library comes from here, so that a test can make any allocation fail. */
#include <stddef.h>

void *fc__alloc(size_t size);      /* NULL when out of memory; size 0 gives a unique pointer */
void *fc__alloc_zero(size_t size); /* the same, zeroed */
void *fc__resize(void *memory, size_t size);
void fc__free(void *memory);
char *fc__strdup(const char *text);              /* NULL when out of memory */
char *fc__strndup(const char *text, size_t len); /* copies len bytes and ends them with NUL */

#endif
