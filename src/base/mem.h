#ifndef FC_BASE_MEM_H
#define FC_BASE_MEM_H
/* All memory of the library comes from here, so that a test can make any allocation fail. */
#include <stddef.h>

/* NULL when out of memory, always for more than PTRDIFF_MAX; size 0 gives a unique pointer. */
void *fc__alloc(size_t size);
void *fc__alloc_zero(size_t size); /* the same, zeroed */
void *fc__resize(void *memory, size_t size);
void fc__free(void *memory);
/* Overwrites a secret that nobody reads any more, where a plain memset would be left out. */
void fc__erase(void *memory, size_t len);
/* fc__resize of memory with secrets in its first used bytes: what it moves from is erased. */
void *fc__resize_secret(void *memory, size_t used, size_t size);
char *fc__strdup(const char *text);              /* NULL when out of memory */
char *fc__strndup(const char *text, size_t len); /* copies len bytes and ends them with NUL */

#endif
