/*
 * A server's options: what is impossible is refused by name, what is zero becomes its default, and the part that
 * concerns a connection is put in the link's terms.
 */
#include "base/error.h"
#include "server/server.h"

enum { REACTORS_MAX = 1024, WORKERS_MAX = 65536, INTERCEPTORS_MAX = 1024 };

/* Far above what slow readers of an honest load come to, far below what brings a machine down. */
enum { BUFFERED_DEFAULT = 1 << 30 };

static fc_result check_times(const fc_server_options *o, fc_error *err) {
  const struct {
    const char *name;
    int64_t value;
  } times[] = {
      {"handshake_timeout_ns", o->handshake_timeout_ns},
      {"max_connection_idle_ns", o->max_connection_idle_ns},
      {"max_connection_age_ns", o->max_connection_age_ns},
      {"max_connection_age_grace_ns", o->max_connection_age_grace_ns},
      {"keepalive_time_ns", o->keepalive_time_ns},
      {"keepalive_timeout_ns", o->keepalive_timeout_ns},
      {"min_ping_interval_ns", o->min_ping_interval_ns},
      {"stall_timeout_ns", o->stall_timeout_ns},
  };
  for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
    if (times[i].value >= 0) continue;
    return fc__error(err, FC_ERR_INVALID, "%s is %lld: it must not be negative", times[i].name,
                     (long long)times[i].value);
  }
  return FC_OK;
}

static fc_result check_counts(const fc_server_options *o, fc_error *err) {
  const struct {
    const char *name;
    uint32_t value, max;
  } counts[] = {
      {"reactors", o->reactors, REACTORS_MAX},
      {"workers", o->workers, WORKERS_MAX},
      {"max_concurrent_streams", o->max_concurrent_streams, INT32_MAX},
      {"initial_window_bytes", o->initial_window_bytes, INT32_MAX}, /* RFC 9113 section 6.5.2 */
  };
  for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
    if (counts[i].value <= counts[i].max) continue;
    return fc__error(err, FC_ERR_INVALID, "%s is %lu: at most %lu", counts[i].name,
                     (unsigned long)counts[i].value, (unsigned long)counts[i].max);
  }
  if (o->reactor && o->reactors > 1) {
    return fc__error(err, FC_ERR_INVALID, "reactors is %lu, but a reactor is given: choose one",
                     (unsigned long)o->reactors);
  }
  return FC_OK;
}

static fc_result check_rest(const fc_server_options *o, fc_error *err) {
  if ((unsigned)o->compression > FC_COMPRESSION_GZIP) {
    return fc__error(err, FC_ERR_INVALID, "compression is %d: there is no such value",
                     (int)o->compression);
  }
  if (o->interceptor_count > INTERCEPTORS_MAX) {
    return fc__error(err, FC_ERR_INVALID, "interceptor_count is %zu: at most %d",
                     o->interceptor_count, (int)INTERCEPTORS_MAX);
  }
  if (o->interceptor_count > 0 && !o->interceptors) {
    return fc__error(err, FC_ERR_INVALID, "interceptor_count is %zu, but interceptors is NULL",
                     o->interceptor_count);
  }
  for (size_t i = 0; i < o->interceptor_count; i++) {
    if (o->interceptors[i].call) continue;
    return fc__error(err, FC_ERR_INVALID, "call of interceptor %zu is NULL", i);
  }
  return FC_OK;
}

#define DEFAULT(field, value)                                                                      \
  if (o->field == 0) o->field = (value)

static void fill_defaults(fc_server_options *o) {
  DEFAULT(reactors, 1);
  DEFAULT(workers, 16);
  DEFAULT(max_pending_calls, 3000);
  DEFAULT(max_concurrent_streams, 100);
  DEFAULT(max_receive_message_bytes, 4 * 1024 * 1024);
  DEFAULT(max_metadata_bytes, 16 * 1024);
  DEFAULT(max_metadata_fields, 128);
  DEFAULT(handshake_timeout_ns, 20 * FC_SECOND);
  DEFAULT(max_connection_idle_ns, FC_NEVER);
  DEFAULT(max_connection_age_ns, FC_NEVER);
  DEFAULT(max_connection_age_grace_ns, FC_NEVER);
  DEFAULT(keepalive_time_ns, 7200 * FC_SECOND);
  DEFAULT(keepalive_timeout_ns, 20 * FC_SECOND);
  DEFAULT(min_ping_interval_ns, 300 * FC_SECOND);
  DEFAULT(stall_timeout_ns, 60 * FC_SECOND);
  DEFAULT(max_buffered_bytes, BUFFERED_DEFAULT);
  DEFAULT(max_handshakes, 1000);
}

fc_result fc__server_options_read(const fc_server_options *from, fc_server_options *out,
                                  fc_error *err) {
  fc_result r = fc__options_read(out, sizeof *out, from, "fc_server_options", err);
  if (r == FC_OK) r = check_times(out, err);
  if (r == FC_OK) r = check_counts(out, err);
  if (r == FC_OK) r = check_rest(out, err);
  if (r == FC_OK) fill_defaults(out);
  return r;
}

void fc__server_link_config(const fc_server_options *o, struct fc__link_config *out) {
  fc__h2_config_defaults(&out->h2, true);
  out->h2.max_concurrent_streams = o->max_concurrent_streams;
  out->h2.max_header_list_bytes = o->max_metadata_bytes;
  out->h2.max_header_fields = o->max_metadata_fields;
  out->h2.ping_min_interval = o->min_ping_interval_ns;
  out->h2.ping_without_calls = o->permit_ping_without_calls;
  out->h2.settings_timeout = o->handshake_timeout_ns;
  if (o->initial_window_bytes > 0) {
    out->h2.initial_window = out->h2.max_window = o->initial_window_bytes;
    if (out->h2.connection_window < o->initial_window_bytes) {
      out->h2.connection_window = o->initial_window_bytes;
    }
  }
  out->keepalive_time = o->keepalive_time_ns;
  out->keepalive_timeout = o->keepalive_timeout_ns;
  out->keepalive_without_calls =
      true; /* a server looks for dead peers whether or not they call: gRFC A9 */
  out->stall_timeout = o->stall_timeout_ns;
}
