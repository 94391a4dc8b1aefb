#define _GNU_SOURCE
#include "mark-log.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "log.h"

#define MARKED 0x4b52414dU /* "MARK" */
#define LIFTED 0x5446494cU /* "LIFT" */

static int directory = -1;
static int file = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static bool write_all(int fd, const void *data, size_t length)
{
	for (size_t done = 0; done < length;) {
		ssize_t n = write(fd, (const char *)data + done, length - done);
		if (n < 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

/* What lies from `from` to `to`, allocated; NULL with errno. */
static struct mark_record *read_part(off_t from, off_t to)
{
	size_t length = (size_t)(to - from);
	char *data = malloc(length + 1);
	for (size_t done = 0; data && done < length;) {
		ssize_t n = pread(file, data + done, length - done, from + (off_t)done);
		if (n <= 0) {
			errno = n < 0 ? errno : EIO;
			free(data);
			return NULL;
		}
		done += (size_t)n;
	}
	return (struct mark_record *)data;
}

static off_t length_of_log(void)
{
	struct stat st;
	pthread_mutex_lock(&lock); /* no half-written record */
	off_t length = fstat(file, &st) ? 0 : st.st_size;
	pthread_mutex_unlock(&lock);
	return length;
}

int mark_log_open(const char *state_directory)
{
	struct stat st;
	directory = open(state_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	file = directory < 0 ? -1 : openat(directory, "marks", O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (file < 0 || fstat(file, &st))
		return -1;
	/* A torn record at the end (power loss) was not promised, and would make those behind it unreadable. */
	return ftruncate(file, st.st_size - st.st_size % (off_t)sizeof(struct mark_record));
}

static bool record_of(const struct inode_key *key, __u32 magic, struct mark_record *record)
{
	memset(record, 0, sizeof(*record));
	record->magic = magic;
	record->generation = key->generation;
	record->ino = key->ino;
	record->subvolume = key->subvolume;
	return uuid_of_device(key->device, record->uuid);
}

/* All of them or none: a torn record in the middle would make those behind it unreadable. */
static bool append(const struct mark_record *records, size_t count)
{
	struct stat before;
	pthread_mutex_lock(&lock);
	bool ok = fstat(file, &before) == 0 && write_all(file, records, count * sizeof(*records));
	int error = errno;
	if (!ok && ftruncate(file, before.st_size))
		log_line("the log of marks cannot be cut back: errno %d", errno);
	pthread_mutex_unlock(&lock);
	errno = error;
	return ok;
}

int mark_log_append(const struct inode_key *keys, size_t count, bool marked)
{
	struct mark_record *records = calloc(count, sizeof(*records));
	size_t known = 0;
	if (!records)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (record_of(&keys[i], marked ? MARKED : LIFTED, &records[known]))
			known++;
		else if (marked) { /* it could not be marked again after a reboot */
			free(records);
			errno = ENODEV;
			return -1;
		}
	bool ok = append(records, known) && fdatasync(file) == 0;
	int error = errno;
	free(records);
	errno = error;
	return ok ? 0 : -1;
}

void mark_log_lift(const struct inode_key *key)
{
	struct mark_record record;
	if (record_of(key, LIFTED, &record) && !append(&record, 1))
		log_line("a file that nobody shares will be marked after a reboot: the log of marks takes no more, errno %d", errno);
}

#define SAME_FROM offsetof(struct mark_record, generation)

static int compare_inodes(const struct mark_record *a, const struct mark_record *b)
{
	return memcmp(&a->generation, &b->generation, sizeof(*a) - SAME_FROM);
}

/* The newest word on an inode comes first among its records. */
static int compare(const void *left, const void *right)
{
	const struct mark_record *a = *(struct mark_record *const *)left, *b = *(struct mark_record *const *)right;
	int order = compare_inodes(a, b);
	return order ? order : a > b ? -1 : 1;
}

int mark_log_read(struct mark_record **marked, size_t *count, off_t *end)
{
	*end = length_of_log();
	size_t all = (size_t)*end / sizeof(**marked);
	struct mark_record *records = read_part(0, *end);
	struct mark_record **sorted = calloc(all + 1, sizeof(*sorted));
	*marked = calloc(all + 1, sizeof(**marked));
	*count = 0;
	int error = records && sorted && *marked ? 0 : errno;
	if (!error) {
		for (size_t i = 0; i < all; i++)
			sorted[i] = &records[i];
		qsort(sorted, all, sizeof(*sorted), compare);
		for (size_t i = 0; i < all; i++)
			if (sorted[i]->magic == MARKED && (i == 0 || compare_inodes(sorted[i], sorted[i - 1]) != 0))
				(*marked)[(*count)++] = *sorted[i];
	} else
		free(*marked);
	free(sorted);
	free(records);
	errno = error;
	return error ? -1 : 0;
}

void mark_log_lifted_since(off_t end, void (*use)(const struct mark_record *lifted))
{
	off_t now = length_of_log();
	struct mark_record *tail = read_part(end, now);
	for (size_t i = 0; tail && i < (size_t)(now - end) / sizeof(*tail); i++)
		if (tail[i].magic == LIFTED)
			use(&tail[i]);
	free(tail);
}

/* Under the lock: what was appended meanwhile goes behind, then the new log takes the old one's place. */
static bool take_place(int next, off_t end)
{
	struct stat st;
	if (fstat(file, &st))
		return false;
	struct mark_record *tail = read_part(end, st.st_size);
	bool ok = tail && write_all(next, tail, (size_t)(st.st_size - end)) && (st.st_size == end || fdatasync(next) == 0);
	free(tail);
	return ok && renameat(directory, "marks.new", directory, "marks") == 0;
}

int mark_log_compact(const struct mark_record *records, size_t count, off_t end)
{
	int next = openat(directory, "marks.new", O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (next < 0)
		return -1;
	bool ok = write_all(next, records, count * sizeof(*records)) && fsync(next) == 0;
	crash_point("compacted");
	int replaced = next, error = errno;
	if (ok) {
		pthread_mutex_lock(&lock);
		ok = take_place(next, end);
		error = errno;
		if (ok) {
			replaced = file;
			file = next;
		}
		pthread_mutex_unlock(&lock);
	}
	close(replaced);
	errno = error;
	/* What is appended from now on must not be lost with the new name. */
	return ok && fsync(directory) == 0 ? 0 : -1;
}
