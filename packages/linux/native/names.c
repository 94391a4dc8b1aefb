#include "names.h"
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

/* A run of bytes that one thread fills: large enough that threads hardly ever meet. */
#define RUN 32768
#define FIRST_SLOTS 4096

static uint32_t *slot_of(const Names *names, const Tree *tree, const char *name, size_t length) {
  uint32_t slot = (uint32_t)XXH3_64bits(name, length) & (names->slot_count - 1);
  for (;; slot = (slot + 1) & (names->slot_count - 1)) {
    uint32_t *found = &names->slots[slot];
    if (*found == 0 || strcmp(tree_name(tree, *found - 1), name) == 0) return found;
  }
}

/* Twice the slots, at most half of them in use. Without memory the old ones stay. */
static void grow(Names *names, const Tree *tree) {
  Names larger = {.slot_count = names->slot_count == 0 ? FIRST_SLOTS : names->slot_count * 2, .count = names->count};
  larger.slots = calloc(larger.slot_count, sizeof *larger.slots);
  if (larger.slots == NULL) return;
  for (uint32_t slot = 0; slot < names->slot_count; slot++) {
    if (names->slots[slot] == 0) continue;
    const char *name = tree_name(tree, names->slots[slot] - 1);
    *slot_of(&larger, tree, name, strlen(name)) = names->slots[slot];
  }
  free(names->slots);
  names->slots = larger.slots;
  names->slot_count = larger.slot_count;
}

uint32_t names_add(Names *names, Tree *tree, const char *name, size_t length) {
  if (names->count * 2 >= names->slot_count) grow(names, tree);
  /* A table that could not grow takes no more; names are then kept as often as they occur. */
  uint32_t *slot = names->count * 2 < names->slot_count ? slot_of(names, tree, name, length) : NULL;
  if (slot != NULL && *slot != 0) return *slot - 1;
  if (names->at + length + 1 > names->end) {
    size_t run = region_take(&tree->names, RUN);
    if (run == SIZE_MAX) return NO_NAME;
    names->at = run;
    names->end = run + RUN;
  }
  uint32_t at = (uint32_t)names->at;
  memcpy(tree->names.base + at, name, length + 1);
  names->at += length + 1;
  if (slot != NULL) {
    *slot = at + 1;
    names->count++;
  }
  return at;
}

void names_close(Names *names) { free(names->slots); }
