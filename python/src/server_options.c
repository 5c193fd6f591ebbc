/* The one table of server options, under grpcio's names. */
#include <stddef.h>
#include <string.h>

#include "option_values.h"
#include "server.h"

static const struct known {
  const char *name;
  enum engine_option_kind kind;
  size_t offset;
} table[] = {
#define FIELD(field) offsetof(fc_server_options, field)
    {"grpc.default_compression_algorithm", ENGINE_OPTION_COMPRESSION, FIELD(compression)},
    {"grpc.http2.lookahead_bytes", ENGINE_OPTION_U32, FIELD(initial_window_bytes)},
    {"grpc.http2.min_ping_interval_without_data_ms", ENGINE_OPTION_MS, FIELD(min_ping_interval_ns)},
    {"grpc.http2.min_recv_ping_interval_without_data_ms", ENGINE_OPTION_MS,
     FIELD(min_ping_interval_ns)},
    {"grpc.keepalive_permit_without_calls", ENGINE_OPTION_FLAG, FIELD(permit_ping_without_calls)},
    {"grpc.keepalive_time_ms", ENGINE_OPTION_MS, FIELD(keepalive_time_ns)},
    {"grpc.keepalive_timeout_ms", ENGINE_OPTION_MS, FIELD(keepalive_timeout_ns)},
    {"grpc.max_concurrent_streams", ENGINE_OPTION_U32, FIELD(max_concurrent_streams)},
    {"grpc.max_connection_age_grace_ms", ENGINE_OPTION_MS, FIELD(max_connection_age_grace_ns)},
    {"grpc.max_connection_age_ms", ENGINE_OPTION_MS, FIELD(max_connection_age_ns)},
    {"grpc.max_connection_idle_ms", ENGINE_OPTION_MS, FIELD(max_connection_idle_ns)},
    {"grpc.max_metadata_size", ENGINE_OPTION_U32, FIELD(max_metadata_bytes)},
    {"grpc.max_receive_message_length", ENGINE_OPTION_BYTES, FIELD(max_receive_message_bytes)},
    {"grpc.max_send_message_length", ENGINE_OPTION_BYTES_OR_0, FIELD(max_send_message_bytes)},
    {"grpc.server_handshake_timeout_ms", ENGINE_OPTION_MS, FIELD(handshake_timeout_ns)},
    {"grpc.server_max_pending_requests_hard_limit", ENGINE_OPTION_U32, FIELD(max_pending_calls)},
    {"grpc.so_reuseport", ENGINE_OPTION_FLAG, FIELD(reuse_port)},
#undef FIELD
};

static const struct known *find(const char *name) {
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    if (strcmp(table[i].name, name) == 0) return &table[i];
  }
  return NULL;
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
  long long number;
  if (PyUnicode_Check(value) || PyBytes_Check(value)) return known ? invalid(pair) : 0;
  if (engine_option_number(value, &number) < 0) return invalid(pair);
  if (known) engine_option_store(known->kind, (char *)out + known->offset, number);
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
