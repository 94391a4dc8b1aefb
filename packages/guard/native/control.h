/* The control socket: lines of text in, lines of JSON out (see README.md). Its own thread, so that marking, which
 * waits for the disk, never delays an opener. */
#ifndef SAMEPAGE_CONTROL_H
#define SAMEPAGE_CONTROL_H

#include "programs.h"

/* 0, or -1 with errno. */
int control_start(const char *socket_path, struct programs *programs, int mounts);

#endif
