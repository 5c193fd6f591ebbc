/* Targets are read as grpc/grpc doc/naming.md says, and what is wrong with one is told. */
#include "client/target.h"

#include "io/address.h"
#include "support/check.h"

static bool parse(struct fc__net *net, const char *kind, const char *text, struct fc__addr *out) {
  (void)net;
  return fc__addr_parse(kind, text, out);
}

static const struct fc__net_ops net_ops = {.parse = parse};
static struct fc__net net = {&net_ops};

static void expect_name(const char *text, const char *host, unsigned port, const char *authority) {
  struct fc__target t;
  fc_error err = FC_ERROR_INIT;
  fc_result r = fc__target_parse(&net, text, &t, &err);
  if (r != FC_OK) fail_msg("%s: %s", text, err.message);
  assert_string_equal(t.host, host);
  assert_int_equal(t.port, port);
  assert_string_equal(t.authority, authority);
  assert_int_equal(t.count, 0);
  fc__target_finish(&t);
}

static void expect_address(const char *text, size_t index, size_t count, const char *address,
                           const char *authority) {
  struct fc__target t;
  fc_error err = FC_ERROR_INIT;
  char written[FC__ADDR_TEXT_MAX];
  fc_result r = fc__target_parse(&net, text, &t, &err);
  if (r != FC_OK) fail_msg("%s: %s", text, err.message);
  assert_null(t.host);
  assert_int_equal(t.count, count);
  fc__addr_text(&t.addrs[index], written);
  assert_string_equal(written, address);
  assert_string_equal(t.authority, authority);
  fc__target_finish(&t);
}

static void expect_error(const char *text, const char *part) {
  struct fc__target t;
  fc_error err = FC_ERROR_INIT;
  assert_int_equal(fc__target_parse(&net, text, &t, &err), FC_ERR_INVALID);
  assert_int_equal(err.result, FC_ERR_INVALID);
  if (!strstr(err.message, part)) fail_msg("\"%s\" is not in \"%s\"", part, err.message);
  assert_null(t.authority);
}

static void names_are_dns_by_default(void **state) {
  (void)state;
  expect_name("example.test:50051", "example.test", 50051, "example.test:50051");
  expect_name("example.test", "example.test", 443, "example.test");
  expect_name("dns:example.test:80", "example.test", 80, "example.test:80");
  expect_name("dns:///example.test:80", "example.test", 80, "example.test:80");
  expect_name("DNS:///example.test", "example.test", 443, "example.test");
  expect_name("my_host-1.~test:1", "my_host-1.~test", 1, "my_host-1.~test:1");
  expect_name("unixes:65535", "unixes", 65535, "unixes:65535");
}

static void literals_may_stand_for_names(void **state) {
  (void)state;
  expect_name("127.0.0.1:80", "127.0.0.1", 80, "127.0.0.1:80");
  expect_name("[::1]:80", "::1", 80, "[::1]:80");
  expect_name("[::1]", "::1", 443, "[::1]");
  expect_name("::1", "::1", 443, "[::1]");
  expect_name("dns:///[fe80::1%eth0]:80", "fe80::1%eth0", 80, "[fe80::1]:80");
}

static void addresses_come_in_lists(void **state) {
  (void)state;
  expect_address("ipv4:10.0.0.1:80", 0, 1, "ipv4:10.0.0.1:80", "10.0.0.1:80");
  expect_address("ipv4:10.0.0.1", 0, 1, "ipv4:10.0.0.1:443", "10.0.0.1");
  expect_address("ipv4:///10.0.0.1:80", 0, 1, "ipv4:10.0.0.1:80", "10.0.0.1:80");
  expect_address("ipv4:10.0.0.1:80,10.0.0.2,10.0.0.3:82", 1, 3, "ipv4:10.0.0.2:443", "10.0.0.1:80");
  expect_address("ipv4:10.0.0.1:80,10.0.0.2,10.0.0.3:82", 2, 3, "ipv4:10.0.0.3:82", "10.0.0.1:80");
  expect_address("ipv6:[::1]:80,[::2]", 0, 2, "ipv6:%5B::1%5D:80", "[::1]:80");
  expect_address("ipv6:[::1]:80,[::2]", 1, 2, "ipv6:%5B::2%5D:443", "[::1]:80");
  expect_address("ipv6:::1", 0, 1, "ipv6:%5B::1%5D:443", "[::1]");
}

