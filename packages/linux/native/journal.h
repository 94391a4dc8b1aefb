#pragma once
#include "privatize.h"
#include "swap.h"

/*
 * Appends to an open journal what recovery needs of a run, and makes it durable: the times of directories that will change,
 * the names that will, and the inodes whose immutable flag may be found lifted. Return 0 or an errno.
 */
int swap_journal(Swap *swap, int journal);
int privatize_journal(const Privatize *job);
