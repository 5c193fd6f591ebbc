/*
 * Files of certificates and keys: read whole, and asked later whether they have changed. What was read is erased before
 * its memory goes back.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
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

static struct fc__tls_stamp stamp_of(const struct stat *s) {
  return (struct fc__tls_stamp){s->st_dev, s->st_ino, s->st_size, s->st_mtim, s->st_ctim};
}

static bool same_time(struct timespec a, struct timespec b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

bool fc__tls_file_changed(const char *path, const struct fc__tls_stamp *stamp) {
  struct stat s;
  if (stat(path, &s) != 0) return true;
  struct fc__tls_stamp now = stamp_of(&s);
  return now.device != stamp->device || now.inode != stamp->inode || now.size != stamp->size ||
         !same_time(now.modified, stamp->modified) || !same_time(now.changed, stamp->changed);
}

void fc__tls_text_finish(struct fc__tls_text *text) {
  if (text->data) OPENSSL_cleanse(text->data, text->cap);
  fc__free(text->data);
  *text = (struct fc__tls_text){0};
}

/* Resizing would leave a copy behind. */
static bool grow(struct fc__tls_text *text, size_t cap) {
  struct fc__tls_text grown = {fc__alloc(cap), text->len, cap};
  if (!grown.data) return false;
  if (text->len) memcpy(grown.data, text->data, text->len);
  fc__tls_text_finish(text);
  *text = grown;
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

fc_result fc__tls_file_read(const char *path, const char *label, struct fc__tls_stamp *stamp,
                            struct fc__tls_text *out, fc_error *err) {
  *out = (struct fc__tls_text){0};
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fc__error_system(err, errno, "%s", label);
  struct stat s;
  fc_result r = FC_OK;
  if (fstat(fd, &s) != 0) {
    r = fc__error_system(err, errno, "%s", label);
  } else {
    *stamp = stamp_of(&s);
    r = read_all(fd, label, out, err);
  }
  if (r != FC_OK) fc__tls_text_finish(out);
  close(fd);
  return r;
}
