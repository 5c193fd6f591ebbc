/*
 * Peers that use what TLS allows to make work, and peers that break it: what honest ones do goes on, and the others are left
 * with an error that says what it was. hostile.md 63
 */
#include <errno.h>

#include "io/reactor.h"
#include "sim/raw_end.h"
#include "sim/tls_raw.h"
#include "sim/tls_world.h"
#include "support/certs.h"
#include "support/check.h"

static const char address[] = "10.0.0.1:443";
static const char flood[] =
    "TLS: too many messages that are no data (updates of keys, tickets or renegotiations)";

static struct tls_world w;
static struct tls_raw tls;
static struct raw_end end;

/* ---- life: one of the ends is the library's, the other by hand ---- */

static int set_up(void **state) {
  (void)state;
  tls_world_open(&w, 1);
  w.client.any_bytes = w.server.any_bytes = true;
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  raw_end_finish(&end);
  tls_raw_finish(&tls);
  tls_world_close(&w);
  return 0;
}

static void stand_with_server(void) {
  tls_end_use_none(&w.server);
  raw_end_listen_by(&end, w.sim, address, &tls.layer);
  tls_world_start(&w);
  sim_run_for(w.sim, FC_SECOND);
  assert_int_equal(w.client.outcomes, 1);
  assert_int_equal(w.client.outcome, 0);
  assert_true(tls.finished);
}

static void stand_with_client(void) {
  tls_end_use_none(&w.client);
  tls_world_start(&w);
  raw_end_connect_by(&end, w.sim, address, &tls.layer);
  sim_run_for(w.sim, FC_SECOND);
  assert_int_equal(w.server.outcomes, 1);
  assert_int_equal(w.server.outcome, 0);
  assert_true(tls.finished);
}

/* What OpenSSL has queued, of messages that are no data, leaves. */
static void go(void) {
  fc__loop_lock(w.loop);
  if (end.transport) end.transport->on_ready(end.transport, 0, sim_now(w.sim));
  fc__loop_unlock(w.loop);
  sim_run_for(w.sim, FC_SECOND / 50);
}

static void expect_goes_on(struct tls_end *ours) {
  size_t received = ours->received, heard = end.peer.sent_bytes.len;
  tls_end_send(ours, 100);
  h2_put_frame(&end.peer, FC__H2_PING, 0, 0, TEXT("12345678"));
  raw_end_go(&end);
  sim_run_for(w.sim, FC_SECOND);
  assert_int_equal(ours->error, 0);
  assert_int_equal(ours->received, received + 17);
  assert_int_equal(end.peer.sent_bytes.len, heard + 100);
}

static void expect_refused(const struct tls_end *ours, const char *text) {
  assert_int_equal(ours->error, -EPROTO);
  assert_string_equal(ours->failure, text);
}

/* ---- updates of keys, RFC 8446 section 4.6.3 ---- */

static void update_keys(int kind, int count) {
  for (int i = 0; i < count; i++) {
    assert_true(SSL_key_update(tls.ssl, kind));
    assert_int_equal(SSL_do_handshake(tls.ssl), 1);
  }
}

static void keys_may_be_updated(void **state) {
  (void)state;
  tls_raw_client(&tls);
  stand_with_client();
  for (int i = 0; i < 4; i++) {
    update_keys(SSL_KEY_UPDATE_REQUESTED, 5);
    go();
    update_keys(SSL_KEY_UPDATE_NOT_REQUESTED, 5);
    expect_goes_on(&w.server);
  }
}

static void keys_may_be_updated_for_ever_at_leisure(void **state) {
  (void)state;
  tls_raw_server(&tls, "server");
  stand_with_server();
  for (int i = 0; i < 500; i++) {
    update_keys(SSL_KEY_UPDATE_REQUESTED, 1);
    go();
    sim_run_for(w.sim, FC_SECOND);
  }
  expect_goes_on(&w.client);
}

static void a_flood_of_updates_is_refused(void **state) {
  (void)state;
  tls_raw_client(&tls);
  stand_with_client();
  update_keys(SSL_KEY_UPDATE_NOT_REQUESTED, 60);
  go();
  assert_int_equal(w.server.error, 0);
  update_keys(SSL_KEY_UPDATE_NOT_REQUESTED, 10);
  go();
  expect_refused(&w.server, flood);
}

