#ifndef ENGINE_CLIENT_H
#define ENGINE_CLIENT_H
/*
 * The objects of the client: a channel, the callable of a method, and a call. A flight is what a call shares with the
 * thread that sends its requests, so that dropping the call ends it although requests are still to come.
 */
#include <semaphore.h>
#include <stdatomic.h>

#include "module.h"

struct engine_channel {
  PyObject_HEAD struct engine *engine;
  fc_channel *channel; /* until the object goes: closed channels refuse calls by themselves */
  struct engine_channel *next, **place; /* in engine->channels */
  size_t max_send;                      /* bytes of a message */
  bool closed;
  bool single_threaded; /* option SingleThreadedUnaryStream */
};

struct engine_method {
  PyObject_HEAD struct engine *engine;
  struct engine_channel *channel;
  PyObject *path_object;
  const char *path;       /* lives in path_object */
  PyObject *serializer;   /* NULL: messages are bytes */
  PyObject *deserializer; /* likewise */
  fc_pattern pattern;
};

struct engine_flight {
  atomic_uint refs;
  fc_call *call;             /* NULL: it could not be started */
  atomic_uint callbacks_due; /* of those added, that have not begun */
  sem_t callbacks_begun;     /* for who waits until none is due */
};

/* Lies behind the fields of Exception, since a call is raised when it fails: see engine_call_of. */
struct engine_call {
  struct engine *engine;
  struct engine_flight *flight;
  PyObject *deserializer; /* NULL: messages are bytes */
  PyObject *response;     /* the only one of its pattern, once it was taken */
  PyObject *initial, *trailing;
  fc_bytes *peeked; /* a message that was received to see whether there is one */
  bool streams;     /* its pattern has many responses */
  bool settled;     /* the only response was taken */
  bool cancelled;   /* by the application */
  /* A status that was decided here when the library's was known already: the user had not seen that yet. */
  bool own;
  fc_code own_code;
  PyObject *own_details; /* str */
  PyObject *own_debug;   /* str, or NULL: made of what else is known */
};

/* channel.c: the channel of an argument that must be one; NULL with ValueError when it is closed. */
fc_channel *engine_channel_open(struct engine_channel *channel);

/* call.c */
struct engine_call *engine_call_of(PyObject *object);
/* A call object of a registered class. Takes flight over, also when it fails. */
PyObject *engine_call_create(struct engine_method *method, enum engine_class class,
                             struct engine_flight *flight);

struct engine_flight *engine_flight_create(
    fc_call *call); /* NULL with MemoryError, call destroyed */
void engine_flight_ref(struct engine_flight *flight);
void engine_flight_unref(struct engine_flight *flight);

/* Decides the status of a call, whether or not the library has done so. details is a constant. */
int engine_call_decide(struct engine_call *call, fc_code code, const char *details);

/* outcome.c: the call is over, and every message of it was taken. Takes no lock but the library's. */
bool engine_call_is_over(struct engine_call *call);
/* Waits for the end: FC_OK, FC_ERR_TIMEOUT, or FC_ERR_INTERRUPTED with an exception. Releases Python's lock. */
fc_result engine_call_wait(struct engine_call *call, int64_t timeout_ns);
/* Of a call that is over: takes its only response, if its pattern has one. -1 with an exception. */
int engine_call_settle(struct engine_call *call);
fc_code engine_call_code(struct engine_call *call);           /* of one that is over */
PyObject *engine_call_details(struct engine_call *call);      /* likewise; a new reference */
PyObject *engine_call_initial(struct engine_call *call);      /* waits; a new reference */
PyObject *engine_call_trailing(struct engine_call *call);     /* likewise */
PyObject *engine_call_debug_string(struct engine_call *call); /* of one that is over */
/* Of one that is over: the text of its repr. */
PyObject *engine_call_describe(struct engine_call *call, PyObject *name);
/* Raises the object itself. NULL. */
PyObject *engine_call_raise(PyObject *object);

/* The methods of calls, by file. */
extern PyMethodDef engine_future_methods[], engine_ask_methods[];
PyObject *engine_call_next(PyObject *object); /* iterate.c */

/* failure.c */

/* Raises what a blocking call raises. NULL. details is a new reference, or NULL with an exception. */
PyObject *engine_raise_inactive(struct engine *engine, fc_call *call, fc_code code,
                                PyObject *details);
/* Of a call that is over. */
PyObject *engine_debug_string(fc_code code, const char *message, fc_origin origin, fc_call *call);

/* requests.c: sends what an iterable gives, on this thread as far as it does not block, then on others. Blocking: on this
 * thread to the end, where that blocks nobody else. -1 with an exception. */
int engine_requests_start(struct engine_method *method, struct engine_flight *flight,
                          PyObject *iterable, bool blocking);

#endif
