/* Memory fails at every allocation in turn: the connection says so, nothing leaks, and no event
 * is lost or doubled. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "support/failing_alloc.h"
#include "support/h2_talks.h"

/* ---- what the peer says ---- */

/* One conversation without the asserting peer's own use of the library. False: creation failed. */
static bool hold(const struct h2_talk *talk, const struct h2_peer *script, int *result) {
  struct fc__h2_config config;
  struct h2_record record;
  struct iovec iov[FC__H2_IOV_MAX];
  fc__h2_config_defaults(&config, talk->server);
  h2_record_init(&record);
  record.answer = talk->server;
  struct fc__h2_conn *c = fc__h2_conn_create(&config, &h2_record_events, &record, 1);
  record.conn = c;
  if (!c) {
    h2_record_finish(&record);
    return false;
  }
  for (unsigned i = 0; i < talk->requests; i++) {
    struct fc__h2_stream *s = h2_record_new_stream(&record);
    fc__h2_block_begin(c, NULL);
    fc__h2_block_field(c, TEXT(":method"), TEXT("POST"), FC__HPACK_INDEX);
    fc__h2_block_field(c, TEXT("own"), TEXT("value"), FC__HPACK_INDEX);
    fc_result r = fc__h2_block_end_request(c, s, false);
    assert_true(r == FC_OK || (r == FC_ERR_NO_MEMORY && !s->open));
    if (r != FC_OK) s->id = UINT32_MAX; /* the record frees it at its end */
  }
  *result = 0;
  for (size_t at = 0; at < script->in.len && *result == 0; at += 500) {
    size_t len = script->in.len - at < 500 ? script->in.len - at : 500;
    *result = fc__h2_receive(c, (fc_slice){script->in.data + at, len}, 1);
    for (int count; (count = fc__h2_output(c, iov, 1)) > 0;) fc__h2_written(c, iov[0].iov_len, 1);
  }
  fc__h2_close(c, FC__H2_CANCEL, true);
  for (struct fc__h2_stream *s; (s = h2_record_find(&record, UINT32_MAX));) s->id = 0;
  fc__h2_conn_destroy(c);
  h2_record_finish(&record);
  return true;
}

static void no_conversation_breaks_when_memory_fails(void **state) {
  (void)state;
  for (size_t i = 0; i < h2_talks_count; i++) {
    const struct h2_talk *talk = &h2_talks[i];
    struct h2_peer script;
    h2_peer_init(&script, talk->server);
    talk->put(&script);
    for (int mode = FAILING_ALLOC_ONCE; mode <= FAILING_ALLOC_FROM_THEN; mode++) {
      for (size_t n = 0;; n++) {
        int result = 0;
        size_t live = failing_alloc_live();
        failing_alloc_arm(n, (enum failing_alloc_mode)mode);
        bool created = hold(talk, &script, &result);
        bool reached = failing_alloc_disarm();
        assert_int_equal(failing_alloc_live(), live);
        if (!created) assert_true(reached);
        if (!reached) break;
      }
    }
    free(script.in.data);
  }
}

/* ---- what the owner sends ---- */

static fc_result begin_call(struct h2_record *r, struct fc__h2_stream **s) {
  *s = h2_record_new_stream(r);
  fc__h2_block_begin(r->conn, NULL);
  fc__h2_block_field(r->conn, TEXT(":method"), TEXT("POST"), FC__HPACK_INDEX);
  fc__h2_block_field(r->conn, TEXT("key"), TEXT("value"), FC__HPACK_INDEX);
  return fc__h2_block_end_request(r->conn, *s, false);
}

/* Calls with small and large messages, over a peer whose frames are given. Failing sends may be
 * tried again. */
static void send_all(struct h2_record *r, struct fc__h2_conn *c, fc_bytes *body,
                     fc_slice peer_says) {
  struct iovec iov[FC__H2_IOV_MAX];
  static const uint8_t medium[1500];
  int result = fc__h2_receive(c, peer_says, 1);
  for (int i = 0; i < 12 && result == 0; i++) {
    struct fc__h2_stream *s;
    fc_result begun = begin_call(r, &s);
    if (begun != FC_OK) {
      assert_int_equal(begun, FC_ERR_NO_MEMORY);
      assert_false(s->open);
      assert_int_equal(begin_call(r, &s), FC_OK);
    }
    for (int k = 0; k < 3; k++) {
      fc_slice text = {medium, sizeof medium};
      fc_result sent = fc__h2_send(c, s, TEXT("head"), k == 2 ? body : NULL, text, false);
      if (sent == FC_ERR_CLOSED) break;
      assert_true(sent == FC_OK || sent == FC_ERR_NO_MEMORY);
    }
    (void)fc__h2_send_end(c, s);
    for (int count; (count = fc__h2_output(c, iov, 1)) > 0;) fc__h2_written(c, iov[0].iov_len, 1);
    result = fc__h2_tick(c, 1);
  }
  assert_true(result == 0 || result == FC_ERR_NO_MEMORY);
}

