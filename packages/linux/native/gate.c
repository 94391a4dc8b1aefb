#include "gate.h"
#include "attributes.h"
#include "background.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/fanotify.h>
#include <linux/fs.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* From the check of the flag to the gate is microseconds' way; a second covers who was preempted in between. */
#define GRACE_NS 1000000000LL
/* Linux 5.19: the mark does not keep the inode in memory. Who is on his way to the gate does. */
#ifndef FAN_MARK_EVICTABLE
#define FAN_MARK_EVICTABLE 0x00000200
#endif
/* Linux 6.14: before content is read, mapped or cut off. */
#ifndef FAN_PRE_ACCESS
#define FAN_PRE_ACCESS 0x00100000
#endif

/*
 * System calls that open a file, with the number of the argument that holds the open flags, and those that cut it off by its
 * name. Those of 32-bit programs are in the list too: none of their numbers does either for 64-bit programs, or the other way round.
 */
enum { READS = -1, WRITES = -2 };
static const struct { long number; int flags; } opening[] = {
    {SYS_openat, 2}, {SYS_open_by_handle_at, 2}, {SYS_execve, READS}, {SYS_execveat, READS}, {SYS_truncate, WRITES},
#ifdef __x86_64__
    {SYS_open, 1}, {SYS_creat, WRITES},
    {5, 1}, {8, WRITES}, {295, 2}, {342, 2}, {11, READS}, {358, READS}, /* i386: open, creat, openat, open_by_handle_at, execve, execveat */
    {92, WRITES}, {193, WRITES}, /* i386: truncate, truncate64 */
#endif
#ifdef __aarch64__
    {5, 1}, {8, WRITES}, {322, 2}, {371, 2}, {11, READS}, {387, READS}, {92, WRITES}, {193, WRITES}, /* arm: the same */
#endif
};

/*
 * Whether a thread that waits at the gate opens the file to read only. Its registers do not change while it waits. What cannot be told (openat2, whose flags
 * lie in memory that others may write to; io_uring; a thread of another pid namespace) counts as a writer.
 */
static bool only_reads(int thread, bool opens) {
  char path[48], text[256];
  snprintf(path, sizeof path, "/proc/self/task/%d", thread);
  if (access(path, F_OK) == 0) return true; /* our own, which write to no such file */
  snprintf(path, sizeof path, "/proc/%d/syscall", thread);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (fd >= 0) close(fd);
  if (size <= 0) return false;
  text[size] = 0;
  long number;
  unsigned long long arguments[3];
  if (sscanf(text, "%ld %llx %llx %llx", &number, &arguments[0], &arguments[1], &arguments[2]) != 4) return false;
  for (size_t at = 0; at < sizeof opening / sizeof *opening; at++) {
    if (opening[at].number != number) continue;
    if (opening[at].flags < 0) return opening[at].flags == READS;
    unsigned flags = (unsigned)arguments[opening[at].flags];
    return (flags & O_ACCMODE) == O_RDONLY && !(flags & O_TRUNC);
  }
  return !opens; /* any other call that touches content reads it: who writes has opened the file to write */
}

static void answer(const Gate *gate, const struct fanotify_event_metadata *event) {
  if (event->fd < 0) return;
  struct fanotify_response response = {.fd = event->fd, .response = only_reads(event->pid, event->mask & FAN_OPEN_PERM) ? FAN_ALLOW : FAN_DENY};
  ssize_t written = write(gate->fan, &response, sizeof response);
  (void)written; /* fails where nobody waits any more */
  close(event->fd);
}

static void *keep(void *argument) {
  Gate *gate = argument;
  /* Guests wait for it, so it is never in the background. */
  background_leave(&(Priority){.nice = 0});
  char buffer[4096] __attribute__((aligned(8)));
  struct pollfd ready[2] = {{.fd = gate->fan, .events = POLLIN}, {.fd = gate->stop, .events = POLLIN}};
  while (poll(ready, 2, -1) >= 0 || errno == EINTR) {
    ssize_t size = read(gate->fan, buffer, sizeof buffer);
    const struct fanotify_event_metadata *event = (const void *)buffer;
    for (; size > 0 && FAN_EVENT_OK(event, size); event = FAN_EVENT_NEXT(event, size)) answer(gate, event);
    if (size <= 0 && (ready[1].revents & POLLIN)) break;
  }
  return NULL;
}

void gate_init(Gate *gate) {
  memset(gate, 0, sizeof *gate);
  pthread_mutex_init(&gate->lock, NULL);
}

static int open_gate(Gate *gate) {
  if (gate->is_open) return 0;
  gate->fan = fanotify_init(FAN_CLASS_PRE_CONTENT | FAN_CLOEXEC | FAN_NONBLOCK | FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS | FAN_REPORT_TID, O_RDONLY | O_CLOEXEC | O_LARGEFILE);
  if (gate->fan < 0) return errno == EINVAL ? EOPNOTSUPP : errno; /* a kernel without permission events */
  gate->stop = eventfd(0, EFD_CLOEXEC);
  int error = gate->stop < 0 ? errno : pthread_create(&gate->thread, NULL, keep, gate);
  gate->is_open = error == 0;
  if (error != 0) {
    if (gate->stop >= 0) close(gate->stop);
    close(gate->fan);
  }
  return error;
}

int gate_hold(Gate *gate, int fd) {
  pthread_mutex_lock(&gate->lock);
  int error = open_gate(gate);
  pthread_mutex_unlock(&gate->lock);
  if (error) return error;
  /* As much as the kernel knows. */
  if (fanotify_mark(gate->fan, FAN_MARK_ADD | FAN_MARK_EVICTABLE, FAN_OPEN_PERM | FAN_PRE_ACCESS, fd, NULL) == 0) return 0;
  if (fanotify_mark(gate->fan, FAN_MARK_ADD | FAN_MARK_EVICTABLE, FAN_OPEN_PERM, fd, NULL) == 0) return 0;
  return fanotify_mark(gate->fan, FAN_MARK_ADD, FAN_OPEN_PERM, fd, NULL) == 0 ? 0 : errno;
}

void gate_let_go(Gate *gate, int fd) {
  uint64_t all[] = {FAN_OPEN_PERM | FAN_PRE_ACCESS, FAN_OPEN_PERM};
  for (int at = 0; at < 2; at++)
    if (fanotify_mark(gate->fan, FAN_MARK_REMOVE, all[at], fd, NULL) == 0) return;
}

int lift_flag(Gate *gate, int fd, int *was) {
  int flags;
  *was = 0;
  if (ioctl(fd, FS_IOC_GETFLAGS, &flags) != 0) return errno == ENOTTY || errno == EOPNOTSUPP ? 0 : errno; /* no such flags there */
  if (!(flags & FS_IMMUTABLE_FL)) return 0;
  int error = gate_hold(gate, fd);
  return error ? error : immutable_set(fd, 0, was);
}

int set_flag_held(Gate *gate, int fd) {
  int error = immutable_set(fd, 1, NULL);
  atomic_store(&gate->set, monotonic_ns());
  return error;
}

void gate_close(Gate *gate, Control *control) {
  if (gate->is_open) {
    struct timespec slice = {.tv_nsec = 10000000};
    while (monotonic_ns() - atomic_load(&gate->set) < GRACE_NS && (control == NULL || !hurried(control))) nanosleep(&slice, NULL);
    eventfd_write(gate->stop, 1);
    pthread_join(gate->thread, NULL);
    close(gate->stop);
    close(gate->fan);
  }
  pthread_mutex_destroy(&gate->lock);
}
