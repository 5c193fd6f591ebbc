/* The one timer of a connection: the engine's deadlines, keepalive (gRFC A8), writing that makes no progress. */
#include "call/link_internal.h"

enum { KEEPALIVE_PING = 1 }; /* opaque value of our own pings */

static int64_t after(int64_t from, int64_t span) {
  return span == FC_NEVER || from > FC_NEVER - span ? FC_NEVER : from + span;
}

static bool keepalive_is_due(const struct fc__link *link) {
  if (link->config.keepalive_time == FC_NEVER) return false;
  return link->config.keepalive_without_calls || fc__h2_stream_count(link->h2) > 0;
}

static int64_t next_at(const struct fc__link *link) {
  int64_t at = fc__h2_next_at(link->h2), other = FC_NEVER;
  other = after(link->stalled_since, link->config.stall_timeout);
  if (other < at) at = other;
  other = FC_NEVER;
  if (link->ping_sent != FC_NEVER) {
    other = after(link->ping_sent, link->config.keepalive_timeout);
  } else if (keepalive_is_due(link)) {
    other = after(link->last_read, link->config.keepalive_time);
  }
  return other < at ? other : at;
}

/* Moves the timer only to an earlier time: one that fires too early looks again, so a busy connection touches the
 * timer once a period and not with each message. */
void fc__link_schedule(struct fc__link *link) {
  if (link->down) return;
  int64_t at = next_at(link);
  if (at < link->timer.at) fc__loop_timer_set(link->loop, &link->timer, at);
}

static void check_keepalive(struct fc__link *link, int64_t now) {
  if (link->ping_sent != FC_NEVER) {
    if (now >= after(link->ping_sent, link->config.keepalive_timeout)) {
      fc__link_down(link, now, "keepalive: no answer from %s to a ping", link->peer);
    }
  } else if (keepalive_is_due(link) && now >= after(link->last_read, link->config.keepalive_time)) {
    link->ping_sent = now;
    fc__h2_ping(link->h2, KEEPALIVE_PING);
    fc__link_touch(link);
  }
}

void fc__link_timer_fire(struct fc__timer *timer, int64_t now) {
  struct fc__link *link = FC__CONTAINER(timer, struct fc__link, timer);
  fc__link_enter(link);
  link->timer.at = FC_NEVER;
  if (link->lingers) fc__link_end_linger(link, now);
  if (!link->down && now >= after(link->stalled_since, link->config.stall_timeout)) {
    fc__link_down(link, now, "writing to %s: no progress, the peer does not read", link->peer);
  }
  if (!link->down && now >= fc__h2_next_at(link->h2) && fc__h2_tick(link->h2, now) < 0) {
    fc__link_fail(link, now);
  }
  if (!link->down) check_keepalive(link, now);
  if (!link->down && fc__h2_wants_write(link->h2)) fc__link_touch(link);
  fc__link_schedule(link);
  fc__link_leave(link);
}