static void sending_survives_when_memory_fails(void **state) {
  (void)state;
  struct h2_peer script;
  h2_peer_init(&script, false);
  h2_put_setting(&script, FC__H2_INITIAL_WINDOW_SIZE, 30000);
  h2_put_settings_ack(&script);
  static const uint8_t large[70000];
  for (size_t n = 0;; n++) {
    struct h2_record record;
    h2_record_init(&record);
    size_t live = failing_alloc_live();
    failing_alloc_arm(n, FAILING_ALLOC_ONCE);
    fc_bytes *body = fc_bytes_copy(large, sizeof large);
    struct fc__h2_conn *c = fc__h2_conn_create(&script.config, &h2_record_events, &record, 1);
    record.conn = c;
    if (c && body) send_all(&record, c, body, (fc_slice){script.in.data, script.in.len});
    fc__h2_conn_destroy(c);
    fc_bytes_unref(body);
    bool reached = failing_alloc_disarm();
    h2_record_finish(&record);
    assert_int_equal(failing_alloc_live(), live);
    if (!reached) break;
  }
  free(script.in.data);
}

/* ---- the warm path ---- */

static void pass_on(struct h2_record *from, struct h2_record *to) {
  struct iovec iov[FC__H2_IOV_MAX];
  for (int count; (count = fc__h2_output(from->conn, iov, 1)) > 0;) {
    for (int i = 0; i < count; i++) {
      fc_slice bytes = {iov[i].iov_base, iov[i].iov_len};
      assert_int_equal(fc__h2_receive(to->conn, bytes, 1), 0);
    }
    size_t total = 0;
    for (int i = 0; i < count; i++) total += iov[i].iov_len;
    fc__h2_written(from->conn, total, 1);
  }
}

static void a_warm_call_allocates_nothing(void **state) {
  (void)state;
  struct h2_record client, server;
  struct fc__h2_config config;
  h2_record_init(&client);
  h2_record_init(&server);
  server.answer = true;
  fc__h2_config_defaults(&config, false);
  client.conn = fc__h2_conn_create(&config, &h2_record_events, &client, 1);
  fc__h2_config_defaults(&config, true);
  server.conn = fc__h2_conn_create(&config, &h2_record_events, &server, 1);
  static const uint8_t text[100];
  static const uint8_t large[10000];
  fc_bytes *body = fc_bytes_copy(large, sizeof large);
  for (int i = 0; i < 1000; i++) {
    struct fc__h2_stream *s;
    if (i == 100) failing_alloc_restart();
    s = h2_record_new_stream(&client);
    fc__h2_block_begin(client.conn, NULL);
    fc__h2_block_field(client.conn, TEXT(":method"), TEXT("POST"), FC__HPACK_INDEX);
    fc__h2_block_field(client.conn, TEXT(":scheme"), TEXT("http"), FC__HPACK_INDEX);
    fc__h2_block_field(client.conn, TEXT(":path"), TEXT("/s/m"), FC__HPACK_INDEX);
    assert_int_equal(fc__h2_block_end_request(client.conn, s, false), FC_OK);
    fc_slice bytes = {text, sizeof text};
    assert_int_equal(fc__h2_send(client.conn, s, TEXT("head:"), i % 2 ? body : NULL, bytes, true),
                     0);
    for (int k = 0; k < 3; k++) pass_on(&client, &server), pass_on(&server, &client);
    h2_record_clear(&client);
    h2_record_clear(&server);
  }
  assert_int_equal(failing_alloc_count(), 0);
  fc_bytes_unref(body);
  fc__h2_conn_destroy(client.conn);
  fc__h2_conn_destroy(server.conn);
  h2_record_finish(&client);
  h2_record_finish(&server);
}

static int install(void **state) {
  (void)state;
  failing_alloc_install();
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(no_conversation_breaks_when_memory_fails),
      cmocka_unit_test(sending_survives_when_memory_fails),
      cmocka_unit_test(a_warm_call_allocates_nothing),
  };
  return cmocka_run_group_tests(tests, install, NULL);
}
