/*
 * Replacing names by links to another inode, so that no write is lost and no name is ever missing. For each displaced inode:
 * opened below its guest's root, leased (nobody writes), equal in everything to the canonical inode by comparison now;
 * a link to the canonical inode is made in the quarantine, beside the pool where no guest can reach it, and exchanged with the
 * guest's name in one step; what came out must be the inode that was leased. It stays in quarantine, leased, for its space's grace:
 * a writer that had resolved the name just before the exchange breaks the lease within that time, and the inode goes back.
 *
 * Power loss needs no sync per group. Every file system here makes changes of directories durable in the order in which they
 * were made, so after a crash what is there is what was there at some moment of the run, and at each of them every name has
 * one of two equal inodes: link, exchange and unlink never leave one without. What a canonical inode holds was written back
 * before the first exchange (one syncfs), and its lease tells of whoever writes to it later. The journal's intents are
 * durable before the first exchange too (one fdatasync). Nothing is made durable at the end: a swap that is lost is a swap
 * not done.
 */
#include "swap.h"
#include "attributes.h"
#include "extents.h"
#include "lease.h"
#include "reason.h"
#include "sha256.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

/* Groups a thread takes at once: neighbours share directories, and two threads seldom meet in one. */
#define TAKE 16
#define BLOCK ((size_t)256 << 10)
/* Canonical content up to this size is kept while its members are compared; larger files are compared block by block. */
#define KEEP ((size_t)8 << 20)
/* How often quarantined inodes are asked for broken leases: a late writer waits so long. */
#define POLL_NS 50000000
/* Descriptors left to everything else in the process. */
#define SPARE_FDS 512
#define MOST_WAITING 32768

typedef struct {
  uint32_t inode, group;
  int fd;
  uint32_t own_blocks; /* of 512 bytes on disk, held by nobody else */
  int64_t until;
} Waiting;

typedef struct {
  Swap *swap;
  uint32_t number;
  Exchanger hands;
  char *kept, *block[2];
  size_t kept_size;
  Waiting *waiting; /* ring */
  uint32_t room, head, count;
  int64_t polled;
} Worker;

static inline int64_t time_of(struct timespec time) { return time.tv_sec * 1000000000LL + time.tv_nsec; }

static const Row *row_of(const Swap *swap, uint32_t inode) {
  const Candidates *candidates = swap->tree->candidates;
  return &tree_rows(swap->tree)[candidates->order[candidates->inodes[inode].first]];
}

static const SwapSpace *space_of(const Swap *swap, uint32_t inode) { return &swap->spaces[tree_facts(swap->tree, row_of(swap, inode))->space]; }

/* Link, exchange and unlink each lock the directory: one that threads share would make them take turns. */
static int quarantine_of(const Worker *worker, const Row *row) { return worker->swap->spaces[tree_facts(worker->swap->tree, row)->space].parts[worker->number]; }

static void quarantine_name(char name[16], uint32_t position) { snprintf(name, 16, "%08x", position); }

static void finish(Swap *swap, uint32_t inode, uint32_t state, uint32_t freed) {
  swap->results[inode] = (SwapResult){.state = state, .freed_blocks = freed};
}

static void fail(Swap *swap, uint32_t inode, int error) {
  uint32_t state = STATE_ERROR;
  if (error == ENOENT || error == ENOTDIR || error == ELOOP || error == ENXIO || error == ESTALE) state = STATE_CHANGED;
  else if (error == EAGAIN || error == EWOULDBLOCK || error == ETXTBSY) state = STATE_BUSY;
  else if (error == EMLINK) state = STATE_LINK_LIMIT;
  else if (error == EXDEV || error == EOPNOTSUPP || error == EINVAL) state = STATE_UNSUPPORTED;
  else tree_fail(swap->tree, row_of(swap, inode)->dir, row_of(swap, inode)->name, error);
  finish(swap, inode, state, 0);
}

static bool same_metadata(const struct stat *stat, const Tree *tree, const Row *row) {
  const Facts *facts = tree_facts(tree, row);
  return S_ISREG(stat->st_mode) && stat->st_ino == row->ino && (uint64_t)stat->st_size == facts->size && time_of(stat->st_mtim) == facts->mtime &&
         (stat->st_mode & ROW_PERMISSIONS) == (facts->mode & ROW_PERMISSIONS) && stat->st_uid == facts->uid && stat->st_gid == facts->gid;
}

