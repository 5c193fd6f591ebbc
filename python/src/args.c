/* Reading the arguments of a call. */
#include "args.h"

#include <stdio.h>

#include "credentials.h"
#include "errors.h"
#include "metadata.h"
#include "status.h"

static const char *const names[ENGINE_ARG_COUNT] = {
    "request", "timeout", "metadata", "credentials", "wait_for_ready", "compression",
};

static bool is_name(PyObject *key, const char *name) {
  return PyUnicode_CompareWithASCIIString(key, name) == 0;
}

/* Callers mostly use the very strings that are interned for the names. */
static int find(struct engine *engine, bool streams, PyObject *key) {
  for (int i = streams; i < ENGINE_ARG_COUNT; i++) {
    if (key == engine->arg_names[i]) return i;
  }
  if (!PyUnicode_Check(key)) return -1;
  if (streams && is_name(key, "request_iterator")) return ENGINE_ARG_REQUEST;
  for (int i = streams; i < ENGINE_ARG_COUNT; i++) {
    if (is_name(key, names[i])) return i;
  }
  return -1;
}

static int take(struct engine *engine, bool streams, PyObject *key, PyObject *value,
                struct engine_args *out) {
  int place = find(engine, streams, key);
  if (place < 0) {
    PyErr_Format(PyExc_TypeError, "got an unexpected keyword argument %R", key);
    return -1;
  }
  if (out->value[place]) {
    PyErr_Format(PyExc_TypeError, "got multiple values for argument %R", key);
    return -1;
  }
  out->value[place] = value;
  return 0;
}

static int check_count(Py_ssize_t count) {
  if (count <= ENGINE_ARG_COUNT) return 0;
  PyErr_Format(PyExc_TypeError, "takes %d arguments but %zd were given", (int)ENGINE_ARG_COUNT,
               count);
  return -1;
}

static int check_request(bool streams, const struct engine_args *out) {
  if (out->value[ENGINE_ARG_REQUEST]) return 0;
  PyErr_Format(PyExc_TypeError, "missing 1 required positional argument: '%s'",
               streams ? "request_iterator" : "request");
  return -1;
}

int engine_args_from_call(struct engine *engine, bool streams, PyObject *args, PyObject *kwargs,
                          struct engine_args *out) {
  PyObject *key, *value;
  Py_ssize_t count = PyTuple_Size(args), position = 0;
  *out = (struct engine_args){0};
  if (check_count(count) < 0) return -1;
  for (Py_ssize_t i = 0; i < count; i++) out->value[i] = PyTuple_GetItem(args, i);
  while (kwargs && PyDict_Next(kwargs, &position, &key, &value)) {
    if (take(engine, streams, key, value, out) < 0) return -1;
  }
  return check_request(streams, out);
}

int engine_args_from_vector(struct engine *engine, bool streams, PyObject *const *args,
                            Py_ssize_t count, PyObject *keys, struct engine_args *out) {
  Py_ssize_t named = keys ? PyTuple_Size(keys) : 0;
  *out = (struct engine_args){0};
  if (check_count(count) < 0) return -1;
  for (Py_ssize_t i = 0; i < count; i++) out->value[i] = args[i];
  for (Py_ssize_t i = 0; i < named; i++) {
    if (take(engine, streams, PyTuple_GetItem(keys, i), args[count + i], out) < 0) return -1;
  }
  return check_request(streams, out);
}

/* ---- to options ---- */

static bool given(const struct engine_args *args, enum engine_arg which) {
  return args->value[which] && args->value[which] != Py_None;
}

static int read_timeout(PyObject *seconds, fc_call_options *out, fc_error *err) {
  if (engine_seconds_to_ns(seconds, &out->timeout_ns) < 0) return -1;
  if (out->timeout_ns > 0) return 0;
  snprintf(err->message, sizeof err->message, "Deadline Exceeded");
  return FC_CODE_DEADLINE_EXCEEDED;
}

static int read_metadata(PyObject *pairs, fc_call_options *out, fc_error *err) {
  fc_metadata *metadata;
  int r = engine_metadata_read(pairs, &metadata, err);
  if (r > 0) return FC_CODE_INTERNAL;
  out->metadata = metadata;
  return r;
}

static int read_wait_for_ready(PyObject *value, fc_call_options *out) {
  int truth = PyObject_IsTrue(value);
  if (truth < 0) return -1;
  out->wait_for_ready = truth ? FC_WAIT_FOR_READY_ON : FC_WAIT_FOR_READY_OFF;
  return 0;
}

int engine_args_to_options(struct engine *engine, const struct engine_args *args,
                           fc_call_options *out, fc_error *err) {
  *out = (fc_call_options)FC_CALL_OPTIONS_INIT;
  PyObject *const *value = args->value;
  if (given(args, ENGINE_ARG_WAIT_FOR_READY) &&
      read_wait_for_ready(value[ENGINE_ARG_WAIT_FOR_READY], out) < 0)
    return -1;
  if (given(args, ENGINE_ARG_COMPRESSION) &&
      engine_compression_from_object(value[ENGINE_ARG_COMPRESSION], &out->compression) < 0)
    return -1;
  if (given(args, ENGINE_ARG_CREDENTIALS) &&
      engine_call_credentials_from_object(engine, value[ENGINE_ARG_CREDENTIALS],
                                          &out->credentials) < 0)
    return -1;
  int r = 0;
  if (given(args, ENGINE_ARG_TIMEOUT)) r = read_timeout(value[ENGINE_ARG_TIMEOUT], out, err);
  if (r == 0 && given(args, ENGINE_ARG_METADATA))
    r = read_metadata(value[ENGINE_ARG_METADATA], out, err);
  return r;
}

/* What options point to is ours: constant only for the library. */
void engine_options_finish(fc_call_options *options) {
  fc_metadata_destroy((fc_metadata *)options->metadata);
}

int engine_add_args(PyObject *module) {
  struct engine *engine = engine_of_module(module);
  for (int i = 0; i < ENGINE_ARG_COUNT; i++) {
    engine->arg_names[i] = PyUnicode_InternFromString(names[i]);
    if (!engine->arg_names[i]) return -1;
  }
  return 0;
}
