#define _GNU_SOURCE
#include "journal.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "clock.h"
#include "log.h"

#define MAX_BYTES (16LL << 20) /* about 60,000 breaks; then the file becomes breaks.jsonl.1, replacing the last one */
#define WATCHERS 16
/* Latency in buckets of a quarter of a power of two: 19 % wide at most, up to 2^40 ns. */
#define BUCKETS (41 * 4)

static char path[PATH_MAX], old_path[PATH_MAX];
static int file = -1;
static long long file_bytes;
static int watchers[WATCHERS];
static int watcher_count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned long long breaks, failures, stale, cloned, copied_bytes, longest_ns, buckets[BUCKETS], measured;

static int open_file(void)
{
	struct stat st;
	file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	file_bytes = file >= 0 && fstat(file, &st) == 0 ? st.st_size : 0;
	return file;
}

int journal_start(const char *state_directory)
{
	snprintf(path, sizeof(path), "%s/breaks.jsonl", state_directory);
	snprintf(old_path, sizeof(old_path), "%s/breaks.jsonl.1", state_directory);
	return open_file() < 0 ? -1 : 0;
}

/* Names are bytes: what is not printable ASCII is written \xHH and a backslash doubled, as in every report, then
 * escaped for JSON. */
static void escape(const char *from, char *to, size_t size)
{
	size_t at = 0;
	for (; *from && at + 8 < size; from++) {
		unsigned char c = (unsigned char)*from;
		if (c == '\\')
			at += (size_t)sprintf(to + at, "\\\\\\\\");
		else if (c == '"')
			at += (size_t)sprintf(to + at, "\\\"");
		else if (c < 0x20 || c > 0x7e)
			at += (size_t)sprintf(to + at, "\\\\x%02x", c);
		else
			to[at++] = (char)c;
	}
	to[at] = 0;
}

/* Under the lock. */
static void emit(const char *line, size_t length)
{
	if (file >= 0 && write(file, line, length) == (ssize_t)length)
		file_bytes += (long long)length;
	if (file_bytes > MAX_BYTES) {
		close(file);
		rename(path, old_path);
		open_file();
	}
	for (int i = 0; i < watcher_count; i++)
		send(watchers[i], line, length, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static int head(char *line, size_t size, const char *what, const struct guard_event *event)
{
	char name[NAME_BYTES * 5], comm[16 * 5];
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	escape(event->name, name, sizeof(name));
	escape(event->comm, comm, sizeof(comm));
	return snprintf(line, size,
			"{\"event\":\"%s\",\"at\":%lld,\"device\":\"%u:%u\",\"subvolume\":\"%llu\",\"ino\":\"%llu\",\"generation\":%u,"
			"\"parent\":\"%llu\",\"name\":\"%s\",\"pid\":%u,\"command\":\"%s\"",
			what, (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000, event->inode.device >> 20,
			event->inode.device & 0xfffff, (unsigned long long)event->inode.subvolume,
			(unsigned long long)event->inode.ino, event->inode.generation, (unsigned long long)event->parent.ino,
			name, (unsigned)(event->task >> 32), comm);
}

static int bucket_of(unsigned long long ns)
{
	if (ns < 4)
		return 0;
	int power = 63 - __builtin_clzll(ns);
	int bucket = power * 4 + (int)((ns >> (power - 2)) & 3);
	return bucket < BUCKETS ? bucket : BUCKETS - 1;
}

void journal_break(const struct job *job, const struct break_result *result)
{
	const struct guard_event *event = &job->event;
	if (result->dropped) {
		journal_note(event);
		return;
	}
	char line[3072];
	unsigned long long took = monotonic_ns() - event->started;
	const char *error = result->error ? strerrorname_np(result->error) : NULL;
	int at = head(line, sizeof(line), "break", event);
	at += snprintf(line + at, sizeof(line) - (size_t)at,
		       ",\"kind\":\"%s\",\"newIno\":\"%llu\",\"bytes\":%lld,\"copied\":%lld,\"microseconds\":%llu,\"overtaken\":%u,\"error\":%s%s%s}\n",
		       event->kind == EVENT_OPEN ? "open" : "metadata", (unsigned long long)result->new_inode, result->size,
		       result->copied, took / 1000, job->overtaken, error ? "\"" : "", error ? error : "null", error ? "\"" : "");
	pthread_mutex_lock(&lock);
	if (!result->error) {
		breaks++;
		cloned += result->size > 0 && result->copied == 0;
		copied_bytes += (unsigned long long)result->copied;
		buckets[bucket_of(took)]++;
		measured++;
		if (took > longest_ns)
			longest_ns = took;
	} else if (result->error == ESTALE)
		stale++;
	else
		failures++;
	if (result->error != ESTALE) /* a name that somebody else had changed already is no event */
		emit(line, (size_t)at);
	pthread_mutex_unlock(&lock);
}

void journal_note(const struct guard_event *event)
{
	char line[2560];
	int at = head(line, sizeof(line), event->kind == EVENT_LOCKED ? "locked" : "unshared", event);
	at += snprintf(line + at, sizeof(line) - (size_t)at, "}\n");
	pthread_mutex_lock(&lock);
	emit(line, (size_t)at);
	pthread_mutex_unlock(&lock);
}

void journal_watch(int descriptor)
{
	pthread_mutex_lock(&lock);
	if (watcher_count < WATCHERS)
		watchers[watcher_count++] = descriptor;
	pthread_mutex_unlock(&lock);
}

void journal_unwatch(int descriptor)
{
	pthread_mutex_lock(&lock);
	for (int i = watcher_count - 1; i >= 0; i--)
		if (watchers[i] == descriptor)
			watchers[i] = watchers[--watcher_count];
	pthread_mutex_unlock(&lock);
}

/* Under the lock. Microseconds below which the share of breaks lies: the upper edge of its bucket. */
static unsigned long long percentile(unsigned per_mille)
{
	unsigned long long wanted = (measured * per_mille + 999) / 1000, seen = 0;
	for (int i = 0; i < BUCKETS; i++) {
		seen += buckets[i];
		if (measured && seen >= wanted) {
			unsigned long long edge = (1ULL << (i / 4)) + ((unsigned long long)(i % 4 + 1) << (i / 4)) / 4;
			return (edge < longest_ns ? edge : longest_ns) / 1000;
		}
	}
	return 0;
}

int journal_figures(char *text, size_t size)
{
	pthread_mutex_lock(&lock);
	int length = snprintf(text, size,
			      "\"breaks\":%llu,\"cloned\":%llu,\"copiedBytes\":%llu,\"failed\":%llu,\"overtaken\":%llu,"
			      "\"latencyMicroseconds\":{\"p50\":%llu,\"p90\":%llu,\"p99\":%llu,\"max\":%llu}",
			      breaks, cloned, copied_bytes, failures, stale, percentile(500), percentile(900), percentile(990),
			      longest_ns / 1000);
	pthread_mutex_unlock(&lock);
	return length;
}