static void put_back(Worker *worker, uint32_t inode, uint32_t names, uint64_t canonical) {
  const Swap *swap = worker->swap;
  const Candidates *candidates = swap->tree->candidates;
  const Inode *which = &candidates->inodes[inode];
  char held[16];
  for (uint32_t at = which->first; at < which->first + names; at++) {
    const Row *row = &tree_rows(swap->tree)[candidates->order[at]];
    quarantine_name(held, at);
    exchange_back(&worker->hands, row, quarantine_of(worker, row), held, canonical);
  }
}

/* --- the quarantine ------------------------------------------------------------------------------------------------- */

static Waiting *waiting_at(Worker *worker, uint32_t at) { return &worker->waiting[(worker->head + at) % worker->room]; }

static uint64_t canonical_of(const Swap *swap, uint32_t group) { return row_of(swap, swap->plan[swap->group_at[group]])->ino; }

/* The displaced inode's fate: gone for good, or back where it was. */
static void settle(Worker *worker, Waiting *waiting, bool back) {
  Swap *swap = worker->swap;
  const Inode *inode = &swap->tree->candidates->inodes[waiting->inode];
  if (back || !lease_holds(waiting->fd)) {
    put_back(worker, waiting->inode, inode->names, canonical_of(swap, waiting->group));
    finish(swap, waiting->inode, STATE_BUSY, 0);
  } else {
    int quarantine = quarantine_of(worker, row_of(swap, waiting->inode));
    char held[16];
    for (uint32_t at = 0; at < inode->names; at++) {
      quarantine_name(held, inode->first + at);
      unlinkat(quarantine, held, 0);
    }
    struct stat stat;
    finish(swap, waiting->inode, STATE_DONE, fstat(waiting->fd, &stat) == 0 && stat.st_nlink == 0 ? waiting->own_blocks : 0);
    atomic_fetch_add_explicit(&swap->control->files, inode->names, memory_order_relaxed);
  }
  close(waiting->fd); /* gives the lease back: whoever waits for the inode goes on */
  waiting->fd = -1;
}

static void poll_leases(Worker *worker, int64_t now) {
  if (now - worker->polled < POLL_NS) return;
  worker->polled = now;
  for (uint32_t at = 0; at < worker->count; at++) {
    Waiting *waiting = waiting_at(worker, at);
    if (waiting->fd >= 0 && !lease_holds(waiting->fd)) settle(worker, waiting, true);
  }
}

static void settle_old(Worker *worker) {
  int64_t now = monotonic_ns();
  poll_leases(worker, now);
  while (worker->count > 0) {
    Waiting *oldest = waiting_at(worker, 0);
    if (oldest->fd >= 0) {
      if (now < oldest->until) break;
      settle(worker, oldest, false);
    }
    worker->head = (worker->head + 1) % worker->room;
    worker->count--;
  }
}

static void wait_for_room(Worker *worker, uint32_t most) {
  struct timespec pause = {.tv_nsec = 10000000};
  for (settle_old(worker); worker->count > most && !hurried(worker->swap->control); settle_old(worker)) nanosleep(&pause, NULL);
}

/*
 * A run that must end at once neither shortens the wait for late writers nor undoes what it did: the names show the
 * shared inode, and the displaced ones stay in quarantine with the journal, where recovery compares them byte by byte.
 */
static void leave_waiting(Worker *worker) {
  Swap *swap = worker->swap;
  for (uint32_t at = 0; at < worker->count; at++) {
    Waiting *waiting = waiting_at(worker, at);
    if (waiting->fd < 0) continue;
    finish(swap, waiting->inode, STATE_DONE, 0);
    atomic_fetch_add_explicit(&swap->control->files, swap->tree->candidates->inodes[waiting->inode].names, memory_order_relaxed);
    close(waiting->fd);
    waiting->fd = -1;
  }
  worker->count = 0;
}

/* --- one member ----------------------------------------------------------------------------------------------------- */

