#define _GNU_SOURCE
#include "link-break.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include "file-systems.h"
#include "hold.h"
#include "log.h"
#include "mark-log.h"
#include "retired.h"
#include "worker.h"

#define TEMPORARY_PREFIX ".samepage-guard-"
#define TEMPORARY_BYTES 48
#define CACHE_WINDOW (64L << 20) /* bytes of a file whose pages are looked for at a time */

/* What a thread is about to leave in a guest's directory. A killed daemon's successor removes it; the file is
 * mapped shared, so a kill loses nothing, and after a power loss the name is recognised by its prefix. */
struct intent {
	__u32 used;
	__u32 reserved;
	struct inode_key parent;
	char temporary[TEMPORARY_BYTES];
};

static struct intent *intents;
static int replacing;

static void clean_up(struct intent *intent)
{
	if (!intent->used)
		return;
	intent->temporary[TEMPORARY_BYTES - 1] = 0;
	int parent = open_inode(&intent->parent, O_RDONLY | O_DIRECTORY);
	if (parent >= 0) {
		if (strncmp(intent->temporary, TEMPORARY_PREFIX, sizeof(TEMPORARY_PREFIX) - 1) == 0 &&
		    !strchr(intent->temporary, '/') && unlinkat(parent, intent->temporary, 0) == 0)
			log_line("removed the half-made copy of a break that was killed");
		close(parent);
	}
	intent->used = 0;
}

int link_break_start(const char *state_directory, int replacing_map)
{
	char path[PATH_MAX];
	replacing = replacing_map;
	/* What a killed daemon's threads meant; this one's may have their numbers. */
	for (__u32 thread; bpf_map_get_next_key(replacing, NULL, &thread) == 0;)
		if (bpf_map_delete_elem(replacing, &thread))
			return -1;
	snprintf(path, sizeof(path), "%s/intents", state_directory);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	size_t bytes = WORKERS * sizeof(struct intent);
	if (fd < 0 || ftruncate(fd, (off_t)bytes))
		return -1;
	intents = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (intents == MAP_FAILED)
		return -1;
	for (int i = 0; i < WORKERS; i++)
		clean_up(&intents[i]);
	return 0;
}

static int choose_temporary(char temporary[TEMPORARY_BYTES])
{
	__u64 random[2];
	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return -1;
	snprintf(temporary, TEMPORARY_BYTES, TEMPORARY_PREFIX "%016llx%08x", (unsigned long long)random[0], (unsigned)random[1]);
	return 0;
}

/* A rename under the kernel half's eyes: see guard_inode_rename. */
static int checked_rename(int directory, const char *from, const char *to, const struct guard_rename *expected)
{
	__u32 thread = (__u32)gettid();
	if (bpf_map_update_elem(replacing, &thread, expected, BPF_ANY))
		return -1;
	int result = renameat2(directory, from, directory, to, expected->intent == RENAME_REPLACE ? 0 : RENAME_NOREPLACE), error = errno;
	bpf_map_delete_elem(replacing, &thread);
	errno = error;
	return result;
}

/* Whether pages of the file are still in the cache. What cannot be told counts as yes. */
static bool has_pages(int fd, off_t size)
{
	static __thread unsigned char present[CACHE_WINDOW / 4096];
	bool found = false;
	for (off_t at = 0; at < size && !found; at += CACHE_WINDOW) {
		size_t length = size - at < CACHE_WINDOW ? (size_t)(size - at) : CACHE_WINDOW, pages = (length + (size_t)getpagesize() - 1) / (size_t)getpagesize();
		void *window = mmap(NULL, length, PROT_READ, MAP_SHARED, fd, at);
		found = window == MAP_FAILED || mincore(window, length, present);
		for (size_t i = 0; i < pages && !found; i++)
			found = present[i] & 1;
		if (window != MAP_FAILED)
			munmap(window, length);
		worker_steps();
	}
	return found;
}

/* Has the cache let go of the inode's pages. False when some stay: those that somebody spliced into a pipe or a socket, or
 * pinned, are held by no name and no descriptor, and would show what is written in place. */
static bool forget_pages(const struct inode_key *inode)
{
	struct stat st;
	int fd = open_inode(inode, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
	bool forgotten = fd >= 0 && fstat(fd, &st) == 0 &&
			 sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER) == 0 &&
			 posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0 && !has_pages(fd, st.st_size);
	if (fd >= 0)
		close(fd);
	return forgotten;
}

