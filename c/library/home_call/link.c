/* link.c - The guest's end of the link.
 *
 * Runs in:  signal handlers of the guest (SIGSYS, the trigger), all signals blocked; never nested.
 * A link that fails is replaced through the keeper, as often as needed within the reconnect limit; the
 * outstanding CALL is sent again with the same number, and the shadow answers it from its kept reply when it
 * had executed it. When home says that this copy is not the live one, the guest exits.
 */
#include "home_call/link.h"

#include <linux/errno.h>
#include <linux/poll.h>
#include <linux/time.h>
#include <asm/unistd.h>

#include "mem.h"
#include "socket.h"
#include "syscall.h"

#include "home_call/link_calls.h"
#include "home_call/link_send.h"
#include "home_call/ring.h"
#include "process/clock.h"
#include "process/own_memory.h"
#include "process/process.h"
#include "trap/frame.h"
#include "process/actions.h"

/* Keepalive: first probe after 15 s of silence, then each 5 s; the io timeout ends it. */
#define KEEPALIVE_IDLE_S 15
#define KEEPALIVE_STEP_S 5
#define EXIT_DEAD 1 /* nobody sees it: the keeper of a dead copy reports nothing */

static struct {
	/* Which link the rest belongs to: the struct is part of the image and must not outlive a move. */
	uint64_t ticket;
	uint32_t local_pid;
	int link_fd;
	uint32_t at, end; /* unread bytes of `bytes` */
	uint8_t bytes[8192];
} input = { .link_fd = -1 };

static void set_option(int level, int name, int value)
{
	/* A unix socket in a test has no TCP options: that is no error. */
	lb_syscall5(__NR_setsockopt, lb_self.link_fd, level, name, &value, sizeof(value));
}

