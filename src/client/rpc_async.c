/*
 * The short functions with callbacks. Up to three chains run for one call: the source's messages go
 * out, messages come in, and the call ends; when the last of them is through, the user is told the
 * outcome.
 */
#include <assert.h>
#include <stdatomic.h>

#include "base/error.h"
#include "base/mem.h"
#include "client/channel.h"
#include "client/rpc.h"

struct async {
  struct fc__task task; /* what is done on the driver's thread before any callback */
  fc_call *call;
  bool own_handle;    /* the user wanted none */
  bool stopped;       /* by on_message, which is not called again */
  bool over;          /* at the start: no callback of the end was added, the task tells it */
  atomic_uint chains; /* still running, the start among them */
  fc_source_fn source;
  fc_message_fn on_message;
  fc_response_fn done;
  void *user;
};

/* ---- the end ---- */

/* The call is over: this does not wait. False: a hook has refused the response. */
static bool take_response(fc_call *call, fc_bytes **response) {
  *response = NULL;
  bool due = (call->pattern & FC_PATTERN_STREAM_UNARY) && fc_call_status(call)->code == FC_CODE_OK;
  return !due || fc_call_recv(call, response) == FC_OK;
}

static void finish(struct async *a) {
  static const fc_status refused = {FC_CODE_INTERNAL, FC_ORIGIN_LOCAL, FC__HOOK_REFUSED, {NULL, 0}};
  fc_call *call = a->call;
  fc_bytes *response;
  bool taken = take_response(call, &response);
  a->done(call, taken ? fc_call_status(call) : &refused, response, a->user);
  if (a->own_handle) fc_call_destroy(call);
  fc__free(a);
}

static bool was_last(struct async *a) {
  return atomic_fetch_sub_explicit(&a->chains, 1, memory_order_acq_rel) == 1;
}

/* Runs inside a callback of the call, or with a reference: the call outlives it. */
static void chain_ended(struct async *a) {
  if (was_last(a)) finish(a);
}

static void call_over(fc_call *call, void *user) {
  (void)call;
  chain_ended(user);
}

/* ---- receiving ---- */

static void received(fc_call *call, fc_bytes *message, void *user);

/* Only one receive is pending, so this fails only if the user receives too, against the rules. */
static void receive_next(struct async *a) {
  if (fc_call_recv_async(a->call, received, a) == FC_OK) return;
  fc_call_cancel(a->call, FC_CODE_INTERNAL, "the call is received from twice at once");
  chain_ended(a);
}

static void received(fc_call *call, fc_bytes *message, void *user) {
  struct async *a = user;
  if (!message) {
    chain_ended(a);
    return;
  }
  if (a->stopped) {
    fc_bytes_unref(message);
  } else if (!a->on_message(call, message, a->user)) {
    a->stopped = true;
    fc_call_cancel(call, FC_CODE_CANCELLED, NULL);
  }
  receive_next(a);
}

/* ---- sending ---- */

static void sent(fc_call *call, fc_result result, void *user);

static void send_next(struct async *a) {
  fc_bytes *message = fc_call_is_done(a->call) ? NULL : a->source(a->call, a->user);
  if (!message) {
    fc_result closed = fc_call_close_send(a->call);
    assert(closed == FC_OK && "only a server's call cannot be closed");
    (void)closed;
    chain_ended(a);
    return;
  }
  fc_result r = fc_call_send_async(a->call, message, 0, sent, a);
  if (r == FC_OK) return;
  fc__rpc_send_failed(a->call, message, r);
  chain_ended(a);
}

static void sent(fc_call *call, fc_result result, void *user) {
  (void)call;
  if (result == FC_OK) {
    send_next(user);
  } else {
    chain_ended(user);
  }
}

/* ---- starting ---- */

static void unref_call(fc_call *call) {
  struct fc__loop *loop = call->loop;
  fc__loop_lock(loop);
  fc__call_unref(call);
  fc__loop_unlock(loop);
}

static void run_begin(struct fc__task *task) {
  struct async *a = FC__CONTAINER(task, struct async, task);
  fc_call *call = a->call;
  if (a->on_message) receive_next(a);
  if (a->source) send_next(a);
  if (a->over) chain_ended(a);
  chain_ended(a);
  unref_call(call);
}

static void run_finish(struct fc__task *task) {
  struct async *a = FC__CONTAINER(task, struct async, task);
  fc_call *call = a->call;
  finish(a);
  unref_call(call);
}

