#define _GNU_SOURCE
#include "revival.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "block-devices.h"
#include "clock.h"
#include "file-systems.h"
#include "log.h"
#include "mark-log.h"

#define NEWS_NS 5000000000ULL /* a line of progress this often: whoever waits for the guard sees that it gets on */

/* Whose marks are in force, and those that are mounted now. A name of a file system (its UUID) may be mounted twice: a
 * snapshot has it, too. */
static struct file_system known[MAX_FILE_SYSTEMS], mounted[MAX_FILE_SYSTEMS];
static size_t known_count, mounted_count;
static bool is_new[MAX_FILE_SYSTEMS], is_guarded[MAX_FILE_SYSTEMS]; /* of the mounted ones */
static size_t waiting;
static bool devices_known = true; /* all of them were worked out */
static const struct programs *programs;

static struct inode_key key_of(const struct mark_record *record, __u32 device)
{
	return (struct inode_key){ .ino = record->ino, .subvolume = record->subvolume, .device = device, .generation = record->generation };
}

static bool is_known(const struct file_system *one)
{
	for (size_t i = 0; i < known_count; i++)
		if (known[i].device == one->device && !memcmp(known[i].uuid, one->uuid, UUID_BYTES))
			return true;
	return false;
}

/* Whether some mounted file system is new. */
static bool look_at_mounts(void)
{
	bool some = false;
	mounted_count = file_systems_list(mounted);
	for (size_t i = 0; i < mounted_count; i++) {
		is_guarded[i] = false;
		is_new[i] = !is_known(&mounted[i]);
		some |= is_new[i];
	}
	return some;
}

/* The marks of all of these are in force now. */
static void remember_mounts(void)
{
	memcpy(known, mounted, sizeof(known));
	known_count = mounted_count;
}

static void guard_once(size_t index)
{
	__u32 device = mounted[index].device;
	int error = is_guarded[index] ? 0 : block_devices_guard(programs, device);
	is_guarded[index] = true;
	devices_known &= !error;
	if (error)
		log_line("guests are not kept off every device under %u:%u: %s", device >> 20, device & 0xfffff, strerrorname_np(error));
}

/* Marks one logged inode, whatever its link count: who has removed his name may have it open. False when it is gone; when
 * that cannot be told it is marked. */
static bool revive(const struct mark_record *record, __u32 device)
{
	const struct inode_key key = key_of(record, device);
	if (is_gone(&key)) {
		bpf_map_delete_elem(programs->marks, &key);
		return false;
	}
	if (programs_add_mark(programs, &key, 0) && errno != EEXIST)
		log_line("a logged mark could not be set: errno %d", errno);
	crash_point("revived");
	return true;
}

/* In every new file system that it may be of. Whether its record is wanted any longer. */
static bool revive_everywhere(const struct mark_record *record)
{
	bool is_mounted = false, exists = false;
	for (size_t i = 0; i < mounted_count; i++) {
		if (memcmp(mounted[i].uuid, record->uuid, UUID_BYTES) != 0)
			continue;
		is_mounted = true;
		if (!is_new[i])
			exists = true;
		else {
			guard_once(i);
			exists |= revive(record, mounted[i].device);
		}
	}
	waiting += !is_mounted;
	return exists || !is_mounted;
}

/* A worker may have dropped a mark in place just before it was set again here. */
static void drop_again(const struct mark_record *lifted)
{
	for (size_t i = 0; i < mounted_count; i++)
		if (!memcmp(mounted[i].uuid, lifted->uuid, UUID_BYTES)) {
			const struct inode_key key = key_of(lifted, mounted[i].device);
			bpf_map_delete_elem(programs->marks, &key);
		}
}

/* Revives the log's marks of new file systems; *wanted are the records to keep. 0, or -1 with errno. */
static int revive_log(struct mark_record **wanted, size_t *kept, off_t *end)
{
	size_t count;
	if (mark_log_read(wanted, &count, end))
		return -1;
	unsigned long long told = monotonic_ns();
	waiting = 0;
	*kept = 0;
	for (size_t i = 0; i < count; i++) {
		if (revive_everywhere(&(*wanted)[i]))
			(*wanted)[(*kept)++] = (*wanted)[i];
		if (monotonic_ns() - told > NEWS_NS) {
			log_line("%zu of %zu logged marks are in force", i + 1, count);
			told = monotonic_ns();
		}
	}
	mark_log_lifted_since(*end, drop_again);
	remember_mounts();
	return 0;
}

static bool guard_mounted(__u32 device)
{
	for (size_t i = 0; i < mounted_count; i++)
		if (mounted[i].device == device) {
			guard_once(i);
			return true;
		}
	return false;
}

/* Keeps guests off the devices below every mark in force, also those that the log does not know (it was lost). Whether the
 * file system of each is mounted. */
static bool guard_marks(void)
{
	struct inode_key key, *from = NULL;
	__u32 device = 0;
	bool all = true;
	for (; bpf_map_get_next_key(programs->marks, from, &key) == 0; from = &key) {
		if (key.device != device)
			all &= guard_mounted(key.device);
		device = key.device;
	}
	return all;
}

int revival_start(const struct programs *started)
{
	struct mark_record *wanted;
	size_t kept;
	off_t end;
	programs = started;
	block_devices_begin();
	look_at_mounts();
	if (revive_log(&wanted, &kept, &end))
		return -1;
	/* What lies below a file system that is not mounted here is not known: it may be mounted in a guest. */
	if (guard_marks() && waiting == 0 && devices_known)
		block_devices_drop_old(programs);
	/* A log that cannot be rewritten (a full disk) is long, not wrong. */
	if (kept * sizeof(*wanted) != (size_t)end && mark_log_compact(wanted, kept, end))
		log_line("the log of marks is not rewritten: errno %d", errno);
	free(wanted);
	return 0;
}

void revival_mounts_changed(void)
{
	struct mark_record *wanted;
	size_t kept;
	off_t end;
	if (!look_at_mounts())
		/* What went may come back under its old number with its bytes changed elsewhere meanwhile. */
		remember_mounts();
	else if (revive_log(&wanted, &kept, &end))
		log_line("marks of a file system that was mounted just now are not in force: errno %d", errno);
	else
		free(wanted);
}

size_t revival_waiting(void)
{
	return waiting;
}
