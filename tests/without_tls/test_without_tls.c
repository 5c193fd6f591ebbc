/* A library that is built without TLS says so. */
#include "io/tls.h"
#include "support/check.h"

static void credentials_are_refused_with_the_reason(void **state) {
  (void)state;
  fc_tls_client_options client = FC_TLS_CLIENT_OPTIONS_INIT;
  fc_tls_server_options server = FC_TLS_SERVER_OPTIONS_INIT;
  struct fc__tls *tls;
  fc_error err = FC_ERROR_INIT;
  assert_int_equal(fc__tls_client_create(&client, &tls, &err), FC_ERR_INVALID);
  assert_null(tls);
  assert_string_equal(err.message, "this library was built without TLS");
  err = (fc_error)FC_ERROR_INIT;
  assert_int_equal(fc__tls_server_create(&server, NULL, &tls, &err), FC_ERR_INVALID);
  assert_null(tls);
  assert_string_equal(err.message, "this library was built without TLS");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(credentials_are_refused_with_the_reason),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
