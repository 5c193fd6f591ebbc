#ifndef FC_TESTS_PLAIN_FIELDS_H
#define FC_TESTS_PLAIN_FIELDS_H
/* The rules for the fields of a header block, one after the other as RFC 9113 sections 8.1 to 8.5 give them: for models. */
#include "farcall/base.h"

struct plain_field {
  fc_slice name, value;
};

struct plain_judgement {
  size_t good;    /* fields before the first that is wrong */
  bool right;     /* the block as a whole */
  int64_t length; /* that a content-length promises, -1: none */
  int64_t status; /* of a response, 0: none */
};

struct plain_judgement plain_fields_judge(const struct plain_field *fields, size_t count,
                                          bool request, bool trailers, bool end);

/* As the application sees a value: without blanks at its ends. */
fc_slice plain_fields_trim(fc_slice value);

#endif
