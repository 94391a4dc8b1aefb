#pragma once
#include "tree.h"

/*
 * One thread's way of adding facts to a tree. Guests are much alike, so most files have the same ones as a file in the guest
 * before: they are kept once for every thread that met them. A tree without two files alike takes 8 bytes a file more than
 * facts in the rows would; one of eight guests takes half.
 */
typedef struct {
  uint32_t *slots; /* number of facts, by their hash; 0: free */
  uint32_t count, slot_count;
  uint32_t next, end; /* the rest of the last run of numbers that was taken */
} FactsTable;

/* The number of such facts in the tree, or 0 without memory. */
uint32_t facts_add(FactsTable *table, Tree *tree, const Facts *facts);
/* Gives back what finding facts again took; the facts stay. */
void facts_close(FactsTable *table);
