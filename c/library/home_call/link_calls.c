/* link_calls.c - Calls of all threads over the one link.
 *
 * A call that takes long lets go of the guest lock and waits beside others: one of those that do so reads the link for
 * all, and when its own reply has come another one takes its place. So a thread that is alone reads its reply itself,
 * as every quick call does, which keeps the lock.
 *
 * Runs in:  the SIGSYS handler, all signals blocked.
 */
#include "home_call/link_calls.h"

#include <linux/errno.h>
#include <linux/poll.h>
#include <asm/unistd.h>

#include "mem.h"
#include "socket.h"
#include "syscall.h"

#include "home_call/link.h"
#include "home_call/link_send.h"
#include "home_call/ring.h"
#include "process/own_memory.h"
#include "thread/lock.h"

/* Most replies come within a round trip; only calls that wait longer pay for looking at signals. */
#define QUIET_MS 20
#define QUIET_BESIDE_MS 2
#define SHUT_RDWR 2 /* shutdown(2); in no header of the kernel's for programs */
#define EFD_CLOEXEC 02000000

/* Reads the link for all that wait beside each other. NULL: nobody does. */
static struct lb_thread *reader;
static uint64_t reader_of_copy; /* it is part of an image, and its thread waits no more in the next copy */

struct lb_thread *lb_link_who_waits(uint64_t seq)
{
	for (unsigned i = 0; i < LB_THREAD_SLOTS && lb_is_threaded; i++)
		if (lb_threads[i].local_tid != 0 && lb_threads[i].waiting.seq == seq)
			return &lb_threads[i];
	return NULL;
}

/* It waits beside, or will look before it does. */
static void wake(const struct lb_thread *thread)
{
	uint64_t one = 1;

	if (thread->waiting.beside)
		lb_syscall3(__NR_write, thread->waiting.event_fd, &one, sizeof(one));
}

void lb_link_answered(struct lb_thread *thread, uint32_t size)
{
	thread->waiting.answered = size;
	wake(thread);
}

void lb_link_again(void)
{
	for (unsigned i = 0; i < LB_THREAD_SLOTS; i++) {
		lb_threads[i].waiting.sent = false;
		if (lb_threads[i].local_tid != 0 && lb_threads[i].waiting.seq != 0)
			wake(&lb_threads[i]);
	}
}

static void hand_over_reading(void)
{
	reader = NULL;
	for (unsigned i = 0; i < LB_THREAD_SLOTS; i++)
		if (lb_threads[i].local_tid != 0 && lb_threads[i].waiting.beside && &lb_threads[i] != lb_thread()) {
			wake(&lb_threads[i]);
			return;
		}
}

/* Its own descriptors, of this copy. */
static bool have_descriptors(struct lb_thread *thread)
{
	if (thread->waiting.of_copy == lb_self.copy)
		return true;
	thread->waiting.signal_fd = -1;
	int64_t fd = lb_syscall2(__NR_eventfd2, 0, EFD_CLOEXEC);
	if (fd < 0)
		return false;
	thread->waiting.event_fd = (int)fd;
	thread->waiting.of_copy = lb_self.copy;
	return true;
}

void lb_link_thread_ends(struct lb_thread *thread)
{
	if (thread->waiting.of_copy != lb_self.copy)
		return;
	thread->waiting.of_copy = 0;
	lb_syscall1(__NR_close, thread->waiting.event_fd);
	if (thread->waiting.signal_fd >= 0)
		lb_syscall1(__NR_close, thread->waiting.signal_fd);
}

/* A descriptor that is readable while a signal of the set is pending for this thread; -1: there is none. */
static int watch_signals(struct lb_thread *thread, uint64_t wanted)
{
	if (wanted == 0 || !have_descriptors(thread))
		return -1;
	int64_t fd = lb_syscall4(__NR_signalfd4, thread->waiting.signal_fd, &wanted, 8, LB_SOCK_CLOEXEC);
	if (fd >= 0)
		thread->waiting.signal_fd = (int)fd;
	return fd >= 0 ? (int)fd : -1;
}

enum event { NONE, MESSAGE, SIGNAL };

/* Waits until the link has something to read or a signal of `wanted` is pending. */
static enum event wait_alone(struct lb_thread *thread, uint64_t wanted, int64_t limit_ms)
{
	struct pollfd fds[2] = { { lb_self.link_fd, POLLIN, 0 }, { -1, POLLIN, 0 } };

	if (lb_link_has_input())
		return MESSAGE;
	fds[1].fd = watch_signals(thread, wanted);
	lb_link_wait(fds, 2, limit_ms);
	/* The link first: a reply that is here is the result, signals are delivered after it. */
	return fds[0].revents != 0 ? MESSAGE : fds[1].revents != 0 ? SIGNAL : NONE;
}

/* The link has something to read still, which others may have taken. */
static bool is_readable(void)
{
	struct pollfd fd = { lb_self.link_fd, POLLIN, 0 };

	return lb_link_has_input() || lb_link_wait(&fd, 1, 0) > 0;
}