/* Each wants an answer, and none is read: what waits is bounded. */
static void a_flood_of_updates_to_be_answered_is_refused(void **state) {
  (void)state;
  tls_raw_server(&tls, "server");
  stand_with_server();
  end.deaf = true;
  for (int i = 0; i < 70; i++) {
    update_keys(SSL_KEY_UPDATE_REQUESTED, 1);
    h2_put_frame(&end.peer, FC__H2_PING, 0, 0, TEXT("12345678")); /* data does not pay for them */
    go();
  }
  expect_refused(&w.client, flood);
}

/* So slowly that it is no flood, for an hour: what waits to be read is bounded all the same. */
static void answers_that_are_never_read_come_to_an_end(void **state) {
  (void)state;
  tls_raw_server(&tls, "server");
  sim_link(w.sim, NULL)->buffer = 3000;
  stand_with_server();
  end.deaf = true;
  for (int i = 0; i < 3600 && w.client.error == 0; i++) {
    update_keys(SSL_KEY_UPDATE_REQUESTED, 1);
    go();
    sim_run_for(w.sim, FC_SECOND);
  }
  expect_refused(&w.client, "TLS: messages of TLS want answers, and the answers are not read");
}

/* ---- tickets, section 4.6.1 ---- */

static void a_flood_of_tickets_is_refused(void **state) {
  (void)state;
  tls_raw_server(&tls, "server");
  stand_with_server();
  for (int i = 0; i < 70; i++) {
    assert_true(SSL_new_session_ticket(tls.ssl));
    assert_int_equal(SSL_do_handshake(tls.ssl), 1);
  }
  go();
  expect_refused(&w.client, flood);
}

/* OpenSSL writes nothing while it has read a part of a message: writing waits, and nobody spins. */
static void a_ticket_that_comes_in_two_parts_holds_writing_up(void **state) {
  (void)state;
  fc_tls_identity identity = cert_identity_files("client");
  fc_tls_client_options o = tls_world_client_options();
  o.identity = &identity;
  tls_end_use_client(&w.client, &o);
  tls_raw_server(&tls, "server");
  SSL_CTX_set_verify(tls.ctx, SSL_VERIFY_PEER,
                     NULL); /* so that the client's certificate is in it */
  stand_with_server();
  size_t heard = end.peer.sent_bytes.len;
  assert_true(SSL_set_max_send_fragment(tls.ssl, 512));
  assert_true(SSL_new_session_ticket(tls.ssl));
  assert_int_equal(SSL_do_handshake(tls.ssl), 1);
  uint8_t ticket[4096];
  int len = BIO_read(SSL_get_wbio(tls.ssl), ticket, sizeof ticket);
  int first = 5 + (ticket[3] << 8 | ticket[4]);
  assert_true(first < len);
  raw_append(&end.wire, (fc_slice){ticket, (size_t)first});
  go();
  tls_end_send(&w.client, 100);
  sim_run_for(w.sim, FC_SECOND);
  unsigned told = w.client.told;
  sim_run_for(w.sim, FC_SECOND);
  assert_int_equal(w.client.told, told);
  assert_int_equal(end.peer.sent_bytes.len, heard);
  raw_append(&end.wire, (fc_slice){ticket + first, (size_t)(len - first)});
  go();
  sim_run_for(w.sim, FC_SECOND);
  assert_int_equal(end.peer.sent_bytes.len, heard + 100);
  expect_goes_on(&w.client);
}

/* ---- renegotiation, RFC 5246 section 7.4.1.1: RFC 9113 section 9.2.1 forbids it ---- */

/* A warning, and it is OpenSSL as a server that takes it for the end. */
static void requests_to_renegotiate_are_declined(void **state) {
  (void)state;
  tls_raw_server(&tls, "server");
  tls_raw_versions(&tls, TLS1_2_VERSION, TLS1_2_VERSION);
  stand_with_server();
  assert_true(SSL_renegotiate(tls.ssl));
  assert_int_equal(SSL_do_handshake(tls.ssl), 1);
  go();
  assert_int_equal(tls.alert, SSL_AD_NO_RENEGOTIATION);
  expect_refused(&w.client, "TLS: alert from the peer: handshake failure");
}

