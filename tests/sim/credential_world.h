#ifndef FC_TESTS_CREDENTIAL_WORLD_H
#define FC_TESTS_CREDENTIAL_WORLD_H
/*
 * A channel over a simulated Unix socket, which carries call credentials, and a server made by hand at its other end; and
 * plugins that do as they are told.
 */
#include "farcall/credentials.h"
#include "farcall/rpc.h"
#include "sim/raw_end.h"

struct credential_world {
  struct sim *sim;
  fc_channel_options options; /* change them between credentials_open and credentials_channel */
  fc_channel *channel;
  struct raw_end end;
  size_t live;
};

void credentials_open(struct credential_world *w);
/* call: the channel's own call credentials, whose reference is taken; may be NULL. */
void credentials_channel(struct credential_world *w, fc_call_credentials *call);
void credentials_close(struct credential_world *w); /* nothing may have leaked */

/* A unary call of "/pkg.Service/Method" with user metadata "user: u", begun and not waited for. own is borrowed. */
fc_call *credentials_call(struct credential_world *w, fc_call_credentials *own, int64_t timeout);
/* 20 ms pass; what the client has said since the last time, without frames of the connection. */
const char *credentials_said(struct credential_world *w);
void credentials_answer(struct credential_world *w, uint32_t id); /* with OK and a message */

/* Asserts that the call is over so, and gives it back. */
void credentials_expect(fc_call *call, fc_code code, const char *message);
/* Asserts that the request of that stream says nothing but the user's metadata and these fields at its end, that it is
 * answered, and that the call ends with OK; gives it back. */
void credentials_expect_sent(struct credential_world *w, fc_call *call, uint32_t id,
                             const char *fields);

fc_call_credentials *token(const char *text);
/* Takes both references. */
fc_call_credentials *both(fc_call_credentials *first, fc_call_credentials *second);

struct plugin {
  enum plugin_way {
    PLUGIN_KEEPS, /* answers later, when plugin_give or plugin_fail says so */
    PLUGIN_GIVES, /* answers at once with key and value */
    PLUGIN_FAILS, /* answers at once with failure */
  } way;
  const char *key, *value, *failure;
  fc_auth_request *request; /* kept */
  int asked, dropped;
  char url[128], method[64];  /* of the last request */
  void (*inside)(void *user); /* runs in the plugin, before it answers; or NULL */
  void *user;
};

/* Credentials that ask the plugin, which lives longer. */
fc_call_credentials *plugin_credentials(struct plugin *p);
fc_call_credentials *plugin_try_credentials(struct plugin *p); /* NULL: no memory */
void plugin_give(struct plugin *p);                      /* the kept request gets key and value */
void plugin_fail(struct plugin *p, const char *failure); /* ...or that */

#endif
