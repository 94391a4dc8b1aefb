#define _GNU_SOURCE
#include "answers.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include "clock.h"
#include "log.h"

#define VERDICT_NS 1000000000ULL /* the caller fetches it microseconds later */
#define GRACE_NS 1000000000ULL   /* one that waits in its hook takes a late one, too: its CPU may have been busy */

static int map;
/* Between a sweep's look at an entry and its removal nobody writes another for the same thread. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void each(bool (*is_old)(const struct guard_answer *))
{
	__u64 key, next;
	for (bool have = bpf_map_get_next_key(map, NULL, &next) == 0; have;) {
		struct guard_answer value;
		key = next;
		have = bpf_map_get_next_key(map, &key, &next) == 0;
		pthread_mutex_lock(&lock);
		if (bpf_map_lookup_elem(map, &key, &value) == 0 && is_old(&value))
			bpf_map_delete_elem(map, &key);
		pthread_mutex_unlock(&lock);
	}
}

static bool any(const struct guard_answer *value)
{
	(void)value;
	return true;
}

static bool unfetched(const struct guard_answer *value)
{
	return value->state != ANSWER_WAIT && value->expires + GRACE_NS < monotonic_ns();
}

void answers_start(int answers)
{
	map = answers;
	each(any);
}

void answers_sweep(void)
{
	each(unfetched);
}

/* With BPF_EXIST only to a caller that waits in its hook: one that was killed meanwhile has taken its first answer along. */
static void put(const struct guard_event *event, __u32 state, int error, __u64 flags)
{
	struct guard_answer value = { .inode = event->inode, .expires = monotonic_ns() + VERDICT_NS, .state = state, .error = error };
	pthread_mutex_lock(&lock);
	int failed = bpf_map_update_elem(map, &event->task, &value, flags) ? errno : 0;
	pthread_mutex_unlock(&lock);
	if (failed && !(flags == BPF_EXIST && failed == ENOENT))
		log_line("an answer was lost (errno %d): its caller is refused", failed);
}

void answer(const struct guard_event *event, __u32 state, int error)
{
	put(event, state, error, BPF_ANY);
}

void answer_waiting(const struct guard_event *event, int error)
{
	put(event, ANSWER_RESULT, error, BPF_EXIST);
}