static ssize_t read_at(int fd, char *buffer, size_t size, off_t at) {
  size_t got = 0;
  while (got < size) {
    ssize_t part = pread(fd, buffer + got, size - got, at + (off_t)got);
    if (part < 0 && errno != EINTR) return -1;
    if (part == 0) break;
    if (part > 0) got += (size_t)part;
  }
  return (ssize_t)got;
}

/*
 * Between two blocks, which a read rate may hold apart for long: whoever wants to write to one of these files gets it now,
 * and so does whoever wants one that waits in quarantine. `member` may be -1. Returns 0 or an errno.
 */
static int go_on(Worker *worker, int canonical, int member) {
  poll_leases(worker, monotonic_ns());
  if (!lease_holds(canonical) || (member >= 0 && !lease_holds(member))) return EAGAIN;
  return cancelled(worker->swap->control) ? ECANCELED : 0;
}

/* Byte by byte, now. Returns 0 when equal, ESTALE when not, or an errno. */
static int compare(Worker *worker, int canonical, int member, uint64_t size) {
  Control *control = worker->swap->control;
  for (uint64_t at = 0; at < size; at += BLOCK) {
    size_t part = size - at < BLOCK ? (size_t)(size - at) : BLOCK;
    const char *left = worker->kept + at;
    if (worker->kept_size == 0) {
      left = worker->block[0];
      if (read_at(canonical, worker->block[0], part, (off_t)at) != (ssize_t)part) return EIO;
    }
    ssize_t got = read_at(member, worker->block[1], part, (off_t)at);
    if (got < 0) return errno;
    control_charge(control, (int64_t)part);
    atomic_fetch_add_explicit(&control->bytes_compared, (int64_t)part, memory_order_relaxed);
    if ((size_t)got != part || memcmp(left, worker->block[1], part) != 0) return ESTALE;
    /* After the last block nothing is waited for any more, and both leases are looked at before the swap is final. */
    int error = at + part < size ? go_on(worker, canonical, member) : 0;
    if (error) return error;
  }
  return 0;
}

/* Opens, leases and compares a member with the canonical inode. Returns a descriptor or -errno. */
static int verify_member(Worker *worker, uint32_t inode, int canonical, const Attributes *attributes) {
  Swap *swap = worker->swap;
  const Row *row = row_of(swap, inode);
  int dirfd = dir_cache_get(&worker->hands.dirs, swap->tree, row->dir);
  int fd = dirfd < 0 ? dirfd : open_file_at(dirfd, tree_name(swap->tree, row->name));
  if (fd < 0) return fd;
  struct stat stat;
  Attributes mine;
  int error = lease_take(fd);
  if (error == 0 && fstat(fd, &stat) != 0) error = errno;
  if (error == 0 && (!same_metadata(&stat, swap->tree, row) || time_of(stat.st_ctim) != row->ctime || stat.st_nlink != tree_facts(swap->tree, row)->nlink)) error = ESTALE;
  if (error == 0) error = attributes_read(fd, &mine);
  if (error == 0 && memcmp(&mine, attributes, sizeof mine) != 0) error = ESTALE;
  if (error == 0) error = compare(worker, canonical, fd, tree_facts(swap->tree, row)->size);
  if (error == 0) return fd;
  close(fd);
  return -error;
}

/* Exchanges one name. Returns 0, or an errno with nothing changed. */
static int swap_name(Worker *worker, uint32_t group, uint32_t position, int canonical, uint64_t member_ino) {
  Swap *swap = worker->swap;
  const Row *row = &tree_rows(swap->tree)[swap->tree->candidates->order[position]];
  int quarantine = quarantine_of(worker, row);
  char held[16];
  quarantine_name(held, position);
  if (linkat(canonical, "", quarantine, held, AT_EMPTY_PATH) != 0) return errno;
  swap->exposed[group] = 1;
  return exchange_checked(&worker->hands, row, quarantine, held, canonical_of(swap, group), member_ino);
}

/* Blocks of 512 bytes on disk that go free with the inode, by what holds now. */
static uint32_t own_blocks(const SwapSpace *space, int fd, const struct stat *stat) {
  Extents extents;
  return space->shares_extents && extents_read(fd, &extents) == 0 ? (uint32_t)(extents.exclusive / 512) : (uint32_t)stat->st_blocks;
}

