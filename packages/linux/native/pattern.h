#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VERDICT_INCLUDE, VERDICT_EXCLUDE, VERDICT_SKIP };

/* A glob over path bytes as fnmatch(3) without flags: `*` and `?` match `/` too. */
typedef struct {
  char *text;
  size_t length;
  size_t literal; /* bytes before the first special one: what a path must begin with */
  bool exact;     /* no special byte at all */
  uint8_t verdict;
} Pattern;

void pattern_prepare(Pattern *pattern);
bool pattern_matches(const Pattern *pattern, const char *path, size_t length);
/* Whether any path below the directory (no trailing slash) can match. */
bool pattern_reaches(const Pattern *pattern, const char *directory, size_t length);
