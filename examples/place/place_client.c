/*
 * A tour through the atlas, with a call of each of the four patterns.
 *
 *   place_client [--tls FOLDER] [target]        with place_server, or place_server.py
 */
#include <farcall/rpc.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "place_secure.h"
#include "place_table.h"

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void print_took(double start) { printf("  took %.2f ms\n\n", (seconds() - start) * 1e3); }

static fc_call_options with_timeout(int64_t timeout_ns) {
  fc_call_options options = FC_CALL_OPTIONS_INIT;
  options.timeout_ns = timeout_ns;
  return options;
}

static void print_point(const Place__Point *point) {
  printf("%6.2f %c %7.2f %c", fabs(point->latitude), point->latitude < 0 ? 'S' : 'N',
         fabs(point->longitude), point->longitude < 0 ? 'W' : 'E');
}

static void print_place(fc_bytes *message) {
  fc_slice bytes = fc_bytes_slice(message);
  Place__Place *place = place__place__unpack(NULL, bytes.len, bytes.data);
  if (place == NULL) return;
  printf("  %-20s ", place->name);
  if (place->location != NULL) print_point(place->location);
  for (size_t i = 0; i < place->n_countries; i++)
    printf("%s%s", i ? "," : "  ", place->countries[i]);
  printf("%s%s\n", *place->comment ? "  " : "", place->comment);
  place__place__free_unpacked(place, NULL);
}

static fc_code print_end(fc_call *call) {
  const fc_status *status = fc_call_status(call);
  if (status->code != FC_CODE_OK) printf("  %s: %s\n", fc_code_name(status->code), status->message);
  return status->code;
}

/* Unary: one request, one response. */
static fc_code lookup(fc_channel *channel, char *text) {
  fc_call_options options = with_timeout(5 * FC_SECOND);
  Place__Name name = PLACE__NAME__INIT;
  fc_error err = FC_ERROR_INIT;
  fc_bytes *response;
  name.name = text;
  fc_bytes *request = place_pack(&name.base);
  printf("Where is %s?\n", text);
  double start = seconds();
  fc_code code = fc_unary_unary(channel, "/place.Atlas/Lookup", fc_bytes_slice(request), &options,
                                &response, NULL, &err);
  if (code == FC_CODE_OK) {
    print_place(response);
  } else {
    printf("  %s: %s\n", fc_code_name(code), err.message);
  }
  print_took(start);
  fc_bytes_unref(request);
  fc_bytes_unref(response);
  return code;
}

/* Server stream: one request, as many responses as there are. */
static fc_code list(fc_channel *channel, Place__Point south_west, Place__Point north_east) {
  fc_call_options options = with_timeout(5 * FC_SECOND);
  Place__Rectangle rectangle = PLACE__RECTANGLE__INIT;
  fc_call *call;
  fc_bytes *message;
  fc_code code = FC_CODE_UNKNOWN;
  rectangle.south_west = &south_west;
  rectangle.north_east = &north_east;
  fc_bytes *request = place_pack(&rectangle.base);
  printf("What lies between ");
  print_point(&south_west);
  printf(" and ");
  print_point(&north_east);
  printf("?\n");
  double start = seconds();
  if (fc_unary_stream(channel, "/place.Atlas/ListInRectangle", fc_bytes_slice(request), &options,
                      &call, NULL) == FC_OK) {
    for (; fc_call_recv(call, &message) == FC_OK; fc_bytes_unref(message)) print_place(message);
    code = print_end(call);
    fc_call_destroy(call);
  }
  print_took(start);
  fc_bytes_unref(request);
  return code;
}

/* Where the requests of a client stream come from. */
static fc_bytes *next_stop(fc_call *call, void *user) {
  (void)call;
  char ***stop = user;
  Place__Name name = PLACE__NAME__INIT;
  if (**stop == NULL) return NULL;
  name.name = *(*stop)++;
  printf("%s%s", name.name, **stop ? ", " : "?\n");
  return place_pack(&name.base);
}

