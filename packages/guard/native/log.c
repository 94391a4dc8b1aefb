#include "log.h"
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void log_line(const char *format, ...)
{
	char line[512];
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(line, sizeof(line) - 1, format, arguments);
	va_end(arguments);
	if (length < 0)
		return;
	if (length > (int)sizeof(line) - 2)
		length = (int)sizeof(line) - 2;
	line[length++] = '\n';
	if (write(STDERR_FILENO, line, (size_t)length) < 0)
		return; /* nobody to tell */
}

#ifdef CRASH_POINTS
void crash_point(const char *name)
{
	const char *crash = getenv("CRASH_AT"), *stall = getenv("STALL_AT"), *seconds = getenv("STALL_SECONDS");
	if (crash && !strcmp(crash, name))
		kill(getpid(), SIGKILL);
	for (int i = 0; stall && !strcmp(stall, name) && (!seconds || i < atoi(seconds)); i++)
		sleep(1);
}
#endif
