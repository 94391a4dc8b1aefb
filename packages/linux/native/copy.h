#pragma once
#include "control.h"
#include <stdint.h>

/* Copies content with its holes, attributes, owner, mode and times to an empty file. Returns 0 or an errno. */
int copy_file(int from, int to, Control *control, uint64_t *written);
/* Byte by byte. Returns 0 when equal, ESTALE when not, or an errno. */
int compare_files(int left, int right, uint64_t size, Control *control);
