/* What interceptors attach to a call. */
#include "base/error.h"
#include "base/mem.h"
#include "call/internal.h"

static void drop_run(struct fc__task *task) {
  struct fc__hook *hook = FC__CONTAINER(task, struct fc__hook, task);
  struct fc__loop *loop = hook->loop;
  hook->hooks.drop(hook->hooks.user);
  fc__free(hook);
  loop->ops->unref(loop);
}

fc_result fc__hooks_add(fc_call *call, const fc_call_hooks *hooks, bool first) {
  struct fc__hook *hook = fc__alloc_zero(sizeof *hook);
  if (!hook) return FC_ERR_NO_MEMORY;
  fc_result r = fc__options_read(&hook->hooks, sizeof hook->hooks, hooks, "fc_call_hooks", NULL);
  if (r != FC_OK) {
    fc__free(hook);
    return r;
  }
  hook->task.run = drop_run;
  fc__node_init(&hook->task.link);
  struct fc__hook **at = &call->hooks;
  while (!first && *at) at = &(*at)->next;
  hook->next = *at;
  *at = hook;
  return FC_OK;
}

void fc__hooks_forget(fc_call *call) {
  for (struct fc__hook *hook; (hook = call->hooks);) {
    call->hooks = hook->next;
    fc__free(hook);
  }
}

void fc__hooks_finish(fc_call *call) {
  for (struct fc__hook *hook; (hook = call->hooks);) {
    call->hooks = hook->next;
    if (hook->hooks.drop) {
      hook->loop = call->loop;
      call->loop->ops->ref(call->loop);
      fc__loop_defer(call->loop, &hook->task);
    } else {
      fc__free(hook);
    }
  }
}

static fc_bytes *refused(fc_call *call) {
  fc__loop_lock(call->loop);
  fc__call_end(call, FC_CODE_INTERNAL, FC__HOOK_REFUSED, fc__loop_now(call->loop));
  fc__loop_unlock(call->loop);
  return NULL;
}

/* The original is kept until it is clear that the call takes what came of it: a failed send leaves the caller's
 * reference alone. */
fc_result fc__hooks_send(fc_call *call, fc_bytes **message) {
  if (!call->hooks) return FC_OK;
  fc_bytes *m = fc_bytes_ref(*message);
  for (struct fc__hook *h = call->hooks; h && m; h = h->next) {
    if (h->hooks.on_send) m = h->hooks.on_send(call, m, h->hooks.user);
  }
  *message = m ? m : refused(call);
  return m ? FC_OK : FC_ERR_CLOSED;
}

fc_result fc__hooks_sent(bool hooked, fc_bytes *given, fc_bytes *passed, fc_result r) {
  if (hooked) fc_bytes_unref(r == FC_OK ? given : passed);
  return r;
}

/* From the innermost to the outermost. */
static fc_bytes *receive_through(struct fc__hook *hook, fc_call *call, fc_bytes *message) {
  if (!hook) return message;
  message = receive_through(hook->next, call, message);
  if (message && hook->hooks.on_receive)
    message = hook->hooks.on_receive(call, message, hook->hooks.user);
  return message;
}

fc_bytes *fc__hooks_receive(fc_call *call, fc_bytes *message) {
  if (!call->hooks) return message;
  message = receive_through(call->hooks, call, message);
  return message ? message : refused(call);
}

static void call_on_done(fc_call *call, void *user) {
  (void)user;
  for (struct fc__hook *h = call->hooks; h; h = h->next) {
    if (h->hooks.on_done) h->hooks.on_done(call, &call->status, h->hooks.user);
  }
}

fc_result fc__hooks_watch_end(fc_call *call) {
  bool wanted = false;
  for (struct fc__hook *h = call->hooks; h; h = h->next) wanted = wanted || h->hooks.on_done;
  if (!wanted || call->hooks_watched) return FC_OK;
  fc_result r = fc__call_add_done(call, call_on_done, NULL);
  call->hooks_watched = r == FC_OK;
  return r;
}

void fc__hooks_remove_first(fc_call *call) {
  struct fc__hook *hook = call->hooks;
  call->hooks = hook->next;
  fc__free(hook);
}
