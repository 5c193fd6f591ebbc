/* Addresses are read and written as gRPC does. */
#include "io/address.h"

#include <netinet/in.h>
#include <stdio.h>
#include <sys/un.h>

#include "support/check.h"

static void assert_reads(const char *kind, const char *text, const char *as) {
  struct fc__addr addr;
  char out[FC__ADDR_TEXT_MAX];
  assert_true(fc__addr_parse(kind, text, &addr));
  fc__addr_text(&addr, out);
  assert_string_equal(out, as);
}

static void assert_refuses(const char *kind, const char *text) {
  struct fc__addr addr;
  if (fc__addr_parse(kind, text, &addr)) fail_msg("%s:%s was taken", kind, text);
}

static void ipv4_addresses(void **state) {
  (void)state;
  assert_reads("ipv4", "127.0.0.1:80", "ipv4:127.0.0.1:80");
  assert_reads("ipv4", "0.0.0.0:0", "ipv4:0.0.0.0:0");
  assert_reads("ipv4", "255.255.255.255:65535", "ipv4:255.255.255.255:65535");
  const char *bad[] = {
      "",           ":80",        "127.0.0.1",   "127.0.0.1:", "1.2.3:80",    "1.2.3.4:65536",
      "1.2.3.4:-1", "1.2.3.4:+1", "1.2.3.4: 1",  "1.2.3.4:1x", "1.2.3.256:1", "1.2.3.4:99999999999",
      "[::1]:80",   "name:80",    "1.2.3.4:1:2", " 1.2.3.4:1"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_refuses("ipv4", bad[i]);
}

static void ipv6_addresses(void **state) {
  (void)state;
  assert_reads("ipv6", "[::1]:80", "ipv6:%5B::1%5D:80");
  assert_reads("ipv6", "[2001:db8:0:0::5]:1", "ipv6:%5B2001:db8::5%5D:1");
  assert_reads("ipv6", "[fe80::1%7]:1", "ipv6:%5Bfe80::1%257%5D:1");
  assert_reads("ipv6", "[::ffff:1.2.3.4]:5", "ipv4:1.2.3.4:5");
  const char *bad[] = {"::1:80",      "[::1]",        "[::1]:",
                       "[]:1",        "[::1:80",      "[::g]:1",
                       "[1.2.3.4]:1", "[fe80::1%]:1", "[fe80::1%no-such-interface]:1"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_refuses("ipv6", bad[i]);
}

static void unix_addresses(void **state) {
  (void)state;
  char path[200];
  assert_reads("unix", "/run/place.sock", "unix:/run/place.sock");
  assert_reads("unix", "place.sock", "unix:place.sock");
  assert_reads("unix-abstract", "place", "unix-abstract:place");
  assert_reads("unix-abstract", "a b\x01", "unix-abstract:a%20b%01");
  assert_refuses("unix", "");
  assert_refuses("unix-abstract", "");
  memset(path, 'p', sizeof path);
  path[107] = '\0';
  struct fc__addr addr;
  assert_true(fc__addr_parse("unix", path, &addr));
  assert_true(addr.len == sizeof(struct sockaddr_un));
  path[107] = 'p';
  path[108] = '\0';
  assert_refuses("unix", path);
}

static void other_kinds_are_refused(void **state) {
  (void)state;
  assert_refuses("dns", "127.0.0.1:80");
  assert_refuses("", "127.0.0.1:80");
}

static void a_long_unprintable_name_is_cut(void **state) {
  (void)state;
  struct fc__addr addr;
  char name[108], out[FC__ADDR_TEXT_MAX];
  memset(name, 1, sizeof name);
  name[106] = '\0';
  assert_true(fc__addr_parse("unix-abstract", name, &addr));
  fc__addr_text(&addr, out);
  assert_true(strlen(out) < FC__ADDR_TEXT_MAX && strlen(out) > FC__ADDR_TEXT_MAX - 4);
}

static void an_address_of_no_kind_has_a_text(void **state) {
  (void)state;
  struct fc__addr addr = {.len = 0};
  char out[FC__ADDR_TEXT_MAX];
  fc__addr_text(&addr, out);
  assert_string_equal(out, "unknown");
  const struct sockaddr_un unnamed = {.sun_family = AF_UNIX};
  assert_true(fc__addr_from_system(&addr, (const struct sockaddr *)&unnamed, sizeof(sa_family_t)));
  fc__addr_text(&addr, out);
  assert_string_equal(out, "unix:");
}

static void literals_need_no_look_up(void **state) {
  (void)state;
  struct fc__addr addr;
  char out[FC__ADDR_TEXT_MAX];
  assert_true(fc__addr_literal("10.1.2.3", 443, &addr));
  fc__addr_text(&addr, out);
  assert_string_equal(out, "ipv4:10.1.2.3:443");
  assert_true(fc__addr_literal("::1", 7, &addr));
  assert_true(fc__addr_literal("[::1]", 7, &addr));
  fc__addr_text(&addr, out);
  assert_string_equal(out, "ipv6:%5B::1%5D:7");
  const char *names[] = {"", "localhost", "[]", "[10.1.2.3]", "10.1.2", "1.2.3.4.5", "[::1"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (fc__addr_literal(names[i], 1, &addr)) fail_msg("%s was taken for a literal", names[i]);
  }
}

static void assert_place(const char *kind, const char *text, enum fc__addr_place place) {
  struct fc__addr addr;
  assert_true(fc__addr_parse(kind, text, &addr));
  if (fc__addr_place(&addr) != place) fail_msg("%s:%s is elsewhere", kind, text);
}

static void places(void **state) {
  (void)state;
  assert_place("ipv4", "127.0.0.1:80", FC__ADDR_LOOPBACK);
  assert_place("ipv4", "127.255.255.255:0", FC__ADDR_LOOPBACK);
  assert_place("ipv6", "[::1]:80", FC__ADDR_LOOPBACK);
  assert_place("ipv6", "[::ffff:127.0.0.1]:80", FC__ADDR_LOOPBACK);
  assert_place("unix", "/run/place.sock", FC__ADDR_UNIX);
  assert_place("unix-abstract", "place", FC__ADDR_UNIX);
  assert_place("ipv4", "126.255.255.255:80", FC__ADDR_ELSEWHERE);
  assert_place("ipv4", "128.0.0.1:80", FC__ADDR_ELSEWHERE);
  assert_place("ipv4", "0.0.0.0:80", FC__ADDR_ANYWHERE);
  assert_place("ipv6", "[::]:80", FC__ADDR_ANYWHERE);
  assert_place("ipv6", "[::127.0.0.1]:80", FC__ADDR_ELSEWHERE);
  assert_place("ipv6", "[::ffff:10.0.0.1]:80", FC__ADDR_ELSEWHERE);
  assert_place("ipv6", "[fe80::1%1]:80", FC__ADDR_ELSEWHERE);
  const struct sockaddr nameless = {.sa_family = AF_UNIX};
  struct fc__addr addr;
  assert_true(fc__addr_from_system(&addr, &nameless, sizeof nameless.sa_family));
  assert_int_equal(fc__addr_place(&addr), FC__ADDR_UNIX); /* a client that was never bound */
  memset(&addr, 0, sizeof addr);
  assert_int_equal(fc__addr_place(&addr), FC__ADDR_ELSEWHERE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ipv4_addresses),
      cmocka_unit_test(ipv6_addresses),
      cmocka_unit_test(unix_addresses),
      cmocka_unit_test(other_kinds_are_refused),
      cmocka_unit_test(a_long_unprintable_name_is_cut),
      cmocka_unit_test(an_address_of_no_kind_has_a_text),
      cmocka_unit_test(literals_need_no_look_up),
      cmocka_unit_test(places),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
