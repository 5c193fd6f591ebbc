/*
 * The atlas server: looks places up, lists them, measures routes, and keeps notes at places.
 *
 *   place_server [--tls FOLDER] [address [table]]    "127.0.0.1:0" by default; prints the port, serves until Ctrl-C
 */
#include <errno.h>
#include <farcall/server.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "place_secure.h"
#include "place_table.h"

enum { NOTES_MAX = 256 }; /* the oldest are forgotten */

struct note {
  const Place__Place *place;
  fc_bytes *message;
};

struct atlas {
  struct place_table table;
  pthread_mutex_t mutex; /* of the notes; handlers run on several threads */
  struct note notes[NOTES_MAX];
  size_t note_count; /* ever left */
};

static void finish(fc_call *call, fc_code code, const char *message) {
  fc_call_finish(call, code, message, (fc_slice){NULL, 0});
}

static void finish_not_found(fc_call *call, const char *name) {
  char text[200];
  snprintf(text, sizeof text, "No place is called \"%s\"", name);
  finish(call, FC_CODE_NOT_FOUND, text);
}

/* Fails when the client has gone, and then nobody needs an answer. */
static void respond(fc_call *call, const ProtobufCMessage *message) {
  fc_bytes *bytes = place_pack(message);
  if (fc_call_respond(call, bytes) != FC_OK) fc_bytes_unref(bytes);
}

/* Receives the name of a place. FC_END: there is none; FC_ERR_INVALID: it is not known, the call has ended. */
static fc_result receive_place(const struct atlas *atlas, fc_call *call,
                               const Place__Place **place) {
  fc_bytes *message;
  if (fc_call_recv(call, &message) != FC_OK) return FC_END;
  fc_slice bytes = fc_bytes_slice(message);
  Place__Name *name = place__name__unpack(NULL, bytes.len, bytes.data);
  *place = name != NULL ? place_table_find(&atlas->table, name->name) : NULL;
  if (*place == NULL) finish_not_found(call, name != NULL ? name->name : "?");
  if (name != NULL) place__name__free_unpacked(name, NULL);
  fc_bytes_unref(message);
  return *place != NULL ? FC_OK : FC_ERR_INVALID;
}

/* Never waits, so it runs on the reactor, without a thread of its own, and gives the handle back itself. */
static void lookup(fc_call *call, void *user) {
  const Place__Place *place;
  if (receive_place(user, call, &place) == FC_OK) respond(call, &place->base);
  fc_call_destroy(call);
}

static bool inside(const Place__Rectangle *rectangle, const Place__Point *point) {
  const Place__Point *south_west = rectangle->south_west, *north_east = rectangle->north_east;
  return south_west != NULL && north_east != NULL && south_west->latitude <= point->latitude &&
         point->latitude <= north_east->latitude && south_west->longitude <= point->longitude &&
         point->longitude <= north_east->longitude;
}

static bool send_place(fc_call *call, const Place__Place *place) {
  fc_bytes *message = place_pack(&place->base);
  bool sent = fc_call_send(call, message, 0) == FC_OK;
  if (!sent) fc_bytes_unref(message);
  return sent;
}

static void list_in_rectangle(fc_call *call, void *user) {
  const struct atlas *atlas = user;
  fc_bytes *message;
  if (fc_call_recv(call, &message) != FC_OK) return;
  fc_slice bytes = fc_bytes_slice(message);
  Place__Rectangle *rectangle = place__rectangle__unpack(NULL, bytes.len, bytes.data);
  fc_bytes_unref(message);
  if (rectangle == NULL) {
    finish(call, FC_CODE_INVALID_ARGUMENT, "Not a rectangle");
    return;
  }
  bool going = true;
  for (size_t i = 0; going && i < atlas->table.count; i++) {
    const Place__Place *place = &atlas->table.places[i];
    if (inside(rectangle, place->location)) going = send_place(call, place);
  }
  place__rectangle__free_unpacked(rectangle, NULL);
  if (going) finish(call, FC_CODE_OK, NULL);
}

static void record_route(fc_call *call, void *user) {
  const Place__Place *last = NULL, *place;
  Place__Route route = PLACE__ROUTE__INIT;
  fc_result result;
  for (; (result = receive_place(user, call, &place)) == FC_OK; last = place) {
    route.places++;
    if (last == NULL) continue;
    double km = place_distance_km(last->location, place->location);
    route.km += km;
    if (km > route.longest_km) {
      route.longest_km = km;
      route.longest_from = last->name;
      route.longest_to = place->name;
    }
  }
  if (result == FC_END) respond(call, &route.base);
}

/* Keeps a note, and gives the earlier ones at its place. */
static size_t keep_note(struct atlas *atlas, const struct note *note, fc_bytes **earlier) {
  size_t count = 0;
  pthread_mutex_lock(&atlas->mutex);
  size_t at = atlas->note_count > NOTES_MAX ? atlas->note_count - NOTES_MAX : 0;
  for (; at < atlas->note_count; at++) {
    struct note *old = &atlas->notes[at % NOTES_MAX];
    if (old->place == note->place) earlier[count++] = fc_bytes_ref(old->message);
  }
  struct note *slot = &atlas->notes[atlas->note_count++ % NOTES_MAX];
  fc_bytes_unref(slot->message);
  *slot = (struct note){note->place, fc_bytes_ref(note->message)};
  pthread_mutex_unlock(&atlas->mutex);
  return count;
}

