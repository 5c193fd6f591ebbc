/*
 * The life of a channel: made from a target and options, closed, given back, gone idle. A channel
 * that was given back lives until its last call is over, and its memory until nobody holds a call
 * of it.
 */
#include "client/channel.h"

#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "client/authority.h"
#include "client/conn.h"
#include "io/reactor.h"

/* ---- references ---- */

/* Without the lock. */
static void channel_free(struct fc_channel *ch) {
  struct fc__loop *loop = ch->loop;
  assert(ch->calls == 0 && ch->owner.buffered == 0 && "calls end before their channel");
  fc__call_pool_finish(&ch->owner);
  fc__methods_finish(&ch->methods);
  fc__target_finish(&ch->target);
  fc__channel_config_finish(&ch->config);
  fc__free(ch->tls_name);
  fc__free(ch->connector.resolved);
  fc__free(ch);
  loop->ops->unref(loop);
}

static void end_run(struct fc__task *task) {
  channel_free(FC__CONTAINER(task, struct fc_channel, end));
}

void fc__channel_ref(struct fc_channel *ch) { ch->refs++; }

void fc__channel_unref(struct fc_channel *ch) {
  if (--ch->refs == 0) fc__loop_defer(ch->loop, &ch->end);
}

void fc__channel_update_hold(struct fc_channel *ch) {
  bool pings =
      ch->config.link.keepalive_without_calls && ch->config.link.keepalive_time != FC_NEVER;
  bool hold = !fc__list_empty(&ch->watches) ||
              (ch->wanted && ch->state == FC_CONNECTIVITY_CONNECTING) ||
              (pings && ch->state == FC_CONNECTIVITY_READY);
  if (hold == ch->held) return;
  ch->held = hold;
  if (hold) {
    fc__loop_hold(ch->loop);
  } else {
    fc__loop_unhold(ch->loop);
  }
}

/* ---- settling ---- */

static void disconnect(struct fc_channel *ch, const char *reason, int64_t now) {
  fc__loop_timer_stop(ch->loop, &ch->idle);
  fc__connect_stop(ch, reason, now);
  for (struct fc__node *n; (n = fc__list_first(&ch->draining));) {
    fc__conn_close(FC__CONTAINER(n, struct fc__conn, draining), reason, now);
  }
}

static void shut(struct fc_channel *ch, const char *reason, int64_t now) {
  disconnect(ch, reason, now);
  fc__channel_set_state(ch, FC_CONNECTIVITY_SHUTDOWN);
}

/* A call that runs on in a child would run twice: its parent has it. */
void fc__channel_check_fork(struct fc_channel *ch, int64_t now) {
  if (ch->forks == ch->loop->forks) return;
  ch->forks = ch->loop->forks;
  if (ch->closed) return;
  static const char reason[] = "the process was forked, and its parent has the connection";
  fc__line_end_all(ch, FC_CODE_CANCELLED, reason, now);
  disconnect(ch, reason, now);
  fc__channel_set_state(ch, FC_CONNECTIVITY_IDLE);
}

static void settle(struct fc_channel *ch, int64_t now) {
  if (ch->closed) return;
  fc__channel_check_fork(ch, now);
  if (!ch->handle && ch->calls == 0) {
    ch->closed = true;
    shut(ch, "the channel was destroyed", now);
    return;
  }
  if (ch->state == FC_CONNECTIVITY_TRANSIENT_FAILURE) fc__line_fail(ch, now);
  if (!fc__line_is_empty(ch)) fc__connect_begin(ch, now);
  fc__line_run(ch, now);
}

static void flush_run(struct fc__flush *flush, int64_t now) {
  struct fc_channel *ch = FC__CONTAINER(flush, struct fc_channel, flush);
  ch->settling = false;
  settle(ch, now);
  fc__channel_unref(ch);
}

void fc__channel_settle(struct fc_channel *ch) {
  if (ch->settling) return;
  ch->settling = true;
  fc__channel_ref(ch);
  fc__loop_flush(ch->loop, &ch->flush);
}

/* ---- idleness ---- */

/* Calls do not touch the timer: it looks when it fires whether there were any. */
static void idle_fired(struct fc__timer *timer, int64_t now) {
  struct fc_channel *ch = FC__CONTAINER(timer, struct fc_channel, idle);
  int64_t since = ch->calls > 0 ? now : ch->last_active;
  if (now - since < ch->config.idle_timeout) {
    fc__loop_timer_set(ch->loop, timer, since + ch->config.idle_timeout);
    return;
  }
  fc__connect_stop(ch, "the channel was idle", now);
  fc__channel_set_state(ch, FC_CONNECTIVITY_IDLE);
}

void fc__channel_leave_idle(struct fc_channel *ch, int64_t now) {
  ch->last_active = now;
  if (ch->config.idle_timeout >= FC_NEVER - now) return;
  fc__loop_timer_set(ch->loop, &ch->idle, now + ch->config.idle_timeout);
}

