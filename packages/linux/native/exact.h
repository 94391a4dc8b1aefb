#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Paths that are left alone by name, in numbered lists; empty for most directories, which is found out once a directory. */
typedef struct {
  struct ExactSlot *slots;
  uint32_t mask;
  char *text;
} Exact;

#define EXACT_LISTS 4

/* `entries`: for each, one byte of list number, the path from the guest's root with its leading slash, and a NUL. */
int exact_open(Exact *exact, const char *entries, size_t size);
bool exact_has_under(const Exact *exact, const char *directory, size_t length);
/* The list's number, or -1. */
int exact_find(const Exact *exact, const char *path, size_t length);
void exact_close(Exact *exact);
