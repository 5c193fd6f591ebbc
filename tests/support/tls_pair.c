/*
 * Both ends take turns until neither moves. An SSL reads on after its handshake, as a connection does.
 */
#include "support/tls_pair.h"

#include <stdio.h>
#include <string.h>

enum { ROUNDS = 64 };

static void fail(struct tls_party *end, fc_result result, const char *reason) {
  end->done = false;
  end->result = result;
  snprintf(end->reason, sizeof end->reason, "%s", reason);
}

static void step(struct tls_party *end) {
  char byte, reason[256];
  if (end->result != FC_OK) return;
  int r = end->done ? SSL_read(end->ssl, &byte, 1) : SSL_do_handshake(end->ssl);
  if (r == 1) {
    end->done = true;
    return;
  }
  int error = SSL_get_error(end->ssl, r);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return;
  fc__tls_reason(end->ssl, reason, sizeof reason);
  fail(end, FC_ERR_PROTOCOL, reason);
}

static void settle(struct tls_party *end) {
  fc_error err = FC_ERROR_INIT;
  if (!end->done || !end->tls) return;
  fc_result r = fc__tls_check(end->tls, end->ssl, &end->auth, &err);
  if (r == FC_OK && fc__tls_has_verifier(end->tls, end->ssl)) {
    r = fc__tls_verify(end->tls, end->name, end->auth, &err);
  }
  if (r != FC_OK) fail(end, r, err.message);
}

static void renew(struct tls_party *end) {
  end->done = false;
  end->result = FC_OK;
  end->auth = NULL;
}

static bool begin(struct tls_party *end, BIO *bio) {
  fc_error err = {.result = FC_ERR_NO_MEMORY};
  if (end->tls && bio) {
    if (fc__tls_has_hook(end->tls)) fc__tls_hook(end->tls);
    end->ssl = fc__tls_begin(end->tls, end->name, &err);
  }
  if (!end->ssl || !bio) {
    fail(end, err.result, err.message);
    BIO_free(bio);
    return false;
  }
  SSL_set_bio(end->ssl, bio, bio);
  return true;
}

bool tls_join(struct tls_party *client, struct tls_party *server) {
  BIO *one = NULL, *other = NULL;
  (void)BIO_new_bio_pair(&one, 0, &other, 0);
  renew(client);
  renew(server);
  bool client_begun = begin(client, one), server_begun = begin(server, other);
  for (int i = 0; i < ROUNDS && client_begun && server_begun; i++) {
    step(client);
    step(server);
  }
  settle(client);
  settle(server);
  return client->done && server->done;
}

static void part(struct tls_party *end) {
  if (end->ssl && end->done) SSL_shutdown(end->ssl);
  SSL_free(end->ssl);
  end->ssl = NULL;
}

void tls_part(struct tls_party *client, struct tls_party *server) {
  part(client);
  part(server);
  struct tls_party ends[2] = {*client, *server};
  tls_forget(ends);
  client->auth = server->auth = NULL;
}

bool tls_meet(struct fc__tls *client, const char *name, struct fc__tls *server,
              struct tls_party ends[2]) {
  memset(ends, 0, 2 * sizeof *ends);
  ends[0].tls = client;
  ends[0].name = name;
  ends[1].tls = server;
  bool met = tls_join(&ends[0], &ends[1]);
  part(&ends[0]);
  part(&ends[1]);
  return met;
}

void tls_forget(struct tls_party ends[2]) {
  fc__auth_unref(ends[0].auth);
  fc__auth_unref(ends[1].auth);
  ends[0].auth = ends[1].auth = NULL;
}

const char *tls_sees(const struct tls_party *end, const char *property) {
  fc_slice value;
  return fc_auth_context_find(end->auth, property, &value) ? (const char *)value.data : "";
}
