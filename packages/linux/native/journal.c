/* What recovery needs to know of a run that did not end: written whole and made durable before the first exchange. */
#include "journal.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* `D <guest> <mtime ns> <path>`: the directory's time before the run. */
static int write_dir(const Tree *tree, FILE *file, uint32_t dir, Path *path) {
  int fd = tree_open_dir(tree, dir, O_PATH, path);
  struct stat stat;
  if (fd < 0) return 0; /* gone: its names will be found changed */
  int known = fstat(fd, &stat);
  close(fd);
  if (known != 0) return 0;
  int64_t mtime = stat.st_mtim.tv_sec * 1000000000LL + stat.st_mtim.tv_nsec;
  fprintf(file, "D %" PRIu32 " %" PRId64 " %s%c", tree_dirs(tree)[dir].guest, mtime, path->text, 0);
  return ferror(file) ? EIO : 0;
}

static int write_path(const Tree *tree, FILE *file, const Row *row, Path *path) {
  if (tree_path(tree, row->dir, path)) return ENOMEM;
  fprintf(file, "%s/%s%c", path->text, tree_name(tree, row->name), 0);
  return ferror(file) ? EIO : 0;
}

/* `N <position> <guest> <inode to be displaced> <canonical inode> <path>` */
static int write_name(const Tree *tree, FILE *file, uint32_t position, uint64_t canonical, Path *path) {
  const Row *row = &tree_rows(tree)[tree->candidates->order[position]];
  fprintf(file, "N %08" PRIx32 " %" PRIu32 " %" PRIu64 " %" PRIu64 " ", position, tree_dirs(tree)[row->dir].guest, row->ino, canonical);
  return write_path(tree, file, row, path);
}

/* `F <guest> <inode> <links> <path>`: immutable, or to be so once it has more links than these (its own and the pool's). */
static int write_flagged(const Tree *tree, FILE *file, const Row *row, uint32_t links, Path *path) {
  fprintf(file, "F %" PRIu32 " %" PRIu64 " %" PRIu32 " ", tree_dirs(tree)[row->dir].guest, row->ino, links);
  return write_path(tree, file, row, path);
}

/* `P <row> <file> <guest> <shared inode> <path>`: the names of a file, which get one private copy, bear its number. */
static int write_private(const Tree *tree, FILE *file, uint32_t row, uint32_t number, Path *path) {
  const Row *name = &tree_rows(tree)[row];
  fprintf(file, "P %08" PRIx32 " %08" PRIx32 " %" PRIu32 " %" PRIu64 " ", row, number, tree_dirs(tree)[name->dir].guest, name->ino);
  return write_path(tree, file, name, path);
}

typedef struct {
  FILE *file;
  int fd;
  bool *seen; /* by directory */
  Path path;
} Writer;

static int writer_open(Writer *writer, const Tree *tree, int journal) {
  *writer = (Writer){.fd = fcntl(journal, F_DUPFD_CLOEXEC, 3)};
  if (writer->fd < 0) return errno;
  writer->file = fdopen(writer->fd, "a");
  if (writer->file == NULL) {
    close(writer->fd);
    return ENOMEM;
  }
  writer->seen = calloc((size_t)tree_dir_count(tree) + 1, sizeof *writer->seen);
  return writer->seen == NULL ? ENOMEM : 0;
}

static int note_dir(Writer *writer, const Tree *tree, uint32_t dir) {
  if (writer->seen[dir]) return 0;
  writer->seen[dir] = true;
  return write_dir(tree, writer->file, dir, &writer->path);
}

/* Returns the first error, of writing or of making durable. */
static int writer_close(Writer *writer, int error) {
  if (writer->file == NULL) return error;
  if (fflush(writer->file) != 0 && error == 0) error = errno;
  if (error == 0 && fdatasync(writer->fd) != 0) error = errno;
  fclose(writer->file);
  free(writer->seen);
  free(writer->path.text);
  return error;
}

int swap_journal(Swap *swap, int journal) {
  const Tree *tree = swap->tree;
  const Candidates *candidates = tree->candidates;
  Writer writer;
  int error = writer_open(&writer, tree, journal);
  for (uint32_t group = 0; group < swap->group_count && error == 0; group++) {
    const uint32_t *plan = swap->plan + swap->group_at[group];
    const Row *canonical;
    bool pooled = swap_is_pooled(swap, plan[0], &canonical);
    const Facts *facts = tree_facts(tree, canonical);
    if (pooled && (facts->mode & ROW_IMMUTABLE)) error = write_flagged(tree, writer.file, canonical, 0, &writer.path);
    else if (swap->spaces[facts->space].guard == GUARD_IMMUTABLE) error = write_flagged(tree, writer.file, canonical, facts->nlink + 1, &writer.path);
    for (uint32_t at = 0; at < plan[1] && error == 0; at++) {
      const Inode *inode = &candidates->inodes[plan[2 + at]];
      for (uint32_t name = 0; name < inode->names && error == 0; name++) {
        error = note_dir(&writer, tree, tree_rows(tree)[candidates->order[inode->first + name]].dir);
        if (error == 0) error = write_name(tree, writer.file, inode->first + name, canonical->ino, &writer.path);
      }
    }
    if (cancelled(swap->control)) error = ECANCELED;
  }
  return writer_close(&writer, error);
}

int privatize_journal(const Privatize *job) {
  const Tree *tree = job->tree;
  const Row *rows = tree_rows(tree);
  Writer writer;
  int error = writer_open(&writer, tree, job->journal);
  for (size_t at = 0; at < job->file_words && error == 0; at += 2 + job->files[at]) {
    const uint32_t *names = job->files + at + 2;
    if (tree_facts(tree, &rows[names[0]])->mode & ROW_IMMUTABLE) error = write_flagged(tree, writer.file, &rows[job->files[at + 1]], 0, &writer.path);
    for (uint32_t name = 0; name < job->files[at] && error == 0; name++) {
      error = note_dir(&writer, tree, rows[names[name]].dir);
      if (error == 0) error = write_private(tree, writer.file, names[name], names[0], &writer.path);
    }
    if (cancelled(job->control)) error = ECANCELED;
  }
  return writer_close(&writer, error);
}
