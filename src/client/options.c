/*
 * The options of a channel: what users may get wrong is refused with the option's name, its value
 * and a remedy; zeros become the defaults that channel.h tells.
 */
#include "client/options.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

enum { MESSAGE_MAX_DEFAULT = 4 * 1024 * 1024, TEXT_MAX = 4096, INTERCEPTORS_MAX = 1024 };

static const int64_t connect_timeout_default =
    20 * FC_SECOND; /* doc/connection-backoff.md MIN_CONNECT_TIMEOUT */
static const int64_t min_backoff_default = 1 * FC_SECOND;        /* ... INITIAL_BACKOFF */
static const int64_t max_backoff_default = 120 * FC_SECOND;      /* ... MAX_BACKOFF */
static const int64_t keepalive_timeout_default = 20 * FC_SECOND; /* doc/keepalive.md */
static const int64_t idle_timeout_default = 30 * 60 * FC_SECOND;

static int64_t or_default(int64_t value, int64_t if_zero) { return value == 0 ? if_zero : value; }

static fc_result check_times(const fc_channel_options *o, fc_error *err) {
  const struct {
    const char *name;
    int64_t value;
  } times[] = {
      {"connect_timeout_ns", o->connect_timeout_ns},
      {"min_backoff_ns", o->min_backoff_ns},
      {"max_backoff_ns", o->max_backoff_ns},
      {"keepalive_time_ns", o->keepalive_time_ns},
      {"keepalive_timeout_ns", o->keepalive_timeout_ns},
      {"idle_timeout_ns", o->idle_timeout_ns},
  };
  for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
    if (times[i].value >= 0) continue;
    return fc__error(err, FC_ERR_INVALID,
                     "%s is %lld; give nanoseconds from 1, or 0 for the default", times[i].name,
                     (long long)times[i].value);
  }
  if (!o->max_backoff_ns || o->min_backoff_ns <= o->max_backoff_ns) return FC_OK;
  return fc__error(err, FC_ERR_INVALID,
                   "min_backoff_ns is %lld, more than max_backoff_ns, which is %lld",
                   (long long)o->min_backoff_ns, (long long)o->max_backoff_ns);
}

static fc_result check_choices(const fc_channel_options *o, fc_error *err) {
  if ((unsigned)o->wait_for_ready > FC_WAIT_FOR_READY_OFF) {
    return fc__error(err, FC_ERR_INVALID,
                     "wait_for_ready is %d; give an FC_WAIT_FOR_READY_ constant",
                     (int)o->wait_for_ready);
  }
  if ((unsigned)o->compression > FC_COMPRESSION_GZIP) {
    return fc__error(err, FC_ERR_INVALID, "compression is %d; give an FC_COMPRESSION_ constant",
                     (int)o->compression);
  }
  if (o->initial_window_bytes > INT32_MAX) {
    return fc__error(
        err, FC_ERR_INVALID,
        "initial_window_bytes is %lu; a window is at most 2147483647 (RFC 9113 section 6.9.1)",
        (unsigned long)o->initial_window_bytes);
  }
  return FC_OK;
}

static fc_result check_interceptors(const fc_channel_options *o, fc_error *err) {
  if (o->interceptor_count > INTERCEPTORS_MAX) {
    return fc__error(err, FC_ERR_INVALID, "interceptor_count is %zu; at most %d are allowed",
                     o->interceptor_count, (int)INTERCEPTORS_MAX);
  }
  if (o->interceptor_count > 0 && !o->interceptors) {
    return fc__error(err, FC_ERR_INVALID, "interceptors is NULL, but interceptor_count is %zu",
                     o->interceptor_count);
  }
  for (size_t i = 0; i < o->interceptor_count; i++) {
    if (!o->interceptors[i].call) {
      return fc__error(err, FC_ERR_INVALID, "interceptors[%zu].call is NULL; give a function", i);
    }
  }
  return FC_OK;
}

/* What may stand in a header field's value: RFC 9110 section 5.5; spaces only where they mean
 * something. */
static fc_result check_text(const char *name, const char *text, char lowest, fc_error *err) {
  if (!text) return FC_OK;
  size_t len = strlen(text);
  if (len == 0 || len > TEXT_MAX) {
    return fc__error(err, FC_ERR_INVALID,
                     "%s has %zu characters; give 1 to %d, or NULL for the default", name, len,
                     (int)TEXT_MAX);
  }
  for (size_t i = 0; i < len; i++) {
    if (text[i] >= lowest && text[i] < 0x7f) continue;
    return fc__error(err, FC_ERR_INVALID, "%s has the byte 0x%02x at %zu; give printable ASCII%s",
                     name, (unsigned)(unsigned char)text[i], i,
                     lowest > ' ' ? " without spaces" : "");
  }
  return FC_OK;
}

