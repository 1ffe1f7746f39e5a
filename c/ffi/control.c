/* control.c - The node's control socket, its connections and watched processes.
 *
 * One epoll has all of them.
 *
 * One thread blocks in lb_ffi_control_next; the others send, close and watch meanwhile.
 * Everything but the wait itself runs under one lock and never blocks. Events name connections
 * by id and watches by PID and descriptor, both looked up again under the lock, so a stale event
 * finds nothing and is dropped.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "internal.h"

#define ACCEPT_PAUSE_MS 100 /* until accept(2) is tried again when the kernel has no memory left */
#define HEADER_SIZE 8u      /* type and size, the least a message has */

enum source { SOURCE_LISTEN = 1, SOURCE_WAKE, SOURCE_CONNECTION, SOURCE_WATCH };

struct connection {
	uint32_t id;
	int fd; /* owned */
	uint32_t pid;
	uint32_t uid;
};

struct watch {
	uint32_t pid;
	int fd; /* owned: pidfd */
	uint64_t start_ticks;
};

static struct {
	pthread_mutex_t lock;
	_Atomic bool open;
	_Atomic bool accept_paused;
	int epoll_fd;
	int listen_fd;
	int wake_fd;
	int spare_fd; /* given up to accept and refuse when descriptors run out */
	uint32_t last_id;
	uint32_t connections_count;
	uint32_t watches_count;
	/* The first `count` of each are in use, in no order. */
	struct connection connections[LB_FFI_CONNECTIONS_MAX];
	struct watch watches[LB_FFI_WATCHES_MAX];
} control = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* What epoll hands back: the source above, the id or PID below. */
static uint64_t tag_of(enum source source, uint32_t value)
{
	return ((uint64_t)source << 32) | value;
}

static int32_t epoll_add(int fd, uint64_t tag)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = tag };

	return epoll_ctl(control.epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

/* Out of the epoll set, then closed: close(2) alone would leave it there while a child that Deno
 * is just starting still has a duplicate (epoll(7)). */
static void forget(int fd)
{
	epoll_ctl(control.epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	close(fd);
}

static void accept_pause(bool pause)
{
	struct epoll_event event = { .events = pause ? 0 : EPOLLIN, .data.u64 = tag_of(SOURCE_LISTEN, 0) };

	if (epoll_ctl(control.epoll_fd, EPOLL_CTL_MOD, control.listen_fd, &event) == 0)
		control.accept_paused = pause;
}

static struct connection *connection_find(uint32_t id)
{
	for (uint32_t i = 0; i < control.connections_count; i++)
		if (control.connections[i].id == id)
			return &control.connections[i];
	return NULL;
}

static void connection_remove(struct connection *connection)
{
	forget(connection->fd);
	*connection = control.connections[--control.connections_count];
}

static struct watch *watch_find(uint32_t pid)
{
	for (uint32_t i = 0; i < control.watches_count; i++)
		if (control.watches[i].pid == pid)
			return &control.watches[i];
	return NULL;
}

static void watch_remove(struct watch *watch)
{
	forget(watch->fd);
	*watch = control.watches[--control.watches_count];
}

/* Refuses one waiting connection although no descriptor is free. Returns whether it worked. */
static bool refuse_one(void)
{
	int fd;

	if (control.spare_fd < 0)
		return false;
	close(control.spare_fd);
	fd = accept4(control.listen_fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		close(fd);
	control.spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return fd >= 0;
}

static void accept_one(void)
{
	struct connection *connection;
	struct ucred peer;
	socklen_t size = sizeof peer;
	int fd = accept4(control.listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0) {
		bool exhausted = errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS;

		/* Level-triggered: left alone, a connection that cannot be accepted would spin. */
		if (exhausted && !refuse_one())
			accept_pause(true);
		return;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || peer.uid != geteuid() ||
		control.connections_count == LB_FFI_CONNECTIONS_MAX ||
		epoll_add(fd, tag_of(SOURCE_CONNECTION, control.last_id + 1)) < 0) {
		close(fd);
		return;
	}
	connection = &control.connections[control.connections_count++];
	connection->id = ++control.last_id;
	connection->fd = fd;
	connection->pid = (uint32_t)peer.pid;
	connection->uid = peer.uid;
}

/* Takes the descriptors out of a received message; those past LB_LOCAL_DESCRIPTORS_MAX are
 * closed. */
static uint32_t take_fds(struct msghdr *header, int32_t *fds)
{
	uint32_t count = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c != NULL; c = CMSG_NXTHDR(header, c)) {
		size_t bytes;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		bytes = c->cmsg_len - CMSG_LEN(0);
		for (size_t at = 0; at + sizeof(int) <= bytes; at += sizeof(int)) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + at, sizeof fd);
			if (count < LB_LOCAL_DESCRIPTORS_MAX)
				fds[count++] = fd;
			else
				close(fd);
		}
	}
	return count;
}

