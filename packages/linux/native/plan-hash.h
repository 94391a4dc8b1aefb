#pragma once
#include "tree.h"

/*
 * SHA-256 over the groups of some plans (words: canonical inode, number of members, members), by space and number of the
 * canonical inode, so that the order in which threads found them does not matter: for each group space, canonical inode number
 * and number of members, then inode number, ctime and size of each member as the plan has them; all as 64-bit words.
 * Returns 0 or ENOMEM.
 */
int plan_hash(const Tree *tree, const uint32_t *const *plans, const size_t *words, size_t count, uint8_t digest[32]);
