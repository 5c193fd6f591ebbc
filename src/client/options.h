#ifndef FC_CLIENT_OPTIONS_H
#define FC_CLIENT_OPTIONS_H
/* The options of a channel: checked, copied, defaults filled in. */
#include "call/link.h"
#include "client/credentials.h"
#include "farcall/channel.h"

struct fc__channel_config {
  char *authority;                     /* NULL: the target's */
  char *user_agent;                    /* the whole value */
  fc_channel_credentials *credentials; /* referenced; NULL: insecure */
  char *tls_target_name;               /* NULL: the authority */
  bool wait_for_ready;
  fc_compression compression;
  fc_interceptor *interceptors;
  size_t interceptor_count;
  size_t max_receive; /* SIZE_MAX: no limit */
  size_t max_send;    /* 0: no limit */
  int64_t connect_timeout;
  bool connect_timeout_given;
  int64_t min_backoff, max_backoff;
  int64_t idle_timeout; /* FC_NEVER: none */
  struct fc__link_config link;
};

/* Errors name the option, its value and what to give instead. After a failure nothing is held. */
fc_result fc__channel_config_read(struct fc__channel_config *c, const fc_channel_options *options,
                                  fc_error *err);
void fc__channel_config_finish(struct fc__channel_config *c);

static inline enum fc__security fc__channel_security(const struct fc__channel_config *c) {
  return c->credentials ? c->credentials->security : FC__SECURITY_INSECURE;
}

#endif
