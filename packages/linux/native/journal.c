/* What recovery needs to know of a run that did not end: written whole and made durable before the first exchange. */
#include "swap.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* `D <guest> <mtime ns> <path>`: the directory's time before the run. */
static int write_dir(const Swap *swap, FILE *file, uint32_t dir, Path *path) {
  int fd = tree_open_dir(swap->tree, dir, O_PATH, path);
  struct stat stat;
  if (fd < 0) return 0; /* gone: its names will be found changed */
  int known = fstat(fd, &stat);
  close(fd);
  if (known != 0) return 0;
  int64_t mtime = stat.st_mtim.tv_sec * 1000000000LL + stat.st_mtim.tv_nsec;
  fprintf(file, "D %" PRIu32 " %" PRId64 " %s%c", tree_dirs(swap->tree)[dir].guest, mtime, path->text, 0);
  return ferror(file) ? EIO : 0;
}

/* `N <position> <guest> <inode to be displaced> <canonical inode> <path>` */
static int write_name(const Swap *swap, FILE *file, uint32_t position, uint64_t canonical, Path *path) {
  const Row *row = &tree_rows(swap->tree)[swap->tree->candidates->order[position]];
  if (tree_path(swap->tree, row->dir, path)) return ENOMEM;
  fprintf(file, "N %08" PRIx32 " %" PRIu32 " %" PRIu64 " %" PRIu64 " %s/%s%c", position, tree_dirs(swap->tree)[row->dir].guest, row->ino, canonical, path->text,
          tree_name(swap->tree, row->name), 0);
  return ferror(file) ? EIO : 0;
}

int swap_journal(Swap *swap, int journal) {
  int copy = fcntl(journal, F_DUPFD_CLOEXEC, 3);
  FILE *file = copy < 0 ? NULL : fdopen(copy, "a");
  if (file == NULL) {
    if (copy >= 0) close(copy);
    return errno;
  }
  const Candidates *candidates = swap->tree->candidates;
  bool *seen = calloc((size_t)tree_dir_count(swap->tree) + 1, sizeof *seen);
  Path path = {0};
  int error = seen == NULL ? ENOMEM : 0;
  for (uint32_t group = 0; group < swap->group_count && error == 0; group++) {
    const uint32_t *plan = swap->plan + swap->group_at[group];
    uint64_t canonical = tree_rows(swap->tree)[candidates->order[candidates->inodes[plan[0]].first]].ino;
    for (uint32_t at = 0; at < plan[1] && error == 0; at++) {
      const Inode *inode = &candidates->inodes[plan[2 + at]];
      for (uint32_t name = 0; name < inode->names && error == 0; name++) {
        uint32_t dir = tree_rows(swap->tree)[candidates->order[inode->first + name]].dir;
        if (!seen[dir]) error = write_dir(swap, file, dir, &path);
        seen[dir] = true;
        if (error == 0) error = write_name(swap, file, inode->first + name, canonical, &path);
      }
    }
    if (cancelled(swap->control)) error = ECANCELED;
  }
  if (error == 0 && fflush(file) != 0) error = errno;
  if (error == 0 && fdatasync(copy) != 0) error = errno;
  fclose(file);
  free(seen);
  free(path.text);
  return error;
}
