/*
 * What call credentials add to a call, before it is put in line: the channel's first, then its own; tokens at once,
 * plugins asked one after the other, each under no lock. A call whose plugin has not answered is in a list of the
 * channel's like any other, so it can end meanwhile; the request outlives it until it is answered. Spec: gRFC L62
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "client/channel.h"
#include "wire/metadata_rules.h"

#define PLUGIN_FAILED "Getting metadata from plugin failed with error: " /* programs compare it */

/* The credentials of a call, and how many of their tokens and plugins have had their turn. */
struct turns {
  fc_call_credentials *of[2]; /* the channel's, the call's own; NULL: none */
  size_t taken;
};

/* Under the lock, but what its getters give, which is constant. */
struct fc_auth_request {
  struct fc__loop *loop; /* referenced */
  fc_call *call;         /* NULL: it is over, or goes on */
  struct turns turns;    /* whose credentials are referenced */
  bool asking;   /* a plugin runs: when it returns, and no earlier, whoever asked it goes on */
  bool answered; /* ... if it has */
  const char *method;
  char service_url[];
};

/* ---- turns ---- */

static fc_call_credentials *next_leaf(const struct turns *t) {
  size_t index = t->taken;
  for (int i = 0; i < 2; i++) {
    size_t count = fc__call_credentials_count(t->of[i]);
    if (index < count) return fc__call_credentials_leaf(t->of[i], index);
    index -= count;
  }
  return NULL;
}

/* Up to the next plugin. False: no memory. */
static bool add_tokens(fc_call *call, struct turns *t) {
  const fc_slice key = fc_slice_from_string("authorization");
  for (fc_call_credentials *c; (c = next_leaf(t)) && c->kind == FC__CALL_TOKEN; t->taken++) {
    fc_slice value = {(const uint8_t *)c->token.value, c->token.len};
    if (fc__metadata_add_slice(&call->kept.sending, key, value) != FC_OK) return false;
  }
  return true;
}

static void end_without_memory(fc_call *call) {
  fc__call_end(call, FC_CODE_RESOURCE_EXHAUSTED, "out of memory", fc__loop_now(call->loop));
}

/* ---- requests ---- */

static char *put(char *to, const void *text, size_t len) {
  memcpy(to, text, len);
  return to + len;
}

/* As grpc core names a service: the authority without the port that https has by itself, the path up to its last slash.
 * Paths that do not name one, which a channel's any_path allows, are as there too: "/x" is all service, "x" neither. */
static void name_service(struct fc_auth_request *r, fc_slice authority, fc_slice path) {
  static const char scheme[] = "https://", port[] = ":443";
  const char *start = (const char *)path.data, *slash = strrchr(start, '/');
  const char *service_end = !slash ? start : slash == start ? start + path.len : slash;
  const char *method = slash && slash > start ? slash + 1 : "";
  size_t len = sizeof port - 1;
  if (authority.len >= len && memcmp(authority.data + authority.len - len, port, len) == 0)
    authority.len -= len;
  char *to = put(r->service_url, scheme, sizeof scheme - 1);
  to = put(to, authority.data, authority.len);
  to = put(to, start, (size_t)(service_end - start));
  *to++ = 0;
  r->method = to;
  (void)put(to, method, strlen(method) + 1);
}

static struct fc_auth_request *request_create(fc_call *call, const struct turns *turns) {
  fc_slice authority = call->owner->authority, path = fc_slice_from_string(call->method->path);
  size_t names = sizeof "https://" + authority.len + path.len + 1;
  struct fc_auth_request *r = fc__alloc(sizeof *r + names);
  if (!r) return NULL;
  *r = (struct fc_auth_request){.loop = call->loop, .call = call, .turns = *turns};
  r->loop->ops->ref(r->loop);
  for (int i = 0; i < 2; i++) fc__call_credentials_ref(r->turns.of[i]);
  name_service(r, authority, path);
  call->auth_request = r;
  return r;
}

/* Without the lock. */
static void request_free(struct fc_auth_request *r) {
  struct fc__loop *loop = r->loop;
  for (int i = 0; i < 2; i++) fc_call_credentials_destroy(r->turns.of[i]);
  fc__free(r);
  loop->ops->unref(loop);
}

const char *fc_auth_request_service_url(const fc_auth_request *request) {
  return request ? request->service_url : "";
}

const char *fc_auth_request_method(const fc_auth_request *request) {
  return request ? request->method : "";
}

/* The request has no call any more. */
static fc_call *let_go(struct fc_auth_request *r) {
  fc_call *call = r->call;
  call->auth_request = NULL;
  r->call = NULL;
  return call;
}

/* ---- asking ---- */

