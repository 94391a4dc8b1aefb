/* The control socket: lines of text in, lines of JSON out (see README.md). Its own thread, so that marking, which
 * waits for the disk, never delays an opener. */
#ifndef SAMEPAGE_CONTROL_H
#define SAMEPAGE_CONTROL_H

#include "programs.h"

/* Puts every logged mark in force (revival.h), then serves the socket and tells the service manager that the guard is ready;
 * ends the daemon where it cannot. 0, or -1 with errno. */
int control_start(const char *socket_path, struct programs *programs, int mounts);

#endif
