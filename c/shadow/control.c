/* control.c - The shadow's connection to its daemon.
 *
 * It says what it is, and receives links, ends and orders.
 *
 * The daemon may be away at any time: nothing here waits, and a guest is served all the same.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "control.h"
#include "descriptors.h"
#include "end.h"
#include "links.h"
#include "state.h"
#include "tickets.h"

#define RETRY_MS 1000

union message {
	struct {
		uint32_t type, size;
	} head;
	struct lb_local_link link;
	struct lb_local_verdict verdict;
	struct lb_local_guest_ended ended;
	struct lb_local_inquire inquire;
	uint8_t bytes[LB_LOCAL_MESSAGE_SIZE_MAX];
};

void lb_control_close(void)
{
	if (lb_shadow.control_fd >= 0)
		close(lb_shadow.control_fd);
	lb_shadow.control_fd = -1;
	lb_shadow.retry_ms = lb_now_ms() + RETRY_MS;
}

static void tell(const void *message, size_t size)
{
	if (lb_shadow.control_fd < 0)
		return; /* everything is told anew on the next connection */
	if (send(lb_shadow.control_fd, message, size, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)size)
		lb_control_close();
}

static void tell_state(void)
{
	struct lb_local_shadow message = {
		.type = LB_LOCAL_SHADOW,
		.size = sizeof message,
		.start_ticks = lb_shadow.state.start_ticks,
		.live_ticket = lb_shadow.state.live_ticket,
		.prepared_ticket = lb_shadow.prepared_ticket,
		.pid = (uint32_t)getpid(),
		.state = lb_shadow.live != NULL ? LB_GUEST_RUNNING
			: lb_shadow.waiting     ? LB_GUEST_WAITING
						: LB_GUEST_LOST,
	};

	memcpy(message.home_node, lb_shadow.state.home_node, sizeof message.home_node);
	memcpy(message.runs_on, lb_shadow.state.runs_on, sizeof message.runs_on);
	memcpy(message.program, lb_shadow.state.program, sizeof message.program);
	tell(&message, sizeof message);
}

static void ask_for_link(void)
{
	struct lb_local_lost_link message = {
		.type = LB_LOCAL_LOST_LINK, .size = sizeof message, .ticket = lb_shadow.state.live_ticket
	};

	memcpy(message.node, lb_shadow.state.runs_on, sizeof message.node);
	tell(&message, sizeof message);
}

void lb_control_tell(void)
{
	if (lb_shadow.changed)
		tell_state();
	lb_shadow.changed = false;
	if (lb_shadow.link_lost && lb_shadow.live == NULL)
		ask_for_link();
	lb_shadow.link_lost = false;
}

/* The end of the order that made this shadow; told once. */
static void report(void)
{
	struct lb_local_report message = {
		.type = LB_LOCAL_REPORT,
		.size = sizeof message,
		.order_id = lb_shadow.state.order_id,
		.ticket = lb_shadow.state.live_ticket,
		.bytes = lb_shadow.state.bytes,
		.freeze_us = lb_shadow.state.freeze_ns / 1000,
		.outcome = lb_shadow.waiting ? LB_OUTCOME_WRITTEN : LB_OUTCOME_MOVED,
	};

	if (lb_shadow.state.order_id == 0)
		return;
	tell(&message, sizeof message);
	if (lb_shadow.control_fd < 0)
		return;
	lb_shadow.state.order_id = 0;
}

void lb_control_push(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (lb_shadow.control_fd >= 0 || lb_now_ms() < lb_shadow.retry_ms)
		return;
	lb_shadow.retry_ms = lb_now_ms() + RETRY_MS;
	memcpy(address.sun_path, lb_shadow.state.control_path, sizeof address.sun_path);
	address.sun_path[sizeof address.sun_path - 1] = '\0';
	lb_own_fds_begin();
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
		close(fd);
		fd = -1;
	}
	fd = fd < 0 ? fd : lb_fd_move_up(fd);
	lb_own_fds_end();
	if (fd < 0)
		return;
	lb_shadow.control_fd = fd;
	lb_interrupted = 1; /* a call that is about to block must watch it too */
	lb_shadow.changed = false;
	tell_state();
	report();
	lb_shadow.link_lost = lb_is_lost();
	lb_control_tell();
}

static void answer(uint64_t ticket)
{
	struct lb_local_verdict message = {
		.type = LB_LOCAL_VERDICT, .size = sizeof message, .ticket = ticket, .verdict = lb_ticket_verdict(ticket)
	};

	tell(&message, sizeof message);
}

static void handle(const union message *message, size_t size, int fd)
{
	if (size < sizeof message->head || message->head.size != size)
		return;
	switch (message->head.type) {
	case LB_LOCAL_LINK:
		if (size == sizeof message->link && fd >= 0) {
			lb_link_add(fd, message->link.ticket);
			fd = -1;
		}
		break;
	case LB_LOCAL_INQUIRE:
		if (size == sizeof message->inquire)
			answer(message->inquire.ticket);
		break;
	case LB_LOCAL_BRING_HOME:
		lb_shadow.bring_home = true;
		if (lb_shadow.live != NULL && !lb_link_tell(lb_shadow.live, LB_LINK_COME_HOME, NULL, 0, true))
			lb_link_lost();
		break;
	case LB_LOCAL_GUEST_ENDED:
		if (size != sizeof message->ended || message->ended.ticket != lb_shadow.state.live_ticket)
			break;
		/* What the guest wrote before it ended may still lie in the link: main.c waits for its end. */
		lb_shadow.ended = true;
		lb_shadow.ended_ms = lb_now_ms();
		lb_shadow.wait_status = message->ended.wait_status;
		break;
	case LB_LOCAL_VERDICT:
		if (size == sizeof message->verdict && message->verdict.verdict == LB_VERDICT_DEAD &&
			message->verdict.ticket == lb_shadow.state.live_ticket && lb_shadow.live == NULL &&
			!lb_shadow.waiting && !lb_shadow.ended)
			lb_end_lost("that node no longer has it");
		break;
	default:
		break; /* Ack, and what later versions may say */
	}
	if (fd >= 0)
		close(fd);
}

/* The next message, and a descriptor that came along, out of the program's way; -1: none. As recvmsg(2). */
static ssize_t receive(union message *message, int *fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int) * LB_LOCAL_DESCRIPTORS_MAX)];
	} control;
	struct iovec part = { message, sizeof *message };
	struct msghdr header = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
	};
	struct cmsghdr *rights;
	char first;
	ssize_t size = recv(lb_shadow.control_fd, &first, 1, MSG_DONTWAIT | MSG_PEEK); /* mostly there is nothing */

	*fd = -1;
	if (size <= 0)
		return size;
	lb_own_fds_begin();
	size = recvmsg(lb_shadow.control_fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	rights = size > 0 ? CMSG_FIRSTHDR(&header) : NULL;
	if (rights != NULL && rights->cmsg_level == SOL_SOCKET && rights->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(rights), sizeof *fd);
	if (*fd >= 0)
		*fd = lb_fd_move_up(*fd);
	lb_own_fds_end();
	return size;
}

void lb_control_read(void)
{
	while (lb_shadow.control_fd >= 0) {
		union message message;
		int fd;
		ssize_t size = receive(&message, &fd);

		if (size < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (size <= 0) {
			lb_control_close();
			return;
		}
		handle(&message, (size_t)size, fd);
	}
}
