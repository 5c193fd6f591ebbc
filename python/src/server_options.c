/* The one table of server options, under grpcio's names. */
#include <stddef.h>
#include <string.h>

#include "server.h"

enum kind {
  KIND_FLAG,
  KIND_BYTES,   /* -1: no limit, which is SIZE_MAX */
  KIND_BYTES_0, /* -1: no limit, which is 0 */
  KIND_U32,
  KIND_MS, /* milliseconds; INT_MAX: never */
  KIND_COMPRESSION,
};

static const struct known {
  const char *name;
  enum kind kind;
  size_t offset;
} table[] = {
#define FIELD(field) offsetof(fc_server_options, field)
    {"grpc.default_compression_algorithm", KIND_COMPRESSION, FIELD(compression)},
    {"grpc.http2.lookahead_bytes", KIND_U32, FIELD(initial_window_bytes)},
    {"grpc.http2.min_ping_interval_without_data_ms", KIND_MS, FIELD(min_ping_interval_ns)},
    {"grpc.http2.min_recv_ping_interval_without_data_ms", KIND_MS, FIELD(min_ping_interval_ns)},
    {"grpc.keepalive_permit_without_calls", KIND_FLAG, FIELD(permit_ping_without_calls)},
    {"grpc.keepalive_time_ms", KIND_MS, FIELD(keepalive_time_ns)},
    {"grpc.keepalive_timeout_ms", KIND_MS, FIELD(keepalive_timeout_ns)},
    {"grpc.max_concurrent_streams", KIND_U32, FIELD(max_concurrent_streams)},
    {"grpc.max_connection_age_grace_ms", KIND_MS, FIELD(max_connection_age_grace_ns)},
    {"grpc.max_connection_age_ms", KIND_MS, FIELD(max_connection_age_ns)},
    {"grpc.max_connection_idle_ms", KIND_MS, FIELD(max_connection_idle_ns)},
    {"grpc.max_metadata_size", KIND_U32, FIELD(max_metadata_bytes)},
    {"grpc.max_receive_message_length", KIND_BYTES, FIELD(max_receive_message_bytes)},
    {"grpc.max_send_message_length", KIND_BYTES_0, FIELD(max_send_message_bytes)},
    {"grpc.server_handshake_timeout_ms", KIND_MS, FIELD(handshake_timeout_ns)},
    {"grpc.server_max_pending_requests_hard_limit", KIND_U32, FIELD(max_pending_calls)},
    {"grpc.so_reuseport", KIND_FLAG, FIELD(reuse_port)},
#undef FIELD
};

static const struct known *find(const char *name) {
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    if (strcmp(table[i].name, name) == 0) return &table[i];
  }
  return NULL;
}

static int64_t milliseconds(long long value) {
  if (value >= INT32_MAX) return FC_NEVER;
  return value > 0 ? value * FC_MILLISECOND : FC_MILLISECOND;
}

static void store(const struct known *known, fc_server_options *out, long long value) {
  void *field = (char *)out + known->offset;
  switch (known->kind) {
    case KIND_FLAG:
      *(bool *)field = value != 0;
      break;
    case KIND_BYTES:
      *(size_t *)field = value < 0 ? SIZE_MAX : value == 0 ? 1 : (size_t)value;
      break;
    case KIND_BYTES_0:
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
  }
}

/* ---- pairs ---- */

static int invalid(PyObject *pair) {
  PyErr_Clear();
  PyErr_Format(PyExc_ValueError, "server option %R is no pair of a name and an int, str or bytes",
               pair);
  return -1;
}

/* The name of a str or bytes, which lives as long as the pair; NULL: neither. */
static const char *name_of(PyObject *name) {
  if (PyBytes_Check(name)) return PyBytes_AsString(name);
  return PyUnicode_Check(name) ? PyUnicode_AsUTF8AndSize(name, NULL) : NULL;
}

/* Texts are no value of any option that is known; grpcio passes them over. */
static int read_value(PyObject *pair, PyObject *value, const struct known *known,
                      fc_server_options *out) {
  if (PyUnicode_Check(value) || PyBytes_Check(value)) return known ? invalid(pair) : 0;
  PyObject *number = PyNumber_Long(value);
  if (!number) return invalid(pair);
  int overflow;
  long long n = PyLong_AsLongLongAndOverflow(number, &overflow);
  Py_DECREF(number);
  if (overflow) n = overflow < 0 ? LLONG_MIN : LLONG_MAX;
  if (known) store(known, out, n);
  return 0;
}

static int read_pair(PyObject *pair, fc_server_options *out) {
  PyObject *items = PySequence_Tuple(pair);
  bool two = items && PyTuple_Size(items) == 2;
  const char *name = two ? name_of(PyTuple_GetItem(items, 0)) : NULL;
  int r = name ? read_value(pair, PyTuple_GetItem(items, 1), find(name), out) : invalid(pair);
  Py_XDECREF(items);
  return r;
}

/* Of how many calls wait or run nobody is told by grpcio's defaults: memory is the limit, see max_buffered_bytes. */
static void fill_defaults(fc_server_options *out) {
  out->max_concurrent_streams = INT32_MAX;
  out->max_pending_calls = UINT32_MAX;
}

int engine_server_options(PyObject *options, fc_server_options *out) {
  PyObject *iterator = PyObject_GetIter(options), *pair;
  int r = iterator ? 0 : -1;
  fill_defaults(out);
  while (r == 0 && (pair = PyIter_Next(iterator)) != NULL) {
    r = read_pair(pair, out);
    Py_DECREF(pair);
  }
  Py_XDECREF(iterator);
  return PyErr_Occurred() ? -1 : r;
}
