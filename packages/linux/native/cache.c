#include "cache.h"
#include "tree.h"
#include <errno.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

struct cachestat_range {
  uint64_t off, len;
};
struct cachestat_counts {
  uint64_t nr_cache, nr_dirty, nr_writeback, nr_evicted, nr_recently_evicted;
};

int64_t cache_pages(int fd) {
  struct cachestat_range whole = {0, 0};
  struct cachestat_counts counts;
  return syscall(SYS_cachestat, fd, &whole, &counts, 0) == 0 ? (int64_t)counts.nr_cache : -1;
}

bool cache_has(int fd) {
  int64_t pages = cache_pages(fd);
  if (pages >= 0) return pages > 0;
  /* Before Linux 6.5 there is no cachestat; a read that may not wait tells whether the first page is there (since 4.14). */
  char byte;
  struct iovec one = {&byte, 1};
  return preadv2(fd, &one, 1, 0, RWF_NOWAIT) >= 0 || errno != EAGAIN;
}

int cache_measure(const Tree *tree, const uint32_t *rows, size_t count, uint32_t *pages, Control *control) {
  DirCache dirs;
  dir_cache_open(&dirs);
  for (size_t at = 0; at < count && !cancelled(control); at++) {
    const Row *row = &tree_rows(tree)[rows[at]];
    int dir = dir_cache_get(&dirs, tree, row->dir), fd = dir < 0 ? dir : open_file_at(dir, tree_name(tree, row->name));
    int64_t cached = fd < 0 ? 0 : cache_pages(fd);
    pages[at] = cached < 0 ? 0 : (uint32_t)cached;
    if (fd >= 0) close(fd);
  }
  dir_cache_close(&dirs);
  return cancelled(control) ? ECANCELED : 0;
}
