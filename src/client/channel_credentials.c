/*
 * Credentials of channels: what their connections are secured with, and the call credentials that all calls carry.
 */
#include "base/error.h"
#include "base/mem.h"
#include "client/credentials.h"

/* ---- counting ---- */

fc_channel_credentials *fc__channel_credentials_ref(fc_channel_credentials *credentials) {
  if (credentials) atomic_fetch_add_explicit(&credentials->refs, 1, memory_order_relaxed);
  return credentials;
}

void fc_channel_credentials_destroy(fc_channel_credentials *credentials) {
  if (!credentials || atomic_fetch_sub_explicit(&credentials->refs, 1, memory_order_acq_rel) != 1) {
    return;
  }
  fc_call_credentials_destroy(credentials->call);
  if (credentials->tls) fc__tls_unref(credentials->tls);
  fc__free(credentials);
}

/* ---- making ---- */

/* NULL: no memory. */
static fc_channel_credentials *create(enum fc__security security) {
  fc_channel_credentials *credentials = fc__alloc_zero(sizeof *credentials);
  if (!credentials) return NULL;
  atomic_init(&credentials->refs, 1);
  credentials->security = security;
  return credentials;
}

static fc_result give(fc_channel_credentials *credentials, fc_channel_credentials **out,
                      fc_error *err) {
  *out = credentials;
  return credentials ? FC_OK : fc__error_no_memory(err);
}

static fc_result check_out(fc_channel_credentials **out, fc_error *err) {
  if (!out) return fc__error(err, FC_ERR_INVALID, "out is NULL");
  *out = NULL;
  return FC_OK;
}

/* The settings come last: once they are made, nothing may fail and drop what is still the caller's. */
fc_result fc_channel_credentials_tls(const fc_tls_client_options *options,
                                     fc_channel_credentials **out, fc_error *err) {
  fc_result r = check_out(out, err);
  if (r != FC_OK) return r;
  fc_channel_credentials *credentials = create(FC__SECURITY_TLS);
  if (!credentials) return fc__error_no_memory(err);
  r = fc__tls_client_create(options, &credentials->tls, err);
  if (r == FC_OK) {
    *out = credentials;
  } else {
    fc_channel_credentials_destroy(credentials);
  }
  return r;
}

fc_result fc_channel_credentials_insecure(fc_channel_credentials **out, fc_error *err) {
  fc_result r = check_out(out, err);
  return r == FC_OK ? give(create(FC__SECURITY_INSECURE), out, err) : r;
}

fc_result fc_channel_credentials_local(fc_local_type type, fc_channel_credentials **out,
                                       fc_error *err) {
  enum fc__security security;
  fc_result r = check_out(out, err);
  if (r == FC_OK) r = fc__security_of_local(type, &security, err);
  return r == FC_OK ? give(create(security), out, err) : r;
}

/* ---- composites ---- */

static fc_result check_parts(const fc_channel_credentials *channel, const fc_call_credentials *call,
                             fc_error *err) {
  if (!channel) return fc__error(err, FC_ERR_INVALID, "channel is NULL");
  if (!call) return fc__error(err, FC_ERR_INVALID, "call is NULL");
  if (channel->security != FC__SECURITY_INSECURE) return FC_OK;
  return fc__error(err, FC_ERR_INVALID,
                   "channel is insecure: call credentials would be readable by anybody on the way");
}

/* A composite may be part of another one: the call credentials of the inner go first. */
static fc_result join_calls(fc_channel_credentials *to, const fc_channel_credentials *channel,
                            fc_call_credentials *call, fc_error *err) {
  if (channel->call) return fc_call_credentials_composite(channel->call, call, &to->call, err);
  to->call = fc__call_credentials_ref(call);
  return FC_OK;
}

fc_result fc_channel_credentials_composite(fc_channel_credentials *channel,
                                           fc_call_credentials *call, fc_channel_credentials **out,
                                           fc_error *err) {
  fc_result r = check_out(out, err);
  if (r == FC_OK) r = check_parts(channel, call, err);
  if (r != FC_OK) return r;
  fc_channel_credentials *credentials = create(channel->security);
  if (!credentials) return fc__error_no_memory(err);
  if (channel->tls) credentials->tls = fc__tls_ref(channel->tls);
  r = join_calls(credentials, channel, call, err);
  if (r == FC_OK) {
    *out = credentials;
  } else {
    fc_channel_credentials_destroy(credentials);
  }
  return r;
}
