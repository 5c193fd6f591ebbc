/* The library's call, shared by its object and the thread that sends requests. */
#include "client.h"

struct engine_flight *engine_flight_create(fc_call *call) {
  struct engine_flight *flight = PyMem_Malloc(sizeof *flight);
  if (!flight) {
    fc_call_destroy(call);
    return (struct engine_flight *)PyErr_NoMemory();
  }
  atomic_init(&flight->refs, 1);
  atomic_init(&flight->callbacks_due, 0);
  sem_init(&flight->callbacks_begun, 0, 0);
  flight->call = call;
  return flight;
}

void engine_flight_ref(struct engine_flight *flight) {
  atomic_fetch_add_explicit(&flight->refs, 1, memory_order_relaxed);
}

void engine_flight_unref(struct engine_flight *flight) {
  if (atomic_fetch_sub_explicit(&flight->refs, 1, memory_order_acq_rel) != 1) return;
  fc_call_destroy(flight->call);
  sem_destroy(&flight->callbacks_begun);
  PyMem_Free(flight);
}
