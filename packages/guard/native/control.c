#define _GNU_SOURCE
#include "control.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "clock.h"
#include "file-systems.h"
#include "journal.h"
#include "log.h"
#include "marking.h"
#include "retired.h"
#include "revival.h"
#include "service-manager.h"

#define CLIENTS 16
#define SWEEP_MS 5000 /* between looks for inodes that have gone */
#define LINE (64 << 10)  /* a request; about 1,200 inodes */

struct client {
	int fd;
	int pid;
	__u32 number; /* random: marks that another daemon left name none of today's connections */
	size_t filled;
	char line[LINE];
};

static struct client clients[CLIENTS];
static int client_count, listener = -1, mounts;
static struct sockaddr_un address = { .sun_family = AF_UNIX };
static struct programs *programs;

static void reply(const struct client *client, const char *text, size_t length)
{
	struct pollfd writable = { .fd = client->fd, .events = POLLOUT };
	while (length) {
		ssize_t sent = send(client->fd, text, length, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && (errno != EAGAIN || poll(&writable, 1, 1000) <= 0))
			return; /* its connection breaks, or it does not read: its own loss */
		if (sent > 0) {
			text += sent;
			length -= (size_t)sent;
		}
	}
}

static unsigned long long counter(unsigned index)
{
	unsigned long long value = 0;
	bpf_map_lookup_elem(programs->counters, &index, &value);
	return value;
}

static size_t count_marks(void)
{
	struct inode_key key, next;
	size_t count = 0;
	for (int have = bpf_map_get_next_key(programs->marks, NULL, &next) == 0; have; have = bpf_map_get_next_key(programs->marks, &key, &next) == 0) {
		key = next;
		count++;
	}
	return count;
}

static void status(const struct client *client, const char *id)
{
	char text[2048], figures[1024];
	journal_figures(figures, sizeof(figures));
	int length = snprintf(text, sizeof(text),
			      "{\"id\":%s,\"ok\":true,\"mode\":\"%s\",\"pid\":%d,\"adopted\":%s,\"marks\":%zu,\"waitingMarks\":%zu,"
			      "\"opens\":%llu,\"metadata\":%llu,\"refused\":{\"rule\":%llu,\"unguarded\":%llu,\"timeout\":%llu},"
			      "\"unshared\":%llu,\"notesDropped\":%llu,%s}\n",
			      id, programs->state->mode == MODE_COPY ? "copy" : "deny", getpid(),
			      programs->adopted ? "true" : "false", count_marks(), revival_waiting(), counter(COUNT_OPENS),
			      counter(COUNT_METADATA), counter(COUNT_REFUSED), counter(COUNT_UNGUARDED), counter(COUNT_TIMEOUT),
			      counter(COUNT_UNSHARED), counter(COUNT_DROPPED), figures);
	reply(client, text, (size_t)length);
}

static void answer_request(const struct client *client, const char *id, int error, unsigned long long ino)
{
	char text[256];
	int length = error ? snprintf(text, sizeof(text), "{\"id\":%s,\"ok\":false,\"code\":\"%s\",\"ino\":\"%llu\"}\n", id, marking_code(error), ino) :
			     snprintf(text, sizeof(text), "{\"id\":%s,\"ok\":true}\n", id);
	reply(client, text, (size_t)length);
}

static int mark(struct marking *batch, __u32 requester, unsigned long long *ino)
{
	return marking_mark(batch, programs, requester, ino);
}

static int unmark(struct marking *batch, __u32 requester, unsigned long long *ino)
{
	(void)ino;
	return marking_unmark(batch, programs, requester);
}

static int retire_all(struct marking *batch, __u32 requester, unsigned long long *ino)
{
	(void)requester;
	(void)ino;
	marking_retire(batch);
	return 0;
}

/* `ID mark|unmark|retire FD:INO …`: the descriptors are the client's, fetched from it (Node cannot pass descriptors). */
static void handle_inodes(const struct client *client, const char *id, int (*use)(struct marking *, __u32, unsigned long long *), char *rest)
{
	static struct marking batch;
	unsigned long long ino = 0;
	int error = 0;
	batch.count = 0;
	int process = pidfd_open(client->pid, 0);
	if (process < 0)
		error = errno;
	for (char *item; !error && (item = strsep(&rest, " "));) {
		int remote;
		if (sscanf(item, "%d:%llu", &remote, &ino) != 2 || batch.count == MARKING_MAX) {
			error = EINVAL;
			break;
		}
		int fd = pidfd_getfd(process, remote, 0);
		error = fd < 0 ? errno : marking_add(&batch, fd, ino);
	}
	if (process >= 0)
		close(process);
	if (!error)
		error = use(&batch, client->number, &ino);
	marking_close(&batch);
	answer_request(client, id, error, ino);
}