/* Client stream: a request for each stop, one response for the whole. */
static fc_code record_route(fc_channel *channel, char **stops) {
  fc_call_options options = with_timeout(5 * FC_SECOND);
  fc_error err = FC_ERROR_INIT;
  fc_bytes *response;
  printf("How long is the way by ");
  double start = seconds();
  fc_code code = fc_stream_unary(channel, "/place.Atlas/RecordRoute", next_stop, &stops, &options,
                                 &response, NULL, &err);
  fc_slice bytes = fc_bytes_slice(response);
  Place__Route *route = place__route__unpack(NULL, bytes.len, bytes.data);
  if (code != FC_CODE_OK || route == NULL) {
    printf("  %s: %s\n", fc_code_name(code), err.message);
  } else {
    printf("  %.1f km by %u places; the longest leg is from %s to %s, %.1f km\n", route->km,
           route->places, route->longest_from, route->longest_to, route->longest_km);
  }
  print_took(start);
  if (route != NULL) place__route__free_unpacked(route, NULL);
  fc_bytes_unref(response);
  return code;
}

static void *leave_notes(void *arg) {
  static char *notes[][3] = {
      {"Paris", "Ann", "Is the tower still there?"},
      {"Tokyo", "Bo", "The trains run to the second."},
      {"Paris", "Cy", "It is, and so is the queue."},
      {"Tokyo", "Ann", "Then I shall be late."},
      {"Paris", "Bo", "Come to Tokyo, it is quicker."},
  };
  fc_call *call = arg;
  for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++) {
    Place__Note note = PLACE__NOTE__INIT;
    note.place = notes[i][0];
    note.author = notes[i][1];
    note.text = notes[i][2];
    fc_bytes *message = place_pack(&note.base);
    if (fc_call_send(call, message, 0) != FC_OK) {
      fc_bytes_unref(message);
      break;
    }
  }
  fc_call_close_send(call);
  return NULL;
}

static void print_note(fc_bytes *message) {
  fc_slice bytes = fc_bytes_slice(message);
  Place__Note *note = place__note__unpack(NULL, bytes.len, bytes.data);
  if (note == NULL) return;
  printf("  %s, %s: %s\n", note->place, note->author, note->text);
  place__note__free_unpacked(note, NULL);
}

/* Both directions at once: a thread leaves notes, this one reads what was there before each of them. */
static fc_code chat(fc_channel *channel) {
  fc_call_options options = with_timeout(5 * FC_SECOND);
  fc_call *call;
  fc_bytes *message;
  pthread_t writer;
  fc_code code = FC_CODE_UNKNOWN;
  printf("Ann, Bo and Cy leave notes. What do they find?\n");
  double start = seconds();
  if (fc_stream_stream(channel, "/place.Atlas/Chat", &options, &call, NULL) != FC_OK) return code;
  if (pthread_create(&writer, NULL, leave_notes, call) == 0) {
    for (; fc_call_recv(call, &message) == FC_OK; fc_bytes_unref(message)) print_note(message);
    pthread_join(writer, NULL);
    code = print_end(call);
  }
  fc_call_destroy(call);
  print_took(start);
  return code;
}

static fc_result connect_to(const char *target, const char *tls_folder, fc_channel **channel,
                            fc_error *err) {
  fc_channel_options options = FC_CHANNEL_OPTIONS_INIT;
  fc_result result = FC_OK;
  if (tls_folder != NULL) result = place_client_credentials(tls_folder, &options.credentials, err);
  if (result == FC_OK) result = fc_channel_create(target, &options, channel, err);
  fc_channel_credentials_destroy(options.credentials); /* the channel keeps its own reference */
  return result == FC_OK ? fc_channel_wait_ready(*channel, 10 * FC_SECOND, err) : result;
}

int main(int argc, char **argv) {
  char *route[] = {"London", "Istanbul", "Tehran", "Kolkata", "Singapore", "Sydney", NULL};
  Place__Point south_west = PLACE__POINT__INIT, north_east = PLACE__POINT__INIT;
  fc_error err = FC_ERROR_INIT;
  fc_channel *channel = NULL;
  const char *tls_folder = place_tls_folder(&argc, &argv);
  if (connect_to(argc > 1 ? argv[1] : "127.0.0.1:50051", tls_folder, &channel, &err) != FC_OK) {
    fprintf(stderr, "%s\n", err.message);
    fc_channel_destroy(channel);
    return 1;
  }
  south_west.latitude = -25, south_west.longitude = -180;
  north_east.latitude = 0, north_east.longitude = -130;
  bool ok = lookup(channel, "Kolkata") == FC_CODE_OK &&
            lookup(channel, "Atlantis") == FC_CODE_NOT_FOUND &&
            list(channel, south_west, north_east) == FC_CODE_OK &&
            record_route(channel, route) == FC_CODE_OK && chat(channel) == FC_CODE_OK;
  fc_channel_destroy(channel);
  return !ok;
}
