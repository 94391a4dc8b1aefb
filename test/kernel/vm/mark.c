/* mark SOCKET mark|unmark|retire FILE…, or mark SOCKET status|remove: one request to the guard's daemon; prints its reply.
 * mark SOCKET try FILE… marks and unmarks over one connection, mark SOCKET retry FILE… marks twice before. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int daemon_connection(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	return fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ? fd : -1;
}

static int request(int fd, const char *line, char *reply, size_t size)
{
	if (write(fd, line, strlen(line)) < 0)
		return -1;
	size_t filled = 0;
	while (filled < size - 1 && !memchr(reply, '\n', filled)) {
		ssize_t got = read(fd, reply + filled, size - 1 - filled);
		if (got <= 0)
			break;
		filled += (size_t)got;
	}
	reply[filled] = 0;
	return filled ? 0 : -1;
}

int main(int count, char **arguments)
{
	static char line[60000], reply[8192];
	if (count < 3)
		return 2;
	int failed = 0, next = 3, again = !strcmp(arguments[2], "retry"), tries = again || !strcmp(arguments[2], "try"), daemon = daemon_connection(arguments[1]);
	do {
		int at = snprintf(line, sizeof(line), "1 %s", tries ? "mark" : arguments[2]), first = next, fds[900];
		for (; next < count && next - first < 900; next++) {
			struct stat st;
			int fd = fds[next - first] = open(arguments[next], O_RDONLY);
			if (fd < 0 || fstat(fd, &st)) {
				perror(arguments[next]);
				return 1;
			}
			at += snprintf(line + at, sizeof(line) - (size_t)at, " %d:%llu", fd, (unsigned long long)st.st_ino);
		}
		strcpy(line + at, "\n");
		if (request(daemon, line, reply, sizeof(reply))) {
			perror(arguments[1]);
			return 1;
		}
		if (again)
			request(daemon, line, reply, sizeof(reply));
		if (tries && strstr(reply, "\"ok\":true")) {
			memmove(line + 4, line + 2, strlen(line) - 1);
			memcpy(line, "1 un", 4);
			request(daemon, line, reply, sizeof(reply));
		}
		for (int i = 0; i < next - first; i++)
			close(fds[i]);
		if (count == 3 || !strstr(reply, "\"ok\":true"))
			fputs(reply, stdout);
		failed |= !strstr(reply, "\"ok\":true");
	} while (next < count);
	return failed;
}
