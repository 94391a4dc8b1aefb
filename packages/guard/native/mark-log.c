#define _GNU_SOURCE
#include "mark-log.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "block-devices.h"
#include "file-systems.h"
#include "log.h"

/* Host byte order: the file never leaves its host. A torn record at the end (power loss) was not promised. */
struct record {
	__u32 magic;
	__u32 generation;
	__u8 uuid[UUID_BYTES];
	__u64 ino;
	__u64 subvolume;
};
#define MARKED 0x4b52414dU /* "MARK" */
#define LIFTED 0x5446494cU /* "LIFT" */

static char path[PATH_MAX];
static const struct programs *programs;
static int file = -1;
static struct record *waiting;
static size_t waiting_count;
static __u32 guarded; /* the device of the mark before: most marks are of one */
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

static bool record_of(const struct inode_key *key, __u32 magic, struct record *record)
{
	memset(record, 0, sizeof(*record));
	record->magic = magic;
	record->generation = key->generation;
	record->ino = key->ino;
	record->subvolume = key->subvolume;
	return uuid_of_device(key->device, record->uuid);
}

/* All of them or none: a torn record in the middle would make those behind it unreadable. */
static bool append(const struct record *records, size_t count)
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
	struct record *records = calloc(count, sizeof(*records));
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
	struct record record;
	if (record_of(key, LIFTED, &record) && !append(&record, 1))
		log_line("a file that nobody shares will be marked after a reboot: the log of marks takes no more, errno %d", errno);
}

/* The newest word on an inode comes first among its records. */
static int compare(const void *left, const void *right)
{
	const struct record *a = *(struct record *const *)left, *b = *(struct record *const *)right;
	int order = memcmp(&a->generation, &b->generation, sizeof(*a) - offsetof(struct record, generation));
	return order ? order : a > b ? -1 : 1;
}

/* After a reboot, or with hooks of another version, no device is known yet. */
static void guard_device(__u32 device)
{
	int error = device == guarded ? 0 : block_devices_guard(programs, device);
	guarded = device;
	if (error)
		log_line("guests are not kept off every device under %u:%u: %s", device >> 20, device & 0xfffff, strerrorname_np(error));
}

/* Marks one logged inode, whatever its link count: who has removed his name may have it open. False when its file
 * system is not mounted yet. */
static bool revive(const struct record *record)
{
	struct inode_key key = { .ino = record->ino, .subvolume = record->subvolume, .generation = record->generation };
	struct stat st;
	if (!device_of_uuid(record->uuid, &key.device))
		return false;
	int fd = open_inode(&key, O_PATH);
	if (fd < 0)
		return errno == ENODEV ? false : true; /* gone */
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		guard_device(key.device);
		if (programs_add_mark(programs, &key, 0) && errno != EEXIST)
			log_line("a logged mark could not be set: errno %d", errno);
	}
	close(fd);
	return true;
}

/* Writes every mark in force; those of inodes that no longer exist go. */
static bool write_marks(int fd)
{
	struct inode_key key, next;
	struct record record;
	for (int have = bpf_map_get_next_key(programs->marks, NULL, &next) == 0; have;) {
		key = next;
		have = bpf_map_get_next_key(programs->marks, &key, &next) == 0;
		guard_device(key.device);
		if (is_gone(&key))
			bpf_map_delete_elem(programs->marks, &key);
		else if (record_of(&key, MARKED, &record) && !write_all(fd, &record, sizeof(record)))
			return false;
	}
	return write_all(fd, waiting, waiting_count * sizeof(*waiting)) && fsync(fd) == 0;
}

static void replay(const struct record *records, size_t count, bool fresh)
{
	const struct record **sorted = calloc(count + 1, sizeof(*sorted));
	waiting = calloc(count + 1, sizeof(*waiting));
	if (!sorted || !waiting) {
		log_line("no memory for %zu logged marks", count);
		abort();
	}
	for (size_t i = 0; i < count; i++)
		sorted[i] = &records[i];
	qsort(sorted, count, sizeof(*sorted), compare);
	for (size_t i = 0; i < count; i++) {
		bool newest = i == 0 || memcmp(&sorted[i]->generation, &sorted[i - 1]->generation,
					       sizeof(struct record) - offsetof(struct record, generation)) != 0;
		__u32 device;
		bool wanted = newest && sorted[i]->magic == MARKED;
		if (wanted && fresh ? !revive(sorted[i]) : wanted && !device_of_uuid(sorted[i]->uuid, &device))
			waiting[waiting_count++] = *sorted[i];
	}
	free(sorted);
}

int mark_log_start(const char *state_directory, const struct programs *started, bool fresh)
{
	char new_path[PATH_MAX];
	struct stat st;
	programs = started;
	snprintf(path, sizeof(path), "%s/marks", state_directory);
	snprintf(new_path, sizeof(new_path), "%s/marks.new", state_directory);
	int old = open(path, O_RDONLY | O_CLOEXEC);
	struct record *records = NULL;
	size_t count = 0;
	if (old >= 0 && fstat(old, &st) == 0) {
		count = (size_t)st.st_size / sizeof(*records);
		records = malloc(count * sizeof(*records) + 1);
		if (!records || read(old, records, count * sizeof(*records)) != (ssize_t)(count * sizeof(*records)))
			return -1;
	}
	if (old >= 0)
		close(old);
	replay(records, count, fresh);
	free(records);
	int next = open(new_path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (next < 0 || !write_marks(next) || rename(new_path, path))
		return -1;
	file = next;
	return 0;
}

void mark_log_mounts_changed(void)
{
	size_t kept = 0;
	guarded = 0; /* what is mounted now may have a number that was another's */
	for (size_t i = 0; i < waiting_count; i++)
		if (!revive(&waiting[i]))
			waiting[kept++] = waiting[i];
	waiting_count = kept;
}

size_t mark_log_waiting(void)
{
	return waiting_count;
}