/* Nobody may have driven the loop while the plugins worked. */
static void go_on(struct fc_auth_request *r) {
  struct fc_channel *ch = r->call->owner_data;
  int64_t now = fc__loop_now(r->loop);
  fc__channel_check_fork(ch, now);
  if (!r->call) return;
  fc_call *call = let_go(r);
  if (now >= call->deadline) {
    fc__call_end(call, FC_CODE_DEADLINE_EXCEEDED, "Deadline Exceeded", now);
    return;
  }
  fc__list_remove(&call->line);
  fc__connect_probe(ch, now);
  fc__line_place(ch, call, now);
}

/* Asks until all have had their turn, or one answers later. True: the request is to be freed. */
static bool ask(struct fc_auth_request *r) {
  while (r->call) {
    if (!add_tokens(r->call, &r->turns)) {
      end_without_memory(r->call);
      break;
    }
    const fc_call_credentials *plugin = next_leaf(&r->turns);
    if (!plugin) {
      go_on(r);
      break;
    }
    r->turns.taken++;
    r->asking = true;
    r->answered = false;
    fc__loop_unlock(r->loop);
    plugin->plugin.ask(r, plugin->plugin.user);
    fc__loop_lock(r->loop);
    r->asking = false;
    if (!r->answered) return false;
  }
  return true;
}

/* ---- answers ---- */

/* The plugin that was asked last. */
static const char *plugin_name(const struct fc_auth_request *r) {
  struct turns before = r->turns;
  before.taken--;
  return next_leaf(&before)->plugin.name;
}

/* Keys can be any bytes here. */
static void describe_key(fc_slice key, char *text, size_t size) {
  size_t len = key.len < size ? key.len : size - 1;
  for (size_t i = 0; i < len; i++)
    text[i] = key.data[i] >= ' ' && key.data[i] < 0x7f ? (char)key.data[i] : '?';
  text[len] = 0;
}

/* Metadata made by fc_metadata_add is fine; but what was not checked would break the connection for all. No byte of a
 * value may enter a message. False: the call has ended. */
static bool check(struct fc_auth_request *r, const fc_metadata *metadata) {
  for (size_t i = 0; i < fc_metadata_count(metadata); i++) {
    fc_metadata_entry e = fc_metadata_at(metadata, i);
    if (fc__metadata_check(e.key, e.value, NULL) == FC_OK) continue;
    fc_error err = FC_ERROR_INIT;
    char key[64];
    describe_key(e.key, key, sizeof key);
    bool key_is_good = fc__metadata_check(e.key, FC_SLICE_EMPTY, &err) == FC_OK;
    fc__call_endf(r->call, fc__loop_now(r->loop), FC_CODE_UNAVAILABLE,
                  "Illegal metadata from plugin \"%s\", key \"%s\": %s", plugin_name(r), key,
                  key_is_good ? "its value cannot be sent" : err.message);
    return false;
  }
  return true;
}

static void fail(fc_call *call, const char *failure) {
  size_t size = sizeof PLUGIN_FAILED + strlen(failure);
  char *text = fc__alloc(size);
  if (text) snprintf(text, size, PLUGIN_FAILED "%s", failure);
  fc__call_end(call, FC_CODE_UNAVAILABLE,
               text ? text : PLUGIN_FAILED "out of memory for the reason",
               fc__loop_now(call->loop));
  fc__free(text);
}

static void take(struct fc_auth_request *r, const fc_metadata *metadata, const char *failure) {
  if (!r->call) return;
  if (failure) {
    fail(r->call, failure);
  } else if (check(r, metadata) && metadata &&
             fc__metadata_append(&r->call->kept.sending, metadata) != FC_OK) {
    end_without_memory(r->call);
  }
}

/* Once it is answered while the plugin still runs, the request may be freed by whoever asked. */
void fc_auth_request_answer(fc_auth_request *r, const fc_metadata *metadata, const char *failure) {
  if (!r) return;
  struct fc__loop *loop = r->loop;
  fc__loop_lock(loop);
  take(r, metadata, failure);
  r->answered = true;
  bool done = !r->asking && ask(r);
  fc__loop_unlock(loop);
  if (done) request_free(r);
}

/* ---- calls ---- */

void fc__authorize(struct fc_channel *ch, fc_call *call, fc_call_credentials *own, int64_t now) {
  struct turns turns = {{fc__channel_call_credentials(ch), own}, 0};
  fc__metadata_guard(&call->kept.sending);
  if (!add_tokens(call, &turns)) {
    end_without_memory(call);
    return;
  }
  if (!next_leaf(&turns)) {
    fc__line_place(ch, call, now);
    return;
  }
  struct fc_auth_request *r = request_create(call, &turns);
  if (!r) {
    end_without_memory(call);
    return;
  }
  fc__list_push_back(&ch->asking, &call->line);
  fc__connect_begin(ch, now);
  if (!ask(r)) return;
  fc__loop_unlock(ch->loop);
  request_free(r);
  fc__loop_lock(ch->loop);
}

void fc__authorize_end(fc_call *call) {
  if (call->auth_request) (void)let_go(call->auth_request);
  fc__metadata_clear(&call->kept.sending);
}
