#pragma once
#include "candidates.h"

/* Groups the inodes of each class by their hashes; the rows of those that stand alone become unique or already unified. Returns 0 or ENOMEM. */
int groups_find(Tree *tree, Candidates *candidates);
