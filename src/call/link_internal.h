#ifndef FC_CALL_LINK_INTERNAL_H
#define FC_CALL_LINK_INTERNAL_H
/* What the files of a link share. All of it runs under the loop's lock. */
#include "call/link.h"

/* ---- link.c: around every event of the loop, since the owner may destroy the link within one ---- */

void fc__link_enter(struct fc__link *link);
void fc__link_leave(struct fc__link *link);

/* ---- link_io.c ---- */

void fc__link_on_ready(struct fc__transport *transport, unsigned ready, int64_t now);
void fc__link_flush_run(struct fc__flush *flush, int64_t now);
/* Writes until all is out, the socket is full, or writing fails (a negative errno). */
int fc__link_write_out(struct fc__link *link, int64_t now);

/* ---- link_timer.c ---- */

void fc__link_timer_fire(struct fc__timer *timer, int64_t now);
void fc__link_schedule(
    struct fc__link *link); /* after anything that may bring the next time nearer */

/* ---- link_end.c ---- */

/* The reason is a printf format. Nothing happens to a link that is down. */
void fc__link_down(struct fc__link *link, int64_t now, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void fc__link_down_gently(struct fc__link *link, int64_t now, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void fc__link_down_system(struct fc__link *link, const char *step, int system, int64_t now);
void fc__link_fail(struct fc__link *link, int64_t now); /* the engine refuses to go on */
void fc__link_close_transport(struct fc__link *link);
void fc__link_read_lingering(struct fc__link *link, int64_t now);
void fc__link_end_linger(struct fc__link *link, int64_t now);

#endif