/* Reads one message of a connection. Returns whether there is an event to tell. */
static bool connection_read(struct connection *connection, struct lb_ffi_event *event)
{
	/* One descriptor more than allowed fits, so that too many are seen and not only cut off. */
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE((LB_LOCAL_DESCRIPTORS_MAX + 1) * sizeof(int))];
	} ancillary;
	struct iovec io = { event->message, sizeof event->message };
	struct msghdr header = { .msg_iov = &io,
		.msg_iovlen = 1,
		.msg_control = ancillary.bytes,
		.msg_controllen = sizeof ancillary.bytes };
	ssize_t size = recvmsg(connection->fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	/* ECONNRESET comes once, before what the peer said last, when it closed without reading all
	 * (unix_release_sock, net/unix/af_unix.c, v6.12): the next read gets that. */
	if (size < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNRESET))
		return false;
	event->kind = LB_FFI_EVENT_MESSAGE;
	event->connection = connection->id;
	event->peer_pid = connection->pid;
	event->peer_uid = connection->uid;
	if (size >= 0)
		event->fds_count = take_fds(&header, event->fds);
	if (size >= (ssize_t)HEADER_SIZE && (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0) {
		event->size = (uint32_t)size;
		return true;
	}
	/* End, error, or malformed. */
	for (uint32_t i = 0; i < event->fds_count; i++)
		close(event->fds[i]);
	event->fds_count = 0;
	memset(event->fds, 0xff, sizeof event->fds);
	memset(event->message, 0, sizeof event->message);
	event->kind = LB_FFI_EVENT_HANGUP;
	connection_remove(connection);
	return true;
}

static bool is_readable(int fd)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };

	return poll(&ready, 1, 0) == 1;
}

static void watch_ended(struct watch *watch, struct lb_ffi_event *event)
{
	siginfo_t info = { .si_pid = 0 };

	event->kind = LB_FFI_EVENT_PID_EXITED;
	event->pid = watch->pid;
	event->start_ticks = watch->start_ticks;
	event->wait_status = -1;
	if (waitid(P_PIDFD, (id_t)watch->fd, &info, WEXITED | WNOHANG) == 0 && info.si_pid != 0) {
		event->wait_status = info.si_code == CLD_EXITED ? (info.si_status & 0xff) << 8 : info.si_status;
		if (info.si_code == CLD_DUMPED)
			event->wait_status |= 0x80;
	}
	watch_remove(watch);
}

/* Acts on what epoll said, under the lock. Returns whether there is an event to tell. */
static bool handle(uint64_t tag, struct lb_ffi_event *event)
{
	struct connection *connection;
	struct watch *watch;
	uint64_t count;

	switch ((enum source)(tag >> 32)) {
	case SOURCE_LISTEN:
		accept_one();
		return false;
	case SOURCE_WAKE:
		if (read(control.wake_fd, &count, sizeof count) < 0)
			return false; /* another waiting thread took it */
		event->kind = LB_FFI_EVENT_WOKEN;
		return true;
	case SOURCE_CONNECTION:
		connection = connection_find((uint32_t)tag);
		return connection != NULL && connection_read(connection, event);
	case SOURCE_WATCH:
		watch = watch_find((uint32_t)tag);
		if (watch == NULL || !is_readable(watch->fd))
			return false; /* a watch of before; this PID was watched anew meanwhile */
		watch_ended(watch, event);
		return true;
	}
	return false;
}

int32_t lb_ffi_control_next(uint8_t *buffer, uint32_t size)
{
	struct lb_ffi_event event;
	struct epoll_event ready;
	bool told = false;

	if (buffer == NULL || size < sizeof event)
		return -EINVAL;
	if (!control.open)
		return -ENOTCONN;
	while (!told) {
		int count = epoll_wait(control.epoll_fd, &ready, 1, control.accept_paused ? ACCEPT_PAUSE_MS : -1);

		if (count < 0 && errno != EINTR)
			return -errno;
		pthread_mutex_lock(&control.lock);
		if (control.accept_paused)
			accept_pause(false);
		if (count == 1) {
			memset(&event, 0, sizeof event);
			memset(event.fds, 0xff, sizeof event.fds);
			told = handle(ready.data.u64, &event);
		}
		pthread_mutex_unlock(&control.lock);
	}
	memcpy(buffer, &event, sizeof event);
	return 1;
}

/* Opens everything but the socket. Returns 0, or a negative error with nothing open. */
static int32_t control_open(int listen_fd)
{
	int32_t rv;

	control.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (control.epoll_fd < 0)
		return -errno;
	control.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (control.wake_fd < 0) {
		rv = -errno;
		goto out_epoll;
	}
	rv = epoll_add(listen_fd, tag_of(SOURCE_LISTEN, 0));
	if (rv == 0)
		rv = epoll_add(control.wake_fd, tag_of(SOURCE_WAKE, 0));
	if (rv < 0)
		goto out_wake;
	control.listen_fd = listen_fd;
	control.spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	control.open = true;
	return 0;
out_wake:
	close(control.wake_fd);
out_epoll:
	close(control.epoll_fd);
	return rv;
}

