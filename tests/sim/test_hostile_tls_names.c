/*
 * Servers that are not who they should be, to a client: row 59 of the table of hostile inputs. Each
 * is refused with UNAVAILABLE and a text that says where and why, and hears not a byte of HTTP/2.
 */
#include "sim/tls_hand.h"

/* name: the one to verify; NULL: the address. */
static void begin(const char *identity, const char *name) {
  hand_server(identity);
  hand.w.options.authority = name;
  hand_channel(NULL);
}

static void expect_refused(const char *identity, const char *name, const char *reason) {
  begin(identity, name);
  hand_expect_refused(reason);
  assert_true(hand.tls.alert >= 0); /* it is told */
}

static void expect_taken(const char *identity, const char *name) {
  begin(identity, name);
  hand_expect_ready();
}

/* ---- names ---- */

static void row_59_a_certificate_for_another_name_is_refused(void **state) {
  (void)state;
  expect_taken("server", "localhost");
  expect_taken("server", "LOCALHOST");
  expect_refused("wrong_name", "localhost", "hostname mismatch");
  expect_refused("server", "localhost.wrong.example", "hostname mismatch");
  expect_taken("wrong_name", "wrong.example");
}

static void row_59_an_address_must_be_among_the_addresses(void **state) {
  (void)state;
  expect_taken("server", NULL);
  expect_refused("no_ip", NULL, "IP address mismatch");
  expect_refused("wildcard", NULL, "IP address mismatch"); /* which has it as a DNS name */
  expect_refused("server", "127.0.0.2", "IP address mismatch");
  expect_taken("server", "[::1]:50051");
}

static void row_59_wildcards_stand_for_one_whole_label(void **state) {
  (void)state;
  expect_taken("server", "a.test.example");
  expect_refused("server", "a.b.test.example", "hostname mismatch");
  expect_refused("server", "test.example", "hostname mismatch");
  expect_refused("wildcard", "a.example", "hostname mismatch");       /* below "*.example" */
  expect_refused("wildcard", "wx.test.example", "hostname mismatch"); /* "w*.test.example" */
  expect_refused("wildcard", "x.y.example", "hostname mismatch");     /* "x.*.example" */
  expect_refused("wildcard", "a.b.example", "hostname mismatch");     /* "*.*.example" */
  expect_refused("wildcard", "localhost", "hostname mismatch");       /* "*" */
}

/* OpenSSL takes such a name for "any below"; it is not even asked. */
static void row_59_a_name_that_begins_with_a_dot_is_none(void **state) {
  (void)state;
  begin("server", ".test.example");
  hand_expect_refused("TLS handshake: no host can have the name \".test.example\"");
  assert_int_equal(hand.tls.alert, -1);
}

static void row_59_a_common_name_is_no_host_name(void **state) {
  (void)state;
  expect_refused("cn_only", "localhost", "hostname mismatch");
}

static void row_59_a_name_does_not_end_at_a_nul(void **state) {
  (void)state;
  expect_refused("nul_name", "localhost", "hostname mismatch");
}

/* The authority of a call is the channel's: there is no other that a certificate would have to cover. */
static void row_59_calls_have_the_authority_that_was_verified(void **state) {
  (void)state;
  fc_metadata *metadata = fc_metadata_create();
  fc_call *call;
  assert_int_equal(fc_metadata_add_string(metadata, ":authority", "wrong.example", NULL),
                   FC_ERR_INVALID);
  assert_int_equal(fc_metadata_add_string(metadata, "host", "wrong.example", NULL), FC_ERR_INVALID);
  fc_metadata_destroy(metadata);
  begin("server", "a.test.example");
  assert_int_equal(fc_unary_unary_future(hand.w.channel, "/t/Echo", TEXT("x"), NULL, &call, NULL),
                   FC_OK);
  assert_int_equal(fc_channel_wait_ready(hand.w.channel, FC_SECOND, NULL), FC_OK);
  raw_end_go(&hand.end);
  const char *said = raw_end_said(&hand.end);
  assert_non_null(strstr(said, ":authority=a.test.example"));
  assert_non_null(strstr(said, ":scheme=https"));
  fc_call_destroy(call);
}

/* ---- authorities, times, purposes ---- */

static void row_59_an_unknown_authority_is_refused(void **state) {
  (void)state;
  expect_refused("other_server", "localhost", "unable to get local issuer certificate");
  expect_refused("self_signed", "localhost", "self-signed certificate");
  expect_taken("server_chain", "localhost"); /* an intermediate that is shown will do */
}

static void row_59_a_certificate_has_its_time(void **state) {
  (void)state;
  expect_refused("expired", "localhost", "certificate has expired");
  expect_refused("future", "localhost", "certificate is not yet valid");
}

static void row_59_a_certificate_has_its_purpose(void **state) {
  (void)state;
  expect_refused("wrong_usage", "localhost", "unsuitable certificate purpose");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      HAND_TEST(row_59_a_certificate_for_another_name_is_refused),
      HAND_TEST(row_59_an_address_must_be_among_the_addresses),
      HAND_TEST(row_59_wildcards_stand_for_one_whole_label),
      HAND_TEST(row_59_a_name_that_begins_with_a_dot_is_none),
      HAND_TEST(row_59_a_common_name_is_no_host_name),
      HAND_TEST(row_59_a_name_does_not_end_at_a_nul),
      HAND_TEST(row_59_calls_have_the_authority_that_was_verified),
      HAND_TEST(row_59_an_unknown_authority_is_refused),
      HAND_TEST(row_59_a_certificate_has_its_time),
      HAND_TEST(row_59_a_certificate_has_its_purpose),
  };
  return hand_run(tests, sizeof tests / sizeof *tests);
}
