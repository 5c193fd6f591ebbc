#ifndef ENGINE_OPTIONS_H
#define ENGINE_OPTIONS_H
/* Options of channels under grpcio's names: pairs of (name, value). */
#include "module.h"

/* What the options point to. */
struct engine_channel_options {
  fc_channel_options options;
  bool single_threaded; /* not of the library's */
  PyObject *items;      /* a list of the texts in options */
};

/* Reads an iterable of pairs; names that are not known are passed over. On success engine_channel_options_finish must
 * follow. -1 with ValueError. */
int engine_channel_options_read(PyObject *pairs, struct engine_channel_options *out);
void engine_channel_options_finish(struct engine_channel_options *options);

#endif
