#include "change-set.h"
#include <stdlib.h>
#include <string.h>

/* From here on reading the directory again costs no more than telling its names apart. */
#define NAMES_PER_DIRECTORY 256
/* NAME_MAX, and MAX_HANDLE_SZ with the handle's type. */
#define KEY_MAX 256

void changes_open(ChangeSet *set, size_t limit) { *set = (ChangeSet){.used = CHANGE_FIRST, .limit = limit}; }

void changes_close(ChangeSet *set) {
  free(set->bytes);
  free(set->slots);
  changes_open(set, set->limit);
}

static void lose(ChangeSet *set) {
  changes_close(set);
  set->lost = true;
}

static uint32_t hash_of(const uint8_t *key, size_t length, uint32_t directory) {
  uint32_t hash = 2166136261u ^ directory; /* FNV-1a; a guest that makes names collide slows this thread, not other guests */
  for (size_t at = 0; at < length; at++) hash = (hash ^ key[at]) * 16777619u;
  return hash;
}

static bool grow_slots(ChangeSet *set) {
  uint32_t count = set->slot_count == 0 ? 1024 : set->slot_count * 2;
  if (set->room + count * sizeof *set->slots > set->limit) return false;
  uint32_t *slots = calloc(count, sizeof *slots);
  if (slots == NULL) return false;
  for (size_t at = CHANGE_FIRST; at < set->used; at = change_next(set, at)) {
    uint32_t slot = change_at(set, at)->hash & (count - 1);
    while (slots[slot] != 0) slot = (slot + 1) & (count - 1);
    slots[slot] = (uint32_t)at;
  }
  free(set->slots);
  set->slots = slots;
  set->slot_count = count;
  return true;
}

static bool grow_bytes(ChangeSet *set, size_t needed) {
  size_t room = set->room == 0 ? 16384 : set->room;
  while (room < needed) room *= 2;
  if (room + set->slot_count * sizeof *set->slots > set->limit) return false;
  uint8_t *bytes = realloc(set->bytes, room);
  if (bytes == NULL) return false;
  set->bytes = bytes;
  set->room = room;
  return true;
}

/* The record's offset, made when there is none; 0 when everything was lost. */
static uint32_t find(ChangeSet *set, const uint8_t *key, size_t length, uint32_t directory, bool *is_new) {
  *is_new = false;
  if (length > KEY_MAX || (set->count * 2 >= set->slot_count && !grow_slots(set))) {
    lose(set);
    return 0;
  }
  uint32_t hash = hash_of(key, length, directory), slot = hash & (set->slot_count - 1);
  for (; set->slots[slot] != 0; slot = (slot + 1) & (set->slot_count - 1)) {
    const ChangeRecord *record = change_at(set, set->slots[slot]);
    if (record->hash == hash && record->directory == directory && record->length == length && memcmp(record->key, key, length) == 0) return set->slots[slot];
  }
  size_t at = set->used, end = (at + sizeof(ChangeRecord) + length + 7) & ~(size_t)7;
  if (end > set->room && !grow_bytes(set, end)) {
    lose(set);
    return 0;
  }
  ChangeRecord *record = change_at(set, at);
  *record = (ChangeRecord){.hash = hash, .directory = directory, .length = (uint16_t)length};
  memcpy(record->key, key, length);
  set->slots[slot] = (uint32_t)at;
  set->used = end;
  set->count++;
  *is_new = true;
  return (uint32_t)at;
}

static uint32_t find_handle(ChangeSet *set, const struct file_handle *handle, bool *is_new) {
  uint8_t key[KEY_MAX + 1];
  size_t length = sizeof handle->handle_type + handle->handle_bytes;
  if (length > KEY_MAX) {
    lose(set);
    return 0;
  }
  memcpy(key, &handle->handle_type, sizeof handle->handle_type);
  memcpy(key + sizeof handle->handle_type, handle->f_handle, handle->handle_bytes);
  return find(set, key, length, 0, is_new);
}

static void deepen(ChangeRecord *record, uint8_t depth) {
  if (record->depth < depth) record->depth = depth;
}

void changes_note_name(ChangeSet *set, const struct file_handle *directory, const char *name, uint8_t depth) {
  bool is_new;
  uint32_t parent = set->lost ? 0 : find_handle(set, directory, &is_new);
  if (parent == 0) return;
  ChangeRecord *record = change_at(set, parent);
  if (record->depth == DEPTH_ALL || (record->depth == DEPTH_CHILDREN && depth == DEPTH_SELF)) return;
  if (record->names >= NAMES_PER_DIRECTORY) {
    deepen(record, depth == DEPTH_ALL ? DEPTH_ALL : DEPTH_CHILDREN);
    return;
  }
  uint32_t at = find(set, (const uint8_t *)name, strlen(name), parent, &is_new);
  if (at == 0) return;
  deepen(change_at(set, at), depth);
  change_at(set, parent)->names += is_new;
}

void changes_note_directory(ChangeSet *set, const struct file_handle *directory) {
  bool is_new;
  uint32_t at = set->lost ? 0 : find_handle(set, directory, &is_new);
  if (at != 0) deepen(change_at(set, at), DEPTH_SELF);
}

void changes_note_file(ChangeSet *set, const struct file_handle *file) {
  bool is_new;
  uint32_t at = set->lost ? 0 : find_handle(set, file, &is_new);
  if (at != 0) change_at(set, at)->is_file = true;
}