/* Whether the member now waits in quarantine. */
static bool swap_member(Worker *worker, uint32_t group, uint32_t inode, int canonical, const Attributes *attributes) {
  Swap *swap = worker->swap;
  const Inode *which = &swap->tree->candidates->inodes[inode];
  const Row *row = row_of(swap, inode);
  int fd = verify_member(worker, inode, canonical, attributes);
  if (fd < 0) {
    if (fd == -ECANCELED) finish(swap, inode, STATE_STOPPED, 0);
    else fail(swap, inode, -fd);
    return false;
  }
  uint32_t moved = 0;
  int error = 0;
  for (; moved < which->names && error == 0; moved++) error = swap_name(worker, group, which->first + moved, canonical, row->ino);
  if (error != 0) moved--;
  /* Changes of owner, mode or attributes are not held off by a lease: whoever made one since keeps the file. */
  struct stat stat;
  Attributes mine;
  if (error == 0 && (fstat(fd, &stat) != 0 || !same_metadata(&stat, swap->tree, row) || stat.st_nlink != tree_facts(swap->tree, row)->nlink)) error = ESTALE;
  if (error == 0 && (attributes_read(fd, &mine) != 0 || memcmp(&mine, attributes, sizeof mine) != 0)) error = ESTALE;
  if (error == 0 && !lease_holds(fd)) error = EAGAIN;
  if (error != 0) {
    put_back(worker, inode, moved, canonical_of(swap, group));
    close(fd);
    fail(swap, inode, error);
    return false;
  }
  *waiting_at(worker, worker->count++) = (Waiting){.inode = inode, .group = group, .fd = fd, .until = monotonic_ns() + space_of(swap, inode)->grace_ns, .own_blocks = own_blocks(space_of(swap, inode), fd, &stat)};
  return true;
}

/* --- one group ------------------------------------------------------------------------------------------------------ */

bool swap_is_pooled(const Swap *swap, uint32_t inode, const Row **name) {
  const Candidates *candidates = swap->tree->candidates;
  const Inode *which = &candidates->inodes[inode];
  *name = row_of(swap, inode);
  for (uint32_t at = 0; at < which->names; at++) {
    const Row *row = &tree_rows(swap->tree)[candidates->order[which->first + at]];
    if (!(tree_facts(swap->tree, row)->mode & ROW_POOL)) continue;
    *name = row;
    return true;
  }
  return false;
}

/* Opens the canonical inode below its root, under a lease. Returns a descriptor or -errno. */
static int open_canonical(Swap *swap, DirCache *dirs, uint32_t inode) {
  const Row *row;
  swap_is_pooled(swap, inode, &row);
  int dirfd = dir_cache_get(dirs, swap->tree, row->dir);
  int fd = dirfd < 0 ? dirfd : open_file_at(dirfd, tree_name(swap->tree, row->name));
  if (fd < 0) return fd;
  struct stat stat;
  int error = lease_take(fd);
  if (error == 0 && fstat(fd, &stat) != 0) error = errno;
  if (error == 0 && (!same_metadata(&stat, swap->tree, row) || time_of(stat.st_ctim) != row->ctime)) error = ESTALE;
  if (error == 0) return fd;
  close(fd);
  return -error;
}

/* Reads all of it again: into memory where it fits, and into the digest where one is wanted. Returns 0 or an errno. */
static int read_canonical(Worker *worker, int fd, uint64_t size, uint8_t *digest) {
  Control *control = worker->swap->control;
  Sha256 sha;
  sha256_start(&sha);
  worker->kept_size = 0;
  bool keep = size <= KEEP;
  if (!keep && digest == NULL) return 0;
  for (uint64_t at = 0; at < size; at += BLOCK) {
    size_t part = size - at < BLOCK ? (size_t)(size - at) : BLOCK;
    char *into = keep ? worker->kept + at : worker->block[0];
    ssize_t got = read_at(fd, into, part, (off_t)at);
    if (got < 0) return errno;
    if ((size_t)got != part) return ESTALE;
    control_charge(control, (int64_t)part);
    if (digest != NULL) {
      sha256_add(&sha, into, part);
      atomic_fetch_add_explicit(&control->bytes_hashed, (int64_t)part, memory_order_relaxed);
    }
    int error = go_on(worker, fd, -1);
    if (error) return error;
  }
  if (keep) worker->kept_size = size;
  if (digest != NULL) sha256_end(&sha, digest);
  return 0;
}

