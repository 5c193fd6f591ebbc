#ifndef FC_IO_TLS_FILTER_H
#define FC_IO_TLS_FILTER_H
/*
 * One connection with TLS, as the files of the filter share it. All of it is under the loop's lock.
 *
 *   tls_filter.c      the transport that the owner sees: events, closing
 *   tls_handshake.c   from the first byte to the outcome
 *   tls_stream.c      reading and writing, once it stands
 *   tls_bio.c         what OpenSSL reads and writes: ciphertext, many records in a system call
 *   tls_failure.c     why it failed, in words
 */
#include "io/tls_internal.h"

enum {
  FC__TLS_RECORD = 16384,        /* plaintext of a record, RFC 8446 section 5.1 */
  FC__TLS_RECORD_OVERHEAD = 256, /* at most so much more when encrypted, section 5.2 */
  /* What one write gathers: the 64 KiB that a link produces at a time, and answers of the TLS layer's own. */
  FC__TLS_GATHER = 5 * (FC__TLS_RECORD + FC__TLS_RECORD_OVERHEAD),
  FC__TLS_READ_AHEAD = FC__LOOP_SCRATCH, /* as a link reads: the records in it fit its buffer */
};

/* Ciphertext on its way in or out. One that is not in use is the loop's spare: idle connections have none. */
struct fc__tls_room {
  size_t from, to; /* of cipher */
  size_t used;     /* of plain */
  uint8_t cipher[FC__TLS_GATHER];
  uint8_t plain[FC__TLS_RECORD]; /* a record, put together of small pieces */
};

enum fc__tls_stage {
  FC__TLS_ASKING,   /* on_handshake or the verifier runs, without the lock */
  FC__TLS_SHAKING,  /* the handshake is under way */
  FC__TLS_STANDING, /* the peer is accepted */
  FC__TLS_FAILED,   /* it never came to that: error and failure say why */
};

struct fc__tls_filter {
  struct fc__transport base;
  struct fc__transport *below; /* NULL: closed */
  struct fc__loop *loop;
  struct fc__tls *tls;
  SSL *ssl; /* NULL before the handshake */
  char *name;
  fc_auth_context *auth;
  struct fc__tls_room *in, *out; /* NULL when empty */
  struct fc__timer later;        /* tells the owner what nothing from below will make it ask for */
  struct fc__task task;          /* asks the application */
  enum fc__tls_stage stage;
  unsigned wanted, below_wanted; /* what the owner asked for, and what was asked for below */
  unsigned busy;                 /* calls of ours on the stack */
  int64_t messages_at; /* when the messages so far will be forgotten, see tls_handshake.c */
  int error;           /* negative errno: nothing goes on */
  int write_error;     /* negative errno of a write that the owner was not there to see */
  int below_error;     /* negative errno of reading below */
  const char *abuse;   /* what the peer does too often */
  bool told;           /* the outcome of the handshake */
  bool asking;         /* the task has still to come back: memory stays */
  bool verifying;      /* what is asked: the verifier, not the hook */
  bool more;           /* a read would give something, whatever comes from below */
  bool owed;           /* see fc__tls_write */
  bool held;           /* writing waits until a message of TLS has been read whole */
  bool half_closed;    /* shut down below when all is written */
  bool below_ended;    /* the end of the stream below */
  bool dry;            /* nothing is read from below in this call any more */
  bool blocked;        /* OpenSSL was told to wait for what is below in this call */
  bool first_known;
  uint8_t first;     /* byte of the peer */
  char failure[256]; /* "" where error says all */
};

/* ---- tls_filter.c ---- */

/* Around whatever may lead to the owner, who may close. Leaving may free the filter. */
void fc__tls_enter(struct fc__tls_filter *f);
void fc__tls_leave(struct fc__tls_filter *f);
/* Tells the owner the outcome, once. */
void fc__tls_tell_outcome(struct fc__tls_filter *f, int64_t now);

/* ---- tls_handshake.c ---- */

/* Up to the outcome nobody is told: the stage says what came of it. */
void fc__tls_begin_handshake(struct fc__tls_filter *f);
void fc__tls_shake(struct fc__tls_filter *f);

/* ---- tls_stream.c ---- */

ssize_t fc__tls_read(struct fc__tls_filter *f, const struct iovec *iov, int count);
ssize_t fc__tls_write(struct fc__tls_filter *f, const struct iovec *iov, int count);
/* Queues close_notify, if the connection still stands. */
void fc__tls_say_goodbye(struct fc__tls_filter *f);

/* ---- tls_bio.c ---- */

/* Gives the SSL its BIO. false: no memory. */
bool fc__tls_bio_attach(struct fc__tls_filter *f);
/* Before each function of OpenSSL's that may read or write. */
void fc__tls_bio_begin(struct fc__tls_filter *f, bool may_read);
/* And after it: room that is empty goes back to the loop. */
void fc__tls_bio_end(struct fc__tls_filter *f);
/* What came from below is used up, and there was no more. */
bool fc__tls_is_dry(const struct fc__tls_filter *f);
bool fc__tls_has_room(const struct fc__tls_filter *f, size_t len);
/* The room that is written from, taken if there is none; NULL: no memory. */
struct fc__tls_room *fc__tls_out_room(struct fc__tls_filter *f);
/* Writes what was gathered: 0 when all is out, or a negative errno. */
int fc__tls_flush(struct fc__tls_filter *f);
void fc__tls_bio_finish(struct fc__tls_filter *f);

/* ---- tls_failure.c ---- */

/* The first failure stays. error: negative errno; reason NULL: it says all. */
void fc__tls_fail(struct fc__tls_filter *f, int error, const char *reason);
/* After a function of OpenSSL's has failed. */
void fc__tls_fail_by_openssl(struct fc__tls_filter *f);

#endif
