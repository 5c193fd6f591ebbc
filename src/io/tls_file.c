/*
 * Files of certificates and keys: read whole, and asked later whether they have changed. What was read is erased before
 * its memory goes back.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "io/tls_context.h"

#ifdef __APPLE__
#define st_mtim st_mtimespec
#define st_ctim st_ctimespec
#endif

enum { FILE_MAX = 16 * 1024 * 1024 }; /* the roots of the world take 0.2 MiB */

/* File systems count time in steps of milliseconds at best, and of two seconds at worst. */
enum { SETTLED_S = 3 };

static struct fc__tls_stamp stamp_of(const struct stat *s, time_t now) {
  return (struct fc__tls_stamp){.device = s->st_dev,
                                .inode = s->st_ino,
                                .size = s->st_size,
                                .modified = s->st_mtim,
                                .changed = s->st_ctim,
                                .settled = now - s->st_ctim.tv_sec >= SETTLED_S};
}

static bool same_time(struct timespec a, struct timespec b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool looks_the_same(const char *path, const struct fc__tls_stamp *stamp) {
  struct stat s;
  return stamp->settled && stat(path, &s) == 0 && s.st_dev == stamp->device &&
         s.st_ino == stamp->inode && s.st_size == stamp->size &&
         same_time(s.st_mtim, stamp->modified) && same_time(s.st_ctim, stamp->changed);
}

bool fc__tls_file_changed(const char *path, struct fc__tls_stamp *stamp) {
  struct fc__tls_stamp now;
  struct fc__tls_text text;
  if (looks_the_same(path, stamp)) return false;
  if (fc__tls_file_read(path, path, &now, &text, NULL) != FC_OK) return true;
  fc__tls_text_finish(&text);
  if (memcmp(now.digest, stamp->digest, sizeof now.digest) != 0) return true;
  *stamp = now;
  return false;
}

void fc__tls_text_finish(struct fc__tls_text *text) {
  if (text->data) fc__erase(text->data, text->len);
  fc__free(text->data);
  *text = (struct fc__tls_text){0};
}

static bool grow(struct fc__tls_text *text, size_t cap) {
  uint8_t *data = fc__resize_secret(text->data, text->len, cap);
  if (!data) return false;
  text->data = data;
  text->cap = cap;
  return true;
}

static fc_result read_all(int fd, const char *label, struct fc__tls_text *text, fc_error *err) {
  for (;;) {
    if (text->len == text->cap) {
      if (text->cap >= FILE_MAX) {
        return fc__error(err, FC_ERR_INVALID, "%s: larger than %d MiB", label, FILE_MAX >> 20);
      }
      if (!grow(text, text->cap ? 2 * text->cap : 4096)) return fc__error_no_memory(err);
    }
    ssize_t n = read(fd, text->data + text->len, text->cap - text->len);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fc__error_system(err, errno, "%s", label);
    if (n == 0) return FC_OK;
    text->len += (size_t)n;
  }
}

static fc_result read_open(int fd, const char *label, struct fc__tls_stamp *stamp,
                           struct fc__tls_text *out, fc_error *err) {
  struct stat s;
  time_t now = time(NULL);
  if (fstat(fd, &s) != 0) return fc__error_system(err, errno, "%s", label);
  *stamp = stamp_of(&s, now);
  fc_result r = read_all(fd, label, out, err);
  if (r != FC_OK) return r;
  if (EVP_Digest(out->data, out->len, stamp->digest, NULL, EVP_sha256(), NULL)) return FC_OK;
  return fc__tls_error(err, "%s", label);
}

fc_result fc__tls_file_read(const char *path, const char *label, struct fc__tls_stamp *stamp,
                            struct fc__tls_text *out, fc_error *err) {
  *out = (struct fc__tls_text){0};
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fc__error_system(err, errno, "%s", label);
  fc_result r = read_open(fd, label, stamp, out, err);
  close(fd);
  if (r != FC_OK) fc__tls_text_finish(out);
  return r;
}
