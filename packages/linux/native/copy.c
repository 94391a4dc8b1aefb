#include "copy.h"
#include "attributes.h"
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK ((size_t)256 << 10)

static int copy_range(int from, int to, off_t at, off_t end, char *buffer, Control *control, uint64_t *written) {
  while (at < end) {
    size_t want = end - at < (off_t)BLOCK ? (size_t)(end - at) : BLOCK;
    ssize_t got = pread(from, buffer, want, at);
    if (got < 0) return errno;
    if (got == 0) return ESTALE;
    for (ssize_t put = 0, part; put < got; put += part)
      if ((part = pwrite(to, buffer + put, (size_t)(got - put), at + put)) < 0) return errno;
    at += got;
    *written += (uint64_t)got;
    control_charge(control, got);
    if (control_wait(control)) return ECANCELED;
  }
  return 0;
}

static int copy_content(int from, int to, off_t size, Control *control, uint64_t *written) {
  char *buffer = malloc(BLOCK);
  if (buffer == NULL) return ENOMEM;
  int error = ftruncate(to, size) != 0 ? errno : 0;
  /* read and write, not copy_file_range: that would share the blocks again on XFS and btrfs. */
  for (off_t at = 0; at < size && error == 0;) {
    off_t data = lseek(from, at, SEEK_DATA);
    if (data < 0) {
      if (errno != ENXIO) error = errno;
      break;
    }
    off_t hole = lseek(from, data, SEEK_HOLE);
    if (hole < 0) hole = size;
    error = copy_range(from, to, data, hole < size ? hole : size, buffer, control, written);
    at = hole;
  }
  free(buffer);
  return error;
}

int copy_file(int from, int to, Control *control, uint64_t *written) {
  struct stat stat;
  if (fstat(from, &stat) != 0) return errno;
  int error = copy_content(from, to, stat.st_size, control, written);
  /* Owner before mode and capabilities: a change of owner clears them. */
  if (error == 0 && fchown(to, stat.st_uid, stat.st_gid) != 0) error = errno;
  if (error == 0 && fchmod(to, stat.st_mode & 07777) != 0) error = errno;
  if (error == 0) error = attributes_copy(from, to);
  struct timespec times[2] = {stat.st_atim, stat.st_mtim};
  if (error == 0 && futimens(to, times) != 0) error = errno;
  return error;
}

int compare_files(int left, int right, uint64_t size, Control *control) {
  char *buffer = malloc(BLOCK * 2);
  if (buffer == NULL) return ENOMEM;
  int error = 0;
  for (uint64_t at = 0; at < size && error == 0;) {
    ssize_t one = pread(left, buffer, BLOCK, (off_t)at);
    ssize_t two = one <= 0 ? one : pread(right, buffer + BLOCK, (size_t)one, (off_t)at);
    if (one < 0 || two < 0) error = errno;
    else if (one == 0 || one != two || memcmp(buffer, buffer + BLOCK, (size_t)one) != 0) error = ESTALE;
    else at += (uint64_t)one;
    if (control != NULL && control_wait(control)) error = ECANCELED;
  }
  free(buffer);
  return error;
}
