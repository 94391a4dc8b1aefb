/* Marks whose inodes have lost their last name. Somebody may still have such an inode open or mapped, or be on the way
 * to opening it, and others may share it with him: its mark goes when the inode has gone, never before. */
#ifndef SAMEPAGE_RETIRED_H
#define SAMEPAGE_RETIRED_H

#include "guard-abi.h"

/* From now on the inode is looked after. Harmless for one that is in use: it stays for as long as it exists. */
void retire(const struct inode_key *key);

/* Takes the marks of inodes that have gone out of the kernel; call every few seconds, from one thread. */
void retired_sweep(int marks);

#endif