/* A rename that never goes through, and whether the kernel half found the name to be all that leads to the inode. */
static bool only_asked(int parent, const struct break_request *request, enum rename_intent intent)
{
	char temporary[TEMPORARY_BYTES];
	const struct guard_rename expected = { .inode = request->inode, .intent = intent };
	return choose_temporary(temporary) == 0 && checked_rename(parent, request->name, temporary, &expected) && errno == ECANCELED;
}

/* Drops the mark in place if this name is all that leads to the inode: see is_alone of the kernel half. This daemon must
 * not have it open then, nor may the caller: one that is held has let go of it once it stopped, one that waits in the
 * middle of its open has not. Asked twice: once only this name is left, nobody else can come to hold pages again. */
static bool drop_mark(int parent, const struct break_request *request)
{
	struct stat st;
	if (fstatat(parent, request->name, &st, AT_SYMLINK_NOFOLLOW) || st.st_nlink != 1 || request->waits)
		return false;
	if (request->held && !hold_wait_for_stop(request->held))
		return false;
	if (!only_asked(parent, request, RENAME_ASK) || !forget_pages(&request->inode) || !only_asked(parent, request, RENAME_DROP))
		return false;
	mark_log_lift(&request->inode);
	return true;
}

/* The copy has no name until it is complete (O_TMPFILE): a guest sees it for the moment between link and rename. */
static int put_in_place(int parent, const char *name, int copy, const struct break_request *request)
{
	struct intent *intent = &intents[request->slot];
	char self[64];
	if (choose_temporary(intent->temporary))
		return -1;
	intent->parent = request->parent;
	__atomic_store_n(&intent->used, 1, __ATOMIC_RELEASE);
	crash_point("intent");
	snprintf(self, sizeof(self), "/proc/self/fd/%d", copy);
	int result = linkat(AT_FDCWD, self, parent, intent->temporary, AT_SYMLINK_FOLLOW);
	crash_point("linked");
	if (result == 0) {
		const struct guard_rename replace = { .inode = request->inode, .intent = RENAME_REPLACE };
		result = checked_rename(parent, intent->temporary, name, &replace);
		crash_point("renamed");
		int error = errno == EAGAIN ? ESTALE : errno;
		if (result)
			unlinkat(parent, intent->temporary, 0);
		errno = error;
	}
	__atomic_store_n(&intent->used, 0, __ATOMIC_RELEASE);
	return result;
}

/* The directory, if its entry still is the shared inode; else -1 and why in *error. */
static int open_parent(const struct break_request *request, int *error)
{
	struct inode_key now;
	int parent = open_inode(&request->parent, O_RDONLY | O_DIRECTORY);
	*error = parent < 0 && errno != ENOENT ? errno : ESTALE;
	if (parent < 0)
		return -1;
	if (*request->name && !strchr(request->name, '/') && key_of_name(parent, request->name, &now) == 0 && same_inode(&now, &request->inode))
		return parent;
	close(parent); /* renamed, replaced or unlinked meanwhile, perhaps by this very break for another opener */
	return -1;
}

bool link_drop_if_alone(const struct break_request *request)
{
	int error, parent = open_parent(request, &error);
	bool dropped = parent >= 0 && drop_mark(parent, request);
	if (parent >= 0)
		close(parent);
	return dropped;
}

void link_break(const struct break_request *request, struct copy_buffers *buffers, struct break_result *result)
{
	struct stat st, made;
	int source = -1, copy = -1;
	memset(result, 0, sizeof(*result));
	int parent = open_parent(request, &result->error);
	if (parent < 0)
		return;
	result->error = 0;
	if (drop_mark(parent, request)) {
		result->dropped = true;
		goto out;
	}
	source = open_inode(&request->inode, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
	if (source < 0 || fstat(source, &st))
		goto failed;
	copy = openat(parent, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (copy < 0)
		goto failed;
	crash_point("created");
	if (copy_file(source, copy, &st, buffers, &result->copied) || fstat(copy, &made))
		goto failed;
	crash_point("copied");
	if (put_in_place(parent, request->name, copy, request))
		goto failed;
	result->new_inode = made.st_ino;
	result->size = st.st_size;
	if (fstat(source, &st) == 0 && st.st_nlink == 0) /* that was its last name; others may have it open, or be on their way to */
		retire(&request->inode);
	goto out;
failed:
	result->error = errno ? errno : EIO;
out:
	if (copy >= 0)
		close(copy);
	if (source >= 0)
		close(source);
	close(parent);
}
