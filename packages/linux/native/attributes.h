#pragma once
#include <stdint.h>

/* What a file carries beside content, owner, mode and times: xattrs (with ACLs, capabilities, labels), inode flags, project id. */
typedef struct {
  uint8_t digest[32]; /* SHA-256 of all of it; zero for a file that carries nothing */
} Attributes;

/* Returns 0 or an errno. */
int attributes_read(int fd, Attributes *attributes);
static inline uint32_t attributes_short(const Attributes *attributes) {
  return (uint32_t)attributes->digest[0] | (uint32_t)attributes->digest[1] << 8 | (uint32_t)attributes->digest[2] << 16 | (uint32_t)attributes->digest[3] << 24;
}
/* Copies all of it but the immutable and append-only flags. Returns 0 or an errno. */
int attributes_copy(int from, int to);
/* Sets or lifts the immutable flag. Returns 0 or an errno; *was tells whether it was set. */
int immutable_set(int fd, int on, int *was);
