#pragma once
#include <stdbool.h>

/* What a thread was before it gave way. */
typedef struct {
  int nice, io;
} Priority;

/* Makes the calling thread, and the threads it starts from now on, give way to all others. */
Priority background_enter(bool changes);
void background_leave(const Priority *before);

/* Lets the whole process, its runtime's threads included, run when a processor is idle, or as it did when it was started. */
void background_process(bool on);
