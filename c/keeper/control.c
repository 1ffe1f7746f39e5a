/* control.c - The keeper's connection to its node's daemon.
 *
 * It outlives the daemon and says all again.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "control.h"
#include "keeper.h"
#include "link.h"

static void drop(struct lb_keeper *keeper)
{
	close(keeper->control_fd);
	keeper->control_fd = -1;
	keeper->retry_at = lb_keeper_now_ms() + LB_KEEPER_RETRY_MS;
}

/* Returns whether the message is on its way. */
static bool send_message(struct lb_keeper *keeper, const void *message, size_t size)
{
	if (send(keeper->control_fd, message, size, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return true;
	if (errno == EAGAIN)
		keeper->retry_at = lb_keeper_now_ms() + LB_KEEPER_RETRY_MS;
	else
		drop(keeper);
	return false;
}

static bool send_state(struct lb_keeper *keeper)
{
	struct lb_local_keeper message;

	memset(&message, 0, sizeof message);
	message.type = LB_LOCAL_KEEPER;
	message.size = sizeof message;
	message.start_ticks = keeper->options.start_ticks;
	message.ticket = keeper->options.ticket;
	message.guest_start_ticks = keeper->guest_start_ticks;
	message.keeper_pid = (uint32_t)getpid();
	message.guest_pid = (uint32_t)keeper->guest_pid;
	message.home_pid = keeper->options.home_pid;
	message.state = keeper->state;
	memcpy(message.home_node, keeper->options.home_node, sizeof message.home_node);
	memcpy(message.program, keeper->program, sizeof message.program);
	return send_message(keeper, &message, sizeof message);
}

static bool send_need(struct lb_keeper *keeper)
{
	struct lb_local_need_link message;

	memset(&message, 0, sizeof message);
	message.type = LB_LOCAL_NEED_LINK;
	message.size = sizeof message;
	message.start_ticks = keeper->options.start_ticks;
	message.ticket = keeper->options.ticket;
	message.home_pid = keeper->options.home_pid;
	memcpy(message.home_node, keeper->options.home_node, sizeof message.home_node);
	return send_message(keeper, &message, sizeof message);
}

static bool send_ended(struct lb_keeper *keeper)
{
	struct lb_local_guest_ended message;

	memset(&message, 0, sizeof message);
	message.type = LB_LOCAL_GUEST_ENDED;
	message.size = sizeof message;
	message.start_ticks = keeper->options.start_ticks;
	message.ticket = keeper->options.ticket;
	message.home_pid = keeper->options.home_pid;
	message.wait_status = (uint32_t)keeper->wait_status;
	memcpy(message.home_node, keeper->options.home_node, sizeof message.home_node);
	return send_message(keeper, &message, sizeof message);
}

/* Connects without waiting: a daemon whose backlog is full counts as away. A new connection
 * hears all that still matters. */
static void connect_daemon(struct lb_keeper *keeper)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = keeper->options.control_path;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0) {
		keeper->retry_at = lb_keeper_now_ms() + LB_KEEPER_RETRY_MS;
		return;
	}
	keeper->control_fd = fd;
	memcpy(address.sun_path, path, strlen(path)); /* main.c has checked that it fits */
	if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
		drop(keeper);
		return;
	}
	keeper->retry_at = LB_NEVER;
	keeper->tell_state = true;
	keeper->tell_need = keeper->link.needed;
	keeper->tell_ended = keeper->ended_unanswered;
}

void lb_keeper_control_push(struct lb_keeper *keeper)
{
	bool due = lb_keeper_now_ms() >= keeper->retry_at;

	if (keeper->options.control_path == NULL)
		return;
	if (keeper->control_fd < 0 && due)
		connect_daemon(keeper);
	else if (due)
		keeper->retry_at = LB_NEVER;
	if (keeper->control_fd < 0 || keeper->retry_at != LB_NEVER)
		return; /* away, or its queue was full just now */
	if (keeper->tell_state && send_state(keeper))
		keeper->tell_state = false;
	if (keeper->control_fd >= 0 && keeper->tell_need && send_need(keeper))
		keeper->tell_need = false;
	if (keeper->control_fd >= 0 && keeper->tell_ended && send_ended(keeper))
		keeper->tell_ended = false;
}

static void heard_verdict(struct lb_keeper *keeper, const struct lb_local_verdict *verdict)
{
	if (verdict->ticket != keeper->options.ticket)
		return;
	if (verdict->verdict == LB_VERDICT_DEAD) {
		/* This copy is not the process any more: home hears nothing of its end. */
		if (keeper->flushing)
			keeper->finished = true;
		if (!keeper->dead)
			keeper->kill_at = lb_keeper_now_ms() + LB_KEEPER_DEAD_MS;
		keeper->dead = true;
		keeper->link.needed = false;
		keeper->link.need_until = LB_NEVER;
	} else if (keeper->link.needed) {
		/* Nothing can be said yet: ask again, but not at once. */
		keeper->tell_need = true;
		keeper->retry_at = lb_keeper_now_ms() + LB_KEEPER_RETRY_MS;
	}
}

/* Acts on one message. Takes fd (-1: none). */
static void heard(struct lb_keeper *keeper, const void *message, size_t size, int fd)
{
	const struct lb_local_ack *header = message; /* each starts with type and size */

	if (fd >= 0 && size == sizeof(struct lb_local_link) && header->type == LB_LOCAL_LINK) {
		const struct lb_local_link *link = message;

		if (link->ticket == keeper->options.ticket) {
			lb_link_arrived(keeper, fd);
			return;
		}
	} else if (size == sizeof(struct lb_local_verdict) && header->type == LB_LOCAL_VERDICT) {
		heard_verdict(keeper, message);
	} else if (size == sizeof(struct lb_local_ack) && header->type == LB_LOCAL_ACK) {
		if (keeper->ended_unanswered && !keeper->tell_ended)
			keeper->finished = true;
	}
	/* Anything else is for another kind of peer, and not worth a word. */
	if (fd >= 0)
		close(fd);
}

void lb_keeper_control_read(struct lb_keeper *keeper)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(LB_LOCAL_DESCRIPTORS_MAX * sizeof(int))];
	} ancillary;
	_Alignas(8) char message[LB_LOCAL_MESSAGE_SIZE_MAX];
	struct iovec io = { message, sizeof message };
	struct msghdr header = { .msg_iov = &io,
		.msg_iovlen = 1,
		.msg_control = ancillary.bytes,
		.msg_controllen = sizeof ancillary.bytes };
	ssize_t size = recvmsg(keeper->control_fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *rights;
	int first = -1;

	/* ECONNRESET comes once, before what the daemon said last, when it closed with something
	 * unread (unix_release_sock, net/unix/af_unix.c, v6.12). */
	if (size < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNRESET))
		return;
	if (size <= 0) {
		drop(keeper);
		return;
	}
	rights = CMSG_FIRSTHDR(&header);
	if (rights != NULL && rights->cmsg_level == SOL_SOCKET && rights->cmsg_type == SCM_RIGHTS) {
		size_t bytes = rights->cmsg_len - CMSG_LEN(0);

		for (size_t at = 0; at + sizeof(int) <= bytes; at += sizeof(int)) {
			int fd;

			memcpy(&fd, CMSG_DATA(rights) + at, sizeof fd);
			if (at == 0)
				first = fd;
			else
				close(fd); /* no message to a keeper has more than one */
		}
	}
	heard(keeper, message, (size_t)size, first);
}
