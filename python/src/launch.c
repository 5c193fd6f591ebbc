/* Starting the calls that are handed out: futures and streams. */
#include "launch.h"

#include <stdio.h>

#include "bytes.h"
#include "codec.h"
#include "errors.h"

static PyObject *serialize_request(struct engine_method *self, const struct engine_args *args) {
  PyObject *request =
      engine_serialize(self->engine, self->serializer, args->value[ENGINE_ARG_REQUEST]);
  if (request || PyErr_Occurred()) return request;
  PyObject *details = PyUnicode_FromString("Exception serializing request!");
  return engine_raise_inactive(self->engine, NULL, FC_CODE_INTERNAL, details);
}

/* What cannot even be started is a call all the same: one that has ended. */
static PyObject *make_ended(struct engine_method *self, enum engine_class class, fc_code code,
                            const char *details) {
  struct engine_flight *flight = engine_flight_create(NULL);
  PyObject *object = flight ? engine_call_create(self, class, flight) : NULL;
  if (!object || engine_call_decide(engine_call_of(object), code, details) == 0) return object;
  Py_DECREF(object);
  return NULL;
}

static PyObject *launch(struct engine_method *self, enum engine_class class,
                        fc_call_options *options) {
  fc_error err = FC_ERROR_INIT;
  fc_call *call;
  fc_channel *channel = engine_channel_open(self->channel);
  if (!channel) return NULL;
  options->pattern = self->pattern;
  fc_result r = fc_channel_call(channel, self->path, options, &call, &err);
  if (r == FC_ERR_LIMIT) {
    snprintf(err.message, sizeof err.message, ENGINE_SENT_TOO_MUCH("CLIENT"),
             fc_bytes_slice(options->request).len, self->channel->max_send);
  }
  if (r == FC_ERR_LIMIT || r == FC_ERR_NO_MEMORY)
    return make_ended(self, class, FC_CODE_RESOURCE_EXHAUSTED, err.message);
  if (r != FC_OK) return engine_raise(r, &err);
  /* Asking makes it go on by itself: the application may do anything before it looks again. */
  (void)fc_call_is_done(call);
  struct engine_flight *flight = engine_flight_create(call);
  return flight ? engine_call_create(self, class, flight) : NULL;
}

static PyObject *launch_with(struct engine_method *self, enum engine_class class,
                             const struct engine_args *args, PyObject *request) {
  fc_call_options options;
  fc_error err = FC_ERROR_INIT;
  PyObject *call = NULL;
  int r = engine_args_to_options(self->engine, args, &options, &err);
  if (r > 0) return make_ended(self, class, (fc_code)r, err.message);
  if (r < 0) return NULL;
  if (request) options.request = engine_bytes_from_object(request);
  if (options.request || !request) call = launch(self, class, &options);
  fc_bytes_unref(options.request);
  engine_options_finish(&options);
  return call;
}

static PyObject *start_with_request(struct engine_method *self, enum engine_class class,
                                    const struct engine_args *args) {
  PyObject *request = serialize_request(self, args);
  if (!request) return NULL;
  PyObject *call = launch_with(self, class, args, request);
  Py_DECREF(request);
  return call;
}

static PyObject *start_with_requests(struct engine_method *self, const struct engine_args *args) {
  PyObject *call = launch_with(self, ENGINE_CLASS_MultiThreadedRendezvous, args, NULL);
  struct engine_flight *flight = call ? engine_call_of(call)->flight : NULL;
  if (!flight || !flight->call ||
      engine_requests_start(self, flight, args->value[ENGINE_ARG_REQUEST], false) == 0)
    return call;
  Py_DECREF(call);
  return NULL;
}

PyObject *engine_launch(struct engine_method *self, const struct engine_args *args) {
  if (!(self->pattern & FC_PATTERN_UNARY_STREAM)) return start_with_requests(self, args);
  bool alone = self->channel->single_threaded && !(self->pattern & FC_PATTERN_STREAM_UNARY);
  return start_with_request(
      self, alone ? ENGINE_CLASS_SingleThreadedRendezvous : ENGINE_CLASS_MultiThreadedRendezvous,
      args);
}
