/*
 * Method names by their text. A program that makes names up without end gets objects that live with
 * their calls once the table is full.
 */
#include "client/method.h"

#include <string.h>

#include "base/error.h"

void fc__methods_init(struct fc__methods *m, uint64_t seed, bool any_path) {
  fc__map_init(&m->map, seed);
  m->last = NULL;
  m->next_id = 0;
  m->any_path = any_path;
}

void fc__methods_finish(struct fc__methods *m) {
  size_t at = 0;
  fc_slice key;
  void *value;
  while (fc__map_next(&m->map, &at, &key, &value)) fc__method_unref(value);
  fc__map_finish(&m->map);
  m->last = NULL;
}

/* Spec: PROTOCOL-HTTP2.md, Path: "/" Service-Name "/" {method name}; RFC 9113 section 8.2.1 for the
 * characters. */
static bool has_two_parts(const char *path) {
  const char *second = path[0] == '/' ? strchr(path + 1, '/') : NULL;
  return second && second != path + 1 && second[1] != 0;
}

static fc_result check(const struct fc__methods *m, const char *path, size_t len, fc_error *err) {
  if (len > FC__METHOD_LEN_MAX) {
    return fc__error(err, FC_ERR_INVALID, "the method has %zu characters, at most %d are allowed",
                     len, (int)FC__METHOD_LEN_MAX);
  }
  if (len == 0 || (!m->any_path && !has_two_parts(path))) {
    return fc__error(err, FC_ERR_INVALID, "method \"%.100s\": write \"/package.Service/Method\"",
                     path);
  }
  for (size_t i = 0; i < len; i++) {
    if (path[i] > ' ' && path[i] < 0x7f) continue;
    return fc__error(err, FC_ERR_INVALID,
                     "the method has the byte 0x%02x at %zu; give printable ASCII",
                     (unsigned)(unsigned char)path[i], i);
  }
  return FC_OK;
}

/* Ids past the table's go round behind those of the table, which stay theirs. */
static uint32_t take_id(struct fc__methods *m) {
  if (m->next_id == UINT32_MAX) m->next_id = FC__METHODS_MAX;
  return m->next_id++;
}

static fc_result add(struct fc__methods *m, fc_slice path, struct fc__method **out, fc_error *err) {
  fc_result r = check(m, (const char *)path.data, path.len, err);
  if (r != FC_OK) return r;
  struct fc__method *method = fc__method_create(path, take_id(m));
  if (!method) return fc__error_no_memory(err);
  if (m->map.count < FC__METHODS_MAX && fc__map_put(&m->map, path, method, NULL)) {
    method->refs++;
    m->last = method;
  }
  *out = method;
  return FC_OK;
}

fc_result fc__methods_find(struct fc__methods *m, const char *path, struct fc__method **out,
                           fc_error *err) {
  struct fc__method *method = m->last;
  *out = NULL;
  if (!method || strcmp(method->path, path) != 0) {
    fc_slice key = fc_slice_from_string(path);
    method = fc__map_get(&m->map, key);
    if (!method) return add(m, key, out, err);
    m->last = method;
  }
  method->refs++;
  *out = method;
  return FC_OK;
}
