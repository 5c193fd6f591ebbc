#ifndef ENGINE_OPTION_VALUES_H
#define ENGINE_OPTION_VALUES_H
/* How the numbers of grpcio's options become the library's, for the tables of channels and of servers. */
#include "module.h"

/* In grpcio -1 or INT_MAX are "no limit". */
enum engine_option_kind {
  ENGINE_OPTION_FLAG,
  ENGINE_OPTION_BYTES,      /* -1: no limit, which is SIZE_MAX */
  ENGINE_OPTION_BYTES_OR_0, /* -1: no limit, which is 0 */
  ENGINE_OPTION_U32,
  ENGINE_OPTION_MS,          /* milliseconds; INT_MAX: never */
  ENGINE_OPTION_COMPRESSION, /* the number of a Compression */
  ENGINE_OPTION_KINDS,       /* a table's own kinds begin here; they are not stored */
};

/* field: a bool, size_t, uint32_t, int64_t or fc_compression, as the kind says. */
void engine_option_store(int kind, void *field, long long value);

/* An int, or an object that gives one: grpcio takes whatever has __int__, but no text. -1: it is none; no error is set. */
int engine_option_number(PyObject *value, long long *out);

#endif