static void a_peer_can_be_called_back_by_its_text(void **state) {
  (void)state;
  expect_address("ipv6:%5B::1%5D:80", 0, 1, "ipv6:%5B::1%5D:80", "[::1]:80");
  expect_address("unix:/tmp/a%20b", 0, 1, "unix:/tmp/a%20b", "localhost");
}

static void sockets_have_paths_and_names(void **state) {
  (void)state;
  expect_address("unix:/run/a.sock", 0, 1, "unix:/run/a.sock", "localhost");
  expect_address("unix:a.sock", 0, 1, "unix:a.sock", "localhost");
  expect_address("unix:///run/a.sock", 0, 1, "unix:/run/a.sock", "localhost");
  expect_address("unix:/100%", 0, 1, "unix:/100%25", "localhost");
#ifdef __linux__
  expect_address("unix-abstract:a.b:c", 0, 1, "unix-abstract:a.b:c", "localhost");
#endif
}

static void what_is_wrong_is_told(void **state) {
  (void)state;
  expect_error("", "empty");
  expect_error(":80", "no host name");
  expect_error("dns:", "no host name");
  expect_error("a b:80", "no host name");
  expect_error("user@host:80", "no host name");
  expect_error("/run/a.sock", "no host name");
  expect_error("[::1:80", "no host name");
  expect_error("[::1]80", "no host name");
  expect_error("host:", "port \"\"");
  expect_error("host:0", "port \"0\"");
  expect_error("host:65536", "port \"65536\"");
  expect_error("host:http", "port \"http\"");
  expect_error("host:-1", "port \"-1\"");
  expect_error("host:99999999999999999999999", "1 to 65535");
  expect_error("http://host:80", "scheme \"http\" is not known");
  expect_error("xds:///host", "scheme \"xds\" is not known");
  expect_error("dns://8.8.8.8/host", "dns:///");
  expect_error("dns://host:80", "dns:///");
  expect_error("unix://run/a.sock", "unix:///");
  expect_error("unix:", "no path");
  expect_error("unix-abstract:", "no abstract name");
  expect_error("ipv4:host:80", "\"host\" is no ipv4 address");
  expect_error("ipv4:[::1]:80", "\"::1\" is no ipv4 address");
  expect_error("ipv6:10.0.0.1:80", "\"10.0.0.1\" is no ipv6 address");
  expect_error("ipv4:10.0.0.1:80,", "no address");
  expect_error("ipv4:10.0.0.1:80,,10.0.0.2", "no address");
  expect_error("ipv4:10.0.0.1:x", "port \"x\"");
}

static void sizes_are_limited(void **state) {
  (void)state;
  char text[5000];
  memset(text, 'a', sizeof text);
  text[300] = 0;
  expect_error(text, "no host name");
  memset(text, 'a', sizeof text);
  text[sizeof text - 1] = 0;
  expect_error(text, "4999 characters");
  text[0] = 0;
  for (int i = 0; i < 65; i++) strcat(text, i ? ",10.0.0.1" : "ipv4:10.0.0.1");
  expect_error(text, "65 addresses");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_are_dns_by_default),
      cmocka_unit_test(literals_may_stand_for_names),
      cmocka_unit_test(addresses_come_in_lists),
      cmocka_unit_test(a_peer_can_be_called_back_by_its_text),
      cmocka_unit_test(sockets_have_paths_and_names),
      cmocka_unit_test(what_is_wrong_is_told),
      cmocka_unit_test(sizes_are_limited),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
