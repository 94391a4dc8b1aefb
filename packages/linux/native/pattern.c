#include "pattern.h"
#include <string.h>

void pattern_prepare(Pattern *pattern) {
  size_t at = 0;
  while (at < pattern->length && strchr("*?[\\", pattern->text[at]) == NULL) at++;
  pattern->literal = at;
  pattern->exact = at == pattern->length;
}

/* Matches one set at `at` (after the `[`); sets *end behind its `]`. The parser has made sure that there is one. */
static bool set_matches(const Pattern *pattern, size_t at, size_t *end, unsigned char byte) {
  const unsigned char *text = (const unsigned char *)pattern->text;
  bool negated = at < pattern->length && (text[at] == '!' || text[at] == '^'), found = false, first = true;
  if (negated) at++;
  while (at < pattern->length && (first || text[at] != ']')) {
    first = false;
    if (text[at] == '\\' && at + 1 < pattern->length) at++;
    unsigned char low = text[at++], high = low;
    if (at + 1 < pattern->length && text[at] == '-' && text[at + 1] != ']') {
      at++;
      if (text[at] == '\\' && at + 1 < pattern->length) at++;
      high = text[at++];
    }
    if (low <= byte && byte <= high) found = true;
  }
  *end = at + 1;
  return found != negated;
}

bool pattern_matches(const Pattern *pattern, const char *path, size_t length) {
  if (length < pattern->literal || memcmp(path, pattern->text, pattern->literal) != 0) return false;
  if (pattern->exact) return length == pattern->length;
  const char *text = pattern->text;
  size_t at = pattern->literal, of = pattern->literal, star = SIZE_MAX, retry = 0;
  /* The classic greedy walk: on a mismatch let the last star take one byte more. Linear for one star. */
  while (of < length) {
    size_t next;
    if (at < pattern->length && text[at] == '*') {
      star = at++;
      retry = of;
      continue;
    }
    if (at < pattern->length) {
      bool equal;
      if (text[at] == '?') equal = true, next = at + 1;
      else if (text[at] == '[') equal = set_matches(pattern, at + 1, &next, (unsigned char)path[of]);
      else if (text[at] == '\\' && at + 1 < pattern->length) equal = text[at + 1] == path[of], next = at + 2;
      else equal = text[at] == path[of], next = at + 1;
      if (equal) {
        at = next;
        of++;
        continue;
      }
    }
    if (star == SIZE_MAX) return false;
    at = star + 1;
    of = ++retry;
  }
  while (at < pattern->length && text[at] == '*') at++;
  return at == pattern->length;
}

bool pattern_reaches(const Pattern *pattern, const char *directory, size_t length) {
  if (pattern->exact) return pattern->length > length && memcmp(pattern->text, directory, length) == 0 && pattern->text[length] == '/';
  size_t common = pattern->literal < length ? pattern->literal : length;
  if (memcmp(pattern->text, directory, common) != 0) return false;
  return pattern->literal <= length || pattern->text[length] == '/';
}
