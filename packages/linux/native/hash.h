#pragma once
#include <stddef.h>
#include <stdint.h>

/* XXH3 of 128 bits, by the widest vectors that the processor has. The same bytes give the same hash on every machine. */
typedef struct {
  uint64_t low, high;
} Hash128;
typedef struct HashStream HashStream;

Hash128 hash_block(const void *data, size_t size, uint64_t seed);
/* One that is used again and again; NULL without memory. */
HashStream *hash_stream_new(void);
HashStream *hash_stream_start(HashStream *stream, uint64_t seed);
void hash_stream_add(HashStream *stream, const void *data, size_t size);
Hash128 hash_stream_end(const HashStream *stream);
void hash_stream_free(HashStream *stream);