static void defer(struct async *a, void (*run)(struct fc__task *)) {
  struct fc__loop *loop = a->call->loop;
  a->task.run = run;
  fc__node_init(&a->task.link);
  fc__loop_lock(loop);
  fc__call_ref(a->call);
  fc__loop_defer(loop, &a->task);
  fc__loop_unlock(loop);
}

static fc_result make_call(struct async *a, fc_channel *channel, const char *method,
                           fc_pattern pattern, fc_slice request, const fc_call_options *options,
                           fc_error *err) {
  fc_call_options o;
  fc_result r = fc__rpc_options(channel, options, pattern, request, &o, err);
  if (r != FC_OK) return r;
  r = fc__channel_call(channel, method, &o, false, &a->call, err);
  fc_bytes_unref(o.request);
  return r;
}

/* The call may end at any moment from here on; the user's callbacks come from the driver's thread
 * all the same. */
static fc_result let_run(struct async *a, fc_error *err) {
  fc_result r = fc_call_on_done(a->call, call_over, a);
  a->over = r == FC_ERR_CLOSED;
  if (r != FC_OK && !a->over) {
    fc_call_destroy(a->call);
    return fc__error(err, r, "%s", fc_result_text(r));
  }
  if (a->source || a->on_message || a->over) {
    defer(a, run_begin);
  } else if (was_last(a)) {
    defer(a, run_finish);
  }
  return FC_OK;
}

static fc_result start(const struct async *what, fc_channel *channel, const char *method,
                       fc_pattern pattern, fc_slice request, const fc_call_options *options,
                       fc_call **call, fc_error *err) {
  if (call) *call = NULL;
  if (!what->done) return fc__error(err, FC_ERR_INVALID, "done is NULL");
  struct async *a = fc__alloc(sizeof *a);
  if (!a) return fc__error_no_memory(err);
  *a = *what;
  a->own_handle = call == NULL;
  atomic_init(&a->chains, 2U + (a->source != NULL) + (a->on_message != NULL));
  fc_result r = make_call(a, channel, method, pattern, request, options, err);
  if (r == FC_OK) {
    if (call) *call = a->call;
    r = let_run(a, err);
    if (r == FC_OK) return FC_OK;
    if (call) *call = NULL;
  }
  fc__free(a);
  return r;
}

fc_result fc_unary_unary_async(fc_channel *channel, const char *method, fc_slice request,
                               const fc_call_options *options, fc_response_fn done, void *user,
                               fc_call **call, fc_error *err) {
  struct async what = {.done = done, .user = user};
  return start(&what, channel, method, FC_PATTERN_UNARY_UNARY, request, options, call, err);
}

fc_result fc_unary_stream_async(fc_channel *channel, const char *method, fc_slice request,
                                const fc_call_options *options, fc_message_fn on_message,
                                fc_response_fn done, void *user, fc_call **call, fc_error *err) {
  struct async what = {.on_message = on_message, .done = done, .user = user};
  if (call) *call = NULL;
  if (!on_message) return fc__error(err, FC_ERR_INVALID, "on_message is NULL");
  return start(&what, channel, method, FC_PATTERN_UNARY_STREAM, request, options, call, err);
}

fc_result fc_stream_unary_async(fc_channel *channel, const char *method, fc_source_fn source,
                                const fc_call_options *options, fc_response_fn done, void *user,
                                fc_call **call, fc_error *err) {
  struct async what = {.source = source, .done = done, .user = user};
  if (call) *call = NULL;
  if (!source) return fc__error(err, FC_ERR_INVALID, "source is NULL");
  return start(&what, channel, method, FC_PATTERN_STREAM_UNARY, (fc_slice){0}, options, call, err);
}

fc_result fc_stream_stream_async(fc_channel *channel, const char *method, fc_source_fn source,
                                 fc_message_fn on_message, const fc_call_options *options,
                                 fc_response_fn done, void *user, fc_call **call, fc_error *err) {
  struct async what = {.source = source, .on_message = on_message, .done = done, .user = user};
  if (call) *call = NULL;
  if (!source || !on_message) {
    return fc__error(err, FC_ERR_INVALID, "%s is NULL", source ? "on_message" : "source");
  }
  return start(&what, channel, method, FC_PATTERN_STREAM_STREAM, (fc_slice){0}, options, call, err);
}
