/* The process of service.h. */
#include "support/service.h"

#include <sys/wait.h>
#include <unistd.h>

#include "support/check.h"
#include "support/exchange.h"

/* Tells its port and serves until the other end of the pipe is closed. */
static void serve(fc_server_credentials *(*credentials)(void), int port_fd, int stop_fd) {
  struct exchange exchange;
  struct exchange_security security = {.server = credentials ? credentials() : NULL};
  char none;
  exchange_open_secure(&exchange, NULL, NULL, &security);
  if (write(port_fd, &exchange.port, sizeof exchange.port) != sizeof exchange.port) _exit(1);
  while (read(stop_fd, &none, 1) > 0) continue;
  exchange_close(&exchange);
  fc_server_credentials_destroy(security.server);
  _exit(0);
}

void service_start(struct service *service, fc_server_credentials *(*credentials)(void)) {
  int port_pipe[2], stop_pipe[2];
  assert_int_equal(pipe(port_pipe), 0);
  assert_int_equal(pipe(stop_pipe), 0);
  service->process = fork();
  assert_true(service->process >= 0);
  if (service->process == 0) {
    close(stop_pipe[1]);
    serve(credentials, port_pipe[1], stop_pipe[0]);
  }
  close(port_pipe[1]);
  close(stop_pipe[0]);
  service->stop = stop_pipe[1];
  assert_int_equal(read(port_pipe[0], &service->port, sizeof service->port), sizeof service->port);
  close(port_pipe[0]);
}

void service_stop(struct service *service) {
  int status;
  close(service->stop);
  assert_int_equal(waitpid(service->process, &status, 0), service->process);
  assert_int_equal(status, 0);
}
