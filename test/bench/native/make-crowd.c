/*
 * Very many files that are like one another, fast: GUESTS trees of the same FILES names, a hundred to a directory. File
 * number n is 1 + n % SIZES bytes long in every guest, all hole, and has a time of its own.
 * usage: make-crowd DIRECTORY GUESTS FILES SIZES
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define A_DIRECTORY 100

static int top;
static long guests, files, sizes;
static _Atomic long next_guest;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void *make_guests(void *argument) {
  (void)argument;
  for (long guest; (guest = atomic_fetch_add(&next_guest, 1)) < guests;) {
    char name[64];
    int directory = -1;
    for (long file = 0; file < files; file++) {
      if (file % A_DIRECTORY == 0) {
        if (directory >= 0) close(directory);
        snprintf(name, sizeof name, "guest-%ld/%06ld", guest + 1, file / A_DIRECTORY);
        if (file == 0) {
          snprintf(name, sizeof name, "guest-%ld", guest + 1);
          if (mkdirat(top, name, 0755) != 0) fail(name);
          snprintf(name, sizeof name, "guest-%ld/%06ld", guest + 1, file / A_DIRECTORY);
        }
        if (mkdirat(top, name, 0755) != 0) fail(name);
        directory = openat(top, name, O_RDONLY | O_DIRECTORY);
      }
      snprintf(name, sizeof name, "library-%08ld.so", file);
      int fd = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL, 0644);
      struct timespec times[2] = {{.tv_sec = 1700000000 + file}, {.tv_sec = 1700000000 + file}};
      if (fd < 0 || ftruncate(fd, 1 + file % sizes) != 0 || futimens(fd, times) != 0) fail(name);
      close(fd);
    }
    if (directory >= 0) close(directory);
  }
  return NULL;
}

int main(int count, char **words) {
  if (count != 5) return 2;
  guests = atol(words[2]);
  files = atol(words[3]);
  sizes = atol(words[4]);
  top = open(words[1], O_RDONLY | O_DIRECTORY);
  if (top < 0) fail(words[1]);
  long threads = sysconf(_SC_NPROCESSORS_ONLN);
  pthread_t ids[threads];
  for (long at = 0; at < threads; at++) pthread_create(&ids[at], NULL, make_guests, NULL);
  for (long at = 0; at < threads; at++) pthread_join(ids[at], NULL);
  return 0;
}
