/* links.c - Connections to guests.
 *
 * The live link, and candidates until they have said who they are.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "descriptors.h"
#include "links.h"
#include "state.h"

#define AREA_SIZE (LB_PAGE + LB_LINK_SIZE_MAX + LB_LINK_SPARE)
#define HEAD_SIZE (sizeof(struct lb_link_header) + sizeof(struct lb_link_call))
_Static_assert(HEAD_SIZE < LB_PAGE, "a CALL's data starts on a page");
/* Keepalive as the guest's end has it (c/library/home_call/link.c). */
#define KEEPALIVE_IDLE_S 15
#define KEEPALIVE_STEP_S 5

/* Untouched pages cost nothing: usually one of them is used. */
static uint8_t areas[LB_LINKS][(AREA_SIZE + LB_PAGE - 1) / LB_PAGE * LB_PAGE] LB_LATER
	__attribute__((aligned(LB_PAGE)));

void lb_links_init(void)
{
	for (int i = 0; i < LB_LINKS; i++) {
		lb_shadow.links[i].fd = -1;
		lb_shadow.links[i].bytes = areas[i] + LB_PAGE - HEAD_SIZE;
		lb_own_fd(&lb_shadow.links[i].fd);
	}
}

/* The time limits of an image; 0: there are none, as a guest may be silent for days. */
static void limit_time(int fd, uint32_t timeout_ms)
{
	struct timeval timeout = { timeout_ms / 1000, timeout_ms % 1000 * 1000 };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
}

static void prepare(int fd)
{
	int on = 1, idle = KEEPALIVE_IDLE_S, step = KEEPALIVE_STEP_S;
	int timeout = (int)lb_shadow.state.io_timeout_ms;
	int flags = fcntl(fd, F_GETFL);

	/* Errors do not matter: a unix socket in a test has no TCP options. */
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof on);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &step, sizeof step);
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof timeout);
	/* Blocking: it will be the restorer's when the process comes home. */
	fcntl(fd, F_SETFL, flags & ~(O_NONBLOCK | O_ASYNC));
	limit_time(fd, 0);
}

void lb_link_give_back(int fd)
{
	limit_time(fd, 0);
}

void lb_link_lend(int fd)
{
	limit_time(fd, lb_shadow.state.io_timeout_ms);
}

struct lb_shadow_link *lb_link_add(int fd, uint64_t ticket)
{
	for (int i = 0; i < LB_LINKS; i++) {
		struct lb_shadow_link *link = &lb_shadow.links[i];

		/* The area of an executing call is in use although its link may be gone. */
		if (link->fd >= 0 || link->taken > 0)
			continue;
		link->fd = fd;
		link->ticket = ticket;
		link->have = 0;
		prepare(fd);
		lb_interrupted = 1; /* a call that is about to block must watch this link too */
		return link;
	}
	close(fd);
	return NULL;
}

void lb_link_close(struct lb_shadow_link *link)
{
	if (link->fd >= 0)
		close(link->fd);
	link->fd = -1;
	link->have = 0;
	if (lb_shadow.live == link)
		lb_shadow.live = NULL;
	if (link != lb_shadow.executing_in)
		link->taken = 0;
}

bool lb_link_fill(struct lb_shadow_link *link)
{
	for (;;) {
		size_t room = HEAD_SIZE + LB_LINK_SIZE_MAX + LB_LINK_SPARE - link->have;
		ssize_t got;

		if (room == 0)
			return true; /* handled messages make room; nobody sends that much ahead */
		got = recv(link->fd, link->bytes + link->have, room, MSG_DONTWAIT);
		if (got > 0) {
			link->have += (size_t)got;
			/* Usually that was all. While a call is executed the link's end must be seen as well: it may
			 * have come before the watch (lb_signals_watch) and rings no bell. */
			if ((size_t)got < room && lb_shadow.executing_seq == 0)
				return true;
			continue;
		}
		return got < 0 && (errno == EAGAIN || errno == EINTR);
	}
}

const struct lb_link_header *lb_link_next(struct lb_shadow_link *link, bool *bad)
{
	const struct lb_link_header *header = (const void *)(link->bytes + link->taken);
	size_t left = link->have - link->taken;

	*bad = false;
	if (left < sizeof *header)
		return NULL;
	/* Before the rest is waited for, which may never come. */
	if (header->type == 0 || header->type >= LB_LINK_TYPES || header->size > LB_LINK_SIZE_MAX) {
		*bad = true;
		return NULL;
	}
	return left < sizeof *header + header->size ? NULL : header;
}

bool lb_link_write(struct lb_shadow_link *link, const void *data, size_t size, bool urgent)
{
	const uint8_t *at = data;
	int flags = MSG_NOSIGNAL;

	/* It waits: the guest reads, or TCP_USER_TIMEOUT ends it. Signals are blocked here. */
	while (size > 0) {
		ssize_t sent = send(link->fd, at, size, urgent ? flags | MSG_OOB : flags);

		if (sent > 0) {
			at += sent;
			size -= (size_t)sent;
		} else if (errno == EOPNOTSUPP && urgent) {
			urgent = false; /* no doorbell on this kind of socket */
		} else if (errno != EINTR) {
			return false;
		}
	}
	return true;
}

bool lb_link_tell_seq(
	struct lb_shadow_link *link, uint32_t type, uint64_t seq, const void *body, size_t size, bool urgent)
{
	uint8_t message[sizeof(struct lb_link_header) + 256];
	struct lb_link_header header = { .type = type, .size = (uint32_t)size, .seq = seq };

	if (size > sizeof message - sizeof header)
		return false;
	memcpy(message, &header, sizeof header);
	if (size > 0)
		memcpy(message + sizeof header, body, size);
	return lb_link_write(link, message, sizeof header + size, urgent);
}

bool lb_link_tell(struct lb_shadow_link *link, uint32_t type, const void *body, size_t size, bool urgent)
{
	return lb_link_tell_seq(link, type, 0, body, size, urgent);
}

void lb_link_lost(void)
{
	if (lb_shadow.live != NULL)
		lb_link_close(lb_shadow.live);
	lb_shadow.lost_since_ms = lb_now_ms();
	lb_shadow.changed = true;
	lb_shadow.link_lost = true;
}
