/*
 * Reading and writing, once the handshake is done. What the owner reads is decrypted into its own buffer; what it writes
 * becomes records as long as can be, gathered in one write below.
 */
#include <errno.h>
#include <openssl/err.h>
#include <string.h>

#include "io/tls_filter.h"

/* Before a function of OpenSSL's: what others have left in the thread's queue would be taken for its own error. */
static void prepare(struct fc__tls_filter *f, bool may_read) {
  if (ERR_peek_error()) ERR_clear_error();
  fc__tls_bio_begin(f, may_read);
}

/* ---- reading ---- */

/* OpenSSL waits for room to answer a message, or has failed, or the peer has ended the stream. */
static void note_end(struct fc__tls_filter *f) {
  if (f->blocked && SSL_want_write(f->ssl)) {
    f->abuse = "messages of TLS want answers, and the answers are not read";
  } else if (f->blocked || SSL_get_error(f->ssl, 0) == SSL_ERROR_ZERO_RETURN) {
    return;
  }
  fc__tls_fail_by_openssl(f);
}

/* Until the buffer is full or there is nothing more to decrypt. A record that ends where all that came ends is followed by
 * nothing: OpenSSL, asked for more, would need as long to say so as for a record. */
static size_t read_into(struct fc__tls_filter *f, const struct iovec *iov) {
  size_t total = 0;
  while (total < iov->iov_len && !f->blocked) {
    size_t n;
    if (!SSL_read_ex(f->ssl, (uint8_t *)iov->iov_base + total, iov->iov_len - total, &n)) {
      note_end(f);
      break;
    }
    total += n;
    f->blocked = total < iov->iov_len && fc__tls_is_dry(f);
  }
  return total;
}

/* What a read gives that found nothing. A write that failed when the owner was not there is told here at last. */
static ssize_t nothing_read(const struct fc__tls_filter *f) {
  if (f->error) return f->error;
  if (!f->blocked) return 0;
  return f->write_error ? f->write_error : -EAGAIN;
}

ssize_t fc__tls_read(struct fc__tls_filter *f, const struct iovec *iov, int count) {
  f->more = false;
  if (f->error) return f->error;
  size_t total = 0;
  bool full = true;
  prepare(f, true);
  for (int i = 0; full && i < count; i++) {
    size_t n = read_into(f, &iov[i]);
    total += n;
    full = n == iov[i].iov_len;
  }
  fc__tls_bio_end(f);
  if (f->held && !SSL_in_init(f->ssl)) f->held = false;
  if (!full && total == 0) return nothing_read(f);
  f->more = full ? f->in != NULL || SSL_pending(f->ssl) > 0 : !f->blocked;
  return (ssize_t)total;
}

/* ---- writing ---- */

/* What is left of the owner's pieces. */
struct cursor {
  const struct iovec *iov;
  int count;
  size_t at; /* in the first */
};

static void advance(struct cursor *c, size_t len) {
  c->at += len;
  while (c->count > 0 && c->at >= c->iov->iov_len) {
    c->at -= c->iov->iov_len;
    c->iov++;
    c->count--;
  }
}

static fc_slice first_piece(const struct cursor *c) {
  return (fc_slice){(const uint8_t *)c->iov->iov_base + c->at, c->iov->iov_len - c->at};
}

/* The plaintext of the next record: where it lies if that is in one piece, else put together. */
static fc_slice next_record(const struct cursor *c, uint8_t *plain) {
  fc_slice piece = first_piece(c);
  if (piece.len > FC__TLS_RECORD) piece.len = FC__TLS_RECORD;
  if (piece.len == FC__TLS_RECORD || c->count == 1) return piece;
  struct cursor next = *c;
  size_t len = 0;
  while (next.count > 0 && len < FC__TLS_RECORD) {
    piece = first_piece(&next);
    if (piece.len > FC__TLS_RECORD - len) piece.len = FC__TLS_RECORD - len;
    memcpy(plain + len, piece.data, piece.len);
    len += piece.len;
    advance(&next, piece.len);
  }
  return (fc_slice){plain, len};
}

/* Encrypts a record into the room. 0 or a negative errno; -EAGAIN while a message of TLS is read in part. */
static int write_record(struct fc__tls_filter *f, struct cursor *c, size_t *written) {
  struct fc__tls_room *room = fc__tls_out_room(f);
  if (!room) return -ENOMEM;
  fc_slice record = next_record(c, room->plain);
  bool done = SSL_write_ex(f->ssl, record.data, record.len, written) == 1;
  if (record.data == room->plain && room->used < record.len) room->used = record.len;
  if (done) {
    advance(c, *written);
    return 0;
  }
  *written = 0;
  f->held = f->blocked;
  if (f->held) return -EAGAIN;
  fc__tls_fail_by_openssl(f);
  return f->error;
}

static int write_records(struct fc__tls_filter *f, struct cursor *c, size_t *total) {
  int failed = 0;
  while (c->count > 0 && !failed) {
    size_t written = 0;
    if (!fc__tls_has_room(f, FC__TLS_RECORD + FC__TLS_RECORD_OVERHEAD)) failed = fc__tls_flush(f);
    if (!failed) failed = write_record(f, c, &written);
    *total += written;
  }
  return failed;
}

/* Writing below fails, often because the peer has closed after an alert that is still to be read and tells why. */
static int explain(struct fc__tls_filter *f, int error) {
  uint8_t byte;
  size_t n;
  if (f->error || !f->write_error) return error;
  prepare(f, true);
  if (!SSL_peek_ex(f->ssl, &byte, sizeof byte, &n)) note_end(f);
  f->more = !f->blocked;
  return f->error ? f->error : error;
}

static int write_all(struct fc__tls_filter *f, struct cursor *c, size_t *total) {
  int failed = fc__tls_flush(f);
  if (failed) return failed;
  if (f->owed && c->count > 0) {
    advance(c, 1);
    *total = 1;
    f->owed = false;
  }
  failed = write_records(f, c, total);
  if (failed && !f->held) return failed;
  int flushed = fc__tls_flush(f);
  return flushed ? flushed : failed;
}

/*
 * What is encrypted cannot be taken back when there is no room below for all of it. The owner is then told that its last
 * byte is still to be written: so it waits to be told of room, and takes nothing for sent that is not. When it comes
 * again with that byte, which a stream's order makes the first, the byte is skipped.
 */
ssize_t fc__tls_write(struct fc__tls_filter *f, const struct iovec *iov, int count) {
  if (f->error) return f->error;
  if (SSL_get_shutdown(f->ssl) & SSL_SENT_SHUTDOWN) return -EPIPE;
  struct cursor c = {iov, count, 0};
  size_t total = 0;
  advance(&c, 0); /* empty pieces */
  prepare(f, false);
  int failed = write_all(f, &c, &total);
  if (failed && failed != -EAGAIN) failed = explain(f, failed);
  fc__tls_bio_end(f);
  if (failed && (failed != -EAGAIN || total == 0)) return failed;
  f->owed = failed && c.count == 0 && total > 1;
  return (ssize_t)(f->owed ? total - 1 : total);
}

/* SSL_in_init is also where a handshake, or OpenSSL's reading, has failed. */
void fc__tls_say_goodbye(struct fc__tls_filter *f) {
  bool said = SSL_get_shutdown(f->ssl) & SSL_SENT_SHUTDOWN;
  if (said || f->below_error || f->write_error || SSL_in_init(f->ssl)) return;
  prepare(f, false);
  (void)SSL_shutdown(f->ssl);
  ERR_clear_error();
}
