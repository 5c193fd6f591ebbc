/*
 * Who waits for a call: threads, each with the events that it waits for, and at most one asynchronous operation of a
 * kind, whose callback runs later on the driver's thread, without the lock.
 */
#include <stddef.h>

#include "base/mem.h"
#include "call/internal.h"

/* The thread does not exist in this child of a fork: what it was doing nobody does. */
static void forget_waiter(struct fc__waiter *waiter) {
  struct fc__call_waiter *w = FC__CONTAINER(waiter, struct fc__call_waiter, waiter);
  fc__list_remove(&w->link);
  if (w->events & FC__EVENT_SEND) w->call->sending = false;
  if (w->events & FC__EVENT_MESSAGE) w->call->receiving = false;
}

fc_result fc__call_wait_for(fc_call *call, unsigned events, int64_t until) {
  struct fc__call_waiter w = {.call = call, .events = events, .waiter.lost = forget_waiter};
  fc__list_push_back(&call->waiters, &w.link);
  bool woken = fc__loop_wait(call->loop, &w.waiter, until);
  fc__list_remove(&w.link);
  if (woken) return FC_OK;
  return w.waiter.interrupted ? FC_ERR_INTERRUPTED : FC_ERR_TIMEOUT;
}

void fc__op_start(struct fc__op *op) {
  op->state = FC__OP_PENDING;
  fc__call_ref(op->call);
  fc__loop_hold(op->call->loop);
}

void fc__op_complete(struct fc__op *op, fc_result result, fc_bytes *message) {
  op->state = FC__OP_QUEUED;
  op->result = result;
  op->message = message;
  fc__loop_defer(op->call->loop, &op->task);
  fc__loop_unhold(op->call->loop);
}

/* Taking a message may end the call, which must not complete the receive once more. */
void fc__op_complete_recv(fc_call *call) {
  call->recv_op.state = FC__OP_QUEUED;
  fc__op_complete(&call->recv_op, FC_OK, fc__call_take(call));
}

static void complete_done_ops(fc_call *call) {
  if (call->done_op.state == FC__OP_PENDING) fc__op_complete(&call->done_op, FC_OK, NULL);
  for (struct fc__op *op = call->done_op.next; op; op = op->next) fc__op_complete(op, FC_OK, NULL);
  call->done_op.next = NULL;
}

void fc__call_notify(fc_call *call, unsigned events) {
  for (struct fc__node *n = call->waiters.next; n != &call->waiters; n = n->next) {
    struct fc__call_waiter *w = FC__CONTAINER(n, struct fc__call_waiter, link);
    if (w->events & events) fc__loop_wake(call->loop, &w->waiter);
  }
  if ((events & FC__EVENT_HEADERS) && call->headers_op.state == FC__OP_PENDING) {
    fc__op_complete(&call->headers_op, FC_OK, NULL);
  }
  if (call->recv_op.state == FC__OP_PENDING && fc__call_has_result(call)) {
    fc__op_complete_recv(call);
  }
  if (call->send_op.state == FC__OP_PENDING && (call->over || fc__call_may_send(call))) {
    fc__op_complete(&call->send_op, call->over ? FC_ERR_CLOSED : FC_OK, NULL);
  }
  if (events & FC__EVENT_DONE) complete_done_ops(call);
}

/* The operation is idle when its callback runs, so that the callback, or a thread that it tells, can start the next one. No
 * earlier: a receive is pending until hooks have seen the message, or they would see the next one at the same time. */
void fc__op_run(struct fc__task *task) {
  struct fc__op *op = FC__CONTAINER(task, struct fc__op, task), copy;
  fc_call *call = op->call;
  struct fc__loop *loop = call->loop;
  bool receive = op == &call->recv_op, send = op == &call->send_op;
  if (op->message) op->message = fc__hooks_receive(call, op->message);
  fc__loop_lock(loop);
  copy = *op;
  op->state = FC__OP_IDLE;
  op->message = NULL;
  fc__loop_unlock(loop);
  if (receive) {
    copy.fn.received(call, copy.message, copy.user);
  } else if (send) {
    copy.fn.sent(call, copy.result, copy.user);
  } else {
    copy.fn.done(call, copy.user);
  }
  if (copy.allocated) fc__free(op);
  fc__loop_lock(loop);
  fc__call_unref(call);
  fc__loop_unlock(loop);
}

fc_result fc__call_add_done(fc_call *call, fc_call_done_fn done, void *user) {
  if (call->over) return FC_ERR_CLOSED;
  struct fc__op *op = &call->done_op;
  if (op->state != FC__OP_IDLE) {
    op = fc__alloc_zero(sizeof *op);
    if (!op) return FC_ERR_NO_MEMORY;
    op->call = call;
    op->task.run = fc__op_run;
    fc__node_init(&op->task.link);
    op->allocated = true;
    struct fc__op **last = &call->done_op.next;
    while (*last) last = &(*last)->next;
    *last = op;
  }
  op->fn.done = done;
  op->user = user;
  fc__op_start(op);
  return FC_OK;
}
