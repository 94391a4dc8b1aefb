#pragma once
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "control.h"

/*
 * What stands in for the immutable flag of a shared file while the flag is lifted, or not set yet. Who opens the file to write in
 * that moment has come past the flag's check, waits for our lease, and goes on when the flag is there: ext4 asks for it again at
 * each write, XFS and btrfs do not, and he would write to what all guests share. A fanotify permission mark asks us about
 * every such open; writers are refused as the flag refuses them (EPERM), readers go on at once. Linux 6.14 asks about truncate(2)
 * as well.
 */
typedef struct {
  pthread_mutex_t lock;
  pthread_t thread;
  bool is_open; /* there is a group and a thread that answers */
  int fan, stop;
  _Atomic int64_t set; /* CLOCK_MONOTONIC ns at which the last flag was set */
} Gate;

void gate_init(Gate *gate);
/* Refuses the open file to writers from now on. Returns 0 or an errno. */
int gate_hold(Gate *gate, int fd);
/* Refuses it no longer: it is not shared, and never was but for a moment. */
void gate_let_go(Gate *gate, int fd);
/* Holds the file and lifts its immutable flag, if it has one; `was`: whether it had. Returns 0 or an errno with nothing changed. */
int lift_flag(Gate *gate, int fd, int *was);
/* Sets the flag of a file that is held, again or for the first time. Who asked to write just before is still refused, until the gate is closed. Returns 0 or an errno. */
int set_flag_held(Gate *gate, int fd);
/*
 * Ends, a second after the last flag was set: who had come past its check by then has come to the gate. A run that must end at once
 * (`control`, may be NULL) does not wait.
 */
void gate_close(Gate *gate, Control *control);
