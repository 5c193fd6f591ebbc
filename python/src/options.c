/* The one table of channel options, and reading them. */
#include "options.h"

#include <stddef.h>
#include <string.h>

/* How a value of grpcio's becomes one of the library's. In grpcio -1 or INT_MAX are "no limit". */
enum kind {
  KIND_TEXT,
  KIND_AGENT, /* a text that comes behind those given before */
  KIND_FLAG,
  KIND_BYTES,      /* -1: no limit */
  KIND_BYTES_OR_0, /* -1: no limit, which is 0 */
  KIND_U32,
  KIND_MS,          /* milliseconds; INT_MAX: never */
  KIND_COMPRESSION, /* the number of a Compression */
  KIND_SINGLE_THREADED,
};

static const struct known {
  const char *name;
  enum kind kind;
  size_t offset;
} table[] = {
#define FIELD(field) offsetof(fc_channel_options, field)
    {"SingleThreadedUnaryStream", KIND_SINGLE_THREADED, 0},
    {"grpc.client_idle_timeout_ms", KIND_MS, FIELD(idle_timeout_ns)},
    {"grpc.default_authority", KIND_TEXT, FIELD(authority)},
    {"grpc.default_compression_algorithm", KIND_COMPRESSION, FIELD(compression)},
    {"grpc.http2.lookahead_bytes", KIND_U32, FIELD(initial_window_bytes)},
    {"grpc.initial_reconnect_backoff_ms", KIND_MS, FIELD(min_backoff_ns)},
    {"grpc.keepalive_permit_without_calls", KIND_FLAG, FIELD(keepalive_without_calls)},
    {"grpc.keepalive_time_ms", KIND_MS, FIELD(keepalive_time_ns)},
    {"grpc.keepalive_timeout_ms", KIND_MS, FIELD(keepalive_timeout_ns)},
    {"grpc.max_metadata_size", KIND_U32, FIELD(max_metadata_bytes)},
    {"grpc.max_receive_message_length", KIND_BYTES, FIELD(max_receive_message_bytes)},
    {"grpc.max_reconnect_backoff_ms", KIND_MS, FIELD(max_backoff_ns)},
    {"grpc.max_send_message_length", KIND_BYTES_OR_0, FIELD(max_send_message_bytes)},
    {"grpc.min_reconnect_backoff_ms", KIND_MS, FIELD(connect_timeout_ns)},
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

/* An int, or an object that gives one: grpcio takes whatever has __int__. */
static int read_int(PyObject *pair, PyObject *value, long long *out) {
  PyObject *number = PyUnicode_Check(value) || PyBytes_Check(value) ? NULL : PyNumber_Long(value);
  if (!number) {
    PyErr_Clear();
    return invalid(pair);
  }
  int overflow;
  *out = PyLong_AsLongLongAndOverflow(number, &overflow);
  if (overflow) *out = overflow < 0 ? LLONG_MIN : LLONG_MAX;
  Py_DECREF(number);
  return 0;
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

static int64_t milliseconds(long long value) {
  if (value >= INT32_MAX) return FC_NEVER;
  return value > 0 ? value * FC_MILLISECOND : FC_MILLISECOND;
}

static void store(const struct known *known, void *field, long long value) {
  switch (known->kind) {
    case KIND_FLAG:
      *(bool *)field = value != 0;
      break;
    case KIND_BYTES:
      *(size_t *)field = value < 0 ? SIZE_MAX : value == 0 ? 1 : (size_t)value;
      break;
    case KIND_BYTES_OR_0:
      *(size_t *)field = value < 0 ? 0 : value == 0 ? 1 : (size_t)value;
      break;
    case KIND_U32:
      *(uint32_t *)field = value < 0 ? 0 : value > INT32_MAX ? INT32_MAX : (uint32_t)value;
      break;
    case KIND_MS:
      *(int64_t *)field = milliseconds(value);
      break;
    case KIND_COMPRESSION:
      if (value >= 0 && value <= FC_COMPRESSION_GZIP - FC_COMPRESSION_NONE)
        *(fc_compression *)field = (fc_compression)(FC_COMPRESSION_NONE + value);
      break;
    default:
      break;
  }
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
  store(known, field, number);
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
