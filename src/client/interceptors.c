/*
 * Starting calls: through the channel's interceptors, each of which goes on as often as it likes,
 * to the line.
 */
#include "base/error.h"
#include "client/channel.h"

struct fc_next {
  struct fc_channel *channel;
  size_t index; /* of the interceptor that goes on */
  bool hold;
};

static fc_result start(struct fc_channel *ch, const char *method, fc_call_options *o, bool hold,
                       fc_call **out, fc_error *err) {
  fc__loop_lock(ch->loop);
  fc_result r = fc__line_start(ch, method, o, out, err);
  if (r == FC_OK && hold) fc__call_hold(*out);
  fc__loop_unlock(ch->loop);
  if (r == FC_OK && o->hooks && o->request) fc__call_send_request(*out, o->request);
  return r;
}

static fc_result intercept(struct fc_channel *ch, size_t index, bool hold, const char *method,
                           const fc_call_options *o, fc_call **out, fc_error *err) {
  const fc_interceptor *i = &ch->config.interceptors[index];
  struct fc_next next = {ch, index, hold};
  fc_result r = i->call(&next, method, o, out, err, i->user);
  if (*out && (*out)->server) {
    *out = NULL; /* its handler has the handle, and destroys it */
    return fc__error(err, FC_ERR_INVALID, "interceptor %zu returned a server's call", index);
  }
  if (r == FC_OK && *out) return FC_OK;
  if (*out) fc_call_destroy(*out);
  *out = NULL;
  if (r < 0) return r;
  return fc__error(err, FC_ERR_INVALID, "interceptor %zu returned neither a call nor an error",
                   index);
}

static fc_result go_on(struct fc_channel *ch, size_t index, bool hold, const char *method,
                       const fc_call_options *options, fc_call **out, fc_error *err) {
  if (!out) return fc__error(err, FC_ERR_INVALID, "out is NULL");
  *out = NULL;
  if (!method)
    return fc__error(err, FC_ERR_INVALID, "method is NULL; write \"/package.Service/Method\"");
  fc_call_options o;
  fc_result r = fc__options_read(&o, sizeof o, options, "fc_call_options", err);
  if (r != FC_OK) return r;
  return index < ch->config.interceptor_count ? intercept(ch, index, hold, method, &o, out, err)
                                              : start(ch, method, &o, hold, out, err);
}

fc_result fc__channel_call(struct fc_channel *ch, const char *method,
                           const fc_call_options *options, bool hold, fc_call **out,
                           fc_error *err) {
  if (ch) return go_on(ch, 0, hold, method, options, out, err);
  if (out) *out = NULL;
  return fc__error(err, FC_ERR_INVALID, "channel is NULL");
}

fc_result fc_next_call(fc_next *next, const char *method, const fc_call_options *options,
                       fc_call **out, fc_error *err) {
  if (next) return go_on(next->channel, next->index + 1, next->hold, method, options, out, err);
  if (out) *out = NULL;
  return fc__error(err, FC_ERR_INVALID, "next is NULL");
}

/* A call with one response is a future, which proceeds by itself; one that streams proceeds when
 * its user reads. */
fc_result fc_channel_call(fc_channel *ch, const char *method, const fc_call_options *options,
                          fc_call **out, fc_error *err) {
  bool hold = options && options->size > offsetof(fc_call_options, pattern) &&
              (options->pattern & FC_PATTERN_STREAM_UNARY);
  return fc__channel_call(ch, method, options, hold, out, err);
}
