/*
 * How calls come and go: made from their owner's pool, counted while anybody needs them, put back. A call keeps
 * its buffers in the pool, so that a warm call allocates nothing but its messages.
 */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "call/call.h"
#include "call/internal.h"

enum { TEXT_MAX = 64 * 1024, PATH_MAX_BYTES = 16 * 1024 };

static void kept_init(struct fc__call_kept *k) {
  fc__buf_init(&k->path, PATH_MAX_BYTES);
  fc__buf_init(&k->message, TEXT_MAX);
  fc__buf_init(&k->details, TEXT_MAX);
}

static void kept_clear(struct fc__call_kept *k) {
  fc__metadata_clear(&k->sending);
  fc__metadata_clear(&k->initial);
  fc__metadata_clear(&k->trailing);
  k->path.len = k->message.len = k->details.len = 0;
  k->peer[0] = 0;
}

static fc_call *call_alloc(struct fc__call_owner *owner) {
  fc_call *call = owner->pool.first;
  if (call) {
    owner->pool.first = call->pool_next;
    owner->pool.count--;
    memset(call, 0, offsetof(struct fc_call, kept));
    return call;
  }
  call = fc__alloc_zero(sizeof *call);
  if (call) kept_init(&call->kept);
  return call;
}

static void op_init(fc_call *call, struct fc__op *op, void (*run)(struct fc__task *)) {
  op->call = call;
  op->task.run = run;
  fc__node_init(&op->task.link);
}

static fc_call *call_new(struct fc__call_owner *owner, bool server) {
  fc_call *call = call_alloc(owner);
  if (!call) return NULL;
  call->owner = owner;
  call->loop = owner->loop;
  call->server = server;
  call->refs = 2;
  call->handle = call->live = true;
  call->deadline = FC_NEVER;
  call->header.timeout = FC_NEVER;
  call->peer_accepts = 1U << FC__ENCODING_IDENTITY;
  call->status.message = "";
  call->timer.fire = fc__call_deadline;
  fc__node_init(&call->line);
  fc__node_init(&call->waiters);
  fc__deframer_init(&call->deframer);
  op_init(call, &call->send_op, fc__op_run);
  op_init(call, &call->recv_op, fc__op_run);
  op_init(call, &call->headers_op, fc__op_run);
  op_init(call, &call->done_op, fc__op_run);
  return call;
}

static fc_result check_hooks(const fc_call_hooks *hooks, fc_error *err) {
  fc_result r = FC_OK;
  for (; hooks && r == FC_OK; hooks = hooks->next) {
    fc_call_hooks copy;
    r = fc__options_read(&copy, sizeof copy, hooks, "fc_call_hooks", err);
  }
  return r;
}

static fc_result check_options(struct fc__call_owner *owner, const fc_call_options *o,
                               fc_error *err) {
  if (o->timeout_ns < 0) {
    return fc__error(err, FC_ERR_INVALID, "timeout_ns is %lld: it must not be negative",
                     (long long)o->timeout_ns);
  }
  if ((unsigned)o->pattern > FC_PATTERN_UNARY_UNARY) {
    return fc__error(err, FC_ERR_INVALID, "pattern is %d: there is no such pattern",
                     (int)o->pattern);
  }
  if ((unsigned)o->compression > FC_COMPRESSION_GZIP) {
    return fc__error(err, FC_ERR_INVALID, "compression is %d: there is no such value",
                     (int)o->compression);
  }
  if ((unsigned)o->wait_for_ready > FC_WAIT_FOR_READY_OFF) {
    return fc__error(err, FC_ERR_INVALID, "wait_for_ready is %d: there is no such value",
                     (int)o->wait_for_ready);
  }
  if (o->request && !(o->pattern & FC_PATTERN_UNARY_STREAM)) {
    return fc__error(err, FC_ERR_INVALID, "a request is given, but the pattern's client streams");
  }
  fc_result r = fc__call_check_length(owner, fc_bytes_slice(o->request).len, err);
  return r == FC_OK ? check_hooks(o->hooks, err) : r;
}

static enum fc__encoding encoding_of(const struct fc__call_owner *owner, fc_compression chosen) {
  return chosen == FC_COMPRESSION_UNSET ? owner->compression
                                        : (enum fc__encoding)(chosen - FC_COMPRESSION_NONE);
}

static fc_result fill(fc_call *call, const fc_call_options *o) {
  fc_result r = FC_OK;
  if (o->metadata) r = fc__metadata_append(&call->kept.sending, o->metadata);
  for (const fc_call_hooks *h = o->hooks; h && r == FC_OK; h = h->next)
    r = fc__hooks_add(call, h, false);
  if (o->request && !call->hooks && r == FC_OK) {
    r = fc__call_queue(call, fc_bytes_ref(o->request), FC_SEND_LAST);
    if (r != FC_OK) fc_bytes_unref(o->request);
  }
  if (call->hooks && r == FC_OK) r = fc__hooks_watch_end(call);
  return r;
}

