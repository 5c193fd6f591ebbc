#ifndef FC_BASE_ERROR_H
#define FC_BASE_ERROR_H
/* Filling the caller's fc_error. */
#include "farcall/base.h"

/* Sets *err (which may be NULL) from a printf format and returns result, as in
 * return fc__error(err, FC_ERR_INVALID, "..."). Text that does not fit is cut at a character. */
fc_result fc__error(fc_error *err, fc_result result, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for a failed system call: appends ": " and the text of the errno, and keeps it. */
fc_result fc__error_system(fc_error *err, int system, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

fc_result fc__error_no_memory(fc_error *err);

/* Reads a caller's options struct that can grow, or NULL for all defaults: zeroes copy, copies
 * min(*size, ours) bytes over it and refuses a non-zero tail that this library does not know. */
fc_result fc__options_read(void *copy, size_t ours, const void *from, const char *name,
                           fc_error *err);

#endif
