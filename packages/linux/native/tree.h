#pragma once
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include "region.h"

/* What statx says alike of many files, 40 bytes without a gap: those that may be merged have all of it in common. JavaScript reads it in place. */
typedef struct {
  uint64_t size;
  int64_t mtime; /* ns since the epoch */
  uint32_t uid;
  uint32_t gid;
  uint32_t nlink;
  uint32_t blocks; /* of 512 bytes; saturates */
  uint32_t mode;   /* permission bits, and the ROW_* bits where the type would be: every row is a regular file */
  uint32_t space;  /* names of one space may share an inode; others never */
} Facts;

/* One name of a regular file, 32 bytes. JavaScript reads rows in place. */
typedef struct {
  uint64_t ino;
  int64_t ctime; /* ns since the epoch */
  uint32_t dir;
  uint32_t name;  /* offset in the names region, NUL-terminated */
  uint32_t facts; /* number in the facts region; equal ones are kept once a thread. 0: not used; rows are handed out in runs, and the rest of a thread's last run stays so */
  uint32_t state; /* a reason (reason.h) */
} Row;

/* No domain of this run: the object is nobody's here. */
#define NO_SPACE UINT16_MAX

#define ROW_IMMUTABLE 0x8000
#define ROW_APPEND 0x4000
#define ROW_POOL 0x2000  /* a name inside the pool */
#define ROW_PERMISSIONS 07777

/* What counts, per guest, without a row. Order is the contract with JavaScript. */
enum {
  COUNT_NAMES,        /* names that are not directories */
  COUNT_ROWS,
  COUNT_LOGICAL,      /* bytes */
  COUNT_EXCLUDED,
  COUNT_EXACT_FIRST,  /* names found in the exact lists, by list */
  COUNT_EXACT_LAST = COUNT_EXACT_FIRST + 3,
  COUNT_SYMLINK,
  COUNT_NOT_REGULAR,
  COUNT_EMPTY,
  COUNT_TOO_SMALL,
  COUNT_OTHER_DEVICE,
  COUNT_DIRECTORIES,
  COUNTS
};

/* 80 bytes. JavaScript reads the first three words in place. */
typedef struct {
  uint32_t parent; /* itself at a guest's root */
  uint32_t name;
  uint32_t guest;
  uint32_t counts[COUNTS]; /* what it adds to its guest's, so that one directory can be read again; but for */
  uint64_t logical;        /* COUNT_LOGICAL */
} Dir;

typedef struct {
  int root;      /* O_PATH descriptor */
  uint64_t dev;
  uint16_t space;
  bool pool;
  _Atomic int64_t counts[COUNTS];
} Guest;

/* A file or directory that could not be read: the rest of the job went on. */
typedef struct {
  uint32_t dir;
  uint32_t name; /* offset, or UINT32_MAX for the directory itself */
  int32_t error;
} Failure;

typedef struct {
  Region rows, facts, dirs, names, failures;
  Guest *guests;
  uint32_t guest_count;
  struct Candidates *candidates;
} Tree;

#define NO_NAME UINT32_MAX

int tree_open(Tree *tree, uint32_t guests);
void tree_close(Tree *tree);
void tree_fail(Tree *tree, uint32_t dir, uint32_t name, int error);
static inline Row *tree_rows(const Tree *tree) { return (Row *)tree->rows.base; }
static inline const Facts *tree_facts(const Tree *tree, const Row *row) { return (const Facts *)tree->facts.base + row->facts; }
static inline Dir *tree_dirs(const Tree *tree) { return (Dir *)tree->dirs.base; }
static inline const char *tree_name(const Tree *tree, uint32_t at) { return tree->names.base + at; }
static inline uint32_t tree_row_count(const Tree *tree) { return (uint32_t)(atomic_load(&tree->rows.used) / sizeof(Row)); }
static inline uint32_t tree_dir_count(const Tree *tree) { return (uint32_t)(atomic_load(&tree->dirs.used) / sizeof(Dir)); }

typedef struct {
  char *text;
  size_t length, room;
} Path;
/* `/a/b` from the guest's root, `` for the root itself. Returns 0 or ENOMEM. */
int tree_path(const Tree *tree, uint32_t dir, Path *path);
int path_reserve(Path *path, size_t room);

/*
 * Opens below a directory whatever the guest does meanwhile: no symbolic link, mount point or `..` is followed.
 * The path is relative, without a leading slash; longer than PATH_MAX is fine. Returns a descriptor or -errno.
 */
int open_beneath(int root, const char *path, uint64_t flags);
/* The same for a single name, without updating its access time where we may. */
int open_file_at(int dir, const char *name);
int tree_open_dir(const Tree *tree, uint32_t dir, uint64_t flags, Path *scratch);

/* Directories a thread has open: a group of equal files has one in every guest, and the next group is likely in the same ones. */
#define DIR_CACHE 256
typedef struct {
  uint32_t dir[DIR_CACHE];
  int fd[DIR_CACHE];
  Path scratch;
} DirCache;
void dir_cache_open(DirCache *cache);
/* A descriptor that the cache keeps, or -errno. */
int dir_cache_get(DirCache *cache, const Tree *tree, uint32_t dir);
void dir_cache_close(DirCache *cache);