int32_t lb_ffi_control_listen(const char *path)
{
	int32_t fd;
	int32_t rv;

	pthread_mutex_lock(&control.lock);
	if (control.open) {
		rv = -EALREADY;
		goto out;
	}
	fd = lb_control_listen_at(path);
	rv = fd;
	if (fd >= 0) {
		rv = control_open(fd);
		if (rv < 0)
			close(fd);
	}
out:
	pthread_mutex_unlock(&control.lock);
	return rv;
}

int32_t lb_ffi_control_listen_again(const char *path)
{
	int32_t fd;
	int32_t rv = -ENOTCONN;

	pthread_mutex_lock(&control.lock);
	if (!control.open)
		goto out;
	fd = lb_control_listen_at(path);
	rv = fd < 0 ? fd : epoll_add(fd, tag_of(SOURCE_LISTEN, 0));
	if (rv == 0) {
		forget(control.listen_fd);
		control.listen_fd = fd;
		control.accept_paused = false;
	} else if (fd >= 0) {
		close(fd);
	}
out:
	pthread_mutex_unlock(&control.lock);
	return rv;
}

int32_t lb_ffi_control_send(uint32_t id, const uint8_t *message, uint32_t size, const int32_t *fds, uint32_t fds_count)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(LB_LOCAL_DESCRIPTORS_MAX * sizeof(int))];
	} ancillary;
	struct iovec io = { (void *)(uintptr_t)message, size };
	struct msghdr header = { .msg_iov = &io, .msg_iovlen = 1 };
	struct connection *connection;
	int32_t rv = 0;

	if (message == NULL || size < HEADER_SIZE || size > LB_LOCAL_MESSAGE_SIZE_MAX ||
		fds_count > LB_LOCAL_DESCRIPTORS_MAX || (fds_count != 0 && fds == NULL))
		return -EINVAL;
	if (fds_count != 0) {
		memset(&ancillary, 0, sizeof ancillary);
		header.msg_control = ancillary.bytes;
		header.msg_controllen = CMSG_SPACE(fds_count * sizeof(int));
		ancillary.align.cmsg_level = SOL_SOCKET;
		ancillary.align.cmsg_type = SCM_RIGHTS;
		ancillary.align.cmsg_len = CMSG_LEN(fds_count * sizeof(int));
		memcpy(CMSG_DATA(&ancillary.align), fds, fds_count * sizeof(int));
	}
	pthread_mutex_lock(&control.lock);
	connection = connection_find(id);
	if (connection == NULL)
		rv = -ENOTCONN;
	else if (sendmsg(connection->fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		rv = errno == EPIPE || errno == ECONNRESET ? -ENOTCONN : -errno;
	pthread_mutex_unlock(&control.lock);
	return rv;
}

int32_t lb_ffi_control_close(uint32_t id)
{
	struct connection *connection;
	int32_t rv = -ENOTCONN;

	pthread_mutex_lock(&control.lock);
	connection = connection_find(id);
	if (connection != NULL) {
		connection_remove(connection);
		rv = 0;
	}
	pthread_mutex_unlock(&control.lock);
	return rv;
}

int32_t lb_ffi_watch_pid(uint32_t pid, uint64_t start_ticks)
{
	int32_t fd;
	int32_t rv = 0;

	pthread_mutex_lock(&control.lock);
	if (!control.open)
		rv = -ENOTCONN;
	else if (watch_find(pid) != NULL)
		rv = -EEXIST;
	else if (control.watches_count == LB_FFI_WATCHES_MAX)
		rv = -ENOSPC;
	if (rv < 0)
		goto out;
	fd = lb_pidfd_open_checked(pid, start_ticks, 1);
	rv = fd < 0 ? fd : epoll_add(fd, tag_of(SOURCE_WATCH, pid));
	if (rv == 0)
		control.watches[control.watches_count++] = (struct watch){ pid, fd, start_ticks };
	else if (fd >= 0)
		close(fd);
out:
	pthread_mutex_unlock(&control.lock);
	return rv;
}

int32_t lb_ffi_unwatch_pid(uint32_t pid)
{
	struct watch *watch;
	int32_t rv = -ESRCH;

	pthread_mutex_lock(&control.lock);
	watch = watch_find(pid);
	if (watch != NULL) {
		watch_remove(watch);
		rv = 0;
	}
	pthread_mutex_unlock(&control.lock);
	return rv;
}

int32_t lb_ffi_control_wake(void)
{
	const uint64_t one = 1;

	if (!control.open)
		return -ENOTCONN;
	return write(control.wake_fd, &one, sizeof one) < 0 && errno != EAGAIN ? -errno : 0;
}
