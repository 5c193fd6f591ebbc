#ifndef FC_CLIENT_METHOD_H
#define FC_CLIENT_METHOD_H
/* The method names of a channel, each kept once, so that a call does not copy its own. Under the
 * loop's lock. */
#include "base/map.h"
#include "call/call.h"

enum { FC__METHODS_MAX = 1024, FC__METHOD_LEN_MAX = 8192 };

struct fc__methods {
  struct fc__map map;
  struct fc__method *last; /* of the call before: most programs repeat themselves */
  uint32_t next_id;
  bool any_path; /* what is called otherwise than /service/method is fine too */
};

void fc__methods_init(struct fc__methods *m, uint64_t seed, bool any_path);
void fc__methods_finish(struct fc__methods *m);

/* One reference to the method of that name. FC_ERR_INVALID it is no name of a method;
 * FC_ERR_NO_MEMORY. */
fc_result fc__methods_find(struct fc__methods *m, const char *path, struct fc__method **out,
                           fc_error *err);

#endif
