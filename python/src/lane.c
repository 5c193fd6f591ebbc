/*
 * Lanes: the tasks of a pool that serve what waits in a queue. A task takes one call after the other and stays for a
 * moment when none is left, so that under load nothing is submitted; what else waits in the pool has its turn before.
 */
#include "codec.h"
#include "gil.h"
#include "server.h"

/* How long a task waits for the next call: longer than a client that calls again and again is away. */
#define LINGER (5 * FC_MILLISECOND)

/* One task, in the pool's line or running. */
struct task {
  PyObject_HEAD struct engine_server *server;
  unsigned lane;
  bool begun;
};

/* ---- lanes ---- */

/* ThreadPoolExecutor does not tell how much waits in it but by its queue. NULL without an exception: no such thing. */
static PyObject *find_counter(PyObject *pool) {
  PyObject *queue = PyObject_GetAttrString(pool, "_work_queue");
  PyObject *counter = queue ? PyObject_GetAttrString(queue, "qsize") : NULL;
  Py_XDECREF(queue);
  PyErr_Clear();
  return counter;
}

int engine_lane_of(struct engine_server *server, PyObject *pool) {
  for (unsigned i = 0; i < server->lane_count; i++) {
    if (server->lanes[i].pool == pool) return (int)i;
  }
  if (server->lane_count == ENGINE_LANE_MAX) return 0;
  PyObject *submit = NULL; /* of a server that has no pool and never starts */
  if (pool != Py_None && !(submit = PyObject_GetAttrString(pool, "submit"))) return -1;
  struct engine_lane *lane = &server->lanes[server->lane_count];
  Py_INCREF(pool);
  *lane = (struct engine_lane){pool, submit, find_counter(pool), 0};
  return (int)server->lane_count++;
}

void engine_lanes_clear(struct engine_server *server) {
  for (unsigned i = 0; i < server->lane_count; i++) {
    Py_CLEAR(server->lanes[i].pool);
    Py_CLEAR(server->lanes[i].submit);
    Py_CLEAR(server->lanes[i].waiting);
  }
}

/* Other work than ours waits for a thread of the pool. */
static bool others_wait(const struct engine_lane *lane) {
  if (!lane->waiting) return false;
  PyObject *count = PyObject_CallNoArgs(lane->waiting);
  long waiting = count ? PyLong_AsLong(count) : 0;
  Py_XDECREF(count);
  PyErr_Clear();
  return waiting > (long)lane->unbegun;
}

/* ---- submitting ---- */

static PyObject *task_create(struct engine_server *server, unsigned lane) {
  PyTypeObject *type = (PyTypeObject *)server->engine->server_types[ENGINE_TYPE_TASK];
  struct task *task = (struct task *)engine_new(type);
  if (!task) return NULL;
  Py_INCREF((PyObject *)server);
  task->server = server;
  task->lane = lane;
  server->lanes[lane].unbegun++;
  return (PyObject *)task;
}

/* The pool takes no task: what waits for it gets no answer but this. */
static void refuse_all(struct engine_server *server, unsigned lane) {
  fc_call *call;
  unsigned flags = FC_TAKE_SENT_FOR;
  while (fc_server_take(server->server, lane, flags, &call, NULL) == FC_OK) {
    (void)fc_call_finish(call, FC_CODE_UNAVAILABLE, "The server's thread pool takes no work!",
                         FC_SLICE_EMPTY);
    fc_call_destroy(call);
    flags = 0;
  }
}

static void submit_task(struct engine_server *server, unsigned lane) {
  PyObject *task = task_create(server, lane);
  struct engine_lane *l = &server->lanes[lane];
  PyObject *submit = l->submit ? l->submit : Py_None;
  PyObject *future = task ? PyObject_CallFunctionObjArgs(submit, task, NULL) : NULL;
  if (!future) {
    if (task) ((struct task *)task)->begun = true; /* it need not be replaced */
    if (task) l->unbegun--;
    engine_log_server_exception(server->engine,
                                "Exception submitting to the server's thread pool!");
    refuse_all(server, lane);
  }
  Py_XDECREF(future);
  Py_XDECREF(task);
}

void engine_lane_untaken(fc_server *server, uint32_t queue, void *user) {
  (void)server;
  struct engine_gil gil;
  if (!engine_gil_enter(&gil)) return;
  submit_task(user, (unsigned)queue);
  engine_gil_leave(&gil);
}

/* ---- serving ---- */

/* What a task has while it runs: a contextvars.Context is used again as long as nobody has set anything in it. */
struct serving {
  PyObject *context, *run;
};

static int renew_context(struct engine_server *server, struct serving *s) {
  if (s->context && PyObject_Size(s->context) == 0) return 0;
  engine_set(&s->context, PyObject_CallNoArgs(server->new_context));
  engine_set(&s->run, s->context ? PyObject_GetAttrString(s->context, "run") : NULL);
  return s->run ? 0 : -1;
}

/* Serves a call if there is one. 1: yes; 0: there is none; -1 with an exception. */
static int serve_next(struct engine_server *server, unsigned lane, unsigned flags,
                      struct serving *s) {
  fc_call *call;
  void *handler;
  if (fc_server_take(server->server, lane, flags, &call, &handler) != FC_OK) return 0;
  if (renew_context(server, s) < 0) {
    fc_call_destroy(call);
    return -1;
  }
  return engine_serve(server, handler, s->run, call) < 0 ? -1 : 1;
}

static bool await_call(struct engine_server *server, unsigned lane) {
  fc_result r;
  ENGINE_WAIT_BEGIN
  r = fc_server_await(server->server, lane, LINGER);
  ENGINE_WAIT_END
  return r == FC_OK;
}

static int serve_all(struct engine_server *server, unsigned lane, struct serving *s) {
  unsigned flags = FC_TAKE_SENT_FOR;
  for (;;) {
    int served = serve_next(server, lane, flags, s);
    if (served < 0) return -1;
    if (others_wait(&server->lanes[lane])) return 0;
    flags = 0;
    if (served) continue;
    if (!await_call(server, lane)) return PyErr_Occurred() ? -1 : 0;
    flags = FC_TAKE_SENT_FOR;
  }
}

static PyObject *task_call(PyObject *self, PyObject *args, PyObject *kwargs) {
  struct task *task = (struct task *)self;
  struct engine_server *server = task->server;
  (void)args, (void)kwargs;
  if (task->begun) Py_RETURN_NONE;
  task->begun = true;
  server->lanes[task->lane].unbegun--;
  struct serving s = {NULL, NULL};
  int r = serve_all(server, task->lane, &s);
  Py_XDECREF(s.run);
  Py_XDECREF(s.context);
  if (r < 0) return NULL;
  Py_RETURN_NONE;
}

/* ---- the type ---- */

/* A pool may throw work away: then the next thread is sent for. */
static void task_dealloc(PyObject *self) {
  struct task *task = (struct task *)self;
  struct engine_server *server = task->server;
  if (server && !task->begun) {
    server->lanes[task->lane].unbegun--;
    (void)!fc_server_take(server->server, task->lane, FC_TAKE_SENT_FOR | FC_TAKE_NOTHING, NULL,
                          NULL);
  }
  Py_XDECREF((PyObject *)server);
  engine_free(self);
}

static PyType_Slot slots[] = {
    ENGINE_SLOT(Py_tp_dealloc, task_dealloc),
    ENGINE_SLOT(Py_tp_call, task_call),
    {0, NULL},
};

PyType_Spec engine_task_spec = {
    .name = "farcall._engine.Task",
    .basicsize = sizeof(struct task),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = slots,
};
