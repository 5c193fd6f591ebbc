/*
 * Filling the caller's fc_error, naming results, and reading option structs that grow. Texts that
 * do not fit are cut; nothing here allocates, so it works when memory is out.
 */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

const char *fc_result_text(fc_result result) {
  switch (result) {
    case FC_OK:
      return "FC_OK: success";
    case FC_END:
      return "FC_END: the end of the stream";
#define X(name, value, text)                                                                       \
  case FC_ERR_##name:                                                                              \
    return "FC_ERR_" #name ": " text;
      FC_ERROR_LIST(X)
#undef X
    default:
      return "unknown result";
  }
}

/* vsnprintf cuts at a byte; this takes back the start of a character that it cut in two. */
static void end_at_character(char *message, size_t written, size_t size) {
  if (written < size) return;
  size_t len = size - 1, at = len;
  while (at > 0 && len - at < 3 && ((uint8_t)message[at - 1] & 0xc0) == 0x80) at--;
  if (at == 0) return;
  bool whole;
  (void)fc__utf8_next((fc_slice){(const uint8_t *)message + at - 1, len - at + 1}, &whole);
  if (!whole) message[at - 1] = '\0';
}

static size_t format_message(fc_error *err, const char *format, va_list args) {
  int written = vsnprintf(err->message, sizeof err->message, format, args);
  if (written < 0) err->message[0] = '\0', written = 0;
  end_at_character(err->message, (size_t)written, sizeof err->message);
  return strlen(err->message);
}

fc_result fc__error(fc_error *err, fc_result result, const char *format, ...) {
  if (!err) return result;
  va_list args;
  va_start(args, format);
  format_message(err, format, args);
  va_end(args);
  err->result = result;
  err->system = 0;
  return result;
}

/* strerror_r gives an int by POSIX and a pointer by GNU; its type picks one of these. */
static const char *text_by_posix(int failed, const char *buffer) {
  return failed ? "unknown error" : buffer;
}
static const char *text_by_gnu(const char *text, const char *buffer) {
  (void)buffer;
  return text;
}
#define SYSTEM_TEXT(call, buffer)                                                                  \
  _Generic((call), int : text_by_posix, char * : text_by_gnu)(call, buffer)

fc_result fc__error_system(fc_error *err, int system, const char *format, ...) {
  if (!err) return FC_ERR_SYSTEM;
  va_list args;
  va_start(args, format);
  size_t len = format_message(err, format, args);
  va_end(args);
  char buffer[128] = "";
  const char *text = SYSTEM_TEXT(strerror_r(system, buffer, sizeof buffer), buffer);
  size_t room = sizeof err->message - len;
  int written = snprintf(err->message + len, room, ": %s", text);
  if (written > 0) end_at_character(err->message + len, (size_t)written, room);
  err->result = FC_ERR_SYSTEM;
  err->system = system;
  return FC_ERR_SYSTEM;
}

fc_result fc__error_no_memory(fc_error *err) {
  return fc__error(err, FC_ERR_NO_MEMORY, "out of memory");
}

/* No option struct comes near this; a larger size is memory that nobody initialised. */
enum { OPTIONS_SIZE_MAX = 4096 };

fc_result fc__options_read(void *copy, size_t ours, const void *from, const char *name,
                           fc_error *err) {
  size_t size = ours;
  memset(copy, 0, ours);
  if (from) {
    memcpy(&size, from, sizeof size);
    if (size < sizeof size || size > OPTIONS_SIZE_MAX) {
      return fc__error(err, FC_ERR_INVALID, "%s: size is %zu; begin with its _INIT macro", name,
                       size);
    }
    const uint8_t *bytes = from;
    for (size_t i = ours; i < size; i++) {
      if (bytes[i] == 0) continue;
      return fc__error(err, FC_ERR_INVALID, "%s: an option at byte %zu is not known to version %s",
                       name, i, fc_version());
    }
    memcpy(copy, from, size < ours ? size : ours);
  }
  memcpy(copy, &ours, sizeof ours);
  return FC_OK;
}
