#include "patience.h"

bool patience_has(const struct patience *patience, __u64 guest, int process, unsigned long long now)
{
	unsigned attempts = 0;
	for (int i = 0; i < PATIENCE_KEPT; i++) {
		bool counts = patience->lost[i].at && now - patience->lost[i].at < PATIENCE_NS && patience->lost[i].guest == guest;
		if (counts && (patience->lost[i].process == process || ++attempts == PATIENCE_ATTEMPTS))
			return false;
	}
	return true;
}

void patience_lose(struct patience *patience, __u64 guest, int process, unsigned long long now)
{
	unsigned slot = patience->next++ % PATIENCE_KEPT;
	patience->lost[slot].guest = guest;
	patience->lost[slot].process = process;
	patience->lost[slot].at = now;
}
