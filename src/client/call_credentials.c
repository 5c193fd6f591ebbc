/*
 * Call credentials as objects: tokens, plugins, and composites, which are flat lists of the other two. What becomes of
 * them in a call is in authorize.c.
 */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "client/credentials.h"

enum { TOKEN_MAX = 64 * 1024, LEAVES_MAX = 65536 };

static const char scheme[] = "Bearer "; /* RFC 6750 section 2.1 */

static fc_call_credentials *create(enum fc__call_kind kind, size_t more) {
  fc_call_credentials *c = fc__alloc(sizeof *c + more);
  if (!c) return NULL;
  atomic_init(&c->refs, 1);
  c->kind = kind;
  return c;
}

fc_call_credentials *fc__call_credentials_ref(fc_call_credentials *c) {
  if (c) atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
  return c;
}

/* ---- tokens ---- */

/* No byte of the token may enter a message. */
static fc_result check(const char *token, size_t len, fc_error *err) {
  if (len == 0 || len > TOKEN_MAX) {
    return fc__error(err, FC_ERR_INVALID, "the token has %zu characters; give 1 to %d", len,
                     (int)TOKEN_MAX);
  }
  for (size_t i = 0; i < len; i++) {
    if (token[i] >= ' ' && token[i] < 0x7f) continue;
    return fc__error(err, FC_ERR_INVALID,
                     "the token has an unprintable byte at %zu; give printable ASCII", i);
  }
  return FC_OK;
}

fc_result fc_call_credentials_from_token(const char *token, fc_call_credentials **out,
                                         fc_error *err) {
  if (!out) return fc__error(err, FC_ERR_INVALID, "out is NULL");
  *out = NULL;
  if (!token) return fc__error(err, FC_ERR_INVALID, "the token is NULL");
  size_t len = strlen(token), before = sizeof scheme - 1;
  fc_result r = check(token, len, err);
  if (r != FC_OK) return r;
  fc_call_credentials *c = create(FC__CALL_TOKEN, before + len);
  if (!c) return fc__error_no_memory(err);
  c->token.len = before + len;
  c->token.value = (char *)(c + 1);
  memcpy(c->token.value, scheme, before);
  memcpy(c->token.value + before, token, len);
  *out = c;
  return FC_OK;
}

/* ---- plugins ---- */

fc_result fc_call_credentials_from_plugin(const char *name, fc_auth_plugin_fn plugin, void *user,
                                          fc_drop_fn drop, fc_call_credentials **out,
                                          fc_error *err) {
  if (!out) return fc__error(err, FC_ERR_INVALID, "out is NULL");
  *out = NULL;
  if (!plugin) return fc__error(err, FC_ERR_INVALID, "the plugin is NULL");
  if (!name) name = "plugin";
  size_t size = strlen(name) + 1;
  fc_call_credentials *c = create(FC__CALL_PLUGIN, size);
  if (!c) return fc__error_no_memory(err);
  c->plugin.name = memcpy(c + 1, name, size);
  c->plugin.ask = plugin;
  c->plugin.user = user;
  c->plugin.drop = drop;
  *out = c;
  return FC_OK;
}

/* ---- composites ---- */

static void append(fc_call_credentials *list, fc_call_credentials *c) {
  for (size_t i = 0, count = fc__call_credentials_count(c); i < count; i++) {
    fc_call_credentials *leaf = fc__call_credentials_leaf(c, i);
    list->list.leaves[list->list.count++] = fc__call_credentials_ref(leaf);
  }
}

fc_result fc_call_credentials_composite(fc_call_credentials *first, fc_call_credentials *second,
                                        fc_call_credentials **out, fc_error *err) {
  if (!out) return fc__error(err, FC_ERR_INVALID, "out is NULL");
  *out = NULL;
  if (!first || !second) {
    return fc__error(err, FC_ERR_INVALID, "the %s credentials are NULL",
                     first ? "second" : "first");
  }
  size_t count = fc__call_credentials_count(first) + fc__call_credentials_count(second);
  fc_call_credentials *c = count <= LEAVES_MAX ? create(FC__CALL_LIST, count * sizeof first) : NULL;
  if (!c) return fc__error_no_memory(err);
  c->list.count = 0;
  c->list.leaves = (fc_call_credentials **)(c + 1);
  append(c, first);
  append(c, second);
  *out = c;
  return FC_OK;
}

/* ---- the end ---- */

void fc_call_credentials_destroy(fc_call_credentials *c) {
  if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1) return;
  if (c->kind == FC__CALL_TOKEN) {
    fc__erase(c->token.value, c->token.len);
  } else if (c->kind == FC__CALL_PLUGIN) {
    if (c->plugin.drop) c->plugin.drop(c->plugin.user);
  } else {
    for (size_t i = 0; i < c->list.count; i++) fc_call_credentials_destroy(c->list.leaves[i]);
  }
  fc__free(c);
}
