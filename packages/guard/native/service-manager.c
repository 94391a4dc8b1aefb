#define _GNU_SOURCE
#include "service-manager.h"
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct sockaddr_un address = { .sun_family = AF_UNIX };
static socklen_t address_bytes;
static int sender = -1;

void service_manager_start(void)
{
	const char *path = getenv("NOTIFY_SOCKET"), *watched = getenv("WATCHDOG_PID");
	/* An agent that starts the guard leaves its own socket in the environment: only a unit with a watchdog names us. */
	if (!path || !watched || atoi(watched) != getpid() || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof(address.sun_path))
		return;
	strcpy(address.sun_path, path);
	address_bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (path[0] == '@')
		address.sun_path[0] = 0; /* the abstract namespace */
	sender = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

void service_manager_tell(const char *state)
{
	if (sender >= 0 && sendto(sender, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address, address_bytes) < 0)
		return; /* a lost ping is followed by the next */
}
