/* The host of an authority: what certificates are verified against. */
#include "client/authority.h"

#include "base/mem.h"
#include "support/check.h"

static void expect(const char *authority, const char *host) {
  char *found;
  assert_int_equal(fc__authority_host(authority, &found, NULL), FC_OK);
  assert_string_equal(found, host);
  fc__free(found);
}

static void expect_none(const char *authority) {
  char *found;
  fc_error err = FC_ERROR_INIT;
  assert_int_equal(fc__authority_host(authority, &found, &err), FC_ERR_INVALID);
  assert_null(found);
  assert_non_null(strstr(err.message, "names no host"));
  assert_non_null(strstr(err.message, "tls_target_name"));
}

static void names_lose_their_port(void **state) {
  (void)state;
  expect("example.test", "example.test");
  expect("example.test:443", "example.test");
  expect("localhost:50051", "localhost");
  expect("127.0.0.1:80", "127.0.0.1");
  expect("example.test:", "example.test");
}

static void addresses_lose_their_brackets(void **state) {
  (void)state;
  expect("[::1]:80", "::1");
  expect("[::1]", "::1");
  expect("::1", "::1");
  expect("2001:db8::5", "2001:db8::5");
  expect("[fe80::1%eth0]:80", "fe80::1");
}

/* RFC 6066 section 3: a server name is sent without it; certificates have none either. */
static void a_dot_at_the_end_goes(void **state) {
  (void)state;
  expect("example.test.", "example.test");
  expect("example.test.:443", "example.test");
  expect("example.test..", "example.test.");
}

static void one_without_a_host_is_refused(void **state) {
  (void)state;
  expect_none("");
  expect_none(":443");
  expect_none("[]:80");
  expect_none("[::1");
  expect_none("[%1]");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_lose_their_port),
      cmocka_unit_test(addresses_lose_their_brackets),
      cmocka_unit_test(a_dot_at_the_end_goes),
      cmocka_unit_test(one_without_a_host_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