void lb_link_prepare_socket(void)
{
	set_option(LB_SOL_SOCKET, LB_SO_OOBINLINE, 1);
	set_option(LB_SOL_SOCKET, LB_SO_KEEPALIVE, 1);
	set_option(LB_IPPROTO_TCP, LB_TCP_NODELAY, 1);
	set_option(LB_IPPROTO_TCP, LB_TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
	set_option(LB_IPPROTO_TCP, LB_TCP_KEEPINTVL, KEEPALIVE_STEP_S);
	set_option(LB_IPPROTO_TCP, LB_TCP_USER_TIMEOUT, (int)lb_self.io_timeout_ms);
	/* The urgent byte of an asynchronous message becomes SIGURG here, tcp(7). */
	lb_syscall3(__NR_fcntl, lb_self.link_fd, LB_F_SETOWN, lb_self.local_pid);
}

static void check_generation(void)
{
	if (input.local_pid != lb_self.local_pid || input.ticket != lb_self.ticket)
		input.link_fd = -1;
	if (input.link_fd != lb_self.link_fd) {
		input.at = 0;
		input.end = 0;
		/* Before anything is read: a doorbell's byte would be taken out of the bytes. */
		lb_link_prepare_socket();
	}
	input.ticket = lb_self.ticket;
	input.local_pid = lb_self.local_pid;
	input.link_fd = lb_self.link_fd;
}

void lb_link_exit_dead(void)
{
	struct lb_keeper_message left = { LB_KEEPER_LEFT, lb_self.local_pid };

	/* Whatever this copy's end looks like, it is not the process's. */
	lb_syscall6(__NR_sendto, lb_self.keeper_fd, &left, sizeof(left), LB_MSG_NOSIGNAL, NULL, 0);
	for (;;)
		lb_syscall1(__NR_exit_group, EXIT_DEAD);
}

static int64_t now_ms(void)
{
	return lb_monotonic_raw_ns() / 1000000;
}

/* Takes `size` bytes, first of those that have come, before `deadline_ms` (< 0: whenever). 0 or -LB_E_PEER_LOST. */
static int64_t receive_bytes(void *to, size_t size, int64_t deadline_ms)
{
	uint8_t *at = to;

	while (size > 0) {
		struct pollfd fd = { lb_self.link_fd, POLLIN, 0 };
		int64_t left_ms = -1;
		bool direct = size >= sizeof(input.bytes);
		int64_t got;

		if (input.at < input.end) {
			size_t have = input.end - input.at;

			have = have < size ? have : size;
			memcpy(at, input.bytes + input.at, have);
			input.at += (uint32_t)have;
			at += have;
			size -= have;
			continue;
		}
		/* Much data is waited for inside the kernel: it wakes us once. */
		got = lb_syscall6(__NR_recvfrom, lb_self.link_fd, direct ? at : input.bytes,
			direct ? size : sizeof(input.bytes),
			direct && deadline_ms < 0 ? LB_MSG_WAITALL : LB_MSG_DONTWAIT, NULL, NULL);
		if (got > 0 && direct) {
			at += got;
			size -= (size_t)got;
			continue;
		}
		if (got > 0) {
			input.at = 0;
			input.end = (uint32_t)got;
			continue;
		}
		if (!lb_link_would_block(got))
			return -LB_E_PEER_LOST;
		if (deadline_ms >= 0) {
			left_ms = deadline_ms - now_ms();
			if (left_ms <= 0)
				return -LB_E_PEER_LOST;
		}
		lb_link_wait(&fd, 1, left_ms);
	}
	return 0;
}

/* Home has executed the backlog up to here. */
static void hear_applied(const struct lb_link_applied *applied)
{
	struct lb_ring *ring = lb_ring();

	if (ring == NULL)
		return;
	if (applied->backlog_at > ring->applied && applied->backlog_at <= ring->head)
		LB_RING_STORE(ring->applied, applied->backlog_at);
	lb_link_listeners.applied(applied);
}

/* STOP: nothing of the program may run until CONTINUE. Orders and signals that come meanwhile are kept. */
static bool stopped;

/* Handles a message that may come at any time. Returns false when it is not one of those. */
static bool handle_asynchronous(const struct lb_link_header *header, const uint8_t *body)
{
	switch (header->type) {
	case LB_LINK_SIGNAL: {
		int32_t number;

		if (header->size != sizeof(siginfo_t))
			return false;
		memcpy(&number, body, sizeof(number));
		lb_self.signals_had++;
		lb_link_listeners.news();
		lb_signal_requeue(number, (const siginfo_t *)body);
		return true;
	}
	case LB_LINK_APPLIED:
		if (header->size != sizeof(struct lb_link_applied))
			return false;
		hear_applied((const struct lb_link_applied *)body);
		return true;
	case LB_LINK_STOP:
		stopped = true;
		return true;
	case LB_LINK_CONTINUE:
		stopped = false;
		return true;
	case LB_LINK_COME_HOME:
		lb_come_home = true;
		/* The trigger's handler acts on it, as soon as the program's signal mask is back. */
		lb_syscall3(__NR_tgkill, lb_self.local_pid, lb_thread()->local_tid, SIGURG);
		return true;
	case LB_LINK_MOVED:
		lb_link_exit_dead();
	default:
		return false;
	}
}

/* Receives one message. Returns its type, 0 when it was asynchronous and has been handled, or a negative
 * error: the link is of no more use. */
static int64_t receive_one(struct lb_link_header *header, void *body, size_t size, int64_t deadline_ms)
{
	struct lb_thread *waits = NULL; /* for it */
	int64_t result;

	check_generation();
	result = receive_bytes(header, sizeof(*header), deadline_ms);
	if (result < 0)
		return result;
	/* Before its body is waited for, which may never come. */
	if (header->type == 0 || header->type >= LB_LINK_TYPES)
		return -LB_E_WIRE;
	if (header->type == LB_LINK_SIGNAL || header->type == LB_LINK_APPLIED) {
		uint8_t own[sizeof(siginfo_t)] __attribute__((aligned(8)));

		if (header->size > sizeof(own))
			return -LB_E_WIRE;
		result = receive_bytes(own, header->size, deadline_ms);
		if (result == 0 && !handle_asynchronous(header, own))
			result = -LB_E_WIRE;
		return result;
	}
	if (header->type == LB_LINK_REPLY)
		waits = lb_link_who_waits(header->seq);
	if (waits != NULL && waits != lb_thread()) {
		body = waits->areas->reply;
		size = sizeof(waits->areas->reply);
	}
	if (header->size > size)
		return -LB_E_WIRE;
	result = receive_bytes(body, header->size, deadline_ms);
	if (result < 0)
		return result;
	if (waits != NULL && waits != lb_thread()) {
		lb_link_answered(waits, header->size);
		return 0;
	}
	return handle_asynchronous(header, body) ? 0 : (int64_t)header->type;
}

int64_t lb_link_receive(struct lb_link_header *header, void *body, size_t size)
{
	int64_t type;

	do {
		type = receive_one(header, body, size, -1);
	} while (type == 0 || (type > 0 && stopped));
	return type;
}

int64_t lb_link_send_message(uint32_t type, uint64_t seq, const void *body, size_t size, bool first)
{
	uint8_t message[sizeof(struct lb_link_header) + 256];
	struct lb_link_header header = { type, (uint32_t)size, seq };

	if (size > sizeof(message) - sizeof(header))
		return -EMSGSIZE;
	memcpy(message, &header, sizeof(header));
	memcpy(message + sizeof(header), body, size);
	/* The first on a new link goes before the ring, whose sender this process then is. */
	return first ? lb_link_send_all(message, sizeof(header) + size)
		     : lb_link_send_behind(message, sizeof(header) + size);
}

/* Asks the keeper for a link. Returns its descriptor, or -LB_E_DEAD. */
static int64_t link_from_keeper(int64_t deadline_ms)
{
	struct lb_keeper_message message = { LB_KEEPER_LOST, lb_self.local_pid };
	int64_t result =
		lb_syscall6(__NR_sendto, lb_self.keeper_fd, &message, sizeof(message), LB_MSG_NOSIGNAL, NULL, 0);

	if (result < 0)
		return -LB_E_DEAD;
	for (;;) {
		struct pollfd fd = { lb_self.keeper_fd, POLLIN, 0 };
		struct iovec piece = { &message, sizeof(message) };
		struct lb_rights rights = { 0 };
		struct lb_msghdr from = {
			.iov = &piece, .iov_count = 1, .control = &rights, .control_size = sizeof(rights)
		};
		int64_t left_ms = deadline_ms - now_ms();

		if (left_ms <= 0 || lb_link_wait(&fd, 1, left_ms) <= 0)
			return -LB_E_DEAD;
		result = lb_syscall3(__NR_recvmsg, lb_self.keeper_fd, &from, LB_MSG_CMSG_CLOEXEC);
		if (result == 0 || (result < 0 && !lb_link_would_block(result)))
			return -LB_E_DEAD;
		if (result == (int64_t)sizeof(message) && message.type == LB_KEEPER_LINK)
			return from.control_size >= LB_RIGHTS_SIZE(1) ? rights.fds[0] : -LB_E_DEAD;
	}
}

/* Says HELLO on the new link and waits until home serves it. 0: it does. */
static int64_t greet(void)
{
	struct lb_link_hello hello = { .ticket = lb_self.ticket,
		.last_seq = lb_self.call_seq,
		.copy = lb_self.copy,
		.signals = lb_self.signals_had };
	struct lb_link_header header;
	uint8_t body[256] __attribute__((aligned(8)));
	int64_t type;

	memcpy(hello.node, lb_self.node, sizeof(hello.node));
	lb_actions_summary(&hello.actions);
	type = lb_link_send_message(LB_LINK_HELLO, 0, &hello, sizeof(hello), true);
	while (type == 0)
		type = receive_one(&header, body, sizeof(body), now_ms() + lb_self.io_timeout_ms);
	if ((type != LB_LINK_SERVE && type != LB_LINK_ACTIVATED) || header.size != sizeof(struct lb_link_serve))
		return -LB_E_PEER_LOST;
	lb_link_listeners.served((const struct lb_link_serve *)body);
	return lb_ring_go_on(((const struct lb_link_serve *)body)->backlog_at) ? 0 : -LB_E_PEER_LOST;
}

int lb_link_reconnect(void)
{
	int64_t deadline_ms = now_ms() + lb_self.reconnect_limit_ms;

	stopped = false; /* home tells again */
	lb_link_sender_take();
	for (;;) {
		int64_t fd;

		if (lb_self.link_fd >= 0)
			lb_syscall1(__NR_close, lb_self.link_fd);
		lb_self.link_fd = -1;
		fd = link_from_keeper(deadline_ms);
		if (fd < 0)
			break;
		lb_self.link_fd = (int)fd;
		input.link_fd = -1; /* what is left of the old link is void, even under the same number */
		if (greet() == 0)
			break;
	}
	lb_link_sender_leave();
	lb_link_again();
	return lb_self.link_fd >= 0 ? 0 : -LB_E_DEAD;
}

int lb_link_begin(void)
{
	bool served = false;

	stopped = false;
	lb_link_sender_take();
	if (lb_self.link_fd >= 0) {
		input.link_fd = -1;
		served = greet() == 0;
	}
	lb_link_sender_leave();
	return served ? 0 : lb_link_reconnect();
}

void lb_link_reconnect_or_exit(void)
{
	if (lb_link_reconnect() < 0)
		lb_link_exit_dead();
}

int64_t lb_link_take_one(struct lb_link_header *header, void *body, size_t size)
{
	return receive_one(header, body, size, -1);
}

bool lb_link_has_input(void)
{
	check_generation();
	return input.at < input.end;
}

bool lb_link_is_stopped(void)
{
	return stopped;
}

int lb_link_send(uint32_t type, uint64_t seq, const void *body, size_t size)
{
	while (lb_link_send_message(type, seq, body, size, false) < 0) {
		int result = lb_link_reconnect();

		if (result < 0)
			return result;
	}
	return 0;
}

void lb_link_poll(void)
{
	struct lb_link_header header;
	bool all_stopped = false;

	if (!lb_self.away)
		return;
	for (;;) {
		struct pollfd fd = { lb_self.link_fd, POLLIN, 0 };
		int64_t type;

		check_generation();
		if (stopped && !all_stopped)
			all_stopped = lb_link_listeners.stop();
		if (input.at == input.end && lb_link_wait(&fd, 1, stopped ? -1 : 0) <= 0)
			break;
		type = receive_one(&header, lb_areas()->reply, sizeof(lb_areas()->reply), -1);
		if (type < 0)
			lb_link_reconnect_or_exit();
		/* Any other message here is a REPLY whose CALL was given up: nobody waits for it. */
	}
	if (all_stopped)
		lb_link_listeners.go();
}

void lb_link_take_rest(void)
{
	struct lb_link_header header;

	while (input.at < input.end && input.link_fd == lb_self.link_fd) {
		if (receive_one(&header, lb_areas()->reply, sizeof(lb_areas()->reply), -1) < 0)
			lb_link_reconnect_or_exit();
	}
}

void lb_link_wait_applied(uint64_t position)
{
	struct lb_link_header header;
	struct lb_ring *ring = lb_ring();

	while (ring != NULL && ring->applied < position) {
		int64_t failed;

		lb_link_sender_take();
		failed = lb_link_send_ring();
		lb_link_sender_leave();
		check_generation();
		if (failed < 0 || receive_one(&header, lb_areas()->reply, sizeof(lb_areas()->reply), -1) < 0)
			lb_link_reconnect_or_exit();
	}
}
