/* Calls that the calling thread waits for: it drives the network by itself, with Python's lock released once. */
#include "blocking.h"

#include <stdio.h>

#include "bytes.h"
#include "codec.h"
#include "errors.h"
#include "gil.h"
#include "status.h"

/* One blocking call on its way. */
struct trip {
  struct engine_method *self;
  fc_call_options options;
  fc_slice request; /* if it is not in options */
  fc_code code;
  fc_bytes *response;
  fc_call *call;
  struct engine_flight *flight; /* NULL, or what has the call */
  fc_error err;
};

/* ---- the end ---- */

static void drop(struct trip *t) {
  if (t->flight) {
    engine_flight_unref(t->flight);
  } else {
    fc_call_destroy(t->call);
  }
}

static PyObject *fail(struct trip *t) {
  if (!t->call && t->err.result == FC_ERR_LIMIT) {
    size_t len = t->options.request ? fc_bytes_slice(t->options.request).len : t->request.len;
    snprintf(t->err.message, sizeof t->err.message, ENGINE_SENT_TOO_MUCH("CLIENT"), len,
             t->self->channel->max_send);
  }
  PyObject *details =
      engine_text_to_object(t->call ? fc_call_status(t->call)->message : t->err.message);
  engine_raise_inactive(t->self->engine, t->call, t->code, details);
  drop(t);
  return NULL;
}

static PyObject *fail_deserializing(struct trip *t) {
  if (!PyErr_Occurred()) {
    PyObject *details = PyUnicode_FromString("Exception deserializing response!");
    engine_raise_inactive(t->self->engine, t->call, FC_CODE_INTERNAL, details);
  }
  drop(t);
  return NULL;
}

/* Takes the reference to response. */
static PyObject *pair_with_call(struct trip *t, PyObject *response) {
  struct engine_flight *flight = t->flight ? t->flight : engine_flight_create(t->call);
  PyObject *object =
      flight ? engine_call_create(t->self, ENGINE_CLASS_MultiThreadedRendezvous, flight) : NULL;
  PyObject *pair = NULL;
  if (object) {
    struct engine_call *call = engine_call_of(object);
    call->settled = true;
    Py_INCREF(response);
    call->response = response;
    pair = PyTuple_Pack(2, response, object);
  }
  Py_XDECREF(object);
  Py_DECREF(response);
  return pair;
}

static PyObject *land(struct trip *t, bool with_call) {
  if (PyErr_Occurred()) { /* a signal's handler has raised */
    fc_bytes_unref(t->response);
    drop(t);
    return NULL;
  }
  if (t->code != FC_CODE_OK) return fail(t);
  PyObject *response = engine_deserialize(t->self->engine, t->self->deserializer, t->response);
  if (!response) return fail_deserializing(t);
  if (with_call) return pair_with_call(t, response);
  drop(t);
  return response;
}

static PyObject *refuse(struct trip *t, fc_code code) {
  if (code != FC_CODE_INTERNAL)
    return engine_raise_inactive(t->self->engine, NULL, code,
                                 engine_text_to_object(t->err.message));
  PyObject *error = NULL;
  PyObject *make = engine_class(t->self->engine, ENGINE_CLASS_invalid_metadata_error);
  if (make) error = PyObject_CallFunction(make, "s", t->err.message);
  if (error) PyErr_SetObject((PyObject *)Py_TYPE(error), error);
  Py_XDECREF(error);
  return NULL;
}

/* ---- one request ---- */

/* The thread stays here until the call is over, so the request need not be copied before it is sent. */
static int borrow_request(struct trip *t, PyObject *request) {
  char *data;
  Py_ssize_t len;
  if (!PyBytes_Check(request) || PyBytes_Size(request) > ENGINE_COPY_MAX) {
    t->options.request = engine_bytes_from_object(request);
    return t->options.request ? 0 : -1;
  }
  engine_bytes_sweep();
  if (PyBytes_AsStringAndSize(request, &data, &len) < 0) return -1;
  t->request = (fc_slice){(const uint8_t *)data, (size_t)len};
  return 0;
}

static PyObject *block(struct trip *t, PyObject *request, bool with_call) {
  struct engine_method *self = t->self;
  fc_channel *channel = engine_channel_open(self->channel);
  if (!channel || borrow_request(t, request) < 0) return NULL;
  ENGINE_WAIT_BEGIN t->code =
      fc_unary_unary(channel, self->path, t->request, &t->options, &t->response, &t->call, &t->err);
  ENGINE_WAIT_END;
  PyObject *result = land(t, with_call);
  fc_bytes_unref(t->options.request);
  return result;
}

PyObject *engine_block_on_request(struct engine_method *self, const struct engine_args *args,
                                  bool with_call) {
  struct trip t = {.self = self, .err = FC_ERROR_INIT};
  PyObject *result = NULL;
  PyObject *request =
      engine_serialize(self->engine, self->serializer, args->value[ENGINE_ARG_REQUEST]);
  if (!request) {
    if (PyErr_Occurred()) return NULL;
    PyObject *details = PyUnicode_FromString("Exception serializing request!");
    return engine_raise_inactive(self->engine, NULL, FC_CODE_INTERNAL, details);
  }
  int r = engine_args_to_options(self->engine, args, &t.options, &t.err);
  if (r > 0) {
    refuse(&t, (fc_code)r);
  } else if (r == 0) {
    result = block(&t, request, with_call);
    engine_options_finish(&t.options);
  }
  Py_DECREF(request);
  return result;
}

/* ---- many requests ---- */

static fc_result wait_for_end(struct trip *t) {
  fc_result r;
  ENGINE_WAIT_BEGIN r = fc_call_wait(t->call, FC_NEVER);
  ENGINE_WAIT_END return r;
}

static PyObject *send_and_wait(struct trip *t, PyObject *iterable, bool with_call) {
  if (engine_requests_start(t->self, t->flight, iterable, true) < 0 ||
      wait_for_end(t) == FC_ERR_INTERRUPTED || PyErr_Occurred()) {
    fc_call_cancel(t->call, FC_CODE_CANCELLED, "Cancelled: the thread that waited was interrupted");
    drop(t);
    return NULL;
  }
  t->code = fc_call_status(t->call)->code;
  if (t->code == FC_CODE_OK && fc_call_recv(t->call, &t->response) != FC_OK)
    t->code = FC_CODE_INTERNAL; /* it was taken apart already: no memory is left */
  return land(t, with_call);
}

static PyObject *start(struct trip *t, PyObject *iterable, bool with_call) {
  fc_channel *channel = engine_channel_open(t->self->channel);
  if (!channel) return NULL;
  t->options.pattern = FC_PATTERN_STREAM_UNARY;
  fc_result r = fc_channel_call(channel, t->self->path, &t->options, &t->call, &t->err);
  if (r != FC_OK) return engine_raise(r, &t->err);
  t->flight = engine_flight_create(t->call);
  return t->flight ? send_and_wait(t, iterable, with_call) : NULL;
}

PyObject *engine_block_on_requests(struct engine_method *self, const struct engine_args *args,
                                   bool with_call) {
  struct trip t = {.self = self, .err = FC_ERROR_INIT};
  int r = engine_args_to_options(self->engine, args, &t.options, &t.err);
  if (r != 0) return r > 0 ? refuse(&t, (fc_code)r) : NULL;
  PyObject *result = start(&t, args->value[ENGINE_ARG_REQUEST], with_call);
  engine_options_finish(&t.options);
  return result;
}
