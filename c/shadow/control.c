/* control.c - the connection to this node's daemon. The guest is served whether it is there or not.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "shadow.h"

#define RETRY_MS 1000     /* to a daemon that is away, or that has not answered about a lost link */
#define STEP_CONFIRMED LB_FAULT_SHADOW_START

static void away(void)
{
	if (lb_shadow.control_fd >= 0)
		close(lb_shadow.control_fd);
	lb_shadow.control_fd = -1;
	lb_shadow.retry_ms = lb_now_ms() + RETRY_MS;
}

static bool tell(const void *message, size_t size)
{
	if (lb_shadow.control_fd < 0)
		return false;
	if (send(lb_shadow.control_fd, message, size, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)size)
		return true;
	away(); /* a daemon that does not read is as good as away: it hears all when it is back */
	return false;
}

void lb_control_changed(void)
{
	struct lb_local_shadow message = {
		.type = LB_LOCAL_SHADOW,
		.size = sizeof message,
		.start_ticks = lb_shadow.state.start_ticks,
		.live_ticket = lb_shadow.state.live_ticket,
		.prepared_ticket = lb_shadow.prepared_ticket,
		.pid = lb_shadow.state.home_pid,
		.state = LB_GUEST_LOST,
	};

	if (lb_shadow.live != NULL)
		message.state = LB_GUEST_RUNNING;
	else if (lb_shadow.waiting)
		message.state = LB_GUEST_WAITING;
	memcpy(message.home_node, lb_shadow.state.home_node, sizeof message.home_node);
	memcpy(message.runs_on, lb_shadow.state.runs_on, sizeof message.runs_on);
	memcpy(message.program, lb_shadow.state.program, sizeof message.program);
	tell(&message, sizeof message);
}

/* How the order ended that made this shadow: once, by whichever connection it first gets. */
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
		.step = STEP_CONFIRMED,
	};

	if (lb_shadow.reported || lb_shadow.state.order_id == 0)
		return;
	if (tell(&message, sizeof message)) {
		lb_shadow.reported = true;
		lb_shadow.state.order_id = 0;
		lb_state_save();
	}
}

void lb_control_lost_link(void)
{
	struct lb_local_lost_link message = { .type = LB_LOCAL_LOST_LINK, .size = sizeof message,
					      .ticket = lb_shadow.state.live_ticket };

	if (lb_shadow.live != NULL || lb_shadow.waiting)
		return;
	memcpy(message.node, lb_shadow.state.runs_on, sizeof message.node);
	tell(&message, sizeof message);
	lb_shadow.retry_ms = lb_now_ms() + RETRY_MS;
}

static void connect_daemon(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0)
		fd = lb_fd_move_up(fd);
	lb_shadow.retry_ms = lb_now_ms() + RETRY_MS;
	if (fd < 0)
		return;
	memcpy(address.sun_path, lb_shadow.state.control_path, sizeof address.sun_path);
	address.sun_path[sizeof address.sun_path - 1] = '\0';
	if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
		close(fd);
		return;
	}
	lb_shadow.control_fd = fd;
	lb_control_changed();
	report();
	lb_control_lost_link();
}

void lb_control_push(void)
{
	if (lb_now_ms() < lb_shadow.retry_ms)
		return;
	if (lb_shadow.control_fd < 0)
		connect_daemon();
	else
		lb_control_lost_link();
}

static void answer(uint64_t ticket)
{
	struct lb_local_verdict message = { .type = LB_LOCAL_VERDICT, .size = sizeof message,
					    .ticket = ticket, .verdict = lb_ticket_verdict(ticket) };

	tell(&message, sizeof message);
}

static void take_link(const struct lb_local_link *message, int fd)
{
	uint32_t verdict = lb_ticket_verdict(message->ticket);

	answer(message->ticket);
	if (verdict != LB_VERDICT_LIVE)
		close(fd);
	else
		lb_link_add(fd, message->ticket); /* it speaks first: HELLO */
}

static void handle(const void *message, size_t size, int fd)
{
	const struct lb_local_ack *head = message; /* all begin with type and size */

	if (size < 2 * sizeof(uint32_t) || head->size != size) {
		if (fd >= 0)
			close(fd);
		return;
	}
	if (head->type == LB_LOCAL_LINK && size == sizeof(struct lb_local_link) && fd >= 0) {
		take_link(message, fd);
		return;
	}
	if (fd >= 0)
		close(fd);
	if (head->type == LB_LOCAL_INQUIRE && size == sizeof(struct lb_local_inquire)) {
		answer(((const struct lb_local_inquire *)message)->ticket);
	} else if (head->type == LB_LOCAL_BRING_HOME && size == sizeof(struct lb_local_bring_home)) {
		lb_shadow.bring_home = true;
		if (lb_shadow.live != NULL &&
		    !lb_link_tell(lb_shadow.live, LB_LINK_COME_HOME, NULL, 0, true))
			lb_link_lost();
	} else if (head->type == LB_LOCAL_GUEST_ENDED && size == sizeof(struct lb_local_guest_ended)) {
		const struct lb_local_guest_ended *ended = message;

		if (ended->ticket == lb_shadow.state.live_ticket) {
			lb_shadow.ended = true;
			lb_shadow.wait_status = ended->wait_status;
		}
	} else if (head->type == LB_LOCAL_VERDICT && size == sizeof(struct lb_local_verdict)) {
		const struct lb_local_verdict *verdict = message;

		if (verdict->verdict == LB_VERDICT_DEAD && lb_shadow.live == NULL &&
		    verdict->ticket == lb_shadow.state.live_ticket && !lb_shadow.waiting)
			lb_end_lost("that node has no such process any more");
	}
}

void lb_control_read(void)
{
	_Alignas(8) uint8_t message[LB_LOCAL_MESSAGE_SIZE_MAX];
	union {
		struct cmsghdr align;
		uint8_t bytes[CMSG_SPACE(LB_LOCAL_DESCRIPTORS_MAX * sizeof(int))];
	} ancillary;

	while (lb_shadow.control_fd >= 0) {
		struct iovec piece = { message, sizeof message };
		struct msghdr header = { .msg_iov = &piece, .msg_iovlen = 1, .msg_control = ancillary.bytes,
					 .msg_controllen = sizeof ancillary.bytes };
		ssize_t got = recvmsg(lb_shadow.control_fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		struct cmsghdr *item;
		int fd = -1;

		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (got <= 0) {
			away();
			return;
		}
		item = CMSG_FIRSTHDR(&header);
		if (item != NULL && item->cmsg_level == SOL_SOCKET && item->cmsg_type == SCM_RIGHTS) {
			int count = (int)((item->cmsg_len - CMSG_LEN(0)) / sizeof fd);

			for (int i = 0; i < count; i++) {
				int each;

				memcpy(&each, CMSG_DATA(item) + (size_t)i * sizeof each, sizeof each);
				if (i == 0)
					fd = lb_fd_move_up(each);
				else
					close(each); /* one is all that any message has */
			}
		}
		handle(message, (size_t)got, fd);
	}
}
