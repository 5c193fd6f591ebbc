/*
 * Runs a fuzz target over saved inputs without libFuzzer, so that every compiler can check them: first the
 * empty input, then each file named, and each file of each folder named, in the order of their names.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t *read_file(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  if (!file) return NULL;
  struct stat info;
  uint8_t *data = NULL;
  if (fstat(fileno(file), &info) == 0 && (data = malloc((size_t)info.st_size + 1)) != NULL) {
    *size = fread(data, 1, (size_t)info.st_size, file);
    if (*size != (size_t)info.st_size) {
      free(data);
      data = NULL;
    }
  }
  fclose(file);
  return data;
}

/* The input is copied to a block of its very size, so that a sanitizer sees a read past its end. */
static bool replay_file(const char *path) {
  size_t size = 0;
  uint8_t *data = read_file(path, &size);
  uint8_t *exact = data ? realloc(data, size ? size : 1) : NULL;
  if (!exact) {
    free(data);
    fprintf(stderr, "%s: cannot be read\n", path);
    return false;
  }
  fprintf(stderr, "%s: %zu bytes\n", path, size);
  LLVMFuzzerTestOneInput(exact, size);
  free(exact);
  return true;
}

static bool replay_folder(const char *path, size_t *count) {
  struct dirent **entries;
  int found = scandir(path, &entries, NULL, alphasort);
  if (found < 0) return false;
  bool ok = true;
  for (int i = 0; i < found; i++) {
    if (entries[i]->d_name[0] != '.') {
      char file[4096];
      snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
      ok = replay_file(file) && ok;
      ++*count;
    }
    free(entries[i]);
  }
  free(entries);
  return ok;
}

int main(int argc, char **argv) {
  size_t count = 1;
  bool ok = true;
  LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
  for (int i = 1; i < argc; i++) {
    struct stat info;
    if (stat(argv[i], &info) != 0) {
      fprintf(stderr, "%s: no such file or folder\n", argv[i]);
      ok = false;
    } else if (S_ISDIR(info.st_mode)) {
      ok = replay_folder(argv[i], &count) && ok;
    } else {
      ok = replay_file(argv[i]) && ok;
      count++;
    }
  }
  printf("%zu inputs replayed\n", count);
  return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
