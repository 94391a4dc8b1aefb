#include "retired.h"
#include <bpf/bpf.h>
#include <pthread.h>
#include "file-systems.h"

#define RETIRED (1 << 16) /* 1.5 MB, touched as used; a mark for which there is no room goes when the daemon starts again */
#define AT_ONCE 4096      /* looked at in one sweep: some 40 ms */

static struct inode_key retired[RETIRED];
static unsigned count, next;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void retire(const struct inode_key *key)
{
	pthread_mutex_lock(&lock);
	if (count < RETIRED)
		retired[count++] = *key;
	pthread_mutex_unlock(&lock);
}

/* The one to look at next, round and round. False when there is none. */
static bool take_next(unsigned *at, struct inode_key *key)
{
	pthread_mutex_lock(&lock);
	bool found = count > 0;
	if (found) {
		*at = next < count ? next : 0;
		next = *at + 1;
		*key = retired[*at];
	}
	pthread_mutex_unlock(&lock);
	return found;
}

static void forget(unsigned at)
{
	pthread_mutex_lock(&lock);
	retired[at] = retired[--count];
	next = at;
	pthread_mutex_unlock(&lock);
}

void retired_sweep(int marks)
{
	struct inode_key key;
	unsigned at;
	pthread_mutex_lock(&lock);
	unsigned looks = count < AT_ONCE ? count : AT_ONCE;
	pthread_mutex_unlock(&lock);
	while (looks-- > 0 && take_next(&at, &key))
		if (is_gone(&key)) { /* its number comes back with another generation */
			bpf_map_delete_elem(marks, &key);
			forget(at);
		}
}
