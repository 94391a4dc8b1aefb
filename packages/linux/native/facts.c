#include "facts.h"
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

/* Facts that one thread takes room for at once: so many that threads hardly ever meet. */
#define RUN 512
#define FIRST_SLOTS 4096

_Static_assert(sizeof(Facts) == 40, "facts are hashed and compared as bytes, so there must be no gap in them");

static const Facts *facts_at(const Tree *tree, uint32_t number) { return (const Facts *)tree->facts.base + number; }

static uint32_t *slot_of(const FactsTable *table, const Tree *tree, const Facts *facts) {
  uint32_t slot = (uint32_t)XXH3_64bits(facts, sizeof *facts) & (table->slot_count - 1);
  for (;; slot = (slot + 1) & (table->slot_count - 1)) {
    uint32_t *found = &table->slots[slot];
    if (*found == 0 || memcmp(facts_at(tree, *found), facts, sizeof *facts) == 0) return found;
  }
}

/* Twice the slots, at most half of them in use. Without memory the old ones stay. */
static void grow(FactsTable *table, const Tree *tree) {
  FactsTable larger = {.slot_count = table->slot_count == 0 ? FIRST_SLOTS : table->slot_count * 2};
  larger.slots = calloc(larger.slot_count, sizeof *larger.slots);
  if (larger.slots == NULL) return;
  for (uint32_t slot = 0; slot < table->slot_count; slot++)
    if (table->slots[slot] != 0) *slot_of(&larger, tree, facts_at(tree, table->slots[slot])) = table->slots[slot];
  free(table->slots);
  table->slots = larger.slots;
  table->slot_count = larger.slot_count;
}

uint32_t facts_add(FactsTable *table, Tree *tree, const Facts *facts) {
  if (table->count >= table->slot_count / 2) grow(table, tree);
  /* A table that could not grow takes no more; facts are then kept as often as they occur. */
  uint32_t *slot = table->count < table->slot_count / 2 ? slot_of(table, tree, facts) : NULL;
  if (slot != NULL && *slot != 0) return *slot;
  if (table->next == table->end) {
    size_t run = region_take(&tree->facts, RUN * sizeof *facts);
    if (run == SIZE_MAX) return 0;
    table->next = (uint32_t)(run / sizeof *facts);
    table->end = table->next + RUN;
  }
  uint32_t number = table->next++;
  ((Facts *)tree->facts.base)[number] = *facts;
  if (slot != NULL) {
    *slot = number;
    table->count++;
  }
  return number;
}

void facts_close(FactsTable *table) { free(table->slots); }
