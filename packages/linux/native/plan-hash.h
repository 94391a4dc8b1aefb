#pragma once
#include "tree.h"

/*
 * SHA-256 over every swap of some plans (words: canonical inode, number of members, members): space, inode number, ctime, size
 * and canonical inode number of each member, as 64-bit words, in the order of spaces and inode numbers, so that the order in
 * which threads found them does not matter. Returns 0 or ENOMEM.
 */
int plan_hash(const Tree *tree, const uint32_t *const *plans, const size_t *words, size_t count, uint8_t digest[32]);
