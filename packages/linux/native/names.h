#pragma once
#include "tree.h"

/*
 * One thread's way of adding names to a tree. Guests are much alike, so most of a tree's names are there already, in the
 * guest before: each is kept once for every thread that met it, and memory for names hardly grows with the guests.
 */
typedef struct {
  uint32_t *slots; /* offset of a name + 1, by its hash; 0: free */
  uint32_t count, slot_count;
  size_t at, end; /* the rest of the last run of bytes that was taken */
} Names;

/* The offset of a name in the tree, or NO_NAME without memory. */
uint32_t names_add(Names *names, Tree *tree, const char *name, size_t length);
/* Gives back what finding names again took; the names stay. */
void names_close(Names *names);
