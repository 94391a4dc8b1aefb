#ifndef SAMEPAGE_LOG_H
#define SAMEPAGE_LOG_H

/* One line on stderr, which the service manager or the supervisor keeps. */
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Kills the daemon, or stops the thread, at a named step of a break, when built for the crash tests; nothing otherwise. */
#ifdef CRASH_POINTS
void crash_point(const char *name);
#else
static inline void crash_point(const char *name)
{
	(void)name;
}
#endif

#endif
