/*
 * Paths and contents of the certificates that tests use. Each is kept in a list that the program's end takes with it.
 */
#include "support/certs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 16 * 1024, NAME_MAX_LENGTH = 64 };

struct cert {
  struct cert *next;
  char file[NAME_MAX_LENGTH];
  char path[512];
  uint8_t text[TEXT_MAX];
  size_t length; /* 0: not read yet */
};

static struct cert *certs;

static void give_up(const char *path) {
  fprintf(stderr, "%s: no certificate there; scripts/certs.sh makes them\n", path);
  exit(1);
}

static struct cert *cert_of(const char *file) {
  const char *folder = getenv("FC_TEST_CERTS");
  struct cert *cert = certs;
  while (cert && strcmp(cert->file, file) != 0) cert = cert->next;
  if (cert) return cert;
  cert = calloc(1, sizeof *cert);
  if (!cert) give_up(file);
  snprintf(cert->file, sizeof cert->file, "%s", file);
  snprintf(cert->path, sizeof cert->path, "%s/%s", folder ? folder : FC_TEST_CERTS_DEFAULT, file);
  cert->next = certs;
  certs = cert;
  return cert;
}

const char *cert_path(const char *file) {
  struct cert *cert = cert_of(file);
  FILE *there = fopen(cert->path, "rb");
  if (!there) give_up(cert->path);
  fclose(there);
  return cert->path;
}

fc_slice cert_text(const char *file) {
  struct cert *cert = cert_of(file);
  if (!cert->length) {
    FILE *in = fopen(cert->path, "rb");
    if (in) {
      cert->length = fread(cert->text, 1, sizeof cert->text, in);
      fclose(in);
    }
    if (!cert->length || cert->length == sizeof cert->text) give_up(cert->path);
  }
  return (fc_slice){cert->text, cert->length};
}

static const char *with_ending(char out[NAME_MAX_LENGTH], const char *name, const char *ending) {
  snprintf(out, NAME_MAX_LENGTH, "%s%s", name, ending);
  return out;
}

fc_tls_identity cert_identity(const char *name) {
  char file[NAME_MAX_LENGTH];
  fc_tls_identity identity = {0};
  identity.certificate_chain = cert_text(with_ending(file, name, ".pem"));
  identity.private_key = cert_text(with_ending(file, name, ".key"));
  return identity;
}

fc_tls_identity cert_identity_files(const char *name) {
  char file[NAME_MAX_LENGTH];
  fc_tls_identity identity = {0};
  identity.certificate_chain_file = cert_path(with_ending(file, name, ".pem"));
  identity.private_key_file = cert_path(with_ending(file, name, ".key"));
  return identity;
}
