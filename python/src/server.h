#ifndef ENGINE_SERVER_H
#define ENGINE_SERVER_H
/*
 * The objects of the server. A server has a lane for each pool of threads: calls wait in the lane's queue, a task that the
 * pool runs takes one after the other. A context is a call as its handler sees it; it is also what serves the call.
 */
#include "farcall/server_take.h"
#include "module.h"

enum { ENGINE_LANE_MAX = 64 };

struct engine_lane {
  PyObject *pool;
  PyObject *submit;  /* its method */
  PyObject *waiting; /* counts what waits in it; NULL: it does not say */
  unsigned unbegun;  /* tasks of this lane that wait in it */
};

struct engine_server {
  PyObject_HEAD struct engine *engine;
  fc_server *server;
  PyObject *
      resolver; /* (path, metadata, handler or None): the handler, as interceptors and generic handlers find it */
  PyObject *on_end;      /* called once when all calls of a server that was stopped are over */
  PyObject *new_context; /* contextvars.Context */
  PyObject *handlers;    /* a list: those that the library has pointers to */
  size_t max_send;       /* bytes of a message */
  bool intercepted;      /* the resolver is asked for every call */
  bool running;          /* has a reference to itself, until its end */
  unsigned lane_count;
  struct engine_lane lanes[ENGINE_LANE_MAX];
  struct engine_server *next; /* in engine->servers */
};

/* What the package calls an RpcMethodHandler, taken apart. */
struct engine_handler {
  PyObject_HEAD PyObject *handler; /* as it was given; NULL: to be found by the resolver */
  PyObject *behavior;
  PyObject *deserializer, *serializer; /* NULL: messages are bytes */
  PyObject *pool;                      /* of the behavior's own; NULL: the server's */
  bool request_streaming, response_streaming, non_blocking;
};

struct engine_context {
  PyObject_HEAD struct engine *engine;
  struct engine_server *server;
  struct engine_handler *handler;
  fc_call *call;                       /* NULL once it is over and nobody uses it */
  unsigned users;                      /* threads inside of the library with it */
  bool given_up;                       /* its handler is done: the call goes when nobody uses it */
  bool answered;                       /* this side has given the status */
  bool aborted;                        /* by the handler */
  bool uncompressed;                   /* the next message */
  PyObject *code, *details, *trailing; /* as the handler has set them; NULL: it has not */
  PyObject *status_details;            /* bytes, out of trailing */
  PyObject *metadata, *peer, *auth, *method; /* what was asked for; all, once the call has gone */
  PyObject *callbacks;                       /* a list; NULL: none were added */
  bool told;                                 /* the callbacks have run */
};

/* A new object, all zero but its head. */
static inline PyObject *engine_new(PyTypeObject *type) {
  return ((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
}

/* The end of a tp_dealloc. */
static inline void engine_free(PyObject *self) {
  PyTypeObject *type = Py_TYPE(self);
  ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
  Py_DECREF(type);
}

extern PyType_Spec engine_handler_spec, engine_context_spec, engine_requests_spec,
    engine_sender_spec, engine_task_spec;

static inline struct engine_context *engine_context_of(PyObject *self) {
  return (struct engine_context *)self;
}

/* A new reference to an object, or to None for NULL. */
static inline PyObject *engine_or_none(PyObject *object) {
  PyObject *result = object ? object : Py_None;
  Py_INCREF(result);
  return result;
}

static inline struct engine_server *engine_server_of(PyObject *self) {
  return (struct engine_server *)self;
}

/* ---- server_life.c ---- */

extern PyMethodDef engine_server_life[], engine_server_functions[];
/* For fc_server_options.on_end; user is the server. */
void engine_server_ended(fc_server *server, void *user);

/* ---- handler.c ---- */

/* A new reference; NULL with an exception. */
struct engine_handler *engine_handler_create(struct engine *engine, PyObject *handler);

/* ---- lane.c ---- */

/* The number of a pool's lane, made on demand; -1 with an exception. */
int engine_lane_of(struct engine_server *server, PyObject *pool);
/* For fc_server_options.on_untaken; user is the server. */
void engine_lane_untaken(fc_server *server, uint32_t queue, void *user);
void engine_lanes_clear(struct engine_server *server);

/* ---- server_options.c ---- */

/* The package's channel options, grpcio's names: 0, or -1 with ValueError. */
int engine_server_options(PyObject *options, fc_server_options *out);

/* ---- serve.c ---- */

/* Serves a call, which it takes over, on this thread, by the run of a contextvars.Context. -1 with an exception that must go
 * on, such as SystemExit; the call has its status then too. */
int engine_serve(struct engine_server *server, struct engine_handler *handler, PyObject *run,
                 fc_call *call);
extern PyMethodDef engine_serve_functions[];

/* ---- context.c ---- */

/* Takes the call over, also when it fails. */
struct engine_context *engine_context_create(struct engine_server *server,
                                             struct engine_handler *handler, fc_call *call);
/* Around what the library does with the call while Python's lock is not held. */
fc_call *engine_context_enter(struct engine_context *context);
void engine_context_leave(struct engine_context *context);
/* The handler is done. */
void engine_context_give_up(struct engine_context *context);
/* The client has gone, or the deadline has passed: nobody waits for an answer. */
bool engine_context_is_gone(const struct engine_context *context);
/* Methods of contexts, by file. */
extern PyMethodDef engine_context_asks[], engine_context_says[];

/* ---- answer.c ---- */

/* Ends the call with what the handler has set, else with OK. response, a serialized one, may be NULL. */
void engine_answer(struct engine_context *context, PyObject *response);
/* Ends it with what the handler has set, else with these. */
void engine_answer_failure(struct engine_context *context, fc_code code, const char *details);
/* Sends one of many responses, which may wait. False: the call is over. */
bool engine_answer_next(struct engine_context *context, PyObject *response);
/* Serializes, or ends the call. NULL: it did; an exception may be set that must go on. */
PyObject *engine_answer_serialize(struct engine_context *context, PyObject *response);
/* The exception that is set ends the call. what: "Exception calling application". -1: it must go on. */
int engine_answer_exception(struct engine_context *context, const char *what);

/* ---- requests_in.c ---- */

/* The only request, or the iterator of many. NULL: the call has ended; an exception may be set that must go on. */
PyObject *engine_request(struct engine_context *context);

/* ---- sender.c ---- */

/* The callback of a handler that does not block. */
PyObject *engine_sender_create(struct engine_context *context);

#endif
