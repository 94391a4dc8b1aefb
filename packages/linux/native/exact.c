#include "exact.h"
#define XXH_INLINE_ALL
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

struct ExactSlot {
  const char *path; /* NULL: free */
  uint32_t length;
  int8_t list; /* -1: a directory that holds entries */
};

static struct ExactSlot *find(const Exact *exact, const char *path, size_t length, bool directory) {
  uint32_t at = (uint32_t)XXH3_64bits_withSeed(path, length, directory) & exact->mask;
  for (;; at = (at + 1) & exact->mask) {
    struct ExactSlot *slot = &exact->slots[at];
    if (slot->path == NULL) return slot;
    if (slot->length == length && (slot->list < 0) == directory && memcmp(slot->path, path, length) == 0) return slot;
  }
}

int exact_open(Exact *exact, const char *entries, size_t size) {
  memset(exact, 0, sizeof *exact);
  if (size == 0) return 0;
  uint32_t count = 0, slots = 16;
  for (size_t at = 0; at < size; at++) count += entries[at] == 0 && at > 0 && entries[at - 1] != 0;
  while (slots < count * 8) slots *= 2;
  exact->slots = calloc(slots, sizeof *exact->slots);
  exact->text = malloc(size);
  if (exact->slots == NULL || exact->text == NULL) return ENOMEM;
  memcpy(exact->text, entries, size);
  exact->mask = slots - 1;
  for (size_t at = 0; at + 1 < size;) {
    int list = exact->text[at];
    const char *path = exact->text + at + 1;
    size_t length = strnlen(path, size - at - 1);
    at += length + 2;
    struct ExactSlot *slot = find(exact, path, length, false);
    if (slot->path == NULL) *slot = (struct ExactSlot){.path = path, .length = (uint32_t)length, .list = (int8_t)list};
    const char *cut = memrchr(path, '/', length);
    if (cut == NULL) continue;
    slot = find(exact, path, (size_t)(cut - path), true);
    if (slot->path == NULL) *slot = (struct ExactSlot){.path = path, .length = (uint32_t)(cut - path), .list = -1};
  }
  return 0;
}

bool exact_has_under(const Exact *exact, const char *directory, size_t length) {
  return exact->slots != NULL && find(exact, directory, length, true)->path != NULL;
}

int exact_find(const Exact *exact, const char *path, size_t length) {
  struct ExactSlot *slot = find(exact, path, length, false);
  return slot->path == NULL ? -1 : slot->list;
}

void exact_close(Exact *exact) {
  free(exact->slots);
  free(exact->text);
}