fc_result fc__call_create_client(struct fc__call_owner *owner, struct fc__method *method,
                                 const fc_call_options *options, int64_t now, fc_call **out,
                                 fc_error *err) {
  *out = NULL;
  fc_result r = check_options(owner, options, err);
  if (r != FC_OK) return r;
  fc_call *call = call_new(owner, false);
  if (!call) return fc__error_no_memory(err);
  call->pattern = (uint8_t)options->pattern;
  call->wait_for_ready = options->wait_for_ready == FC_WAIT_FOR_READY_ON;
  call->send_encoding = (uint8_t)encoding_of(owner, options->compression);
  call->method = method;
  method->refs++;
  r = fill(call, options);
  if (r != FC_OK) {
    fc__hooks_forget(call);
    call->handle = call->live = false;
    call->refs = 1;
    fc__call_unref(call);
    return r == FC_ERR_NO_MEMORY ? fc__error_no_memory(err)
                                 : fc__error(err, r, "%s", fc_result_text(r));
  }
  if (options->timeout_ns != 0 && options->timeout_ns < FC_NEVER - now) {
    call->deadline = now + options->timeout_ns;
    fc__loop_timer_set(call->loop, &call->timer, call->deadline);
  }
  *out = call;
  return FC_OK;
}

fc_call *fc__call_create_server(struct fc__call_owner *owner, struct fc__link *link, int64_t now) {
  (void)now;
  fc_call *call = call_new(owner, true);
  if (!call) return NULL;
  call->link = link;
  call->send_encoding = (uint8_t)owner->compression;
  fc__call_note_peer(call, link);
  return call;
}

void fc__call_ref(fc_call *call) { call->refs++; }

/* Gives up what a call has gathered; its kept buffers stay. */
static void release_content(fc_call *call) {
  fc__loop_timer_stop(call->loop, &call->timer);
  fc__call_drop_outgoing(call);
  fc__call_drop_messages(call);
  fc__hooks_finish(call);
  if (call->method) fc__method_unref(call->method);
  call->method = NULL;
  while (call->auth_count > 0) fc__auth_unref(call->kept.auth[--call->auth_count]);
}

void fc__call_unref(fc_call *call) {
  if (--call->refs > 0) return;
  release_content(call);
  call->owner->ops->on_free(call->owner, call);
}

void fc__call_free(fc_call *call) {
  struct fc__call_kept *k = &call->kept;
  fc__metadata_finish(&k->sending);
  fc__metadata_finish(&k->initial);
  fc__metadata_finish(&k->trailing);
  fc__free(k->outgoing);
  fc__buf_finish(&k->path);
  fc__buf_finish(&k->message);
  fc__buf_finish(&k->details);
  fc__free(call);
}

void fc__call_pool_keep(struct fc__call_owner *owner, fc_call *call) {
  if (owner->pool.count >= FC__CALL_POOL_MAX) {
    fc__call_free(call);
    return;
  }
  kept_clear(&call->kept);
  call->pool_next = owner->pool.first;
  owner->pool.first = call;
  owner->pool.count++;
}

void fc__call_pool_finish(struct fc__call_owner *owner) {
  for (fc_call *call; (call = owner->pool.first);) {
    owner->pool.first = call->pool_next;
    fc__call_free(call);
  }
  owner->pool.count = 0;
}

void fc__call_drop_handle(fc_call *call, int64_t now) {
  call->handle = false;
  if (!call->over && call->server) {
    fc__call_end(call, FC_CODE_UNKNOWN, "the handler gave the call up without finishing it", now);
  } else if (!call->over && !call->observed) {
    call->cancelled = true;
    fc__call_end(call, FC_CODE_CANCELLED, "Cancelled: the call was destroyed", now);
  }
  fc__call_unref(call);
}

void fc__call_hold(fc_call *call) {
  if (call->held || call->over) return;
  call->held = true;
  fc__loop_keep(call->loop);
}

struct fc__method *fc__method_create(fc_slice path, uint32_t id) {
  struct fc__method *m = fc__alloc(sizeof *m + path.len + 1);
  if (!m) return NULL;
  m->refs = 1;
  m->id = id;
  m->len = path.len;
  m->path = (char *)(m + 1);
  memcpy(m->path, path.data, path.len);
  m->path[path.len] = 0;
  return m;
}

void fc__method_unref(struct fc__method *method) {
  if (--method->refs == 0) fc__free(method);
}
