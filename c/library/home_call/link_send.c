/* link_send.c - Sends on the link.
 *
 * Runs in:  signal handlers of the guest (SIGSYS, the trigger), all signals blocked; never nested.
 */
#include "home_call/link_send.h"

#include <linux/errno.h>
#include <linux/time_types.h>
#include <asm/unistd.h>

#include "socket.h"
#include "syscall.h"

#include "home_call/ring.h"
#include "process/process.h"

#define SEND_SIZE_MAX (1u << 20) /* of the ring at once: a failure sends no more than this again */

/* Polls; timeout_ms < 0: for ever. EINTR cannot happen, all signals are blocked; SIGSTOP only restarts it. */
int64_t lb_link_wait(struct pollfd *fds, size_t count, int64_t timeout_ms)
{
	const struct __kernel_timespec timeout = { timeout_ms / 1000, timeout_ms % 1000 * 1000000 };
	int64_t result;

	do {
		result = lb_syscall5(__NR_ppoll, fds, count, timeout_ms < 0 ? NULL : &timeout, NULL, 8);
	} while (result == -EINTR);
	return result;
}

bool lb_link_would_block(int64_t result)
{
	return result == -EAGAIN || result == -EINTR;
}

int64_t lb_link_send_all(const void *data, size_t size)
{
	const uint8_t *at = data;

	while (size > 0) {
		struct pollfd fd = { lb_self.link_fd, POLLOUT, 0 };
		int64_t sent =
			lb_syscall6(__NR_sendto, lb_self.link_fd, at, size, LB_MSG_NOSIGNAL | LB_MSG_DONTWAIT, NULL, 0);

		if (sent > 0) {
			at += sent;
			size -= (size_t)sent;
			continue;
		}
		if (!lb_link_would_block(sent))
			return sent < 0 ? sent : -LB_E_PEER_LOST;
		lb_link_wait(&fd, 1, -1);
	}
	return 0;
}

void lb_link_sender_take(void)
{
	while (lb_ring() != NULL && !lb_ring_take(lb_ring(), LB_SENDER_GUEST))
		lb_syscall0(__NR_sched_yield); /* the keeper never waits while it sends */
}

void lb_link_sender_leave(void)
{
	if (lb_ring() != NULL)
		lb_ring_leave(lb_ring());
}

/* Sends what the ring has: it comes before every message. */
int64_t lb_link_send_ring(void)
{
	struct lb_ring *ring = lb_ring();
	int64_t result = 0;

	if (ring == NULL)
		return 0;
	lb_ring_tell_read();
	while (result == 0 && ring->sent != ring->head) {
		uint64_t at = ring->sent % LB_RING_SIZE;
		uint64_t size = ring->head - ring->sent;

		if (size > SEND_SIZE_MAX)
			size = SEND_SIZE_MAX;
		result = lb_link_send_all((uint8_t *)ring + LB_RING_DATA_AT + at, size);
		if (result == 0)
			LB_RING_STORE(ring->sent, ring->sent + size);
	}
	return result;
}

int64_t lb_link_send_behind(const void *data, size_t size)
{
	int64_t result;

	lb_link_sender_take();
	result = lb_link_send_ring();
	if (result == 0)
		result = lb_link_send_all(data, size);
	lb_link_sender_leave();
	return result;
}
