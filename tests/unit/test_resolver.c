/* Names are looked up on threads of their own, which nobody waits for. */
#include "io/resolver.h"

#include <errno.h>

#include "support/failing_alloc.h"
#include "support/loop_reactor.h"

struct question {
  struct fc__resolve request;
  struct fc__loop *loop;
  struct fc__waiter waiter;
  size_t calls, count;
  char first[FC__ADDR_TEXT_MAX], error[256];
};

static void answered(struct fc__resolve *r, const struct fc__addr *addrs, size_t count,
                     const char *error, int64_t now) {
  struct question *q = r->user;
  (void)now;
  q->calls++;
  q->count = count;
  if (count) fc__addr_text(&addrs[0], q->first);
  if (error) strcpy(q->error, error);
  fc__loop_wake(q->loop, &q->waiter);
}

static struct fc__net *net_of(struct fc__loop *loop) {
  return fc__reactor_net(fc__reactor_from_loop(loop));
}

static void ask(struct question *q, fc_reactor *r, const char *host) {
  memset(q, 0, sizeof *q);
  q->loop = fc__reactor_loop(r);
  q->request.done = answered;
  q->request.user = q;
  fc__loop_lock(q->loop);
  assert_int_equal(net_of(q->loop)->ops->resolve(net_of(q->loop), host, 50, &q->request), 0);
  assert_int_equal(q->calls, 0);
  fc__loop_unlock(q->loop);
}

static void await(struct question *q) {
  fc__loop_lock(q->loop);
  assert_true(fc__loop_wait(q->loop, &q->waiter, FC_NEVER));
  fc__loop_unlock(q->loop);
  assert_int_equal(q->calls, 1);
}

static void cancel(struct question *q) {
  fc__loop_lock(q->loop);
  net_of(q->loop)->ops->resolve_cancel(net_of(q->loop), &q->request);
  fc__loop_unlock(q->loop);
}

/* ---- look-ups that the test controls ---- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static size_t begun, running, most_running;
static bool held_back;

static void set_held_back(bool to) {
  pthread_mutex_lock(&mutex);
  held_back = to;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&mutex);
}

static void await_begun(size_t count) {
  pthread_mutex_lock(&mutex);
  while (begun < count) pthread_cond_wait(&changed, &mutex);
  pthread_mutex_unlock(&mutex);
}

static void await_none_running(void) {
  pthread_mutex_lock(&mutex);
  while (running > 0) pthread_cond_wait(&changed, &mutex);
  pthread_mutex_unlock(&mutex);
}

static void enter(void) {
  pthread_mutex_lock(&mutex);
  begun++;
  running++;
  if (running > most_running) most_running = running;
  pthread_cond_broadcast(&changed);
  while (held_back) pthread_cond_wait(&changed, &mutex);
  running--;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&mutex);
}

static int numeric(const char *literal, struct addrinfo **out) {
  const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
  return getaddrinfo(literal, NULL, &hints, out);
}

static int look_up(const char *host, const char *service, const struct addrinfo *hints,
                   struct addrinfo **out) {
  (void)service;
  assert_int_equal(hints->ai_socktype, SOCK_STREAM);
  enter();
  if (strcmp(host, "four.test") == 0) return numeric("10.0.0.4", out);
  if (strcmp(host, "six.test") == 0) return numeric("::6", out);
  if (strcmp(host, "system.test") == 0) {
    errno = EIO;
    return EAI_SYSTEM;
  }
  return EAI_NONAME;
}

static int begin(void **state) {
  (void)state;
  begun = running = most_running = 0;
  held_back = false;
  fc__resolver_set_lookup(look_up);
  return 0;
}

/* ---- tests ---- */

static void a_name_gives_addresses_with_the_port(void **state) {
  (void)state;
  fc_reactor *r = reactor_over(FC__POLLER_DEFAULT, FC_REACTOR_AUTO);
  struct question q;
  ask(&q, r, "four.test");
  await(&q);
  assert_int_equal(q.count, 1);
  assert_string_equal(q.first, "ipv4:10.0.0.4:50");
  ask(&q, r, "six.test");
  await(&q);
  assert_string_equal(q.first, "ipv6:%5B::6%5D:50");
  fc_reactor_destroy(r);
}

static void a_failure_tells_the_name_and_the_reason(void **state) {
  (void)state;
  fc_reactor *r = reactor_over(FC__POLLER_DEFAULT, FC_REACTOR_AUTO);
  struct question q;
  ask(&q, r, "none.test");
  await(&q);
  assert_int_equal(q.count, 0);
  assert_string_equal(q.error, "cannot resolve none.test: Name or service not known");
  ask(&q, r, "system.test");
  await(&q);
  assert_string_equal(q.error, "cannot resolve system.test: Input/output error");
  fc_reactor_destroy(r);
}