static void handle(struct client *client, char *line)
{
	char *id = strsep(&line, " "), *verb = line ? strsep(&line, " ") : NULL;
	if (!verb || !*id || strspn(id, "0123456789") != strlen(id)) {
		answer_request(client, "0", EINVAL, 0);
		return;
	}
	if (!strcmp(verb, "status"))
		status(client, id);
	else if (!strcmp(verb, "mark") && line)
		handle_inodes(client, id, mark, line);
	else if (!strcmp(verb, "unmark") && line)
		handle_inodes(client, id, unmark, line);
	else if (!strcmp(verb, "retire") && line)
		handle_inodes(client, id, retire_all, line);
	else if (!strcmp(verb, "watch")) {
		answer_request(client, id, 0, 0);
		journal_watch(client->fd);
	} else if (!strcmp(verb, "remove")) {
		programs_remove();
		answer_request(client, id, 0, 0);
		log_line("every hook was taken out of the kernel on request");
		exit(0);
	} else
		answer_request(client, id, EINVAL, 0);
}

static void accept_client(void)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return;
	__u32 number;
	if (getrandom(&number, sizeof(number), 0) != sizeof(number) || client_count == CLIENTS || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) || peer.uid != 0) {
		close(fd);
		return;
	}
	clients[client_count++] = (struct client){ .fd = fd, .pid = peer.pid, .number = number };
}

static void drop(int index)
{
	journal_unwatch(clients[index].fd);
	close(clients[index].fd);
	if (index != --client_count)
		memcpy(&clients[index], &clients[client_count], sizeof(clients[index]));
}

/* False when the client is gone or sends a line that is too long. */
static bool read_client(struct client *client)
{
	ssize_t got = recv(client->fd, client->line + client->filled, LINE - client->filled, MSG_DONTWAIT);
	if (got <= 0)
		return got < 0 && errno == EAGAIN;
	client->filled += (size_t)got;
	for (char *end; (end = memchr(client->line, '\n', client->filled));) {
		*end = 0;
		size_t used = (size_t)(end - client->line) + 1;
		handle(client, client->line);
		memmove(client->line, client->line + used, client->filled - used);
		client->filled -= used;
	}
	return client->filled < LINE;
}

/* 0, or -1 with errno. */
static int listen_for_clients(void)
{
	unlink(address.sun_path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	mode_t mask = umask(0177);
	int result = listener < 0 ? -1 : bind(listener, (struct sockaddr *)&address, sizeof(address));
	umask(mask);
	return result ? result : listen(listener, CLIENTS);
}

static void *serve(void *unused)
{
	(void)unused;
	unsigned long long swept = 0;
	if (revival_start(programs) || listen_for_clients()) {
		log_line("the log of marks or %s: errno %d", address.sun_path, errno);
		exit(1);
	}
	log_line("serving on %s, %s", address.sun_path, programs->adopted ? "hooks adopted" : "hooks attached");
	service_manager_tell("READY=1");
	for (;;) {
		struct pollfd polled[CLIENTS + 2] = { { .fd = listener, .events = POLLIN }, { .fd = mounts, .events = POLLPRI } };
		for (int i = 0; i < client_count; i++)
			polled[i + 2] = (struct pollfd){ .fd = clients[i].fd, .events = POLLIN };
		if (poll(polled, (nfds_t)client_count + 2, SWEEP_MS) < 0)
			continue;
		if (monotonic_ns() - swept > SWEEP_MS * 1000000ULL) {
			retired_sweep(programs->marks);
			swept = monotonic_ns();
		}
		for (int i = client_count - 1; i >= 0; i--)
			if (polled[i + 2].revents && !read_client(&clients[i]))
				drop(i);
		if (polled[1].revents) {
			file_systems_refresh();
			programs_learn_btrfs(programs);
			revival_mounts_changed();
		}
		if (polled[0].revents)
			accept_client();
	}
	return NULL;
}

int control_start(const char *socket_path, struct programs *started, int mounts_descriptor)
{
	pthread_t thread;
	programs = started;
	mounts = mounts_descriptor;
	if (strlen(socket_path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(address.sun_path, socket_path);
	return (errno = pthread_create(&thread, NULL, serve, NULL)) ? -1 : 0;
}
