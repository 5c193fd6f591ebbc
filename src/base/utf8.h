#ifndef FC_BASE_UTF8_H
#define FC_BASE_UTF8_H
/* Telling characters from broken bytes. Spec: RFC 3629; Unicode 15, section 3.9, table 3-7 */
#include "farcall/base.h"

#define FC__UTF8_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* Length in bytes of what text (not empty) begins with: a character, and *valid is true; or the
 * longest start of one that is broken off, at least one byte, which stands for one U+FFFD. */
size_t fc__utf8_next(fc_slice text, bool *valid);

/* The longest prefix of at most max bytes that does not end inside a character. */
size_t fc__utf8_cut(fc_slice text, size_t max);

#endif
