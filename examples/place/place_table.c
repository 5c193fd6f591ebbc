/* Reads zone1970.tab: countries, coordinates in ISO 6709, name and comment, with tabs between them. */
#include "place_table.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One coordinate, as "+4230" or "-0720041": a sign, degrees of so many digits, minutes, perhaps seconds. */
static bool parse_degrees(const char **text, size_t degree_digits, double *out) {
  const char *digits = *text + 1;
  size_t len = strspn(digits, "0123456789");
  bool seconds = len == degree_digits + 4;
  if ((**text != '+' && **text != '-') || !(seconds || len == degree_digits + 2)) return false;
  long value = strtol(digits, NULL, 10);
  if (!seconds) value *= 100;
  *out = (double)(value / 10000) + (double)(value / 100 % 100) / 60 + (double)(value % 100) / 3600;
  if (**text == '-') *out = -*out;
  *text = digits + len;
  return true;
}

static Place__Point *parse_point(const char *text) {
  Place__Point *point = malloc(sizeof *point);
  if (point == NULL) return NULL;
  place__point__init(point);
  if (!parse_degrees(&text, 2, &point->latitude) || !parse_degrees(&text, 3, &point->longitude)) {
    free(point);
    errno = EINVAL;
    return NULL;
  }
  return point;
}

static bool add_country(Place__Place *place, const char *code) {
  char **countries = realloc(place->countries, (place->n_countries + 1) * sizeof *countries);
  if (countries == NULL) return false;
  place->countries = countries;
  countries[place->n_countries] = strdup(code);
  return countries[place->n_countries++] != NULL;
}

/* Takes a line apart, which it changes. What was allocated belongs to place, also after a failure. */
static bool parse_line(char *line, Place__Place *place) {
  char *fields[4] = {"", "", "", ""}, *rest = line;
  line[strcspn(line, "\n")] = '\0';
  for (int i = 0; i < 4 && rest != NULL; i++) fields[i] = strsep(&rest, "\t");
  for (char *codes = fields[0]; codes != NULL;) {
    if (!add_country(place, strsep(&codes, ","))) return false;
  }
  place->location = parse_point(fields[1]);
  place->name = strdup(fields[2]);
  place->comment = strdup(fields[3]);
  return place->location != NULL && place->name != NULL && place->comment != NULL;
}

static bool add_line(struct place_table *table, char *line) {
  Place__Place *places = realloc(table->places, (table->count + 1) * sizeof *places);
  if (places == NULL) return false;
  table->places = places;
  place__place__init(&places[table->count]);
  return parse_line(line, &places[table->count++]);
}

int place_table_load(struct place_table *table, const char *path) {
  char *line = NULL;
  size_t size = 0;
  bool ok = true;
  *table = (struct place_table){NULL, 0};
  FILE *file = fopen(path, "r");
  if (file == NULL) return -1;
  while (ok && getline(&line, &size, file) > 0) ok = *line == '#' || add_line(table, line);
  int reason = errno;
  free(line);
  fclose(file);
  if (!ok) place_table_free(table);
  errno = reason;
  return ok ? 0 : -1;
}

/* protobuf-c initialises strings to a constant of its own, which is not for freeing. */
static void free_string(char *text) {
  if (text != protobuf_c_empty_string) free(text);
}

void place_table_free(struct place_table *table) {
  for (size_t i = 0; i < table->count; i++) {
    Place__Place *place = &table->places[i];
    for (size_t c = 0; c < place->n_countries; c++) free(place->countries[c]);
    free(place->countries);
    free(place->location);
    free_string(place->name);
    free_string(place->comment);
  }
  free(table->places);
  *table = (struct place_table){NULL, 0};
}

static bool same_name(const char *name, const char *asked) {
  for (; *name != '\0'; name++, asked++) {
    if (tolower((unsigned char)*name) != tolower((unsigned char)(*asked == ' ' ? '_' : *asked))) {
      return false;
    }
  }
  return *asked == '\0';
}

const Place__Place *place_table_find(const struct place_table *table, const char *name) {
  for (size_t i = 0; i < table->count; i++) {
    const char *slash = strrchr(table->places[i].name, '/');
    if (same_name(table->places[i].name, name)) return &table->places[i];
    if (slash != NULL && same_name(slash + 1, name)) return &table->places[i];
  }
  return NULL;
}

double place_distance_km(const Place__Point *from, const Place__Point *to) {
  const double radius_km = 6371.0088, radian = acos(-1) / 180;
  double north = sin((to->latitude - from->latitude) * radian / 2);
  double east = sin((to->longitude - from->longitude) * radian / 2);
  double chord =
      north * north + cos(from->latitude * radian) * cos(to->latitude * radian) * east * east;
  return 2 * radius_km * asin(sqrt(chord));
}
