#ifndef FC_CALL_INTERNAL_H
#define FC_CALL_INTERNAL_H
/* What the files of src/call share and nobody above needs. All of it runs under the loop's lock unless it says otherwise. */
#include "call/call.h"

/* ---- state.c: the end of a call ---- */

void fc__call_deadline(struct fc__timer *timer, int64_t now);
/* The peer has given the status, in call->header.status, kept.message and kept.details. */
void fc__call_end_by_peer(fc_call *call, int64_t now);
/* The stream has left the connection's table. */
void fc__call_stream_closed(fc_call *call, uint32_t code, bool remote, int64_t now);
/* Resets the stream, if it is open, without an event. */
void fc__call_abandon_stream(fc_call *call, uint32_t code, int64_t now);
/* Drops the reference of a call whose status is decided and whose stream is closed. */
void fc__call_check_life(fc_call *call);

/* ---- wait.c: waiting threads and asynchronous operations ---- */

/* Wakes and completes what has become possible. */
void fc__call_notify(fc_call *call, unsigned events);
/* One wait: FC_OK something has happened, FC_ERR_TIMEOUT, FC_ERR_INTERRUPTED. */
fc_result fc__call_wait_for(fc_call *call, unsigned events, int64_t until);
void fc__op_start(struct fc__op *op); /* pending: counted in holds and references */
/* Its callback is deferred. */
void fc__op_complete(struct fc__op *op, fc_result result, fc_bytes *message);
void fc__op_run(struct fc__task *task);   /* without the lock */
void fc__op_complete_recv(fc_call *call); /* with what fc__call_take gives */
fc_result fc__call_add_done(fc_call *call, fc_call_done_fn done, void *user);

/* ---- send.c ---- */

/* Takes a message over on success: frames it, sends it or keeps it until the call is attached. */
fc_result fc__call_queue(fc_call *call, fc_bytes *message, unsigned flags);
void fc__call_send_end(fc_call *call, int64_t now); /* of an attached call */
void fc__call_send_kept(fc_call *call,
                        int64_t now);        /* what was queued before the call was attached */
bool fc__call_may_send(const fc_call *call); /* there is room for a message */
void fc__call_commit(fc_call *call); /* the peer has the call: nothing is kept for a retry */
void fc__call_drop_outgoing(fc_call *call);

/* ---- receive.c ---- */

void fc__call_data(fc_call *call, fc_slice data, bool end_stream, int64_t now);
bool fc__call_has_result(const fc_call *call); /* a receive would not wait */
/* The next message; NULL at the end, or when there is no memory for one, which ends the call unless it is over. */
fc_bytes *fc__call_take(fc_call *call);
void fc__call_want_message(fc_call *call); /* somebody waits: lets the peer send on */
void fc__call_drop_messages(fc_call *call);

/* ---- headers.c (both sides), request.c (server), response.c (client) ---- */

void fc__call_field(fc_call *call, const struct fc__field *field, bool trailers);
void fc__call_header_wrong(fc_call *call, fc_code code, const char *text); /* keeps the first */
bool fc__content_type_is_grpc(fc_slice value, bool *other_format);
void fc__request_field(fc_call *call, const struct fc__field *field);
void fc__request_block(fc_call *call, const struct fc__h2_block *block, int64_t now);
void fc__request_ended(fc_call *call, int64_t now);   /* END_STREAM has come */
void fc__request_message(fc_call *call, int64_t now); /* a whole message has come */
void fc__response_field(fc_call *call, const struct fc__field *field, bool trailers);
void fc__response_block(fc_call *call, const struct fc__h2_block *block, int64_t now);

/* ---- repeat.c: the fields that the peer begins each call with ---- */

bool fc__repeat_keep(fc_call *call,
                     struct fc__link *link); /* what call has had of them; false: no */
void fc__repeat_apply(fc_call *call, const struct fc__link *link);
void fc__repeat_finish(struct fc__link *link);

/* ---- reply.c (server) ---- */

fc_result fc__reply_headers(fc_call *call, const struct fc_metadata *metadata);
fc_result fc__reply_trailers(fc_call *call, fc_code code, fc_slice message, fc_slice details);
/* HTTP status 415 and a line of text; the call is over. */
void fc__reply_not_grpc(fc_call *call, int64_t now);
/* Adds the entries of a list to the block under construction. FC_ERR_NO_MEMORY. */
fc_result fc__block_metadata(struct fc__h2_conn *h2, const struct fc_metadata *metadata);

void fc__block_text(struct fc__h2_conn *h2, const char *name, const char *value,
                    enum fc__hpack_indexing how);

/* ---- hooks.c ---- */

struct fc__hook {
  struct fc__task task; /* runs drop without the lock */
  struct fc__loop
      *loop; /* referenced until it has: the call is gone by then, and perhaps all else */
  fc_call_hooks hooks;
  struct fc__hook *next;
};

fc_result fc__hooks_add(fc_call *call, const fc_call_hooks *hooks, bool first);
void fc__hooks_remove_first(fc_call *call); /* undoes adding it */
void fc__hooks_forget(fc_call *call);       /* frees them without a word: the call never started */
void fc__hooks_finish(fc_call *call);
fc_result fc__hooks_watch_end(fc_call *call); /* has on_done called, if any hook has one */
/* Without the lock. Puts what hooks make of it in the message's place, with a reference of its own; FC_ERR_CLOSED: a
 * hook refused it, and the call has ended. */
fc_result fc__hooks_send(fc_call *call, fc_bytes **message);
/* Behind it: of the caller's reference and that one the call has taken one, or none if r tells of a failure. Gives the
 * other one back. hooked: the call has hooks, as was seen before it was sent; a callback may have destroyed it since. */
fc_result fc__hooks_sent(bool hooked, fc_bytes *given, fc_bytes *passed, fc_result r);
/* Without the lock. Takes the reference given and gives one back; NULL: a hook refused. */
fc_bytes *fc__hooks_receive(fc_call *call, fc_bytes *message);

#endif
