/*
 * watched-disk IMAGE PLACE LOG [BAD]: shows the file IMAGE at the file PLACE, through FUSE, so that a file system mounted from
 * PLACE has every request done by this program, one after the other. LOG gets every write and flush, in the format of the
 * kernel's dm-log-writes. Reads of the byte at BAD fail with EIO. Prints a line when PLACE is there; ends with its standard input.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SECTOR 512
#define MOST ((uint32_t)1 << 20) /* bytes a write, as told to the kernel */
#define MAGIC 0x6a736677736872ULL
enum { LOG_FLUSH = 1 };

static int device, image, record;
static long long bad = -1;
static uint64_t entries, log_at = SECTOR;

static void note(uint64_t offset, uint32_t size, uint64_t flags, const char *data) {
  union {
    struct { uint64_t sector, sectors, flags, length; } entry;
    struct { uint64_t magic, version, entries; uint32_t sector; } super;
    char bytes[SECTOR];
  } head;
  memset(&head, 0, sizeof head);
  head.entry.sector = offset / SECTOR;
  head.entry.sectors = size / SECTOR;
  head.entry.flags = flags;
  entries++;
  if (pwrite(record, &head, SECTOR, (off_t)log_at) != SECTOR || pwrite(record, data, size, (off_t)log_at + SECTOR) != (ssize_t)size) abort();
  log_at += SECTOR + size;
  memset(&head, 0, sizeof head);
  head.super.magic = MAGIC;
  head.super.version = 1;
  head.super.entries = entries;
  head.super.sector = SECTOR;
  if (pwrite(record, &head, SECTOR, 0) != SECTOR) abort();
}

static void reply(uint64_t unique, int error, const void *data, size_t size) {
  struct fuse_out_header header = {.unique = unique, .error = -error, .len = (uint32_t)(sizeof header + (error ? 0 : size))};
  struct iovec parts[2] = {{&header, sizeof header}, {(void *)data, error ? 0 : size}};
  if (writev(device, parts, 2) < 0 && errno != ENOENT) perror("watched-disk"); /* ENOENT: the request was given up */
}

static void answer(const struct fuse_in_header *request, char *body) {
  static char data[MOST];
  struct stat stat;
  switch (request->opcode) {
  case FUSE_INIT: {
    const struct fuse_init_in *in = (void *)body;
    struct fuse_init_out out = {.major = FUSE_KERNEL_VERSION, .minor = 31, .max_readahead = in->max_readahead, .flags = FUSE_BIG_WRITES | FUSE_MAX_PAGES, .max_write = MOST, .max_pages = MOST / 4096, .time_gran = 1};
    return reply(request->unique, 0, &out, sizeof out);
  }
  case FUSE_GETATTR: {
    if (fstat(image, &stat) != 0) return reply(request->unique, errno, NULL, 0);
    struct fuse_attr_out out = {.attr_valid = 3600, .attr = {.ino = FUSE_ROOT_ID, .size = (uint64_t)stat.st_size, .blocks = (uint64_t)stat.st_size / SECTOR, .mode = S_IFREG | 0600, .nlink = 1, .blksize = 4096}};
    return reply(request->unique, 0, &out, sizeof out);
  }
  case FUSE_OPEN: {
    /* Nothing is kept in the page cache: what a file system asks for comes here. */
    struct fuse_open_out out = {.open_flags = FOPEN_DIRECT_IO};
    return reply(request->unique, 0, &out, sizeof out);
  }
  case FUSE_READ: {
    const struct fuse_read_in *in = (void *)body;
    long long from = (long long)in->offset;
    if (bad >= from && bad < from + in->size) return reply(request->unique, EIO, NULL, 0);
    ssize_t got = pread(image, data, in->size < MOST ? in->size : MOST, (off_t)from);
    return reply(request->unique, got < 0 ? errno : 0, data, got < 0 ? 0 : (size_t)got);
  }
  case FUSE_WRITE: {
    const struct fuse_write_in *in = (void *)body;
    const char *written = body + sizeof *in;
    if (pwrite(image, written, in->size, (off_t)in->offset) != (ssize_t)in->size) return reply(request->unique, EIO, NULL, 0);
    note(in->offset, in->size, 0, written);
    struct fuse_write_out out = {.size = in->size};
    return reply(request->unique, 0, &out, sizeof out);
  }
  case FUSE_FSYNC:
    note(0, 0, LOG_FLUSH, "");
    return reply(request->unique, 0, NULL, 0);
  case FUSE_FLUSH:
  case FUSE_RELEASE: return reply(request->unique, 0, NULL, 0);
  case FUSE_FALLOCATE: return reply(request->unique, EOPNOTSUPP, NULL, 0); /* a disk that discards nothing */
  case FUSE_FORGET:
  case FUSE_BATCH_FORGET:
  case FUSE_INTERRUPT: return; /* no answer is wanted */
  default: return reply(request->unique, ENOSYS, NULL, 0);
  }
}

int main(int count, char **arguments) {
  static char buffer[MOST + 65536];
  char options[128];
  if (count < 4) return 2;
  image = open(arguments[1], O_RDWR | O_CLOEXEC);
  record = open(arguments[3], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  if (count > 4) bad = atoll(arguments[4]);
  snprintf(options, sizeof options, "fd=%d,rootmode=%o,user_id=0,group_id=0,allow_other", device, S_IFREG | 0600);
  if (image < 0 || record < 0 || device < 0 || mount("watched-disk", arguments[2], "fuse.watched-disk", MS_NOSUID | MS_NODEV, options) != 0) {
    perror("watched-disk");
    return 1;
  }
  puts("ready");
  fflush(stdout);
  struct pollfd ready[2] = {{.fd = device, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
  while (poll(ready, 2, -1) > 0 && !(ready[0].revents & POLLERR) && !(ready[1].revents & (POLLIN | POLLHUP))) {
    ssize_t got = read(device, buffer, sizeof buffer);
    if (got < 0 && errno == ENODEV) break; /* unmounted */
    if (got >= (ssize_t)sizeof(struct fuse_in_header)) answer((struct fuse_in_header *)buffer, buffer + sizeof(struct fuse_in_header));
  }
  umount2(arguments[2], MNT_DETACH);
  return 0;
}