/* The part of an object's name that tells identities of equal content apart: domain and a digest of what must be equal. */
static void identity_name(const Swap *swap, const Facts *facts, const Attributes *attributes, char text[17]) {
  struct {
    int64_t mtime;
    uint32_t uid, gid, mode, zero;
  } key = {.mtime = swap->ignore_mtime ? 0 : facts->mtime, .uid = facts->uid, .gid = facts->gid, .mode = facts->mode & ROW_PERMISSIONS};
  uint8_t digest[32];
  Sha256 sha;
  sha256_start(&sha);
  sha256_add(&sha, &key, sizeof key);
  sha256_add(&sha, attributes, sizeof *attributes);
  sha256_end(&sha, digest);
  snprintf(text, 17, "%08x%02x%02x%02x%02x", swap->spaces[facts->space].tag, digest[0], digest[1], digest[2], digest[3]);
}

#define OBJECT_NAME 128
#define MOST_GENERATIONS 100000

/*
 * Gives the inode its name in the pool: `ab/<digest>-<identity>-<generation>`. One level of directories: with two, most would
 * hold a single object, and on ext4 each costs a block (measured: 3 % of what was saved). Returns 0 or an errno.
 */
static int link_object(const Swap *swap, const Facts *facts, const Attributes *attributes, int fd, const uint8_t digest[32], char name[OBJECT_NAME]) {
  int pool = swap->spaces[facts->space].pool;
  char hex[65], identity[17], shard[3];
  for (int at = 0; at < 32; at++) snprintf(hex + at * 2, 3, "%02x", digest[at]);
  identity_name(swap, facts, attributes, identity);
  snprintf(shard, sizeof shard, "%.2s", hex);
  for (int generation = 1; generation < MOST_GENERATIONS;) {
    snprintf(name, OBJECT_NAME, "%s/%s-%s-%d", shard, hex, identity, generation);
    if (linkat(fd, "", pool, name, AT_EMPTY_PATH) == 0) return 0;
    if (errno == EEXIST) generation++; /* full, or of other content by now */
    else if (errno != ENOENT || (mkdirat(pool, shard, 0700) != 0 && errno != EEXIST)) return errno;
  }
  return EMLINK;
}

static void fail_group(Swap *swap, uint32_t group, int error) {
  const uint32_t *plan = swap->plan + swap->group_at[group];
  for (uint32_t at = 0; at < plan[1]; at++) {
    if (swap->results[plan[2 + at]].state == STATE_DONE) continue;
    if (error == ECANCELED) finish(swap, plan[2 + at], STATE_STOPPED, 0);
    else fail(swap, plan[2 + at], error);
  }
}

/* Of a file system on which nothing can be done; whoever opened the swap has said so once for all. */
static void leave_group(Swap *swap, uint32_t group) {
  const uint32_t *plan = swap->plan + swap->group_at[group];
  for (uint32_t at = 0; at < plan[1]; at++) finish(swap, plan[2 + at], STATE_ERROR, 0);
}

/* Takes back every member of the group that still waits. They are the last in the ring. */
static void undo_group(Worker *worker, uint32_t group) {
  while (worker->count > 0 && waiting_at(worker, worker->count - 1)->group == group) {
    Waiting *waiting = waiting_at(worker, worker->count - 1);
    if (waiting->fd >= 0) settle(worker, waiting, true);
    worker->count--;
  }
}

static bool is_as_read(const Tree *tree, int fd, const Row *row, const Attributes *attributes) {
  struct stat stat;
  Attributes now;
  return fstat(fd, &stat) == 0 && same_metadata(&stat, tree, row) && attributes_read(fd, &now) == 0 && memcmp(&now, attributes, sizeof now) == 0;
}

