/*
 * The requests of a client that streams. Those of a list or tuple are there: they are sent by the thread that makes
 * the call, and when the peer takes no more for now, later by the library's. Any other iterable may block, and is advanced
 * by a worker. Either way no request is asked for before there is room for it.
 */
#include <stdio.h>

#include "bytes.h"
#include "client.h"
#include "codec.h"
#include "gil.h"
#include "pool.h"

struct sender {
  struct engine *engine;
  struct engine_flight *flight;
  PyObject *serializer;
  PyObject *requests; /* a list, a tuple or an iterator */
  Py_ssize_t next;    /* of a list or tuple */
  size_t max_send;
  bool blocking; /* this thread may wait */
};

static void sender_free(struct sender *s) {
  engine_flight_unref(s->flight);
  Py_XDECREF(s->serializer);
  Py_XDECREF(s->requests);
  PyMem_Free(s);
}

/* ---- failures: each ends the call ---- */

static void iteration_failed(struct sender *s) {
  static const char text[] = "Exception iterating requests!";
  engine_log_exception(s->engine, text);
  fc_call_cancel(s->flight->call, FC_CODE_UNKNOWN, text);
}

static void serializing_failed(struct sender *s) {
  static const char text[] = "Exception serializing request!";
  if (PyErr_Occurred()) engine_log_exception(s->engine, text);
  fc_call_cancel(s->flight->call, FC_CODE_INTERNAL, text);
}

/* A call that is over needs no more requests; why it is its status tells. */
static void sending_failed(struct sender *s, fc_result r, fc_bytes *message) {
  char text[96];
  if (r == FC_ERR_CLOSED) return;
  if (r == FC_ERR_LIMIT) {
    snprintf(text, sizeof text, ENGINE_SENT_TOO_MUCH("CLIENT"), fc_bytes_slice(message).len,
             s->max_send);
  } else {
    snprintf(text, sizeof text, "%s", fc_result_text(r));
  }
  fc_call_cancel(s->flight->call, FC_CODE_RESOURCE_EXHAUSTED, text);
}

/* Takes the request over. */
static fc_bytes *to_message(struct sender *s, PyObject *request) {
  PyObject *data = engine_serialize(s->engine, s->serializer, request);
  Py_DECREF(request);
  fc_bytes *message = data ? engine_bytes_from_object(data) : NULL;
  Py_XDECREF(data);
  if (!message) serializing_failed(s);
  return message;
}

/* ---- lists and tuples ---- */

static bool is_sequence(PyObject *object) {
  return PyList_CheckExact(object) || PyTuple_CheckExact(object);
}

static Py_ssize_t count(const struct sender *s) {
  return PyList_CheckExact(s->requests) ? PyList_Size(s->requests) : PyTuple_Size(s->requests);
}

static PyObject *at(const struct sender *s, Py_ssize_t index) {
  PyObject *request = PyList_CheckExact(s->requests) ? PyList_GetItem(s->requests, index)
                                                     : PyTuple_GetItem(s->requests, index);
  Py_XINCREF(request);
  return request;
}

static void sent(fc_call *call, fc_result result, void *user);

/* Without room now: waits, or leaves the message and the rest to the library's thread. */
static fc_result wait_and_send(struct sender *s, fc_bytes *message, unsigned flags, bool *left) {
  fc_result r;
  fc_call *call = s->flight->call;
  if (s->blocking) {
    ENGINE_WAIT_BEGIN r = fc_call_send(call, message, flags);
    ENGINE_WAIT_END return r; /* if a handler raised, the caller sees it in the end */
  }
  r = fc_call_send_async(call, message, flags, sent, s);
  *left = r == FC_OK;
  return r;
}

/* False: there is nothing more to do for now or for good. */
static bool send_next(struct sender *s, bool *left) {
  PyObject *request = at(s, s->next++);
  fc_bytes *message = request ? to_message(s, request) : NULL;
  if (!message) return false;
  unsigned flags = s->next < count(s) ? FC_SEND_MORE : FC_SEND_LAST;
  fc_result r = fc_call_send(s->flight->call, message, flags | FC_SEND_NO_WAIT);
  if (r == FC_ERR_TIMEOUT) r = wait_and_send(s, message, flags, left);
  if (r == FC_OK) return !*left;
  if (r != FC_ERR_INTERRUPTED) sending_failed(s, r, message);
  fc_bytes_unref(message);
  return false;
}

/* True: the library's thread goes on and has the sender. */
static bool send_sequence(struct sender *s) {
  bool left = false;
  if (count(s) == 0) (void)fc_call_close_send(s->flight->call);
  while (s->next < count(s) && send_next(s, &left)) {
  }
  return left;
}

/* On the library's thread: there is room again, or the call is over. */
static void sent(fc_call *call, fc_result result, void *user) {
  (void)call;
  struct sender *s = user;
  struct engine_gil gil;
  if (!engine_gil_enter(&gil)) return;
  if (result != FC_OK || !send_sequence(s)) sender_free(s);
  engine_gil_leave(&gil);
}

/* ---- iterators ---- */

static bool send_message(struct sender *s, fc_bytes *message) {
  fc_call *call = s->flight->call;
  fc_result r = fc_call_send(call, message, FC_SEND_NO_WAIT);
  if (r == FC_ERR_TIMEOUT) {
    ENGINE_WAIT_BEGIN r = fc_call_send(call, message, 0);
    ENGINE_WAIT_END
  }
  if (r == FC_OK) return true;
  sending_failed(s, r, message);
  fc_bytes_unref(message);
  return false;
}

/* A worker's job. */
static void consume(void *user) {
  struct sender *s = user;
  PyObject *request;
  while ((request = PyIter_Next(s->requests)) != NULL) {
    fc_bytes *message = to_message(s, request);
    if (!message || !send_message(s, message)) break;
  }
  if (PyErr_Occurred()) {
    iteration_failed(s);
  } else if (!request) {
    (void)fc_call_close_send(s->flight->call);
  }
  sender_free(s);
}

/* ---- starting ---- */

static int start_iterator(struct sender *s) {
  PyObject *iterator = PyObject_GetIter(s->requests);
  if (!iterator) {
    iteration_failed(s);
    sender_free(s);
    return 0;
  }
  engine_set(&s->requests, iterator);
  if (engine_pool_run(s->engine, consume, s) == 0) return 0;
  fc_call_cancel(s->flight->call, FC_CODE_RESOURCE_EXHAUSTED, "no thread for the requests");
  sender_free(s);
  return -1;
}

int engine_requests_start(struct engine_method *method, struct engine_flight *flight,
                          PyObject *iterable, bool blocking) {
  struct sender *s = PyMem_Malloc(sizeof *s);
  if (!s) {
    PyErr_NoMemory();
    return -1;
  }
  engine_flight_ref(flight);
  Py_XINCREF(method->serializer);
  Py_INCREF(iterable);
  *s = (struct sender){
      method->engine, flight, method->serializer, iterable, 0, method->channel->max_send, blocking};
  if (!is_sequence(iterable)) return start_iterator(s);
  if (!send_sequence(s)) sender_free(s);
  return PyErr_Occurred() ? -1 : 0;
}
