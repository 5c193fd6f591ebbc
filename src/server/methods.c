/*
 * Which handler a call goes to: exactly the one registered under its name, or the fallback. The path is compared byte by
 * byte, so routing sees the same string that interceptors and logs see.
 */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "server/server.h"

void fc__server_methods_init(struct fc__server_methods *m, uint64_t seed) {
  fc__map_init(&m->by_name, seed);
  m->fallback = NULL;
}

static void handler_free(fc_handler *handler) {
  if (handler && handler->drop) handler->drop(handler->user);
  fc__free(handler);
}

void fc__server_methods_finish(struct fc__server_methods *m) {
  size_t at = 0;
  fc_slice name;
  void *handler;
  while (fc__map_next(&m->by_name, &at, &name, &handler)) handler_free(handler);
  fc__map_finish(&m->by_name);
  handler_free(m->fallback);
  m->fallback = NULL;
}

const fc_handler *fc__server_methods_find(const struct fc__server_methods *m, fc_slice path) {
  const fc_handler *found = fc__map_get(&m->by_name, path);
  return found ? found : m->fallback;
}

/* What the call layer lets pass, or the handler would never be reached: neither part is empty. */
static bool has_both_parts(const char *method) {
  if (method[0] != '/' || method[1] == '\0' || method[1] == '/') return false;
  const char *slash = strchr(method + 1, '/');
  return slash && slash[1] != '\0';
}

static bool is_visible(fc_slice text) {
  for (size_t i = 0; i < text.len; i++) {
    if (text.data[i] <= 0x20 || text.data[i] >= 0x7f) return false;
  }
  return true;
}

static fc_result check_name(const fc_server *server, const char *method, fc_error *err) {
  if (!method) return fc__error(err, FC_ERR_INVALID, "method is NULL");
  fc_slice name = fc_slice_from_string(method);
  bool any = server && server->options.any_path;
  if ((any ? name.len > 0 : has_both_parts(method)) && is_visible(name)) return FC_OK;
  return fc__error(err, FC_ERR_INVALID, "method is \"%.100s\": it must be \"/service/method\"",
                   method);
}

static fc_result read_handler(const fc_handler *from, fc_handler *out, fc_error *err) {
  if (!from) return fc__error(err, FC_ERR_INVALID, "handler is NULL");
  fc_result r = fc__options_read(out, sizeof *out, from, "fc_handler", err);
  if (r != FC_OK) return r;
  bool taken = out->kind == FC_HANDLER_TAKEN;
  if (!out->fn && !taken) return fc__error(err, FC_ERR_INVALID, "fn of the handler is NULL");
  if ((unsigned)out->pattern > FC_PATTERN_UNARY_UNARY) {
    return fc__error(err, FC_ERR_INVALID, "pattern of the handler is %d: there is no such pattern",
                     (int)out->pattern);
  }
  if ((unsigned)out->kind > FC_HANDLER_TAKEN) {
    return fc__error(err, FC_ERR_INVALID, "kind of the handler is %d: there is no such kind",
                     (int)out->kind);
  }
  if (out->queue >= FC__SERVER_QUEUE_MAX) {
    return fc__error(err, FC_ERR_INVALID, "queue of the handler is %lu: at most %d",
                     (unsigned long)out->queue, FC__SERVER_QUEUE_MAX - 1);
  }
  return FC_OK;
}

/* A thread can wait on one reactor only; and interceptors run around a handler's function, which is not called here. */
static fc_result prepare_taken(fc_server *server, const fc_handler *handler, fc_error *err) {
  if (handler->kind != FC_HANDLER_TAKEN) return FC_OK;
  if (server->shard_count > 1) {
    return fc__error(err, FC_ERR_INVALID, "calls can be taken from a server with one reactor only");
  }
  if (server->options.interceptor_count > 0) {
    return fc__error(err, FC_ERR_INVALID,
                     "the server's interceptors would not see calls that are taken");
  }
  fc_result r = fc__server_queues_reach(server, handler->queue);
  return r == FC_OK ? r : fc__error_no_memory(err);
}

/* Checks and copies a handler that is to be used by a server that has not started. */
static fc_result copy_handler(fc_server *server, const fc_handler *from, fc_handler **out,
                              fc_error *err) {
  *out = NULL;
  fc_handler copy = FC_HANDLER_INIT;
  if (!server) return fc__error(err, FC_ERR_INVALID, "server is NULL");
  fc_result r = read_handler(from, &copy, err);
  if (r != FC_OK) return r;
  if (atomic_load(&server->state) != FC__SERVER_NEW) {
    return fc__error(err, FC_ERR_CLOSED, "the server has started: handlers come before");
  }
  r = prepare_taken(server, &copy, err);
  if (r != FC_OK) return r;
  *out = fc__alloc(sizeof **out);
  if (!*out) return fc__error_no_memory(err);
  **out = copy;
  return FC_OK;
}

fc_result fc_server_register(fc_server *server, const char *method, const fc_handler *handler,
                             fc_error *err) {
  fc_handler *copy;
  fc_result r = check_name(server, method, err);
  if (r == FC_OK) r = copy_handler(server, handler, &copy, err);
  if (r != FC_OK) return r;
  fc_slice name = fc_slice_from_string(method);
  if (fc__map_get(&server->methods.by_name, name)) {
    r = fc__error(err, FC_ERR_EXISTS, "%.200s has a handler already", method);
  } else if (!fc__map_put(&server->methods.by_name, name, copy, NULL)) {
    r = fc__error_no_memory(err);
  }
  if (r != FC_OK) fc__free(copy);
  return r;
}

fc_result fc_server_set_fallback(fc_server *server, const fc_handler *handler, fc_error *err) {
  fc_handler *copy;
  fc_result r = copy_handler(server, handler, &copy, err);
  if (r != FC_OK) return r;
  if (server->methods.fallback) {
    fc__free(copy);
    return fc__error(err, FC_ERR_EXISTS, "the server has a fallback already");
  }
  server->methods.fallback = copy;
  return FC_OK;
}
