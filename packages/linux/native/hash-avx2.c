#include "hash-avx2.h"
#ifdef HAVE_AVX2_HASH
#pragma GCC target("avx2")
#define XXH_INLINE_ALL
#include <xxhash.h>

Hash128 hash_block_avx2(const void *data, size_t size, uint64_t seed) {
  XXH128_hash_t hash = XXH3_128bits_withSeed(data, size, seed);
  return (Hash128){hash.low64, hash.high64};
}

void hash_stream_add_avx2(void *state, const void *data, size_t size) { XXH3_128bits_update(state, data, size); }
#endif
