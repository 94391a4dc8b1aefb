#include "lease.h"
#include <errno.h>
#include <fcntl.h>

int lease_take(int fd) { return fcntl(fd, F_SETLEASE, F_RDLCK) == 0 ? 0 : errno; }

/* A lease that is being broken already reads as what it will become. */
int lease_holds(int fd) { return fcntl(fd, F_GETLEASE) == F_RDLCK; }
