/* What is known of a peer: properties by name, counted, and constant once shared. */
#include "base/auth_context.h"
#include "support/check.h"
#include "support/failing_alloc.h"

static void properties_keep_their_order(void **state) {
  (void)state;
  fc_auth_context *context = fc__auth_create();
  assert_non_null(context);
  assert_int_equal(fc_auth_context_count(context), 0);
  assert_true(fc__auth_add(context, "peer_dns", TEXT("a.example")));
  assert_true(fc__auth_add(context, "peer_uri", TEXT("urn:b")));
  assert_true(fc__auth_add(context, "peer_dns", TEXT("c.example")));
  assert_int_equal(fc_auth_context_count(context), 3);
  assert_string_equal(fc_auth_context_at(context, 0).name, "peer_dns");
  assert_slice_is(fc_auth_context_at(context, 0).value, "a.example");
  assert_string_equal(fc_auth_context_at(context, 1).name, "peer_uri");
  assert_slice_is(fc_auth_context_at(context, 2).value, "c.example");
  fc__auth_unref(context);
}

static void an_index_out_of_range_gives_nothing(void **state) {
  (void)state;
  fc_auth_context *context = fc__auth_create();
  assert_true(fc__auth_add(context, "peer_dns", TEXT("a.example")));
  fc_auth_property property = fc_auth_context_at(context, 1);
  assert_string_equal(property.name, "");
  assert_slice_is(property.value, "");
  assert_string_equal(fc_auth_context_at(NULL, 0).name, "");
  fc__auth_unref(context);
}

static void the_first_of_a_name_is_found(void **state) {
  (void)state;
  fc_auth_context *context = fc__auth_create();
  assert_true(fc__auth_add(context, "peer_dns", TEXT("a.example")));
  assert_true(fc__auth_add(context, "peer_dns", TEXT("b.example")));
  fc_slice value;
  assert_true(fc_auth_context_find(context, "peer_dns", &value));
  assert_slice_is(value, "a.example");
  assert_true(fc_auth_context_find(context, "peer_dns", NULL));
  assert_false(fc_auth_context_find(context, "peer_uri", &value));
  assert_slice_is(value, "");
  assert_false(fc_auth_context_find(context, NULL, &value));
  assert_false(fc_auth_context_find(NULL, "peer_dns", &value));
  fc__auth_unref(context);
}

static void values_are_copied_with_every_byte(void **state) {
  (void)state;
  fc_auth_context *context = fc__auth_create();
  char name[] = "a\0b";
  assert_true(fc__auth_add(context, "x509_common_name", (fc_slice){(const uint8_t *)name, 3}));
  assert_true(fc__auth_add(context, "x509_subject", FC_SLICE_EMPTY));
  memset(name, 'x', sizeof name);
  assert_slice_is(fc_auth_context_at(context, 0).value, "a\0b");
  assert_slice_is(fc_auth_context_at(context, 1).value, "");
  fc__auth_unref(context);
}

static void a_peer_has_no_identity_until_it_is_set(void **state) {
  (void)state;
  fc_auth_context *context = fc__auth_create();
  assert_null(fc_auth_context_identity(context));
  fc__auth_set_identity(context, "x509_common_name");
  assert_string_equal(fc_auth_context_identity(context), "x509_common_name");
  assert_null(fc_auth_context_identity(NULL));
  fc__auth_unref(context);
}

static void it_lives_until_the_last_reference_goes(void **state) {
  (void)state;
  size_t live = failing_alloc_live();
  fc_auth_context *context = fc__auth_create();
  assert_true(fc__auth_add(context, "peer_dns", TEXT("a.example")));
  assert_ptr_equal(fc__auth_ref(context), context);
  fc__auth_unref(context);
  assert_slice_is(fc_auth_context_at(context, 0).value, "a.example");
  fc__auth_unref(context);
  fc__auth_unref(NULL);
  assert_null(fc__auth_ref(NULL));
  assert_int_equal(failing_alloc_live(), live);
}

static void constants_are_not_counted(void **state) {
  (void)state;
  const fc_auth_context *insecure = fc__auth_insecure(), *empty = fc__auth_empty();
  for (int i = 0; i < 3; i++) {
    fc__auth_unref(fc__auth_ref(insecure));
    fc__auth_unref(insecure);
    fc__auth_unref(empty);
  }
  fc_slice value;
  assert_true(fc_auth_context_find(insecure, "transport_security_type", &value));
  assert_slice_is(value, "insecure");
  assert_true(fc_auth_context_find(insecure, "security_level", &value));
  assert_slice_is(value, "TSI_SECURITY_NONE");
  assert_true(fc_auth_context_find(fc__auth_local(true), "security_level", &value));
  assert_slice_is(value, "TSI_PRIVACY_AND_INTEGRITY");
  assert_true(fc_auth_context_find(fc__auth_local(false), "security_level", &value));
  assert_slice_is(value, "TSI_SECURITY_NONE");
  assert_true(fc_auth_context_find(fc__auth_local(false), "transport_security_type", &value));
  assert_slice_is(value, "local");
  assert_null(fc_auth_context_identity(insecure));
  assert_int_equal(fc_auth_context_count(empty), 0);
}

static bool make_twenty(void) {
  fc_auth_context *context = fc__auth_create();
  if (!context) return false;
  size_t added = 0;
  while (added < 20 && fc__auth_add(context, "peer_dns", TEXT("a.example"))) added++;
  assert_int_equal(fc_auth_context_count(context), added);
  for (size_t i = 0; i < added; i++) {
    assert_slice_is(fc_auth_context_at(context, i).value, "a.example");
  }
  fc__auth_unref(context);
  return added == 20;
}

static void what_memory_allows_is_kept(void **state) {
  (void)state;
  for (size_t n = 0;; n++) {
    size_t live = failing_alloc_live();
    failing_alloc_arm(n, FAILING_ALLOC_ONCE);
    bool made = make_twenty();
    bool reached = failing_alloc_disarm();
    assert_int_equal(failing_alloc_live(), live);
    assert_int_equal(made, !reached);
    if (!reached) break;
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(properties_keep_their_order),
      cmocka_unit_test(an_index_out_of_range_gives_nothing),
      cmocka_unit_test(the_first_of_a_name_is_found),
      cmocka_unit_test(values_are_copied_with_every_byte),
      cmocka_unit_test(a_peer_has_no_identity_until_it_is_set),
      cmocka_unit_test(it_lives_until_the_last_reference_goes),
      cmocka_unit_test(constants_are_not_counted),
      cmocka_unit_test(what_memory_allows_is_kept),
  };
  failing_alloc_install();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
