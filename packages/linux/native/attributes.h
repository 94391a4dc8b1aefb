#pragma once
#include <stdint.h>
#include <string.h>

/* What a file carries beside content, owner, mode and times: xattrs (with ACLs, capabilities, labels), inode flags, project id. */
typedef struct {
  uint8_t digest[32]; /* SHA-256 of all of it; zero for a file that carries nothing */
} Attributes;

/* Returns 0 or an errno. */
int attributes_read(int fd, Attributes *attributes);
/* What the hash of a content is mixed with (by exclusive or), so that equal hashes mean equal attributes as well. */
static inline uint64_t attributes_mixed(const Attributes *attributes) {
  uint64_t word;
  memcpy(&word, attributes->digest, sizeof word);
  return word;
}
/* Copies all of it but the immutable and append-only flags. Returns 0 or an errno. */
int attributes_copy(int from, int to);
/* Sets or lifts the immutable flag. Returns 0 or an errno; *was tells whether it was set. */
int immutable_set(int fd, int on, int *was);
