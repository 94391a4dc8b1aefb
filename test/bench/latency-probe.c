/*
 * latency-probe FILE SECONDS: what a guest's service feels. Every millisecond, on the clock, it reads 4 kB at a random place
 * of its file and does a little work; a sample is the time from when it should have begun to when it is done, so that
 * waiting for a processor counts. Prints one sample a line, in nanoseconds.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BLOCK 4096
#define EVERY_NS 1000000
/* About 50 µs on one core of 2020: a small request. */
#define PASSES 16

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int main(int count, char **arguments) {
  static unsigned char block[BLOCK];
  struct stat stat;
  int fd = count == 3 ? open(arguments[1], O_RDONLY) : -1;
  if (fd < 0 || fstat(fd, &stat) != 0 || stat.st_size < BLOCK) return 2;
  int64_t samples = atoll(arguments[2]) * (1000000000LL / EVERY_NS), *taken = calloc((size_t)samples, sizeof *taken);
  if (taken == NULL) return 1;
  uint64_t random = 88172645463325252ULL, sum = 0;
  int64_t start = now();
  for (int64_t at = 0; at < samples; at++) {
    int64_t due = start + at * EVERY_NS;
    struct timespec until = {due / 1000000000, due % 1000000000};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    random ^= random << 13, random ^= random >> 7, random ^= random << 17;
    if (pread(fd, block, BLOCK, (off_t)(random % (uint64_t)(stat.st_size / BLOCK)) * BLOCK) != BLOCK) return 1;
    for (int pass = 0; pass < PASSES; pass++)
      for (int byte = 0; byte < BLOCK; byte++) sum = sum * 31 + block[byte];
    taken[at] = now() - due;
  }
  for (int64_t at = 0; at < samples; at++) printf("%lld\n", (long long)taken[at]);
  return sum == 1; /* so that the work is not left out */
}
