#pragma once
#include <stddef.h>
#include <stdint.h>

/* SHA-256 (FIPS 180-4), with the processor's SHA instructions where it has them. */
typedef struct {
  uint32_t state[8];
  uint64_t length;
  uint8_t block[64];
} Sha256;

void sha256_start(Sha256 *sha);
void sha256_add(Sha256 *sha, const void *data, size_t size);
void sha256_end(Sha256 *sha, uint8_t digest[32]);
