/*
 * The glue between one transport and one HTTP/2 connection: its life, and what its owner asks of it. Reading and writing
 * are in link_io.c, the timer in link_timer.c, the end in link_end.c; what the streams say goes to headers.c.
 */
#include "call/link.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "call/events.h"
#include "call/internal.h"
#include "call/link_internal.h"

/* ---- life ---- */

static void count_buffered(struct fc__link *link, size_t bytes) {
  if (!link->total) return;
  *link->total += bytes - link->counted;
  link->counted = bytes;
}

static void link_free(struct fc__link *link) {
  count_buffered(link, 0);
  if (fc__node_linked(&link->flush.link)) fc__list_remove(&link->flush.link);
  fc__loop_timer_stop(link->loop, &link->timer);
  fc__h2_conn_destroy(link->h2);
  fc__repeat_finish(link);
  fc__free(link);
}

void fc__link_enter(struct fc__link *link) { link->busy++; }

/* The owner may have destroyed the link in an event: it is freed here, when nothing of it is on the
 * stack. Whatever was queued or written meanwhile, the owner's sum is right again. */
void fc__link_leave(struct fc__link *link) {
  if (--link->busy > 0) return;
  if (link->destroyed) {
    link_free(link);
  } else {
    count_buffered(link, fc__h2_buffered(link->h2));
  }
}

static bool give_scratch(struct fc__loop *loop) {
  if (!loop->scratch) loop->scratch = fc__alloc(FC__LOOP_SCRATCH);
  return loop->scratch != NULL;
}

struct fc__link *fc__link_create(struct fc__loop *loop, struct fc__transport *transport,
                                 const char *peer_text, const struct fc__link_config *config,
                                 const struct fc__link_ops *ops, void *owner, int64_t now) {
  struct fc__link *link = give_scratch(loop) ? fc__alloc_zero(sizeof *link) : NULL;
  if (link) link->h2 = fc__h2_conn_create(&config->h2, &fc__call_events, link, now);
  if (!link || !link->h2) {
    transport->ops->close(transport);
    fc__free(link);
    return NULL;
  }
  link->loop = loop;
  link->transport = transport;
  link->auth = transport->ops->auth ? transport->ops->auth(transport) : NULL;
  link->ops = ops;
  link->owner = owner;
  link->config = *config;
  link->flush.run = fc__link_flush_run;
  fc__node_init(&link->flush.link);
  link->timer.fire = fc__link_timer_fire;
  link->timer.at = FC_NEVER;
  link->last_read = link->looked_at = now;
  link->stalled_since = FC_NEVER;
  link->ping_sent = FC_NEVER;
  snprintf(link->peer, sizeof link->peer, "%s", peer_text);
  link->peer_len = strlen(link->peer);
  transport->user = link;
  transport->on_ready = fc__link_on_ready;
  transport->ops->want(transport, FC__READY_READ);
  fc__link_touch(link);
  fc__link_schedule(link);
  return link;
}

/* ---- for the owner ---- */

void fc__link_touch(struct fc__link *link) {
  if (!link->down) fc__loop_flush(link->loop, &link->flush);
}

bool fc__link_has_room(const struct fc__link *link) {
  return link->up && !link->down && !link->going_away && fc__h2_can_open(link->h2);
}

void fc__link_close(struct fc__link *link, uint32_t h2_code, const char *reason, int64_t now) {
  fc__link_enter(link);
  if (link->lingers) fc__link_end_linger(link, now);
  if (!link->down) {
    fc__h2_goaway(link->h2, h2_code, "", true);
    (void)fc__link_write_out(link, now);
    fc__link_down(link, now, "%s", reason);
  }
  fc__link_leave(link);
}

void fc__link_goaway(struct fc__link *link, uint32_t code, const char *debug, bool final,
                     int64_t now) {
  if (link->down) return;
  fc__h2_goaway(link->h2, code, debug, final);
  link->going_away = true;
  if (final) link->closing = true;
  fc__link_touch(link);
  (void)now;
}

/* RFC 9113 section 6.8: the debug data is for people, but it is a peer's, and any bytes. */
static void describe_goaway(struct fc__link *link, uint32_t code, fc_slice debug) {
  int len = snprintf(link->farewell, sizeof link->farewell, "GOAWAY %s%s", fc__h2_error_name(code),
                     debug.len ? ": " : "");
  char *to = link->farewell + len;
  for (size_t i = 0; i < debug.len && to < link->farewell + sizeof link->farewell - 1; i++)
    *to++ = debug.data[i] >= ' ' && debug.data[i] <= '~' ? (char)debug.data[i] : '?';
  *to = '\0';
}

void fc__link_went_away(struct fc__link *link, uint32_t code, fc_slice debug, int64_t now) {
  link->going_away = link->closing = true;
  describe_goaway(link, code, debug);
  fc__link_touch(link);
  if (link->ops->on_goaway) link->ops->on_goaway(link, code, debug, now);
}

void fc__link_ping(struct fc__link *link, uint64_t opaque) {
  if (link->down) return;
  fc__h2_ping(link->h2, opaque);
  fc__link_touch(link);
}

void fc__link_destroy(struct fc__link *link) {
  if (!link || link->destroyed) return;
  bool was_down = link->down;
  if (link->transport) fc__link_close_transport(link);
  if (!was_down) {
    link->down = true;
    snprintf(link->reason, sizeof link->reason, "the connection was given up");
    fc__h2_close(link->h2, FC__H2_CANCEL, true);
  }
  link->destroyed = true;
  if (link->busy == 0) link_free(link);
}