static fc_result check(const fc_channel_options *o, fc_error *err) {
  fc_result r = check_times(o, err);
  if (r == FC_OK) r = check_choices(o, err);
  if (r == FC_OK) r = check_interceptors(o, err);
  if (r == FC_OK) r = check_text("authority", o->authority, '!', err);
  if (r == FC_OK) r = check_text("user_agent", o->user_agent, ' ', err);
  if (r == FC_OK) r = check_text("user_agent_suffix", o->user_agent_suffix, ' ', err);
  if (r == FC_OK) r = check_text("tls_target_name", o->tls_target_name, '!', err);
  return r;
}

/* A default gives way to what was chosen for the other end. */
static void fill_backoff(struct fc__channel_config *c, const fc_channel_options *o) {
  c->min_backoff = or_default(o->min_backoff_ns, min_backoff_default);
  c->max_backoff = or_default(o->max_backoff_ns, max_backoff_default);
  if (c->min_backoff <= c->max_backoff) return;
  if (o->min_backoff_ns) {
    c->max_backoff = c->min_backoff;
  } else {
    c->min_backoff = c->max_backoff;
  }
}

static void fill_link(struct fc__link_config *link, const fc_channel_options *o) {
  fc__h2_config_defaults(&link->h2, false);
  /* The channel's own timer covers connecting and SETTINGS together. */
  link->h2.settings_timeout = FC_NEVER;
  if (o->max_metadata_bytes) link->h2.max_header_list_bytes = o->max_metadata_bytes;
  if (o->max_metadata_fields) link->h2.max_header_fields = o->max_metadata_fields;
  if (o->initial_window_bytes) {
    link->h2.initial_window = o->initial_window_bytes;
    link->h2.max_window = o->initial_window_bytes;
  }
  link->keepalive_time = or_default(o->keepalive_time_ns, FC_NEVER);
  link->keepalive_timeout = or_default(o->keepalive_timeout_ns, keepalive_timeout_default);
  link->keepalive_without_calls = o->keepalive_without_calls;
  /* A client's deadlines end its calls; the connection may be slow. */
  link->stall_timeout = FC_NEVER;
}

/* "name/version" of the application first, then the library's in gRPC's form. Spec:
 * PROTOCOL-HTTP2.md, User Agents */
static char *make_user_agent(const char *first, const char *last) {
  static const char own[] = "grpc-c-farcall/";
  const char *before = first ? first : "", *after = last ? last : "";
  size_t size = strlen(before) + 1 + sizeof own + strlen(fc_version()) + 1 + strlen(after);
  char *text = fc__alloc(size);
  if (text)
    snprintf(text, size, "%s%s%s%s%s%s", before, first ? " " : "", own, fc_version(),
             last ? " " : "", after);
  return text;
}

static bool copy(struct fc__channel_config *c, const fc_channel_options *o) {
  c->user_agent = make_user_agent(o->user_agent, o->user_agent_suffix);
  if (o->authority) c->authority = fc__strdup(o->authority);
  if (o->tls_target_name) c->tls_target_name = fc__strdup(o->tls_target_name);
  if (o->interceptor_count > 0) {
    size_t size = o->interceptor_count * sizeof *o->interceptors;
    c->interceptors = fc__alloc(size);
    if (c->interceptors) memcpy(c->interceptors, o->interceptors, size);
    c->interceptor_count = o->interceptor_count;
  }
  return c->user_agent && (c->authority || !o->authority) &&
         (c->tls_target_name || !o->tls_target_name) && (c->interceptors || !o->interceptor_count);
}

fc_result fc__channel_config_read(struct fc__channel_config *c, const fc_channel_options *o,
                                  fc_error *err) {
  memset(c, 0, sizeof *c);
  fc_result r = check(o, err);
  if (r != FC_OK) return r;
  c->wait_for_ready = o->wait_for_ready == FC_WAIT_FOR_READY_ON;
  c->compression = o->compression;
  c->max_receive =
      o->max_receive_message_bytes ? o->max_receive_message_bytes : MESSAGE_MAX_DEFAULT;
  c->max_send = o->max_send_message_bytes;
  c->connect_timeout = or_default(o->connect_timeout_ns, connect_timeout_default);
  c->connect_timeout_given = o->connect_timeout_ns != 0;
  fill_backoff(c, o);
  c->idle_timeout = or_default(o->idle_timeout_ns, idle_timeout_default);
  fill_link(&c->link, o);
  c->credentials = fc__channel_credentials_ref(o->credentials);
  if (copy(c, o)) return FC_OK;
  fc__channel_config_finish(c);
  return fc__error_no_memory(err);
}

void fc__channel_config_finish(struct fc__channel_config *c) {
  fc__free(c->authority);
  fc__free(c->user_agent);
  fc__free(c->tls_target_name);
  fc__free(c->interceptors);
  fc_channel_credentials_destroy(c->credentials);
  c->authority = c->user_agent = c->tls_target_name = NULL;
  c->interceptors = NULL;
  c->credentials = NULL;
}
