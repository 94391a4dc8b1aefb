#pragma once
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How far below a name something may differ. A larger one contains the smaller. Order is the contract with JavaScript. */
enum { DEPTH_NONE, DEPTH_SELF, DEPTH_CHILDREN, DEPTH_ALL };

/* One directory, one name in a directory, or one file that was changed without anybody saying by which name. */
typedef struct {
  uint32_t hash;
  uint32_t directory; /* of a name: its directory's record; else 0 */
  uint32_t names;     /* of a directory: how many are noted */
  uint16_t length;
  uint8_t depth;
  bool is_file; /* key is the handle of a file */
  uint8_t key[]; /* a name, or a handle: its type and its bytes */
} ChangeRecord;

/*
 * Changed names, each once, in bounded memory: a directory with many becomes "any name in it", and beyond the limit
 * everything is lost, which the reader answers with a full walk.
 */
typedef struct {
  uint8_t *bytes;
  uint32_t *slots;
  size_t used, room, limit;
  uint32_t slot_count, count;
  bool lost;
} ChangeSet;

/* The first record is at CHANGE_FIRST, the next where change_next says; past `used` there is none. */
#define CHANGE_FIRST 8
static inline ChangeRecord *change_at(const ChangeSet *set, size_t at) { return (ChangeRecord *)(set->bytes + at); }
static inline size_t change_next(const ChangeSet *set, size_t at) {
  return (at + sizeof(ChangeRecord) + change_at(set, at)->length + 7) & ~(size_t)7;
}

void changes_open(ChangeSet *set, size_t limit);
void changes_note_name(ChangeSet *set, const struct file_handle *directory, const char *name, uint8_t depth);
/* The directory itself: its owner, mode or attributes. */
void changes_note_directory(ChangeSet *set, const struct file_handle *directory);
/* A file of which nobody says by which name it was changed. */
void changes_note_file(ChangeSet *set, const struct file_handle *file);
void changes_close(ChangeSet *set);