static void literals_start_no_thread(void **state) {
  (void)state;
  fc_reactor *r = reactor_over(FC__POLLER_DEFAULT, FC_REACTOR_AUTO);
  struct question q;
  ask(&q, r, "192.0.2.1");
  await(&q);
  assert_string_equal(q.first, "ipv4:192.0.2.1:50");
  ask(&q, r, "[2001:db8::1]");
  await(&q);
  assert_string_equal(q.first, "ipv6:%5B2001:db8::1%5D:50");
  assert_int_equal(begun, 0);
  fc_reactor_destroy(r);
}

static void the_systems_resolver_knows_localhost(void **state) {
  (void)state;
  fc_reactor *r = reactor_over(FC__POLLER_DEFAULT, FC_REACTOR_AUTO);
  struct question q;
  fc__resolver_set_lookup(NULL);
  ask(&q, r, "localhost");
  await(&q);
  assert_true(q.count >= 1);
  fc_reactor_destroy(r);
}

static void nobody_waits_for_a_slow_name(void **state) {
  (void)state;
  fc_reactor *r = reactor_over(FC__POLLER_DEFAULT, FC_REACTOR_AUTO);
  struct question q;
  set_held_back(true);
  ask(&q, r, "four.test");
  await_begun(1);
  fc__loop_lock(q.loop);
  assert_false(fc__loop_wait(q.loop, &q.waiter, fc__loop_now(q.loop) + FC_MILLISECOND));
  fc__loop_unlock(q.loop);
  cancel(&q);
  fc_reactor_destroy(r); /* while the thread still looks up */
  set_held_back(false);
  await_none_running();
  assert_int_equal(q.calls, 0);
}

static void a_cancelled_question_is_not_answered(void **state) {
  (void)state;
  fc_reactor *r = reactor_over(FC__POLLER_DEFAULT, FC_REACTOR_AUTO);
  struct question literal, name, after;
  ask(&literal, r, "192.0.2.1");
  cancel(&literal);
  ask(&name, r, "four.test");
  cancel(&name); /* queued, running or done */
  ask(&after, r, "six.test");
  await(&after);
  cancel(&after); /* answered already: nothing happens */
  assert_int_equal(literal.calls, 0);
  assert_int_equal(name.calls, 0);
  fc_reactor_destroy(r);
}

static void threads_are_limited_and_the_rest_waits(void **state) {
  (void)state;
  enum { QUESTIONS = 2 * FC__RESOLVER_THREADS + 1 };
  fc_reactor *r = reactor_over(FC__POLLER_DEFAULT, FC_REACTOR_AUTO);
  struct question q[QUESTIONS];
  set_held_back(true);
  for (size_t i = 0; i < QUESTIONS; i++) ask(&q[i], r, "four.test");
  await_begun(FC__RESOLVER_THREADS);
  cancel(&q[QUESTIONS - 1]); /* it waits in the queue */
  set_held_back(false);
  for (size_t i = 0; i + 1 < QUESTIONS; i++) await(&q[i]);
  assert_int_equal(most_running, FC__RESOLVER_THREADS);
  assert_int_equal(begun, QUESTIONS - 1);
  fc_reactor_destroy(r);
}

static void an_answer_wakes_a_host(void **state) {
  (void)state;
  fc_reactor *r = reactor_over(FC__POLLER_DEFAULT, FC_REACTOR_HOST);
  struct question q;
  ask(&q, r, "four.test");
  await(&q); /* a blocked caller in host mode */
  fc_reactor_destroy(r);
}

static void without_memory_the_question_fails(void **state) {
  (void)state;
  fc_reactor *r = reactor_over(FC__POLLER_DEFAULT, FC_REACTOR_AUTO);
  struct fc__loop *loop = fc__reactor_loop(r);
  struct question q;
  struct fc__resolve request = {.done = answered};
  failing_alloc_arm(0, FAILING_ALLOC_ONCE);
  fc__loop_lock(loop);
  assert_int_equal(net_of(loop)->ops->resolve(net_of(loop), "192.0.2.1", 1, &request), -ENOMEM);
  fc__loop_unlock(loop);
  failing_alloc_arm(1, FAILING_ALLOC_ONCE);
  ask(&q, r, "192.0.2.1");
  await(&q);
  assert_true(failing_alloc_disarm());
  assert_string_equal(q.error, "cannot resolve 192.0.2.1: out of memory");
  fc_reactor_destroy(r);
}

int main(void) {
  failing_alloc_install();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(a_name_gives_addresses_with_the_port, begin),
      cmocka_unit_test_setup(a_failure_tells_the_name_and_the_reason, begin),
      cmocka_unit_test_setup(literals_start_no_thread, begin),
      cmocka_unit_test_setup(the_systems_resolver_knows_localhost, begin),
      cmocka_unit_test_setup(nobody_waits_for_a_slow_name, begin),
      cmocka_unit_test_setup(a_cancelled_question_is_not_answered, begin),
      cmocka_unit_test_setup(threads_are_limited_and_the_rest_waits, begin),
      cmocka_unit_test_setup(an_answer_wakes_a_host, begin),
      cmocka_unit_test_setup(without_memory_the_question_fails, begin),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
