/*
 * The same bytes, whole and in pieces, and to an owner that keeps runs of fields: events and
 * failure must be the same, and what is sent must stay within a multiple of what came.
 */
#include "h2_run.h"

#include <string.h>

#include "check.h"
#include "http2/conn.h"
#include "support/h2_record.h"

enum {
  SEGMENT = 256,     /* bytes, however cut, after which output is written and time goes on */
  REQUESTS = 5,      /* of a client */
  OUT_FIXED = 65536, /* preface, settings, requests and messages */
  OUT_FACTOR = 40,   /* an answer for ten bytes of request */
};

enum option {
  DEAF = 0x08,
  HOARD = 0x10,
  REFUSE = 0x20,
  BEGUN = 0x40,
  PASSIVE = 0x80,
};

struct run {
  struct h2_record record;
  struct fc__h2_conn *conn;
  size_t sent;
  int64_t now;
};

static void write_out(struct run *r) {
  struct iovec iov[FC__H2_IOV_MAX];
  for (int count; (count = fc__h2_output(r->conn, iov, r->now)) > 0;) {
    size_t total = 0;
    for (int i = 0; i < count; i++) total += iov[i].iov_len;
    r->sent += total;
    fc__h2_written(r->conn, total, r->now);
  }
}

static void open_requests(struct run *r, uint8_t options) {
  static const uint8_t text[3000];
  for (int i = 0; i < REQUESTS; i++) {
    struct fc__h2_stream *s = h2_record_new_stream(&r->record);
    fc__h2_block_begin(r->conn, NULL);
    fc__h2_block_field(r->conn, fc_slice_from_string(":method"), fc_slice_from_string("POST"),
                       FC__HPACK_INDEX);
    CHECK(fc__h2_block_end_request(r->conn, s, options & REFUSE) == FC_OK);
    if (!(options & PASSIVE)) continue;
    fc_slice message = {text, (size_t)i * 700};
    (void)fc__h2_send(r->conn, s, (fc_slice){text, 5}, NULL, message, i % 2);
  }
}

static void begin(struct run *r, bool server, uint8_t options, const struct fc__h2_events *events) {
  static const char start[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0";
  struct fc__h2_config config;
  fc__h2_config_defaults(&config, server);
  config.bucket_burst = 100; /* within reach of short inputs */
  *r = (struct run){.now = 1};
  h2_record_init(&r->record);
  r->record.hoard = options & HOARD;
  r->record.refuse = options & REFUSE;
  r->record.answer = server && !(options & PASSIVE);
  r->conn = fc__h2_conn_create(&config, events, &r->record, r->now);
  CHECK(r->conn);
  r->record.conn = r->conn;
  if (!server) open_requests(r, options);
  if (!(options & BEGUN)) return;
  size_t skip = server ? 0 : 24;
  fc_slice bytes = {(const uint8_t *)start + skip, sizeof start - skip};
  CHECK(fc__h2_receive(r->conn, bytes, r->now) == 0);
}

static int feed(struct run *r, fc_slice data, size_t chunk) {
  int result = 0;
  while (data.len > 0) {
    size_t len = data.len < chunk ? data.len : chunk;
    result = fc__h2_receive(r->conn, (fc_slice){data.data, len}, r->now);
    data.data += len;
    data.len -= len;
  }
  return result;
}

static void talk(struct run *r, fc_slice data, size_t chunk, uint8_t options) {
  for (size_t at = 0; at < data.len; at += SEGMENT) {
    size_t len = data.len - at < SEGMENT ? data.len - at : SEGMENT;
    int result = feed(r, (fc_slice){data.data + at, len}, chunk);
    if (!(options & DEAF)) write_out(r);
    r->now += FC_MILLISECOND;
    if (r->now >= fc__h2_next_at(r->conn)) result = fc__h2_tick(r->conn, r->now);
    if (result < 0) break;
  }
  write_out(r);
  CHECK(!fc__h2_wants_write(r->conn));
  CHECK(r->sent <= OUT_FIXED + OUT_FACTOR * data.len);
}

static void end(struct run *r) {
  fc__h2_close(r->conn, FC__H2_CANCEL, true);
  CHECK(fc__h2_stream_count(r->conn) == 0);
  CHECK(!r->record.streams);
  fc__h2_conn_destroy(r->conn);
  h2_record_finish(&r->record);
}

void h2_run_twice(bool server, const uint8_t *data, size_t size) {
  static const size_t chunks[] = {1, 2, 3, 7, 9, 17, 64, 100};
  if (size == 0) return;
  uint8_t options = data[0];
  fc_slice said = {data + 1, size - 1};
  struct run whole, cut;
  begin(&whole, server, options, &h2_record_events);
  begin(&cut, server, options, &h2_record_events_of_runs);
  talk(&whole, said, SIZE_MAX, options);
  talk(&cut, said, chunks[options & 7], options);
  uint32_t code, cut_code;
  const char *failure = fc__h2_failure(whole.conn, &code);
  CHECK(strcmp(failure, fc__h2_failure(cut.conn, &cut_code)) == 0 && code == cut_code);
  CHECK(strcmp(h2_record_text(&whole.record), h2_record_text(&cut.record)) == 0);
  end(&whole);
  end(&cut);
}
