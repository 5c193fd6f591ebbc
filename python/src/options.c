/* The one table of channel options, and reading them. */
#include "options.h"

#include <stddef.h>
#include <string.h>

#include "option_values.h"

/* Besides those of option_values.h. */
enum {
  KIND_TEXT = ENGINE_OPTION_KINDS,
  KIND_AGENT, /* a text that comes behind those given before */
  KIND_SINGLE_THREADED,
};

static const struct known {
  const char *name;
  int kind;
  size_t offset;
} table[] = {
#define FIELD(field) offsetof(fc_channel_options, field)
    {"SingleThreadedUnaryStream", KIND_SINGLE_THREADED, 0},
    {"grpc.client_idle_timeout_ms", ENGINE_OPTION_MS, FIELD(idle_timeout_ns)},
    {"grpc.default_authority", KIND_TEXT, FIELD(authority)},
    {"grpc.default_compression_algorithm", ENGINE_OPTION_COMPRESSION, FIELD(compression)},
    {"grpc.http2.lookahead_bytes", ENGINE_OPTION_U32, FIELD(initial_window_bytes)},
    {"grpc.initial_reconnect_backoff_ms", ENGINE_OPTION_MS, FIELD(min_backoff_ns)},
    {"grpc.keepalive_permit_without_calls", ENGINE_OPTION_FLAG, FIELD(keepalive_without_calls)},
    {"grpc.keepalive_time_ms", ENGINE_OPTION_MS, FIELD(keepalive_time_ns)},
    {"grpc.keepalive_timeout_ms", ENGINE_OPTION_MS, FIELD(keepalive_timeout_ns)},
    {"grpc.max_metadata_size", ENGINE_OPTION_U32, FIELD(max_metadata_bytes)},
    {"grpc.max_receive_message_length", ENGINE_OPTION_BYTES, FIELD(max_receive_message_bytes)},
    {"grpc.max_reconnect_backoff_ms", ENGINE_OPTION_MS, FIELD(max_backoff_ns)},
    {"grpc.max_send_message_length", ENGINE_OPTION_BYTES_OR_0, FIELD(max_send_message_bytes)},
    {"grpc.min_reconnect_backoff_ms", ENGINE_OPTION_MS, FIELD(connect_timeout_ns)},
    {"grpc.primary_user_agent", KIND_AGENT, FIELD(user_agent)},
    {"grpc.secondary_user_agent", KIND_AGENT, FIELD(user_agent_suffix)},
    {"grpc.ssl_target_name_override", KIND_TEXT, FIELD(tls_target_name)},
#undef FIELD
};

enum { KNOWN_COUNT = sizeof table / sizeof *table };

static int invalid(PyObject *pair) {
  PyErr_Format(PyExc_ValueError, "channel option %R is no pair of a name and an int, str or bytes",
               pair);
  return -1;
}

/* ---- values ---- */

static int read_int(PyObject *pair, PyObject *value, long long *out) {
  return engine_option_number(value, out) == 0 ? 0 : invalid(pair);
}

/* The text lives as long as the list of items. */
static int read_text(struct engine_channel_options *out, PyObject *pair, PyObject *value,
                     const char **text) {
  PyObject *kept = NULL;
  if (PyUnicode_Check(value)) {
    kept = PyUnicode_AsUTF8String(value);
  } else if (PyBytes_Check(value)) {
    Py_INCREF(value);
    kept = value;
  }
  if (!kept) {
    PyErr_Clear();
    return invalid(pair);
  }
  if (PyBytes_Size(kept) > 0) *text = PyBytes_AsString(kept); /* empty is as good as not given */
  int r = PyList_Append(out->items, kept);
  Py_DECREF(kept);
  return r;
}

static int add_agent(struct engine_channel_options *out, PyObject *pair, PyObject *value,
                     const char **agent) {
  const char *before = *agent, *part = NULL;
  if (read_text(out, pair, value, &part) < 0) return -1;
  if (part && !before) *agent = part;
  if (!part || !before) return 0;
  PyObject *both = PyBytes_FromFormat("%s %s", before, part);
  int r = both ? PyList_Append(out->items, both) : -1;
  if (r == 0) *agent = PyBytes_AsString(both);
  Py_XDECREF(both);
  return r;
}

/* ---- pairs ---- */

static int apply(struct engine_channel_options *out, const struct known *known, PyObject *pair,
                 PyObject *value) {
  void *field = (char *)&out->options + known->offset;
  long long number;
  if (known->kind == KIND_TEXT) return read_text(out, pair, value, field);
  if (known->kind == KIND_AGENT) return add_agent(out, pair, value, field);
  if (known->kind == KIND_SINGLE_THREADED) {
    out->single_threaded = true;
    return 0;
  }
  if (read_int(pair, value, &number) < 0) return -1;
  engine_option_store(known->kind, field, number);
  return 0;
}

/* What no option of ours takes must still be a value. */
static int check_value(PyObject *pair, PyObject *value) {
  long long ignored;
  if (PyUnicode_Check(value) || PyBytes_Check(value)) return 0;
  return read_int(pair, value, &ignored);
}

static const struct known *find(const char *name) {
  for (int i = 0; i < KNOWN_COUNT; i++) {
    if (strcmp(table[i].name, name) == 0) return &table[i];
  }
  return NULL;
}

static int read_pair(struct engine_channel_options *out, PyObject *pair) {
  PyObject *items = PySequence_Tuple(pair);
  if (!items || PyTuple_Size(items) != 2) {
    Py_XDECREF(items);
    PyErr_Clear();
    return invalid(pair);
  }
  const char *name = "";
  PyObject *value = PyTuple_GetItem(items, 1);
  int r = read_text(out, pair, PyTuple_GetItem(items, 0), &name);
  const struct known *known = r == 0 ? find(name) : NULL;
  if (r == 0) r = known ? apply(out, known, pair, value) : check_value(pair, value);
  Py_DECREF(items);
  return r;
}

int engine_channel_options_read(PyObject *pairs, struct engine_channel_options *out) {
  *out = (struct engine_channel_options){.options = FC_CHANNEL_OPTIONS_INIT};
  out->options.any_path = true;
  PyObject *iterator = PyObject_GetIter(pairs), *pair;
  out->items = iterator ? PyList_New(0) : NULL;
  int r = out->items ? 0 : -1;
  while (r == 0 && (pair = PyIter_Next(iterator)) != NULL) {
    r = read_pair(out, pair);
    Py_DECREF(pair);
  }
  Py_XDECREF(iterator);
  if (r == 0 && !PyErr_Occurred()) return 0;
  engine_channel_options_finish(out);
  return -1;
}

void engine_channel_options_finish(struct engine_channel_options *options) {
  Py_CLEAR(options->items);
}