/* Nobody has opened the canonical inode for writing since it was read, and it is what it was. */
static bool canonical_holds(const Swap *swap, int fd, const Row *row, const Attributes *attributes) { return lease_holds(fd) && is_as_read(swap->tree, fd, row, attributes); }

/*
 * The same where somebody waits for the lease now, to write: on ext4, which asks for the immutable flag at each write, he is
 * refused once the flag is set. Then it is the content that tells whether he came too early.
 */
static bool content_holds(const Worker *worker, int fd, const Row *row, const Attributes *attributes, const uint8_t digest[32]) {
  struct statfs system;
  if (fstatfs(fd, &system) != 0 || system.f_type != EXT4_SUPER_MAGIC || !is_as_read(worker->swap->tree, fd, row, attributes)) return false;
  Sha256 sha;
  uint8_t again[32];
  sha256_start(&sha);
  ssize_t got;
  off_t at = 0;
  for (; (got = read_at(fd, worker->block[0], BLOCK, at)) > 0; at += got) sha256_add(&sha, worker->block[0], (size_t)got);
  sha256_end(&sha, again);
  return got == 0 && memcmp(again, digest, sizeof again) == 0;
}

/* Swaps every member; returns how many were. */
static uint32_t swap_members(Worker *worker, uint32_t group, int fd, const Row *row, const Attributes *attributes) {
  Swap *swap = worker->swap;
  const uint32_t *plan = swap->plan + swap->group_at[group];
  uint32_t swapped = 0;
  for (uint32_t at = 0; at < plan[1]; at++) {
    /* Once members are settled they cannot be taken back, so the canonical inode is looked at before. */
    bool full = worker->count == worker->room, stop = cancelled(swap->control);
    if (!stop && full && !(stop = !canonical_holds(swap, fd, row, attributes))) wait_for_room(worker, worker->room / 2);
    if (stop) {
      for (; at < plan[1]; at++) finish(swap, plan[2 + at], cancelled(swap->control) ? STATE_STOPPED : STATE_BUSY, 0);
      break;
    }
    swapped += swap_member(worker, group, plan[2 + at], fd, attributes);
  }
  return swapped;
}

/* The index is to know the inode by its new time. */
static void note_time(Swap *swap, uint32_t inode, int fd) {
  const Candidates *candidates = swap->tree->candidates;
  const Inode *which = &candidates->inodes[inode];
  struct stat stat;
  if (fstat(fd, &stat) != 0) return;
  for (uint32_t at = 0; at < which->names; at++) tree_rows(swap->tree)[candidates->order[which->first + at]].ctime = time_of(stat.st_ctim);
}

static void swap_group(Worker *worker, uint32_t group) {
  Swap *swap = worker->swap;
  uint32_t inode = swap->plan[swap->group_at[group]];
  const Row *row;
  bool pooled = swap_is_pooled(swap, inode, &row), linked = false;
  const Facts *facts = tree_facts(swap->tree, row);
  if (space_of(swap, inode)->pool < 0) return leave_group(swap, group);
  int fd = swap->canonical[group];
  if (fd == -1) fd = open_canonical(swap, &worker->hands.dirs, inode);
  swap->canonical[group] = -1;
  if (fd < 0) return fail_group(swap, group, -fd);
  Attributes attributes;
  uint8_t digest[32];
  char object[OBJECT_NAME];
  int error = attributes_read(fd, &attributes), immutable = 0;
  if (error == 0) error = read_canonical(worker, fd, facts->size, pooled ? NULL : digest);
  bool guards = space_of(swap, inode)->guard == GUARD_IMMUTABLE, held = false;
  /* The flag refuses link and rename to us as well; gate and lease watch over the inode until it is set. */
  if (error == 0 && pooled && (facts->mode & ROW_IMMUTABLE)) error = lift_flag(&swap->gate, fd, &immutable);
  else if (error == 0 && guards) held = (error = gate_hold(&swap->gate, fd)) == 0;
  if (error == 0 && !pooled) {
    error = link_object(swap, facts, &attributes, fd, digest, object);
    linked = error == 0;
  }
  uint32_t swapped = error == 0 ? swap_members(worker, group, fd, row, &attributes) : 0;
  if (immutable || (swapped > 0 && guards)) {
    int set = set_flag_held(&swap->gate, fd);
    if (error == 0) error = set;
  }
  /* Whoever opened the canonical inode for writing meanwhile must write to his own file only; a changed owner or mode likewise. */
  if (swapped > 0 && error == 0 && !canonical_holds(swap, fd, row, &attributes) && !(held && linked && content_holds(worker, fd, row, &attributes, digest))) error = EAGAIN;
  if (error != 0) {
    if (swapped > 0) {
      immutable_set(fd, 0, NULL);
      undo_group(worker, group);
      if (immutable) set_flag_held(&swap->gate, fd);
    }
    swapped = 0;
    fail_group(swap, group, error);
  }
  if (held && swapped == 0) gate_let_go(&swap->gate, fd);
  if (linked && swapped == 0) unlinkat(swap->spaces[facts->space].pool, object, 0);
  note_time(swap, inode, fd);
  close(fd);
}

