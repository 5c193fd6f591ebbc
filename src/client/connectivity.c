/*
 * The state of a channel for those who ask and those who wait. Spec: grpc/grpc
 * doc/connectivity-semantics-and-api.md
 */
#include "base/error.h"
#include "client/channel.h"

struct state_waiter {
  struct fc__node link;
  struct fc__waiter waiter;
};

void fc__channel_set_state(struct fc_channel *ch, fc_connectivity state) {
  if (ch->state == state) return;
  ch->state = state;
  if (state != FC_CONNECTIVITY_CONNECTING && state != FC_CONNECTIVITY_TRANSIENT_FAILURE)
    ch->wanted = false;
  fc__watches_tell(ch, state);
  for (struct fc__node *n = ch->waiters.next; n != &ch->waiters; n = n->next) {
    fc__loop_wake(ch->loop, &FC__CONTAINER(n, struct state_waiter, link)->waiter);
  }
  fc__channel_update_hold(ch);
}

static void waiter_lost(struct fc__waiter *waiter) {
  fc__list_remove(&FC__CONTAINER(waiter, struct state_waiter, waiter)->link);
}

/* FC_OK, FC_ERR_TIMEOUT, FC_ERR_INTERRUPTED. */
static fc_result wait_for_change(struct fc_channel *ch, int64_t until) {
  struct state_waiter w = {.waiter.lost = waiter_lost};
  fc__list_push_back(&ch->waiters, &w.link);
  bool woken = fc__loop_wait(ch->loop, &w.waiter, until);
  fc__list_remove(&w.link);
  if (woken) return FC_OK;
  return w.waiter.interrupted ? FC_ERR_INTERRUPTED : FC_ERR_TIMEOUT;
}

/* Brings the state up to date where nobody drove the loop. */
static fc_connectivity look(struct fc_channel *ch, bool connect) {
  int64_t now = fc__loop_now(ch->loop);
  fc__channel_check_fork(ch, now);
  fc__connect_poll(ch, now);
  fc__connect_probe(ch, now);
  if (connect) fc__connect_begin(ch, now);
  return ch->state;
}

static int64_t end_of(struct fc__loop *loop, int64_t timeout) {
  int64_t now = fc__loop_now(loop);
  return timeout < FC_NEVER - now ? now + timeout : FC_NEVER;
}

fc_connectivity fc_channel_state(fc_channel *ch, bool connect) {
  if (!ch) return FC_CONNECTIVITY_SHUTDOWN;
  fc__loop_lock(ch->loop);
  fc_connectivity state = look(ch, connect);
  if (connect && !ch->closed) {
    ch->wanted = state == FC_CONNECTIVITY_CONNECTING || state == FC_CONNECTIVITY_TRANSIENT_FAILURE;
    fc__channel_update_hold(ch);
  }
  fc__loop_unlock(ch->loop);
  return state;
}

fc_result fc_channel_wait_change(fc_channel *ch, fc_connectivity last, int64_t timeout_ns) {
  if (!ch || timeout_ns < 0 || (unsigned)last > FC_CONNECTIVITY_SHUTDOWN) return FC_ERR_INVALID;
  fc__loop_lock(ch->loop);
  int64_t until = end_of(ch->loop, timeout_ns);
  fc_result r = FC_OK;
  while (look(ch, false) == last && r == FC_OK) r = wait_for_change(ch, until);
  if (ch->state != last) r = FC_OK;
  fc__loop_unlock(ch->loop);
  return r;
}

static fc_result ready_result(const struct fc_channel *ch, fc_result r, fc_error *err) {
  if (ch->closed) return fc__error(err, FC_ERR_CLOSED, "the channel is closed");
  if (ch->state == FC_CONNECTIVITY_READY) return FC_OK;
  if (r == FC_ERR_INTERRUPTED) return fc__error(err, r, "%s", fc_result_text(r));
  return fc__error(err, FC_ERR_TIMEOUT, "not ready in time: %s",
                   ch->failure[0] ? ch->failure : "the first attempt to connect is under way");
}

fc_result fc_channel_wait_ready(fc_channel *ch, int64_t timeout_ns, fc_error *err) {
  if (!ch) return fc__error(err, FC_ERR_INVALID, "channel is NULL");
  if (timeout_ns < 0) {
    return fc__error(err, FC_ERR_INVALID, "timeout_ns is %lld: it must not be negative",
                     (long long)timeout_ns);
  }
  fc__loop_lock(ch->loop);
  int64_t until = end_of(ch->loop, timeout_ns);
  fc_result r = FC_OK;
  while (look(ch, true) != FC_CONNECTIVITY_READY && !ch->closed && r == FC_OK)
    r = wait_for_change(ch, until);
  r = ready_result(ch, r, err);
  fc__loop_unlock(ch->loop);
  return r;
}

const char *fc_connectivity_name(fc_connectivity state) {
  static const char *const names[] = {"IDLE", "CONNECTING", "READY", "TRANSIENT_FAILURE",
                                      "SHUTDOWN"};
  return (unsigned)state < sizeof names / sizeof *names ? names[state] : "UNKNOWN";
}