/* Answers a note with those before it; says whether the call goes on. */
static bool answer_note(struct atlas *atlas, fc_call *call, fc_bytes *message) {
  fc_bytes *earlier[NOTES_MAX];
  size_t count = 0;
  fc_slice bytes = fc_bytes_slice(message);
  Place__Note *note = place__note__unpack(NULL, bytes.len, bytes.data);
  const Place__Place *place = note != NULL ? place_table_find(&atlas->table, note->place) : NULL;
  bool going = place != NULL;
  if (going) {
    count = keep_note(atlas, &(struct note){place, message}, earlier);
  } else {
    finish_not_found(call, note != NULL ? note->place : "?");
  }
  if (note != NULL) place__note__free_unpacked(note, NULL);
  for (size_t i = 0; i < count; i++) {
    going = going && fc_call_send(call, earlier[i], 0) == FC_OK;
    if (!going) fc_bytes_unref(earlier[i]);
  }
  return going;
}

static void chat(fc_call *call, void *user) {
  fc_bytes *message;
  bool going = true;
  while (going && fc_call_recv(call, &message) == FC_OK) {
    going = answer_note(user, call, message);
    fc_bytes_unref(message);
  }
  if (going) finish(call, FC_CODE_OK, NULL);
}

static const struct {
  const char *name;
  fc_pattern pattern;
  fc_handler_kind kind;
  fc_handler_fn fn;
} methods[] = {
    {"/place.Atlas/Lookup", FC_PATTERN_UNARY_UNARY, FC_HANDLER_ASYNC, lookup},
    {"/place.Atlas/ListInRectangle", FC_PATTERN_UNARY_STREAM, FC_HANDLER_BLOCKING,
     list_in_rectangle},
    {"/place.Atlas/RecordRoute", FC_PATTERN_STREAM_UNARY, FC_HANDLER_BLOCKING, record_route},
    {"/place.Atlas/Chat", FC_PATTERN_STREAM_STREAM, FC_HANDLER_BLOCKING, chat},
};

static fc_result listen_at(fc_server *server, const char *address, const char *tls_folder,
                           int *port, fc_error *err) {
  fc_server_credentials *credentials;
  if (tls_folder == NULL) return fc_server_listen(server, address, port, err);
  fc_result result = place_server_credentials(tls_folder, &credentials, err);
  if (result == FC_OK) result = fc_server_listen_secure(server, address, credentials, port, err);
  fc_server_credentials_destroy(credentials); /* the server keeps its own reference */
  return result;
}

static fc_result set_up(struct atlas *atlas, const char *address, const char *tls_folder,
                        fc_server **server, int *port, fc_error *err) {
  fc_result result = fc_server_create(NULL, server, err);
  for (size_t i = 0; result == FC_OK && i < sizeof methods / sizeof methods[0]; i++) {
    fc_handler handler = FC_HANDLER_INIT;
    handler.pattern = methods[i].pattern;
    handler.kind = methods[i].kind;
    handler.fn = methods[i].fn;
    handler.user = atlas;
    result = fc_server_register(*server, methods[i].name, &handler, err);
  }
  if (result == FC_OK) result = listen_at(*server, address, tls_folder, port, err);
  if (result == FC_OK) result = fc_server_start(*server, err);
  return result;
}

static bool serve(struct atlas *atlas, const char *address, const char *tls_folder) {
  fc_error err = FC_ERROR_INIT;
  fc_server *server = NULL;
  int port = 0, signal_number = 0;
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop, NULL); /* before the library starts threads, which inherit it */

  bool ok = set_up(atlas, address, tls_folder, &server, &port, &err) == FC_OK;
  if (ok) {
    printf("listening on port %d\n", port);
    fflush(stdout);
    sigwait(&stop, &signal_number);
    ok =
        fc_server_shutdown(server, FC_SECOND) == FC_OK && fc_server_wait(server, FC_NEVER) == FC_OK;
  } else {
    fprintf(stderr, "%s\n", err.message);
  }
  fc_server_destroy(server);
  return ok;
}

int main(int argc, char **argv) {
  static struct atlas atlas = {.mutex = PTHREAD_MUTEX_INITIALIZER};
  const char *tls_folder = place_tls_folder(&argc, &argv);
  const char *path = argc > 2 ? argv[2] : PLACE_TABLE_PATH;
  if (place_table_load(&atlas.table, path) != 0) {
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    return 1;
  }
  bool ok = serve(&atlas, argc > 1 ? argv[1] : "127.0.0.1:0", tls_folder);
  for (size_t i = 0; i < NOTES_MAX; i++) fc_bytes_unref(atlas.notes[i].message);
  place_table_free(&atlas.table);
  return !ok;
}