/* ---- public ---- */

static bool has_tls(const struct fc_channel *ch) {
  return fc__channel_security(&ch->config) == FC__SECURITY_TLS;
}

static const char *authority_of(const struct fc_channel *ch) {
  if (ch->config.authority) return ch->config.authority;
  return has_tls(ch) && ch->config.tls_target_name ? ch->config.tls_target_name
                                                   : ch->target.authority;
}

static void init_owner(struct fc_channel *ch) {
  struct fc__call_owner *o = &ch->owner;
  o->ops = &fc__line_ops;
  o->loop = ch->loop;
  o->max_receive = ch->config.max_receive;
  o->max_send = fc__call_max_send(ch->config.max_send);
  o->compression = ch->config.compression == FC_COMPRESSION_UNSET
                       ? FC__ENCODING_IDENTITY
                       : (enum fc__encoding)(ch->config.compression - FC_COMPRESSION_NONE);
  o->scheme = fc_slice_from_string(has_tls(ch) ? "https" : "http");
  o->authority = fc_slice_from_string(authority_of(ch));
  o->user_agent = fc_slice_from_string(ch->config.user_agent);
}

static void init(struct fc_channel *ch) {
  ch->refs = 1;
  ch->handle = true;
  ch->flush.run = flush_run;
  ch->end.run = end_run;
  ch->idle.fire = idle_fired;
  fc__node_init(&ch->flush.link);
  fc__node_init(&ch->end.link);
  fc__node_init(&ch->draining);
  fc__node_init(&ch->watches);
  fc__node_init(&ch->waiters);
  fc__node_init(&ch->line);
  fc__node_init(&ch->again);
  fc__node_init(&ch->running);
  fc__node_init(&ch->asking);
  init_owner(ch);
}

static fc_result join_reactor(struct fc_channel *ch, fc_reactor *given, fc_error *err) {
  fc_error reason = FC_ERROR_INIT;
  fc_reactor *reactor = given;
  if (given) {
    fc__reactor_ref(given);
  } else {
    reactor = fc__reactor_default(&reason);
  }
  if (!reactor) {
    if (err) *err = reason;
    return reason.result;
  }
  ch->loop = fc__reactor_loop(reactor);
  ch->net = fc__reactor_net(reactor);
  return FC_OK;
}

static fc_result fill(struct fc_channel *ch, const char *target, const fc_channel_options *o,
                      fc_error *err) {
  fc_result r = fc__channel_config_read(&ch->config, o, err);
  if (r != FC_OK) return r;
  fc__loop_lock(ch->loop);
  r = fc__target_parse(ch->net, target, &ch->target, err);
  fc__methods_init(&ch->methods, ch->net->ops->random(ch->net), o->any_path);
  ch->forks = ch->loop->forks;
  fc__loop_unlock(ch->loop);
  if (r != FC_OK || !has_tls(ch)) return r;
  const char *name = ch->config.tls_target_name;
  return fc__authority_host(name ? name : authority_of(ch), &ch->tls_name, err);
}

fc_result fc_channel_create(const char *target, const fc_channel_options *options, fc_channel **out,
                            fc_error *err) {
  if (!out) return fc__error(err, FC_ERR_INVALID, "out is NULL");
  *out = NULL;
  if (!target) return fc__error(err, FC_ERR_INVALID, "target is NULL; write \"host:port\"");
  fc_channel_options o;
  fc_result r = fc__options_read(&o, sizeof o, options, "fc_channel_options", err);
  if (r != FC_OK) return r;
  struct fc_channel *ch = fc__alloc_zero(sizeof *ch);
  if (!ch) return fc__error_no_memory(err);
  r = join_reactor(ch, o.reactor, err);
  if (r != FC_OK) {
    fc__free(ch);
    return r;
  }
  r = fill(ch, target, &o, err);
  if (r != FC_OK) {
    channel_free(ch);
    return r;
  }
  init(ch);
  *out = ch;
  return FC_OK;
}

void fc_channel_close(fc_channel *ch) {
  if (!ch) return;
  fc__loop_lock(ch->loop);
  if (!ch->closed) {
    int64_t now = fc__loop_now(ch->loop);
    ch->closed = true;
    fc__line_end_all(ch, FC_CODE_CANCELLED, "Channel closed!", now);
    shut(ch, "the channel was closed", now);
  }
  fc__loop_unlock(ch->loop);
}

void fc_channel_destroy(fc_channel *ch) {
  if (!ch) return;
  struct fc__loop *loop = ch->loop;
  fc__loop_lock(loop);
  ch->handle = false;
  settle(ch, fc__loop_now(loop));
  /* The usual case ends here and now; else the last to let go has it freed by the loop. */
  bool last = ch->refs == 1;
  if (!last) fc__channel_unref(ch);
  fc__loop_unlock(loop);
  if (last) channel_free(ch);
}
