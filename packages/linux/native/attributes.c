#include "attributes.h"
#include "sha256.h"
#include <errno.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>

/* Flags that somebody set; the others (extents, indexed, inline data) tell how the file system stores the file. */
#define MEANT (FS_SECRM_FL | FS_UNRM_FL | FS_COMPR_FL | FS_SYNC_FL | FS_NODUMP_FL | FS_NOATIME_FL | FS_NOCOMP_FL | FS_JOURNAL_DATA_FL | FS_NOTAIL_FL | FS_NOCOW_FL | FS_DAX_FL)
#define MEANT_X (FS_XFLAG_REALTIME | FS_XFLAG_SYNC | FS_XFLAG_NOATIME | FS_XFLAG_NODUMP | FS_XFLAG_NODEFRAG | FS_XFLAG_DAX | FS_XFLAG_COWEXTSIZE | FS_XFLAG_EXTSIZE)
/* The kernel's own bounds (XATTR_LIST_MAX, XATTR_SIZE_MAX). */
#define LIST_MAX 65536
#define VALUE_MAX 65536

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static int hash_xattrs(int fd, Sha256 *sha) {
  char *list = malloc(LIST_MAX), *value = malloc(VALUE_MAX), **names = NULL;
  int error = list == NULL || value == NULL ? ENOMEM : 0;
  ssize_t size = error ? 0 : flistxattr(fd, list, LIST_MAX);
  if (size < 0) error = errno;
  size_t count = 0;
  if (error == 0) {
    for (ssize_t at = 0; at < size; at++) count += list[at] == 0;
    names = malloc(count * sizeof *names + 1);
    if (names == NULL) error = ENOMEM;
  }
  if (error == 0) {
    count = 0;
    for (char *at = list; at < list + size; at += strlen(at) + 1) names[count++] = at;
    qsort(names, count, sizeof *names, by_name);
    for (size_t at = 0; at < count && error == 0; at++) {
      ssize_t length = fgetxattr(fd, names[at], value, VALUE_MAX);
      if (length < 0) {
        if (errno == ENODATA) continue;
        error = errno;
        break;
      }
      uint64_t lengths[2] = {strlen(names[at]), (uint64_t)length};
      sha256_add(sha, lengths, sizeof lengths);
      sha256_add(sha, names[at], lengths[0]);
      sha256_add(sha, value, lengths[1]);
    }
  }
  free(list);
  free(value);
  free(names);
  return error;
}

int attributes_read(int fd, Attributes *attributes) {
  memset(attributes, 0, sizeof *attributes);
  ssize_t listed = flistxattr(fd, NULL, 0);
  if (listed < 0 && errno != ENOTSUP && errno != ERANGE && errno != E2BIG) return errno;
  int flags = 0;
  struct fsxattr extended = {0};
  /* ENOTTY, EOPNOTSUPP: the file system has no such flags. */
  if (ioctl(fd, FS_IOC_GETFLAGS, &flags) != 0 && errno != ENOTTY && errno != EOPNOTSUPP) return errno;
  if (ioctl(fd, FS_IOC_FSGETXATTR, &extended) != 0 && errno != ENOTTY && errno != EOPNOTSUPP) return errno;
  uint32_t words[3] = {(uint32_t)flags & MEANT, extended.fsx_xflags & MEANT_X, extended.fsx_projid};
  if (listed <= 0 && words[0] == 0 && words[1] == 0 && words[2] == 0) return 0;
  Sha256 sha;
  sha256_start(&sha);
  sha256_add(&sha, words, sizeof words);
  if (listed > 0) {
    int error = hash_xattrs(fd, &sha);
    if (error) return error;
  }
  sha256_end(&sha, attributes->digest);
  return 0;
}

int attributes_copy(int from, int to) {
  char *list = malloc(LIST_MAX), *value = malloc(VALUE_MAX);
  int error = list == NULL || value == NULL ? ENOMEM : 0;
  ssize_t size = error ? 0 : flistxattr(from, list, LIST_MAX);
  if (size < 0) error = errno == ENOTSUP ? 0 : errno, size = 0;
  for (char *at = list; error == 0 && at < list + size; at += strlen(at) + 1) {
    ssize_t length = fgetxattr(from, at, value, VALUE_MAX);
    if (length < 0) error = errno == ENODATA ? 0 : errno;
    else if (fsetxattr(to, at, value, (size_t)length, 0) != 0) error = errno;
  }
  free(list);
  free(value);
  if (error) return error;
  struct fsxattr wanted, present;
  if (ioctl(from, FS_IOC_FSGETXATTR, &wanted) == 0 && ioctl(to, FS_IOC_FSGETXATTR, &present) == 0 &&
      (present.fsx_projid != wanted.fsx_projid || ((present.fsx_xflags ^ wanted.fsx_xflags) & MEANT_X) || present.fsx_extsize != wanted.fsx_extsize)) {
    present.fsx_projid = wanted.fsx_projid;
    present.fsx_xflags = (present.fsx_xflags & ~(uint32_t)MEANT_X) | (wanted.fsx_xflags & MEANT_X);
    present.fsx_extsize = wanted.fsx_extsize;
    if (ioctl(to, FS_IOC_FSSETXATTR, &present) != 0) return errno;
  }
  int flags = 0, have = 0;
  if (ioctl(from, FS_IOC_GETFLAGS, &flags) == 0 && ioctl(to, FS_IOC_GETFLAGS, &have) == 0 && ((flags ^ have) & MEANT)) {
    have = (have & ~MEANT) | (flags & MEANT);
    if (ioctl(to, FS_IOC_SETFLAGS, &have) != 0) return errno;
  }
  return 0;
}

int immutable_set(int fd, int on, int *was) {
  int flags;
  if (ioctl(fd, FS_IOC_GETFLAGS, &flags) != 0) return errno;
  if (was != NULL) *was = (flags & FS_IMMUTABLE_FL) != 0;
  int wanted = on ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
  return wanted == flags || ioctl(fd, FS_IOC_SETFLAGS, &wanted) == 0 ? 0 : errno;
}