/* Without the lock: until it is answered or has been asked to look, or a signal of `wanted` is pending. Reads the link
 * if nobody does. */
static enum event wait_beside(struct lb_thread *thread, uint64_t wanted)
{
	struct pollfd fds[3] = { { -1, POLLIN, 0 }, { -1, POLLIN, 0 }, { -1, POLLIN, 0 } };
	uint64_t count;

	if (reader == NULL || reader_of_copy != lb_self.copy)
		reader = thread;
	reader_of_copy = lb_self.copy;
	if (reader == thread && lb_link_has_input())
		return MESSAGE;
	fds[0].fd = reader == thread ? lb_self.link_fd : -1;
	fds[1].fd = watch_signals(thread, wanted);
	fds[2].fd = thread->waiting.event_fd;
	thread->waiting.beside = thread->waiting.let_go = true;
	lb_lock_leave();
	lb_link_wait(fds, 3, -1);
	lb_lock_take();
	thread->waiting.beside = false;
	if (fds[2].revents != 0)
		lb_syscall3(__NR_read, fds[2].fd, &count, sizeof(count));
	if (thread->waiting.answered != 0 || !thread->waiting.sent)
		return NONE;
	if (fds[0].revents != 0)
		return is_readable() ? MESSAGE : NONE;
	return fds[1].revents != 0 ? SIGNAL : NONE;
}

/* Takes a message for whoever it is; `size` of it if it is this call's reply. Returns 0 or a negative error. */
static int64_t take_message(struct lb_thread *thread, uint64_t seq, const struct lb_waiting *how, uint32_t *size)
{
	struct lb_link_header header;
	int64_t type = lb_link_take_one(&header, thread->areas->reply, sizeof(thread->areas->reply));

	if (type == LB_LINK_READY && (how->ready == NULL || how->ready(thread->areas->reply, header.size) < 0))
		lb_syscall2(__NR_shutdown, lb_self.link_fd, SHUT_RDWR); /* home tells over the next */
	if (type == LB_LINK_REPLY && header.seq == seq)
		*size = header.size;
	return type < 0 ? type : 0;
}

static enum event wait_for(struct lb_thread *thread, const struct lb_waiting *how, bool beside, bool deaf, bool quiet)
{
	uint64_t wanted = deaf || quiet ? 0 : how->wanted;

	if (quiet)
		return wait_alone(thread, 0, beside ? QUIET_BESIDE_MS : QUIET_MS);
	return beside ? wait_beside(thread, wanted) : wait_alone(thread, wanted, -1);
}

/* Sends it, and notes how much of the ring is before it. */
static int64_t send_call(struct lb_thread *thread, const struct lb_link_header *message, size_t size, uint64_t *before)
{
	int64_t result = lb_link_send_behind(message, size);

	thread->waiting.sent = result == 0;
	*before = lb_ring() != NULL ? lb_ring()->sent : 0;
	return result == 0 ? 0 : -LB_E_PEER_LOST;
}

bool lb_link_call(
	const struct lb_link_header *message, size_t size, const struct lb_waiting *how, struct lb_reply_view *view)
{
	struct lb_thread *thread = lb_thread();
	struct lb_link_reply reply;
	bool beside = how->beside && lb_is_threaded && have_descriptors(thread);
	bool quiet = !(beside && how->soon);
	bool cancelled = false;
	uint64_t before = 0;

	thread->waiting.seq = message->seq;
	thread->waiting.sent = false;
	thread->waiting.answered = 0;
	for (;;) {
		uint32_t got = thread->waiting.answered;
		int64_t error = 0;

		if (got == 0 && !thread->waiting.sent) {
			cancelled = false;
			error = send_call(thread, message, size, &before);
		} else if (got == 0) {
			enum event event = wait_for(thread, how, beside, cancelled || lb_link_is_stopped(), quiet);

			quiet = false;
			if (event == SIGNAL) {
				/* An error shows at the next receive. */
				lb_link_send_message(LB_LINK_CANCEL, message->seq, NULL, 0, false);
				cancelled = true;
			}
			if (event == MESSAGE)
				error = take_message(thread, message->seq, how, &got);
		}
		if (got != 0) {
			memcpy(&reply, thread->areas->reply, sizeof(reply));
			if (got >= sizeof(reply) && reply.out_size == got - sizeof(reply))
				break;
			thread->waiting.answered = 0;
			error = -LB_E_WIRE;
		}
		if (error < 0)
			lb_link_reconnect_or_exit();
	}
	thread->waiting.seq = 0;
	if (reader == thread)
		hand_over_reading();
	/* It came behind everything that was sent before the call. */
	if (lb_ring() != NULL && before > lb_ring()->applied)
		LB_RING_STORE(lb_ring()->applied, before);
	view->result = reply.result;
	view->flags = reply.flags;
	view->out_size = reply.out_size;
	view->out = thread->areas->reply + sizeof(reply);
	return cancelled;
}
