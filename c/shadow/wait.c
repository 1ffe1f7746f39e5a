/* wait.c - Calls that may wait for long.
 *
 * Links, signals and the daemon are served meanwhile: between two times that the call is made here, by the main thread
 * where a worker makes it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "block.h"
#include "signals.h"
#include "state.h"
#include "wait.h"

#define SECONDS_MAX (INT64_MAX / 1000000000 / 2) /* a longer wait has no end that could be told */

static void watch_all(bool on)
{
	for (int i = 0; i < LB_LINKS; i++) {
		if (lb_shadow.links[i].fd >= 0)
			lb_signals_watch(lb_shadow.links[i].fd, on);
	}
	if (lb_shadow.control_fd >= 0)
		lb_signals_watch(lb_shadow.control_fd, on);
}

/* Which argument is a time limit in milliseconds that the kernel does not count down itself; 0: none. */
static int timeout_index(int64_t number)
{
	if (number == SYS_poll)
		return 3;
	return number == SYS_epoll_wait ? 4 : 0;
}

/* The same in a timespec: argument 4 of both. The kernel only reads it, so it lies in the message. */
static const struct timespec *limit_of(const struct lb_link_call *call, const int64_t *arguments)
{
	if (arguments[0] != SYS_epoll_pwait2 && arguments[0] != SYS_semtimedop)
		return NULL;
	if (call->kinds[3] != LB_ARG_IN || call->arg_sizes[3] != sizeof(struct timespec))
		return NULL;
	return (const struct timespec *)(intptr_t)arguments[4];
}

/* A write that something of our own has interrupted in its middle goes on with the rest: the program would see
 * a short count from a descriptor that never gives one. Returns whether there is a rest. */
static bool advance_write(int64_t *arguments, int64_t written)
{
	struct iovec *piece = (struct iovec *)(intptr_t)arguments[2];

	if (written <= 0)
		return false;
	switch (arguments[0]) {
	case SYS_write:
	case SYS_sendto:
		if (written >= arguments[3])
			return false;
		arguments[2] += written;
		arguments[3] -= written;
		return true;
	case SYS_writev: /* one piece: transfers.c */
		if ((size_t)written >= piece->iov_len)
			return false;
		piece->iov_base = (char *)piece->iov_base + written;
		piece->iov_len -= (size_t)written;
		return true;
	case SYS_sendmsg: /* what goes along went with the first bytes: struct lb_message */
		piece = ((struct msghdr *)(intptr_t)arguments[2])->msg_iov;
		if ((size_t)written >= piece->iov_len)
			return false;
		piece->iov_base = (char *)piece->iov_base + written;
		piece->iov_len -= (size_t)written;
		((struct msghdr *)(intptr_t)arguments[2])->msg_controllen = 0;
		return true;
	default:
		return false;
	}
}

/* Makes a call that was cancelled before it was made: at home one that need not wait would be over before a signal
 * came. A timer's signal ends it where it waits. */
static int64_t run_once(const int64_t *arguments)
{
	const struct itimerspec soon = { { 0, LB_ONCE_NS }, { 0, LB_ONCE_NS } };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGIO };
	int64_t result = LB_NOT_MADE;
	timer_t timer;

	if (timer_create(CLOCK_MONOTONIC, &event, &timer) < 0)
		return -EINTR;
	timer_settime(timer, 0, &soon, NULL);
	for (int i = 0; i < LB_ONCE_TRIES && result == LB_NOT_MADE; i++) {
		lb_interrupted = 0;
		lb_signals_unblock();
		result = lb_block(&lb_interrupted, arguments);
		lb_signals_block();
	}
	timer_delete(timer);
	return result == LB_NOT_MADE ? -EINTR : result;
}

void lb_wait_begin(struct lb_wait *wait, const struct lb_link_call *call, int64_t *arguments)
{
	const struct timespec *given = limit_of(call, arguments);
	int limit = timeout_index(arguments[0]);

	*wait = (struct lb_wait){ .arguments = arguments, .limit = limit };
	wait->deadline_ms = limit != 0 ? lb_now_ms() + (int32_t)arguments[limit] : 0;
	wait->counts = given != NULL && given->tv_sec >= 0 && given->tv_sec < SECONDS_MAX;
	wait->deadline_ns = wait->counts ? lb_now_ns() + given->tv_sec * 1000000000LL + given->tv_nsec : 0;
}

bool lb_wait_goes_on(struct lb_wait *wait, int64_t result, bool interrupted)
{
	int64_t *arguments = wait->arguments;
	int limit = wait->limit;

	if (interrupted && advance_write(arguments, result)) {
		wait->done += result;
		return true;
	}
	if (result != LB_NOT_MADE && (result != -EINTR || !interrupted))
		return false;
	if (limit != 0 && (int32_t)arguments[limit] > 0) {
		int64_t left_ms = wait->deadline_ms - lb_now_ms();

		arguments[limit] = left_ms > 0 ? left_ms : 0;
	}
	if (wait->counts) {
		int64_t left_ns = wait->deadline_ns - lb_now_ns();

		left_ns = left_ns > 0 ? left_ns : 0;
		wait->left = (struct timespec){ left_ns / 1000000000, left_ns % 1000000000 };
		arguments[4] = (int64_t)(intptr_t)&wait->left;
	}
	return true;
}

int64_t lb_wait_end(const struct lb_wait *wait, int64_t result)
{
	if (wait->done > 0) /* an error comes again with the next call */
		return result > 0 ? wait->done + result : wait->done;
	return result;
}

int64_t lb_wait_call(const struct lb_link_call *call, int64_t *arguments)
{
	int64_t result = LB_NOT_MADE;
	struct lb_wait wait;

	lb_wait_begin(&wait, call, arguments);
	do {
		lb_signals_relay();
		watch_all(true); /* each time: links come and go meanwhile */
		/* What came before the watch rings no bell. */
		lb_interrupted = 0;
		lb_shadow.serve_events();
		if (lb_shadow.cancelled) {
			result = result == LB_NOT_MADE ? run_once(arguments) : -EINTR;
			break;
		}
		lb_signals_unblock();
		result = lb_block(&lb_interrupted, arguments);
		lb_signals_block();
	} while (lb_wait_goes_on(&wait, result, lb_interrupted != 0));
	watch_all(false);
	return lb_wait_end(&wait, result);
}
