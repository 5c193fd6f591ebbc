/*
 * Auth contexts: a short list of properties, searched from its front. Those that every insecure connection and every
 * call without a connection share are constants without a count.
 */
#include "base/auth_context.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"

struct fc_auth_context {
  atomic_uint refs; /* 0: a constant */
  const char *identity;
  size_t count, cap;
  fc_auth_property *properties;
};

/* ---- asking ---- */

size_t fc_auth_context_count(const fc_auth_context *context) {
  return context ? context->count : 0;
}

fc_auth_property fc_auth_context_at(const fc_auth_context *context, size_t index) {
  if (index >= fc_auth_context_count(context)) return (fc_auth_property){.name = ""};
  return context->properties[index];
}

bool fc_auth_context_find(const fc_auth_context *context, const char *name, fc_slice *value) {
  if (value) *value = FC_SLICE_EMPTY;
  for (size_t i = 0; name && i < fc_auth_context_count(context); i++) {
    if (strcmp(context->properties[i].name, name) != 0) continue;
    if (value) *value = context->properties[i].value;
    return true;
  }
  return false;
}

const char *fc_auth_context_identity(const fc_auth_context *context) {
  return context ? context->identity : NULL;
}

/* ---- making ---- */

#define CONSTANT(text)                                                                             \
  { (const uint8_t *)(text), sizeof(text) - 1 }

const fc_auth_context *fc__auth_insecure(void) {
  static fc_auth_property properties[] = {
      {"transport_security_type", CONSTANT("insecure")},
      {"security_level", CONSTANT("TSI_SECURITY_NONE")},
  };
  static const fc_auth_context insecure = {.count = 2, .properties = properties};
  return &insecure;
}

const fc_auth_context *fc__auth_local(bool over_unix) {
  static fc_auth_property properties[][2] = {
      {
          {"transport_security_type", CONSTANT("local")},
          {"security_level", CONSTANT("TSI_SECURITY_NONE")},
      },
      {
          {"transport_security_type", CONSTANT("local")},
          {"security_level", CONSTANT("TSI_PRIVACY_AND_INTEGRITY")},
      },
  };
  static const fc_auth_context local[] = {
      {.count = 2, .properties = properties[0]},
      {.count = 2, .properties = properties[1]},
  };
  return &local[over_unix];
}

const fc_auth_context *fc__auth_empty(void) {
  static const fc_auth_context empty = {.count = 0};
  return &empty;
}

fc_auth_context *fc__auth_create(void) {
  fc_auth_context *context = fc__alloc_zero(sizeof *context);
  if (context) atomic_init(&context->refs, 1);
  return context;
}

static bool has_room(fc_auth_context *context) {
  if (context->count < context->cap) return true;
  size_t cap = context->cap ? 2 * context->cap : 8; /* a certificate with one name has eight */
  fc_auth_property *grown = fc__resize(context->properties, cap * sizeof *grown);
  if (!grown) return false;
  context->properties = grown;
  context->cap = cap;
  return true;
}

bool fc__auth_add(fc_auth_context *context, const char *name, fc_slice value) {
  assert(atomic_load_explicit(&context->refs, memory_order_relaxed) == 1 &&
         "whoever shares a context takes it for constant");
  if (!has_room(context)) return false;
  char *copy = fc__strndup((const char *)value.data, value.len);
  if (!copy) return false;
  context->properties[context->count++] =
      (fc_auth_property){name, {(const uint8_t *)copy, value.len}};
  return true;
}

void fc__auth_set_identity(fc_auth_context *context, const char *name) { context->identity = name; }

/* ---- counting ---- */

/* A context is constant for those who share it, but for the count. */
static fc_auth_context *counted(const fc_auth_context *context) {
  fc_auth_context *c = (fc_auth_context *)(uintptr_t)context;
  return c && atomic_load_explicit(&c->refs, memory_order_relaxed) ? c : NULL;
}

fc_auth_context *fc__auth_ref(const fc_auth_context *context) {
  fc_auth_context *c = counted(context);
  if (c) atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
  return (fc_auth_context *)(uintptr_t)context;
}

void fc__auth_unref(const fc_auth_context *context) {
  fc_auth_context *c = counted(context);
  if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1) return;
  for (size_t i = 0; i < c->count; i++) fc__free((uint8_t *)(uintptr_t)c->properties[i].value.data);
  fc__free(c->properties);
  fc__free(c);
}
