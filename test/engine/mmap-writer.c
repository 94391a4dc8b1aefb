/*
 * mmap-writer DIRECTORY STOP: the part of a hostile guest that a script cannot play. Until a file STOP exists it writes
 * through shared mappings, also after their descriptors are closed, and replaces files by FIFOs and devices, at full speed.
 * Every write it makes it reads back by name: what it wrote and cannot find is lost. Prints `{operations, lost}`.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#define FILES 40
#define SIZE 8000
#define STAMP 24 /* of SIZE: where a write goes and what it says */

static const struct timespec times[2] = {{1700000000, 0}, {1700000000, 0}};
static long operations, lost, serial;
static char what[4096];

static void lose(const char *kind, int number, const char *found) {
  if (lost++ < 10) snprintf(what + strlen(what), sizeof what - strlen(what), "%s\"%s %d: found %.24s\"", lost > 1 ? "," : "", kind, number, found);
}

static void original(char *text, int number) {
  memset(text, 'a' + number % 26, SIZE);
  snprintf(text, STAMP, "%022d", number);
}

/* The original again, with its time: equal to the other guests' files. Refused (EPERM) while it is shared and guarded. */
static void restore(const char *path, int number) {
  char text[SIZE];
  original(text, number);
  unlink(path);
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK, 0644);
  if (fd < 0) return;
  if (write(fd, text, SIZE) == SIZE) futimens(fd, times);
  close(fd);
}

/* What the name says must be what was written last: this program is the only writer of its guest's file. */
static void check(const char *kind, const char *path, int number, const char *stamp) {
  char found[STAMP + 1] = {0};
  int fd = open(path, O_RDONLY | O_NONBLOCK);
  if (fd < 0 || pread(fd, found, STAMP, 0) != STAMP || memcmp(found, stamp, STAMP) != 0) lose(kind, number, fd < 0 ? strerror(errno) : found);
  if (fd >= 0) close(fd);
}

static void write_mapped(const char *path, int number, int pauses) {
  char stamp[STAMP + 1];
  int fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return;
  char *map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd); /* from here on only the mapping tells that somebody writes */
  if (map == MAP_FAILED) return;
  for (int round = 0; round <= pauses; round++) {
    snprintf(stamp, sizeof stamp, "mapped %016ld ", serial++);
    memcpy(map, stamp, STAMP);
    check("mapped", path, number, stamp);
    if (pauses) nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
  }
  check("still mapped", path, number, stamp);
  munmap(map, SIZE);
  check("unmapped", path, number, stamp);
}

static void write_plain(const char *path, int number) {
  char stamp[STAMP + 1];
  snprintf(stamp, sizeof stamp, "written %015ld ", serial++);
  int fd = open(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK);
  struct stat stat;
  if (fd < 0) return;
  /* What a device takes it does not give back. */
  if (fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode) && pwrite(fd, stamp, STAMP, 0) == STAMP) {
    futimens(fd, times); /* the old time: only reading tells */
    close(fd);
    check("written", path, number, stamp);
  } else close(fd);
}

static void replace(const char *path, mode_t type) {
  char beside[4096];
  snprintf(beside, sizeof beside, "%s.new", path);
  if (mknod(beside, type | 0644, makedev(1, 3)) == 0 && rename(beside, path) != 0) unlink(beside);
}

int main(int count, char **arguments) {
  char path[4096];
  if (count != 3) return 2;
  srand(1);
  while (operations % 64 != 0 || access(arguments[2], F_OK) != 0) {
    operations++;
    int number = rand() % FILES;
    snprintf(path, sizeof path, "%s/m%d", arguments[1], number);
    switch (rand() % 8) {
    case 0: write_mapped(path, number, 0); break;
    case 1: write_mapped(path, number, rand() % 8); break;
    case 2: write_plain(path, number); break;
    case 3: replace(path, S_IFIFO); break;
    case 4: replace(path, S_IFCHR); break;
    default: restore(path, number);
    }
  }
  printf("{\"operations\":%ld,\"lost\":[%s]}\n", operations, what);
  return 0;
}
