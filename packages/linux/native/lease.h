#pragma once
/*
 * A read lease is granted only while nobody has the inode open for writing, which includes shared writable mappings;
 * whoever opens it for writing later waits until the lease is given back (at most /proc/sys/fs/lease-break-time).
 */
/* Returns 0, EAGAIN when somebody writes, or another errno where the file system knows no leases. */
int lease_take(int fd);
/* Whether nobody has asked for it since. */
int lease_holds(int fd);
