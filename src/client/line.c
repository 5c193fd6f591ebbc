/*
 * The calls of a channel: each goes to the connection at once if it has room, or waits in line in
 * the order of arrival, or fails. Those with call credentials come by way of authorize.c. Spec: grpc/grpc doc/wait-for-ready.md; gRFC A6 for those that the
 * peer did not process
 */
#include "client/channel.h"
#include "client/conn.h"

static struct fc__call_owner *as_owner(struct fc_channel *ch) { return &ch->owner; }

static struct fc_channel *from_owner(struct fc__call_owner *owner) {
  return FC__CONTAINER(owner, struct fc_channel, owner);
}

static fc_call *from_line(struct fc__node *node) { return FC__CONTAINER(node, fc_call, line); }

bool fc__line_is_empty(const struct fc_channel *ch) {
  return fc__list_empty(&ch->line) && fc__list_empty(&ch->again);
}

/* ---- going on ---- */

static bool has_room(const struct fc_channel *ch) {
  const struct fc__connector *c = &ch->connector;
  return c->phase == FC__CONNECT_UP && fc__conn_has_room(c->conn);
}

static void attach(struct fc_channel *ch, fc_call *call, int64_t now) {
  fc__list_remove(&call->line);
  fc__list_push_back(&ch->running, &call->line);
  fc__conn_attach(ch->connector.conn, call, now);
}

/* Those to be tried again came earlier than any in line. */
static struct fc__node *first_in_line(struct fc_channel *ch) {
  struct fc__node *first = fc__list_first(&ch->again);
  return first ? first : fc__list_first(&ch->line);
}

void fc__line_run(struct fc_channel *ch, int64_t now) {
  for (struct fc__node *n; (n = first_in_line(ch)) && has_room(ch);) attach(ch, from_line(n), now);
}

/* ---- failing ---- */

static void fail_list(struct fc_channel *ch, struct fc__node *list, int64_t now) {
  for (struct fc__node *n = list->next, *next; n != list; n = next) {
    next = n->next;
    if (!from_line(n)->wait_for_ready)
      fc__call_end(from_line(n), FC_CODE_UNAVAILABLE, ch->failure, now);
  }
}

void fc__line_fail(struct fc_channel *ch, int64_t now) {
  fail_list(ch, &ch->again, now);
  fail_list(ch, &ch->line, now);
}

/* Whoever closes a channel cancels its calls. */
static void end_list(struct fc_channel *ch, struct fc__node *list, fc_code code,
                     const char *message, int64_t now) {
  for (struct fc__node *n; (n = fc__list_first(list));) {
    from_line(n)->cancelled = ch->closed;
    fc__call_end(from_line(n), code, message, now);
  }
}

void fc__line_end_all(struct fc_channel *ch, fc_code code, const char *message, int64_t now) {
  end_list(ch, &ch->asking, code, message, now);
  end_list(ch, &ch->again, code, message, now);
  end_list(ch, &ch->line, code, message, now);
  end_list(ch, &ch->running, code, message, now);
}

/* ---- starting ---- */

/* A call that does not wait for ready, in vain now. */
static bool fails_fast(struct fc_channel *ch, fc_call *call, int64_t now) {
  fc__connect_poll(ch, now);
  if (ch->state != FC_CONNECTIVITY_TRANSIENT_FAILURE || call->wait_for_ready) return false;
  fc__call_end(call, FC_CODE_UNAVAILABLE, ch->failure, now);
  return true;
}

static inline void place(struct fc_channel *ch, fc_call *call, int64_t now) {
  if (fc__line_is_empty(ch) && has_room(ch)) {
    attach(ch, call, now);
  } else if (!fails_fast(ch, call, now)) {
    fc__list_push_back(&ch->line, &call->line);
    fc__connect_begin(ch, now);
  }
}

/* For calls with credentials; the others have it inline. */
void fc__line_place(struct fc_channel *ch, fc_call *call, int64_t now) { place(ch, call, now); }

/* gRFC L62: anybody on the way could read them. */
static void refuse_credentials(struct fc_channel *ch, fc_call *call, int64_t now) {
  bool insecure = fc__channel_security(&ch->config) == FC__SECURITY_INSECURE;
  fc__call_endf(
      call, now, FC_CODE_UNAUTHENTICATED,
      "the channel's security level is not sufficient to transfer call credentials, since "
      "it is %s: nothing was sent",
      insecure ? "insecure" : "local over TCP");
}

static void begin(struct fc_channel *ch, fc_call *call, fc_call_credentials *own, int64_t now) {
  if (ch->closed) {
    call->cancelled = true;
    fc__call_end(call, FC_CODE_CANCELLED, "Channel closed!", now);
  } else if (!own && !fc__channel_call_credentials(ch)) {
    place(ch, call, now);
  } else if (!fc__security_carries(fc__channel_security(&ch->config))) {
    refuse_credentials(ch, call, now);
  } else if (!fails_fast(ch, call, now)) {
    fc__authorize(ch, call, own, now);
  }
}

fc_result fc__line_start(struct fc_channel *ch, const char *path, fc_call_options *o, fc_call **out,
                         fc_error *err) {
  struct fc__method *method;
  fc_result r = fc__methods_find(&ch->methods, path, &method, err);
  if (r != FC_OK) return r;
  if (o->wait_for_ready == FC_WAIT_FOR_READY_UNSET && ch->config.wait_for_ready) {
    o->wait_for_ready = FC_WAIT_FOR_READY_ON;
  }
  int64_t now = fc__loop_now(ch->loop);
  r = fc__call_create_client(as_owner(ch), method, o, now, out, err);
  fc__method_unref(method);
  if (r != FC_OK) return r;
  (*out)->owner_data = ch;
  fc__channel_ref(ch);
  ch->calls++;
  fc__channel_check_fork(ch, now);
  fc__connect_probe(ch, now);
  begin(ch, *out, o->credentials, now);
  return FC_OK;
}

/* ---- what calls tell ---- */

/* The connection may be in the middle of an event: the call is looked at when that is over. */
static void on_unprocessed(struct fc__call_owner *owner, fc_call *call, int64_t now) {
  struct fc_channel *ch = from_owner(owner);
  if (ch->closed) {
    fc__call_end(call, FC_CODE_CANCELLED, "Channel closed!", now);
    return;
  }
  fc__list_remove(&call->line);
  fc__list_push_back(&ch->again, &call->line);
  if (ch->connector.phase == FC__CONNECT_UP) fc__conn_refused(ch->connector.conn, now);
  fc__channel_settle(ch);
}

static void on_over(struct fc__call_owner *owner, fc_call *call, int64_t now) {
  struct fc_channel *ch = from_owner(owner);
  fc__list_remove(&call->line);
  if (call->auth_request || call->kept.sending.secret) fc__authorize_end(call);
  ch->calls--;
  ch->last_active = now;
  if (!ch->handle && ch->calls == 0) fc__channel_settle(ch);
}

/* A call that could not be made comes here too; it was never counted. */
static void on_free(struct fc__call_owner *owner, fc_call *call) {
  bool counted = call->owner_data != NULL;
  fc__call_pool_keep(owner, call);
  if (counted) fc__channel_unref(from_owner(owner));
}

const struct fc__call_owner_ops fc__line_ops = {
    .on_unprocessed = on_unprocessed, .on_over = on_over, .on_free = on_free};
