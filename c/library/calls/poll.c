/* poll.c - poll(2) and its like.
 *
 * All descriptors are at home, so home waits for them.
 *
 * Runs in:  the SIGSYS handler, all signals blocked. These calls end with EINTR after any handler of the program
 * but go on after ours; their time limit then goes on too: by the timespec that the kernel counts down, or by
 * the deadline that is kept until the call is made again (trap/wait.c).
 */
#include <linux/errno.h>
#include <linux/time.h>
#include <linux/time_types.h>
#include <asm/unistd.h>

#include "syscall.h"

#include "calls/forward.h"
#include "calls/own.h"
#include "home_call/table.h"
#include "home_call/user_memory.h"
#include "mask/mask.h"
#include "process/clock.h"
#include "trap/frame.h"
#include "trap/stub.h"
#include "trap/trap.h"
#include "trap/wait.h"

#define MILLISECOND_NS 1000000LL
#define SECOND_NS 1000000000LL
#define SECONDS_MAX (INT64_MAX / SECOND_NS / 2) /* a longer wait has no end that could be told */

/* Rounded up: waiting too short would make a program spin. */
static int64_t left_ms(int64_t deadline_ns)
{
	int64_t left_ns = deadline_ns - (int64_t)lb_program_monotonic_ns();

	return left_ns <= 0 ? 0 : (left_ns + MILLISECOND_NS - 1) / MILLISECOND_NS;
}

/* Forwards a call whose argument `index` is a time limit in milliseconds, < 0: none. */
static int64_t forward_timed(struct lb_trap *trap, unsigned index, const uint64_t *mask)
{
	const struct sigcontext *registers = &trap->context->uc_mcontext;
	int64_t timeout_ms = (int32_t)trap->args[index];
	int64_t deadline_ns = lb_wait_deadline_ns(trap, timeout_ms * MILLISECOND_NS);
	int64_t result;

	if (timeout_ms > 0)
		trap->args[index] = (uint64_t)left_ms(deadline_ns);
	result = mask != NULL ? lb_forward_masked(trap, lb_row_of(trap->number), *mask) : lb_forward(trap);
	if (result == LB_AGAIN && timeout_ms > 0)
		lb_wait_keep(registers->rip, registers->rsp, trap->number, deadline_ns);
	return result;
}

/* The same for a limit in a timespec that the kernel does not count down: argument 3. */
static int64_t forward_limited(struct lb_trap *trap, const uint64_t *mask)
{
	const struct sigcontext *registers = &trap->context->uc_mcontext;
	const struct lb_row *row = lb_row_of(trap->number);
	struct __kernel_timespec limit = { 0, 0 }; /* the program's own is not to change */
	int64_t deadline_ns = 0;
	int64_t result;

	if (trap->args[3] != 0 && lb_user_read(&limit, trap->args[3], sizeof(limit)) < 0)
		return -EFAULT;
	if (trap->args[3] != 0 && limit.tv_sec >= 0 && limit.tv_sec < SECONDS_MAX && limit.tv_nsec >= 0 &&
		limit.tv_nsec < SECOND_NS) {
		int64_t left_ns;

		deadline_ns = lb_wait_deadline_ns(trap, limit.tv_sec * SECOND_NS + limit.tv_nsec);
		left_ns = deadline_ns - (int64_t)lb_program_monotonic_ns();
		left_ns = left_ns < 0 ? 0 : left_ns;
		limit = (struct __kernel_timespec){ left_ns / SECOND_NS, left_ns % SECOND_NS };
		trap->args[3] = (uint64_t)&limit;
	}
	result = mask != NULL ? lb_forward_masked(trap, row, *mask) : lb_forward_row(trap, row);
	if (result == LB_AGAIN && deadline_ns != 0)
		lb_wait_keep(registers->rip, registers->rsp, trap->number, deadline_ns);
	return result;
}

/* Reads the mask that such a call brings along. Returns 1: there is one; 0: none; or a negative error. */
static int64_t read_mask(uint64_t address, uint64_t size, uint64_t *mask)
{
	if (address == 0)
		return 0;
	if (size != sizeof(*mask))
		return -EINVAL;
	return lb_user_read(mask, address, sizeof(*mask)) < 0 ? -EFAULT : 1;
}

/* After EINTR under a mask of the call's own: that mask counts for the handlers that are to run. */
static int64_t finish(struct lb_trap *trap, int64_t result, const uint64_t *mask)
{
	return result == -EINTR ? lb_interrupt_masked(trap, *mask, lb_mask_strip(*mask)) : result;
}

int64_t lb_own_poll(struct lb_trap *trap)
{
	return forward_timed(trap, 2, NULL);
}

int64_t lb_own_epoll_wait(struct lb_trap *trap)
{
	return forward_timed(trap, 3, NULL);
}

int64_t lb_own_epoll_pwait(struct lb_trap *trap)
{
	uint64_t mask;
	int64_t result = read_mask(trap->args[4], trap->args[5], &mask);

	if (result < 0)
		return result;
	trap->number = __NR_epoll_wait;
	if (result == 0)
		return forward_timed(trap, 3, NULL);
	return finish(trap, forward_timed(trap, 3, &mask), &mask);
}

int64_t lb_own_epoll_pwait2(struct lb_trap *trap)
{
	uint64_t mask;
	int64_t result = read_mask(trap->args[4], trap->args[5], &mask);

	if (result < 0)
		return result;
	trap->args[4] = 0;
	if (result == 0)
		return forward_limited(trap, NULL);
	return finish(trap, forward_limited(trap, &mask), &mask);
}

int64_t lb_own_semtimedop(struct lb_trap *trap)
{
	return forward_limited(trap, NULL);
}

int64_t lb_own_ppoll(struct lb_trap *trap)
{
	uint64_t mask;
	int64_t result = read_mask(trap->args[3], trap->args[4], &mask);

	if (result < 0)
		return result;
	trap->args[3] = 0;
	if (result == 0)
		return lb_forward(trap);
	return finish(trap, lb_forward_masked(trap, lb_row_of(trap->number), mask), &mask);
}

int64_t lb_own_pselect6(struct lb_trap *trap)
{
	struct {
		uint64_t address, size;
	} sixth = { 0, 0 };
	uint64_t mask;
	int64_t result;

	if (trap->args[5] != 0 && lb_user_read(&sixth, trap->args[5], sizeof(sixth)) < 0)
		return -EFAULT;
	result = read_mask(sixth.address, sixth.size, &mask);
	if (result < 0)
		return result;
	trap->args[5] = 0;
	if (result == 0)
		return lb_forward(trap);
	return finish(trap, lb_forward_masked(trap, lb_row_of(trap->number), mask), &mask);
}