/* --- all of it ------------------------------------------------------------------------------------------------------ */

/* A pause holds no lease of ours but those in quarantine, and these are looked after meanwhile. Returns whether the run is to end. */
static bool rest(Worker *worker) {
  struct timespec slice = {.tv_nsec = 10000000};
  Swap *swap = worker->swap;
  for (; !swap->prepared && paused(swap->control) && !cancelled(swap->control); nanosleep(&slice, NULL)) settle_old(worker);
  return cancelled(swap->control);
}

static void *work(void *argument) {
  Worker *worker = argument;
  Swap *swap = worker->swap;
  while (!rest(worker)) {
    uint32_t from = atomic_fetch_add(&swap->next_group, TAKE);
    if (from >= swap->end_group) break;
    uint32_t to = from + TAKE < swap->end_group ? from + TAKE : swap->end_group;
    for (uint32_t group = from; group < to; group++) {
      if (rest(worker)) fail_group(swap, group, ECANCELED);
      else swap_group(worker, group);
    }
    settle_old(worker);
    exchanger_restore_times(&worker->hands);
  }
  wait_for_room(worker, 0);
  leave_waiting(worker);
  exchanger_restore_times(&worker->hands);
  return NULL;
}

static uint32_t waiting_room(uint32_t threads) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 128;
  uint64_t room = limit.rlim_cur < SPARE_FDS * 2 ? 128 : (limit.rlim_cur - SPARE_FDS) / threads - DIR_CACHE;
  return room > MOST_WAITING ? MOST_WAITING : (uint32_t)room;
}

static int worker_open(Worker *worker, Swap *swap, uint32_t number) {
  memset(worker, 0, sizeof *worker);
  worker->number = number;
  worker->swap = swap;
  exchanger_open(&worker->hands, swap->tree, &swap->dir_times);
  worker->room = waiting_room(swap->threads);
  worker->waiting = malloc(worker->room * sizeof *worker->waiting);
  worker->kept = malloc(KEEP);
  worker->block[0] = malloc(BLOCK);
  worker->block[1] = malloc(BLOCK);
  return worker->waiting == NULL || worker->kept == NULL || worker->block[0] == NULL || worker->block[1] == NULL ? ENOMEM : 0;
}

static void worker_close(Worker *worker) {
  exchanger_close(&worker->hands);
  free(worker->waiting);
  free(worker->kept);
  free(worker->block[0]);
  free(worker->block[1]);
}

int swap_run(Swap *swap, uint32_t from, uint32_t to) {
  atomic_store(&swap->next_group, from);
  swap->end_group = to;
  Worker *workers = calloc(swap->threads, sizeof *workers);
  pthread_t *ids = calloc(swap->threads, sizeof *ids);
  uint32_t ready = 0, started = 0;
  int error = workers == NULL || ids == NULL ? ENOMEM : 0;
  gate_init(&swap->gate);
  for (; ready < swap->threads && error == 0; ready++) error = worker_open(&workers[ready], swap, ready);
  for (; started < ready && error == 0; started++)
    if (pthread_create(&ids[started], NULL, work, &workers[started]) != 0) break;
  if (error == 0 && started == 0) error = EAGAIN;
  for (uint32_t at = 0; at < started; at++) pthread_join(ids[at], NULL);
  for (uint32_t at = 0; at < ready; at++) worker_close(&workers[at]);
  gate_close(&swap->gate, swap->control);
  free(workers);
  free(ids);
  /* Groups that no thread took before a cancel. */
  for (uint32_t group = from; group < to; group++) {
    const uint32_t *plan = swap->plan + swap->group_at[group];
    for (uint32_t at = 0; at < plan[1]; at++)
      if (swap->results[plan[2 + at]].state == STATE_NEW) finish(swap, plan[2 + at], STATE_STOPPED, 0);
    if (swap->canonical[group] >= 0) close(swap->canonical[group]);
    swap->canonical[group] = -1;
  }
  return error;
}

