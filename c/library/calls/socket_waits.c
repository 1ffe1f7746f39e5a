/* socket_waits.c - SO_RCVTIMEO and SO_SNDTIMEO.
 *
 * Time limits that a socket has, and not the call that waits for it.
 *
 * Made again, such a call would have the whole time. So it waits for its socket by poll(2) first, for as long as is
 * left, and is made when that says it need not wait; else its time is over. At home trap/stub.c does both.
 *
 * Runs in:  the SIGSYS and the trigger's handler, all signals blocked.
 */
#include "calls/socket_waits.h"

#include <linux/errno.h>
#include <linux/poll.h>
#include <asm/socket.h>
#include <asm/unistd.h>

#include "syscall.h"

#include "calls/forward.h"
#include "home_call/request.h"
#include "home_call/table.h"
#include "process/clock.h"
#include "process/process.h"
#include "trap/frame.h"
#include "trap/trap.h"
#include "trap/wait.h"

#define SECOND_NS 1000000000LL
#define SECONDS_MAX (INT64_MAX / SECOND_NS / 2)
#define MILLISECOND_NS 1000000LL

struct option {
	int64_t time[2]; /* struct timeval: s, us */
	uint32_t size;
};

short lb_socket_events(uint32_t number)
{
	switch (number) {
	case __NR_read:
	case __NR_readv:
	case __NR_recvfrom:
	case __NR_recvmsg:
	case __NR_accept:
	case __NR_accept4:
		return POLLIN;
	case __NR_write:
	case __NR_writev:
	case __NR_sendto:
	case __NR_sendmsg:
	case __NR_connect:
		return POLLOUT;
	default:
		return 0;
	}
}

int64_t lb_socket_error(uint32_t number)
{
	return number == __NR_connect ? -EINPROGRESS : -EAGAIN; /* socket(7) */
}

static int option_of(uint32_t number)
{
	return lb_socket_events(number) == POLLIN ? SO_RCVTIMEO_OLD : SO_SNDTIMEO_OLD;
}

/* Negative: it has none, or is no socket. */
static int64_t limit_of(int64_t result, const struct option *option)
{
	if (result < 0 || option->time[0] < 0 || option->time[0] >= SECONDS_MAX ||
		(option->time[0] == 0 && option->time[1] == 0))
		return -1;
	return option->time[0] * SECOND_NS + option->time[1] * 1000;
}

int64_t lb_socket_limit_ns(uint32_t number, uint64_t fd)
{
	struct option option = { { 0, 0 }, sizeof(option.time) };
	struct lb_request request = { .number = __NR_getsockopt };

	if (!lb_self.away)
		return limit_of(
			lb_syscall5(__NR_getsockopt, fd, SOL_SOCKET, option_of(number), option.time, &option.size),
			&option);
	lb_request_value(&request, 0, fd);
	lb_request_value(&request, 1, SOL_SOCKET);
	lb_request_value(&request, 2, (uint64_t)option_of(number));
	lb_request_memory(&request, 3, LB_ARG_OUT, (uint64_t)option.time, sizeof(option.time));
	lb_request_memory(&request, 4, LB_ARG_INOUT, (uint64_t)&option.size, sizeof(option.size));
	return limit_of(lb_request_run(&request), &option);
}

/* Away: the call is made again, and may wait until then. Returns 0: it need not wait, or how it ends. */
static int64_t wait_at_home(struct lb_trap *trap, int64_t deadline_ns)
{
	const struct sigcontext *registers = &trap->context->uc_mcontext;
	struct pollfd descriptor = { .fd = (int)trap->args[0], .events = lb_socket_events(trap->number) };
	int64_t left_ns = deadline_ns - (int64_t)lb_program_monotonic_ns();
	struct lb_trap poll = { .context = trap->context, .number = __NR_poll };
	int64_t result;

	poll.args[0] = (uint64_t)&descriptor;
	poll.args[1] = 1;
	poll.args[2] = (uint64_t)(left_ns > 0 ? (left_ns + MILLISECOND_NS - 1) / MILLISECOND_NS : 0);
	result = lb_forward_row(&poll, lb_row_of(__NR_poll));
	if (result == LB_AGAIN) /* interrupted by our own signal */
		lb_wait_keep(registers->rip, registers->rsp, trap->number, deadline_ns);
	if (result > 0)
		return 0;
	return result == 0 ? lb_socket_error(trap->number) : result;
}

int64_t lb_socket_call(struct lb_trap *trap, int64_t (*call)(struct lb_trap *trap))
{
	const struct sigcontext *registers = &trap->context->uc_mcontext;
	uint64_t rip = registers->rip, rsp = registers->rsp;
	int64_t begun_ns = (int64_t)lb_program_monotonic_ns();
	int64_t deadline_ns, limit_ns, result;

	if (lb_wait_kept(rip, rsp, trap->number, &deadline_ns)) {
		lb_wait_drop();
		result = wait_at_home(trap, deadline_ns);
		if (result != 0)
			return result;
	}
	result = call(trap);
	if (result != LB_AGAIN)
		return result;
	limit_ns = lb_socket_limit_ns(trap->number, trap->args[0]);
	if (limit_ns >= 0)
		lb_wait_keep(rip, rsp, trap->number, begun_ns + limit_ns);
	return result;
}