static void a_flood_of_requests_to_renegotiate_is_refused(void **state) {
  (void)state;
  tls_raw_server(&tls, "server");
  tls_raw_versions(&tls, TLS1_2_VERSION, TLS1_2_VERSION);
  stand_with_server();
  end.deaf = true;
  for (int i = 0; i < 70; i++) {
    assert_true(SSL_renegotiate(tls.ssl));
    assert_int_equal(SSL_do_handshake(tls.ssl), 1);
  }
  go();
  expect_refused(&w.client, flood);
}

static void a_client_that_renegotiates_is_told_not_to(void **state) {
  (void)state;
  tls_raw_client(&tls);
  tls_raw_versions(&tls, TLS1_2_VERSION, TLS1_2_VERSION);
  stand_with_client();
  assert_true(SSL_renegotiate(tls.ssl));
  assert_int_equal(SSL_do_handshake(tls.ssl), -1);
  go();
  assert_int_equal(tls.alert, SSL_AD_NO_RENEGOTIATION);
  assert_int_equal(w.server.outcomes, 1);
}

/* ---- records ---- */

static void records_of_one_byte_are_enough(void **state) {
  (void)state;
  tls_raw_client(&tls);
  tls.byte_by_byte = true;
  stand_with_client();
  for (int i = 0; i < 200; i++) expect_goes_on(&w.server);
}

static void a_record_that_was_changed_is_refused_with_an_alert(void **state) {
  (void)state;
  tls_raw_client(&tls);
  stand_with_client();
  fc_slice record = tls_raw_record(&tls, TEXT("hello"));
  raw_append(&end.wire, record);
  end.wire.data[end.wire.len - 1] ^= 1;
  go();
  assert_int_equal(w.server.error, -EPROTO);
  assert_string_equal(w.server.failure, "TLS: decryption failed or bad record mac");
  assert_int_equal(tls.alert, SSL_AD_BAD_RECORD_MAC);
}

static void plain_text_in_the_middle_is_refused(void **state) {
  (void)state;
  tls_raw_client(&tls);
  stand_with_client();
  raw_append(&end.wire, TEXT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
  go();
  assert_int_equal(w.server.error, -EPROTO);
  assert_int_equal(strncmp(w.server.failure, "TLS: ", 5), 0);
}

/* RFC 8446 section 6.1: it is to be ignored, whatever it is. */
static void what_comes_after_close_notify_is_not_heard(void **state) {
  (void)state;
  tls_raw_client(&tls);
  stand_with_client();
  size_t received = w.server.received;
  assert_int_equal(SSL_shutdown(tls.ssl), 0);
  uint8_t notify[64];
  int len = BIO_read(SSL_get_wbio(tls.ssl), notify, sizeof notify);
  raw_append(&end.wire, (fc_slice){notify, (size_t)len});
  raw_append(&end.wire, TEXT("PRI * HTTP/2.0"));
  go();
  assert_true(w.server.ended);
  assert_int_equal(w.server.error, 0);
  assert_int_equal(w.server.received, received);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(keys_may_be_updated),
      TEST(keys_may_be_updated_for_ever_at_leisure),
      TEST(a_flood_of_updates_is_refused),
      TEST(a_flood_of_updates_to_be_answered_is_refused),
      TEST(answers_that_are_never_read_come_to_an_end),
      TEST(a_flood_of_tickets_is_refused),
      TEST(a_ticket_that_comes_in_two_parts_holds_writing_up),
      TEST(requests_to_renegotiate_are_declined),
      TEST(a_flood_of_requests_to_renegotiate_is_refused),
      TEST(a_client_that_renegotiates_is_told_not_to),
      TEST(records_of_one_byte_are_enough),
      TEST(a_record_that_was_changed_is_refused_with_an_alert),
      TEST(plain_text_in_the_middle_is_refused),
      TEST(what_comes_after_close_notify_is_not_heard),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
