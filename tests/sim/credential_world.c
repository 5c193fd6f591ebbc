/* The world of credential_world.h. */
#include "sim/credential_world.h"

#include <stdio.h>

#include "support/failing_alloc.h"
#include "wire/metadata.h"

#define PATH "/run/test.sock"

/* ---- life ---- */

void credentials_open(struct credential_world *w) {
  memset(w, 0, sizeof *w);
  w->live = failing_alloc_live();
  w->sim = sim_create(1);
  raw_end_listen(&w->end, w->sim, PATH);
  w->options = (fc_channel_options)FC_CHANNEL_OPTIONS_INIT;
  w->options.reactor = sim_reactor(w->sim);
}

void credentials_channel(struct credential_world *w, fc_call_credentials *call) {
  fc_error err = FC_ERROR_INIT;
  fc_channel_credentials *local, *all;
  assert_int_equal(fc_channel_credentials_local(FC_LOCAL_UNIX, &local, NULL), FC_OK);
  if (call) {
    assert_int_equal(fc_channel_credentials_composite(local, call, &all, NULL), FC_OK);
    fc_channel_credentials_destroy(local);
    fc_call_credentials_destroy(call);
    local = all;
  }
  w->options.credentials = local;
  if (fc_channel_create("unix:" PATH, &w->options, &w->channel, &err) != FC_OK)
    fail_msg("%s", err.message);
  fc_channel_credentials_destroy(local);
}

void credentials_close(struct credential_world *w) {
  fc_channel_destroy(w->channel);
  raw_end_finish(&w->end);
  sim_run_for(w->sim, FC_SECOND);
  assert_int_equal(sim_connections(w->sim), 0);
  sim_destroy(w->sim);
  assert_int_equal(failing_alloc_live(), w->live);
}

/* ---- calls ---- */

fc_call *credentials_call(struct credential_world *w, fc_call_credentials *own, int64_t timeout) {
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  fc_error err = FC_ERROR_INIT;
  fc_call *call;
  fc_metadata *user = fc_metadata_create();
  assert_int_equal(fc_metadata_add_string(user, "user", "u", NULL), FC_OK);
  o.metadata = user;
  o.credentials = own;
  o.timeout_ns = timeout;
  if (fc_unary_unary_future(w->channel, "/pkg.Service/Method", TEXT("request"), &o, &call, &err) !=
      FC_OK)
    fail_msg("%s", err.message);
  fc_metadata_destroy(user);
  return call;
}

/* Lines that begin so are the connection's business. */
static bool is_frame_of_connection(const char *line) {
  static const char *const kinds[] = {"SETTINGS", "PING", "WINDOW_UPDATE"};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    if (strncmp(line, kinds[i], strlen(kinds[i])) == 0) return true;
  }
  return false;
}

const char *credentials_said(struct credential_world *w) {
  static char said[65536];
  raw_end_go(&w->end);
  size_t len = 0;
  for (const char *line = raw_end_said(&w->end), *next; *line; line = next) {
    next = strchr(line, '\n') + 1;
    if (is_frame_of_connection(line)) continue;
    assert_true(len + (size_t)(next - line) < sizeof said);
    memcpy(said + len, line, (size_t)(next - line));
    len += (size_t)(next - line);
  }
  said[len] = 0;
  return said;
}

void credentials_answer(struct credential_world *w, uint32_t id) {
  h2_put_headers(&w->end.peer, id, 0, H2_RESPONSE);
  raw_end_message(&w->end, id, 0, 0, TEXT("ok"));
  h2_put_headers(&w->end.peer, id, FC__H2_END_STREAM, "grpc-status: 0\n");
  raw_end_go(&w->end);
}

void credentials_expect(fc_call *call, fc_code code, const char *message) {
  assert_true(fc_call_is_done(call));
  const fc_status *status = fc_call_status(call);
  if (status->code != code || strcmp(status->message, message) != 0) {
    fail_msg("%s \"%s\" instead of %s \"%s\"", fc_code_name(status->code), status->message,
             fc_code_name(code), message);
  }
  fc_call_destroy(call);
}

void credentials_expect_sent(struct credential_world *w, fc_call *call, uint32_t id,
                             const char *fields) {
  char expected[1024];
  snprintf(expected, sizeof expected, " user=u%s\nDATA %u 12 end\n", fields, (unsigned)id);
  const char *said = credentials_said(w), *user = strstr(said, " user=");
  if (!user || strcmp(user, expected) != 0)
    fail_msg("\"%s\" does not end with \"%s\"", said, expected);
  credentials_answer(w, id);
  credentials_expect(call, FC_CODE_OK, "");
}

/* ---- credentials ---- */

fc_call_credentials *token(const char *text) {
  fc_call_credentials *c;
  assert_int_equal(fc_call_credentials_from_token(text, &c, NULL), FC_OK);
  return c;
}

fc_call_credentials *both(fc_call_credentials *first, fc_call_credentials *second) {
  fc_call_credentials *c;
  assert_int_equal(fc_call_credentials_composite(first, second, &c, NULL), FC_OK);
  fc_call_credentials_destroy(first);
  fc_call_credentials_destroy(second);
  return c;
}

/* ---- plugins ---- */

/* The list is the plugin's; it is erased so that secrets found in memory are the library's. */
static void answer(struct plugin *p, fc_auth_request *request) {
  fc_metadata *metadata = fc_metadata_create();
  if (metadata) fc__metadata_guard(metadata);
  bool whole =
      metadata && (!p->key || fc_metadata_add_string(metadata, p->key, p->value, NULL) == FC_OK);
  fc_auth_request_answer(request, metadata, whole ? NULL : "the plugin is out of memory");
  fc_metadata_destroy(metadata);
}

static void ask(fc_auth_request *request, void *user) {
  struct plugin *p = user;
  p->asked++;
  snprintf(p->url, sizeof p->url, "%s", fc_auth_request_service_url(request));
  snprintf(p->method, sizeof p->method, "%s", fc_auth_request_method(request));
  if (p->inside) p->inside(p->user);
  if (p->way == PLUGIN_GIVES) {
    answer(p, request);
  } else if (p->way == PLUGIN_FAILS) {
    fc_auth_request_answer(request, NULL, p->failure);
  } else {
    assert_null(p->request);
    p->request = request;
  }
}

static void dropped(void *user) { ((struct plugin *)user)->dropped++; }

fc_call_credentials *plugin_try_credentials(struct plugin *p) {
  fc_call_credentials *c;
  fc_result r = fc_call_credentials_from_plugin("test", ask, p, dropped, &c, NULL);
  return r == FC_OK ? c : NULL;
}

fc_call_credentials *plugin_credentials(struct plugin *p) {
  fc_call_credentials *c = plugin_try_credentials(p);
  assert_non_null(c);
  return c;
}

static fc_auth_request *take_request(struct plugin *p) {
  fc_auth_request *request = p->request;
  assert_non_null(request);
  p->request = NULL;
  return request;
}

void plugin_give(struct plugin *p) { answer(p, take_request(p)); }

void plugin_fail(struct plugin *p, const char *failure) {
  fc_auth_request_answer(take_request(p), NULL, failure);
}
