#ifndef SAMEPAGE_CLOCK_H
#define SAMEPAGE_CLOCK_H

#include <time.h>

/* The clock of bpf_ktime_get_ns. */
static inline unsigned long long monotonic_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (unsigned long long)now.tv_sec * 1000000000ULL + (unsigned long long)now.tv_nsec;
}

#endif
