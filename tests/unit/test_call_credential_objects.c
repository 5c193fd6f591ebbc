/* Call credentials as objects: what is refused, how composites are built, when plugins are dropped. */
#include "client/credentials.h"
#include "support/check.h"
#include "support/failing_alloc.h"

static fc_call_credentials *token(const char *text) {
  fc_call_credentials *c;
  assert_int_equal(fc_call_credentials_from_token(text, &c, NULL), FC_OK);
  return c;
}

static fc_call_credentials *composite(fc_call_credentials *first, fc_call_credentials *second) {
  fc_call_credentials *c;
  assert_int_equal(fc_call_credentials_composite(first, second, &c, NULL), FC_OK);
  return c;
}

static void never_asked(fc_auth_request *request, void *user) {
  (void)request, (void)user;
  fail();
}

static void drop(void *user) { ++*(int *)user; }

static fc_call_credentials *plugin(int *dropped) {
  fc_call_credentials *c;
  assert_int_equal(fc_call_credentials_from_plugin("p", never_asked, dropped, drop, &c, NULL),
                   FC_OK);
  return c;
}

static void expect_refused(fc_result r, const fc_call_credentials *c, const fc_error *err,
                           const char *part) {
  assert_int_equal(r, FC_ERR_INVALID);
  assert_null(c);
  assert_int_equal(err->result, FC_ERR_INVALID);
  if (!strstr(err->message, part)) fail_msg("\"%s\" is not in \"%s\"", part, err->message);
}

static void what_is_missing_is_refused(void **state) {
  (void)state;
  fc_call_credentials *c = (void *)1, *t = token("t");
  fc_error err = FC_ERROR_INIT;
  fc_result r = fc_call_credentials_from_plugin("p", NULL, NULL, NULL, &c, &err);
  expect_refused(r, c, &err, "plugin");
  c = (void *)1;
  r = fc_call_credentials_composite(NULL, t, &c, &err);
  expect_refused(r, c, &err, "first");
  c = (void *)1;
  r = fc_call_credentials_composite(t, NULL, &c, &err);
  expect_refused(r, c, &err, "second");
  assert_int_equal(fc_call_credentials_from_plugin("p", never_asked, NULL, NULL, NULL, &err),
                   FC_ERR_INVALID);
  assert_int_equal(fc_call_credentials_composite(t, t, NULL, &err), FC_ERR_INVALID);
  fc_call_credentials_destroy(t);
  fc_call_credentials_destroy(NULL);
}

static void plugins_are_dropped_once_nobody_has_them(void **state) {
  (void)state;
  int dropped = 0;
  fc_call_credentials *p = plugin(&dropped), *t = token("t"), *c = composite(p, t),
                      *d = composite(c, p);
  fc_call_credentials_destroy(p);
  fc_call_credentials_destroy(t);
  fc_call_credentials_destroy(c);
  assert_int_equal(dropped, 0);
  fc_call_credentials_destroy(d);
  assert_int_equal(dropped, 1);
}

static void a_plugin_needs_neither_name_nor_drop(void **state) {
  (void)state;
  fc_call_credentials *c;
  assert_int_equal(fc_call_credentials_from_plugin(NULL, never_asked, NULL, NULL, &c, NULL), FC_OK);
  assert_string_equal(c->plugin.name, "plugin");
  fc_call_credentials_destroy(c);
}

static void composites_are_flat(void **state) {
  (void)state;
  fc_call_credentials *a = token("a"), *b = token("b"), *ab = composite(a, b),
                      *ba = composite(b, a), *all = composite(ab, ba);
  const fc_call_credentials *order[] = {a, b, b, a};
  assert_int_equal(fc__call_credentials_count(NULL), 0);
  assert_int_equal(fc__call_credentials_count(a), 1);
  assert_ptr_equal(fc__call_credentials_leaf(a, 0), a);
  assert_int_equal(fc__call_credentials_count(all), 4);
  for (size_t i = 0; i < 4; i++) assert_ptr_equal(fc__call_credentials_leaf(all, i), order[i]);
  fc_call_credentials *made[] = {a, b, ab, ba, all};
  for (size_t i = 0; i < 5; i++) fc_call_credentials_destroy(made[i]);
}

static void endless_composites_come_to_an_end(void **state) {
  (void)state;
  fc_call_credentials *c = token("t"), *next;
  fc_result r;
  size_t live = failing_alloc_live(), count = 1;
  while ((r = fc_call_credentials_composite(c, c, &next, NULL)) == FC_OK) {
    fc_call_credentials_destroy(c);
    c = next;
    count *= 2;
  }
  assert_int_equal(r, FC_ERR_NO_MEMORY);
  assert_null(next);
  assert_int_equal(fc__call_credentials_count(c), count);
  assert_true(failing_alloc_live() <= live + 1);
  fc_call_credentials_destroy(c);
}

static void without_memory_nothing_is_made(void **state) {
  (void)state;
  int dropped = 0;
  fc_call_credentials *p = plugin(&dropped), *c;
  size_t live = failing_alloc_live();
  fc_error err = FC_ERROR_INIT;
  failing_alloc_arm(0, FAILING_ALLOC_FROM_THEN);
  assert_int_equal(fc_call_credentials_from_token("t", &c, &err), FC_ERR_NO_MEMORY);
  assert_null(c);
  assert_int_equal(fc_call_credentials_composite(p, p, &c, &err), FC_ERR_NO_MEMORY);
  assert_null(c);
  assert_int_equal(fc_call_credentials_from_plugin("p", never_asked, &dropped, drop, &c, &err),
                   FC_ERR_NO_MEMORY);
  assert_null(c);
  assert_int_equal(err.result, FC_ERR_NO_MEMORY);
  assert_true(failing_alloc_disarm());
  assert_int_equal(failing_alloc_live(), live);
  assert_int_equal(dropped, 0);
  fc_call_credentials_destroy(p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_missing_is_refused),
      cmocka_unit_test(plugins_are_dropped_once_nobody_has_them),
      cmocka_unit_test(a_plugin_needs_neither_name_nor_drop),
      cmocka_unit_test(composites_are_flat),
      cmocka_unit_test(endless_composites_come_to_an_end),
      cmocka_unit_test(without_memory_nothing_is_made),
  };
  failing_alloc_install();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
