/* cost read|write FILE COUNT: nanoseconds of one open and close, the best of nine runs of COUNT. In a machine whose
 * clock counts instructions these are instructions. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int main(int count, char **arguments)
{
	if (count < 4)
		return 2;
	int flags = arguments[1][0] == 'w' ? O_RDWR : O_RDONLY, opens = atoi(arguments[3]);
	double best = 1e18;
	for (int run = 0; run < 9; run++) {
		double start = now();
		for (int i = 0; i < opens; i++)
			close(open(arguments[2], flags));
		double each = (now() - start) / opens;
		if (each < best)
			best = each;
	}
	printf("%.0f\n", best);
	return 0;
}
