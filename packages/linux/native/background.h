#pragma once
#include <stdbool.h>

/* What a thread was before it gave way. */
typedef struct {
  int policy, nice, io;
} Priority;

/* Makes the calling thread, and the threads it starts from now on, give way to all others. */
Priority background_enter(bool changes);
void background_leave(const Priority *before);