void swap_prepare(Swap *swap, uint32_t from, uint32_t to) {
  DirCache dirs;
  dir_cache_open(&dirs);
  swap->prepared = true;
  for (uint32_t group = from; group < to; group++) swap->canonical[group] = open_canonical(swap, &dirs, swap->plan[swap->group_at[group]]);
  dir_cache_close(&dirs);
}

static void part_name(char name[16], uint32_t thread) { snprintf(name, 16, "%u", thread); }

static int open_parts(Swap *swap, SwapSpace *space) {
  space->parts = malloc(swap->threads * sizeof *space->parts);
  if (space->parts == NULL) return ENOMEM;
  for (uint32_t thread = 0; thread < swap->threads; thread++) space->parts[thread] = -1;
  for (uint32_t thread = 0; space->quarantine >= 0 && thread < swap->threads; thread++) {
    char name[16];
    part_name(name, thread);
    /* Spaces of one file system have one quarantine. */
    if (mkdirat(space->quarantine, name, 0700) != 0 && errno != EEXIST) return errno;
    space->parts[thread] = openat(space->quarantine, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (space->parts[thread] < 0) return errno;
  }
  return 0;
}

/* What is not empty stays, for recovery. */
static void close_parts(Swap *swap, SwapSpace *space) {
  for (uint32_t thread = 0; space->parts != NULL && thread < swap->threads; thread++) {
    char name[16];
    part_name(name, thread);
    if (space->parts[thread] < 0) continue;
    close(space->parts[thread]);
    unlinkat(space->quarantine, name, AT_REMOVEDIR);
  }
  free(space->parts);
  space->parts = NULL;
}

int swap_open(Swap *swap) {
  uint32_t groups = 0;
  for (size_t at = 0; at < swap->plan_words; at += 2 + swap->plan[at + 1]) groups++;
  swap->group_at = malloc(((size_t)groups + 1) * sizeof *swap->group_at);
  swap->canonical = malloc(((size_t)groups + 1) * sizeof *swap->canonical);
  swap->results = calloc((size_t)swap->tree->candidates->inode_count + 1, sizeof *swap->results);
  swap->exposed = calloc((size_t)groups + 1, sizeof *swap->exposed);
  if (swap->exposed == NULL || swap->group_at == NULL || swap->canonical == NULL || swap->results == NULL || dir_times_open(&swap->dir_times, swap->tree) != 0) return ENOMEM;
  for (size_t at = 0; at < swap->plan_words; at += 2 + swap->plan[at + 1]) {
    swap->canonical[swap->group_count] = -1;
    swap->group_at[swap->group_count++] = (uint32_t)at;
  }
  int error = 0;
  for (uint32_t at = 0; at < swap->space_count && error == 0; at++) error = open_parts(swap, &swap->spaces[at]);
  return error;
}

static void let_go(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

void swap_let_go(Swap *swap) {
  for (uint32_t group = 0; swap->canonical != NULL && group < swap->group_count; group++) let_go(&swap->canonical[group]);
  for (uint32_t at = 0; at < swap->space_count; at++) {
    close_parts(swap, &swap->spaces[at]);
    let_go(&swap->spaces[at].pool);
    let_go(&swap->spaces[at].quarantine);
  }
}

void swap_close(Swap *swap) {
  swap_let_go(swap);
  free(swap->group_at);
  free(swap->canonical);
  free(swap->results);
  free(swap->exposed);
  dir_times_close(&swap->dir_times);
  free(swap->spaces);
}
