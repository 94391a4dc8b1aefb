#include "hash.h"
#include "hash-avx2.h"
#include <stdbool.h>
#include <stdlib.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

struct HashStream {
  XXH3_state_t state;
};

static bool has_avx2(void) {
#ifdef HAVE_AVX2_HASH
  return __builtin_cpu_supports("avx2");
#else
  return false;
#endif
}

Hash128 hash_block(const void *data, size_t size, uint64_t seed) {
#ifdef HAVE_AVX2_HASH
  if (has_avx2()) return hash_block_avx2(data, size, seed);
#endif
  XXH128_hash_t hash = XXH3_128bits_withSeed(data, size, seed);
  return (Hash128){hash.low64, hash.high64};
}

/* XXH3's state wants 64-byte alignment. */
HashStream *hash_stream_new(void) { return aligned_alloc(64, (sizeof(HashStream) + 63) / 64 * 64); }

HashStream *hash_stream_start(HashStream *stream, uint64_t seed) {
  XXH3_128bits_reset_withSeed(&stream->state, seed);
  return stream;
}

void hash_stream_add(HashStream *stream, const void *data, size_t size) {
#ifdef HAVE_AVX2_HASH
  if (has_avx2()) {
    hash_stream_add_avx2(&stream->state, data, size);
    return;
  }
#endif
  XXH3_128bits_update(&stream->state, data, size);
}

Hash128 hash_stream_end(const HashStream *stream) {
  XXH128_hash_t hash = XXH3_128bits_digest(&stream->state);
  return (Hash128){hash.low64, hash.high64};
}

void hash_stream_free(HashStream *stream) { free(stream); }
