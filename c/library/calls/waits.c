/* waits.c - Time limits of calls that our own signal interrupts.
 *
 * Where nothing was seen of their beginning: at home, and where the kernel itself counts the limit down.
 *
 * When such a call must end is noted as soon as the signal arrives. Some calls tell what is left; of the others the
 * daemon tells when the process last ran, which is when it began to wait (c/ffi/last_ran.c). Made again, away or at
 * home, a call then has what is left at that moment: neither the freeze nor another move makes it longer. At home it is
 * made from trap/stub.c, whose frame keeps the program's own arguments.
 *
 * Runs in:  the trigger's handler, all signals blocked.
 */
#include <linux/errno.h>
#include <linux/futex.h>
#include <linux/resource.h>
#include <linux/time.h>
#include <asm/unistd.h>

#include "mem.h"
#include "syscall.h"

#include "calls/waits.h"
#include "calls/socket_waits.h"
#include "home_call/user_memory.h"
#include "patch/sites.h"
#include "process/clock.h"
#include "process/process.h"
#include "trap/frame.h"
#include "trap/stub.h"
#include "trap/trap.h"
#include "trap/wait.h"

#define SECOND_NS 1000000000LL
#define MILLISECOND_NS 1000000LL
#define SECONDS_MAX (INT64_MAX / SECOND_NS / 2)
#define NONE 6
#define OWN_STACK_SIZE 2048 /* what is called from here on needs less */

enum unit {
	TIMESPEC,
	MILLISECONDS,
	COUNTED,    /* a timespec that the kernel counts down in place */
	COUNTED_US, /* the same in a timeval */
	OF_SOCKET,
};

struct limited {
	uint32_t number;
	uint8_t limit; /* which argument it is */
	uint8_t left;  /* which one points to what the kernel says is left; NONE: it does not say it */
	uint8_t unit;
};

static const struct limited calls[] = {
	{ __NR_nanosleep, 0, 1, TIMESPEC },
	{ __NR_clock_nanosleep, 2, 3, TIMESPEC },
	{ __NR_futex, 3, NONE, TIMESPEC },
	{ __NR_rt_sigtimedwait, 2, NONE, TIMESPEC },
	{ __NR_epoll_pwait2, 3, NONE, TIMESPEC },
	{ __NR_semtimedop, 3, NONE, TIMESPEC },
	{ __NR_poll, 2, NONE, MILLISECONDS },
	{ __NR_epoll_wait, 3, NONE, MILLISECONDS },
	{ __NR_epoll_pwait, 3, NONE, MILLISECONDS },
	{ __NR_ppoll, 2, 2, COUNTED },
	{ __NR_pselect6, 4, 4, COUNTED },
	{ __NR_select, 4, 4, COUNTED_US },
};

static const struct limited of_socket = { 0, NONE, NONE, OF_SOCKET };

static uint64_t argument(const struct ucontext *context, unsigned index)
{
	const struct sigcontext *registers = &context->uc_mcontext;
	const uint64_t arguments[NONE] = { registers->rdi, registers->rsi, registers->rdx, registers->r10,
		registers->r8, registers->r9 };
	return index < NONE ? arguments[index] : 0;
}

static const struct limited *find(const struct ucontext *context, uint32_t number)
{
	for (unsigned i = 0; i < sizeof calls / sizeof calls[0]; i++) {
		if (calls[i].number != number || argument(context, calls[i].limit) == 0)
			continue;
		if (number == __NR_futex && (argument(context, 1) & FUTEX_CMD_MASK) != FUTEX_WAIT)
			return 0; /* a point in time */
		if (number == __NR_clock_nanosleep &&
			((argument(context, 1) & TIMER_ABSTIME) ||
				(argument(context, 0) != CLOCK_REALTIME && argument(context, 0) != CLOCK_MONOTONIC &&
					argument(context, 0) != CLOCK_BOOTTIME)))
			return 0; /* the same, or CPU time */
		return &calls[i];
	}
	return lb_socket_events(number) ? &of_socket : 0;
}

/* Nanoseconds at an address of the program's, in this unit; negative: no time limit that could be told. */
static int64_t read_ns(uint64_t address, enum unit unit)
{
	int64_t time[2] = { 0, 0 };
	if (lb_user_read(time, address, sizeof time) < 0 || time[0] < 0 || time[0] >= SECONDS_MAX || time[1] < 0)
		return -1;
	return time[0] * SECOND_NS + (unit == COUNTED_US ? time[1] * 1000 : time[1]);
}

/* The number of the call that the context has just left with EINTR, from the bytes before it: `mov $n,%eax` or
 * `xor %eax,%eax`, then `syscall`. False: not a call, or made by syscall(2). */
bool lb_interrupted_call(const struct ucontext *context, uint32_t *number)
{
	uint64_t rip = context->uc_mcontext.rip;
	uint8_t code[7];
	if (lb_stub_is_after(context, number) || lb_sites_is_after(context, number))
		return true;
	if (lb_user_read(code, rip - sizeof code, sizeof code) < 0 || code[5] != 0x0f || code[6] != 0x05)
		return false;
	if (code[0] == 0xb8) {
		memcpy(number, code + 1, sizeof *number);
		return true;
	}
	*number = 0;
	return code[3] == 0x31 && code[4] == 0xc0;
}

void lb_wait_note(const struct ucontext *context)
{
	uint32_t number;
	struct rusage usage = { .ru_nvcsw = 0 };
	lb_thread()->untold.noted_ns = 0;
	if ((int64_t)context->uc_mcontext.rax != -EINTR || lb_stub_is_at(context) ||
		!lb_interrupted_call(context, &number))
		return;
	const struct limited *call = find(context, number);
	if (!call)
		return;
	int64_t now_ns = (int64_t)lb_program_monotonic_ns();
	uint64_t left = argument(context, call->left);
	uint64_t limit = argument(context, call->limit);
	int64_t limit_ns = (int64_t)(int32_t)limit * MILLISECOND_NS;
	if (call->unit == OF_SOCKET)
		limit_ns = lb_self.away ? -1 : lb_socket_limit_ns(number, argument(context, 0));
	else if (call->unit != MILLISECONDS)
		limit_ns = read_ns(left ? left : limit, call->unit);
	if (limit_ns < 0)
		return;
	lb_wait_keep(context->uc_mcontext.rip, context->uc_mcontext.rsp, number, now_ns + limit_ns);
	if (left)
		return;
	lb_syscall2(__NR_getrusage, RUSAGE_THREAD, &usage);
	lb_thread()->untold.noted_ns = now_ns;
	lb_thread()->untold.switches = (uint64_t)usage.ru_nvcsw;
}

void lb_wait_began(uint64_t began_ns, uint64_t switches)
{
	/* It has given up its processor once more since it was looked at: then that was another wait. */
	if (lb_thread()->untold.noted_ns != 0 && began_ns != 0 && switches == lb_thread()->untold.switches &&
		began_ns < (uint64_t)lb_thread()->untold.noted_ns)
		lb_wait_shorten(lb_thread()->untold.noted_ns - (int64_t)began_ns);
	lb_thread()->untold.noted_ns = 0;
}

/* The call that the context is about to make again has what is left of its time. */
void lb_wait_remake(struct ucontext *context)
{
	int64_t deadline_ns;
	struct lb_trap trap = { .context = context, .number = (uint32_t)context->uc_mcontext.rax };
	if (!lb_wait_kept(context->uc_mcontext.rip + 2, context->uc_mcontext.rsp, trap.number, &deadline_ns))
		return;
	const struct limited *call = find(context, trap.number);
	bool counted = call && (call->unit == COUNTED || call->unit == COUNTED_US);
	if (!call || (lb_self.away && !counted))
		return; /* away it is intercepted, and takes what was kept: poll.c */
	int64_t left_ns = deadline_ns - (int64_t)lb_program_monotonic_ns();
	left_ns = left_ns < 0 ? 0 : left_ns;
	int64_t time[2] = { left_ns / SECOND_NS, left_ns % SECOND_NS };
	if (counted) {
		time[1] /= call->unit == COUNTED_US ? 1000 : 1;
		lb_user_write(argument(context, call->limit), time, sizeof time);
		lb_wait_drop();
		return;
	}
	context->uc_mcontext.rip += 2;
	trap.stack = (uint64_t)__builtin_frame_address(0) - OWN_STACK_SIZE;
	lb_wait_left_ns(&trap, left_ns);
	if (call->unit == OF_SOCKET)
		lb_here_poll(&trap, lb_socket_events(trap.number), left_ns, lb_socket_error(trap.number));
	else if (call->unit == MILLISECONDS) /* rounded up: waiting too short would make a program spin */
		lb_here_value(&trap, call->limit, (uint64_t)((left_ns + MILLISECOND_NS - 1) / MILLISECOND_NS));
	else
		lb_here_scratch(&trap, call->limit, time, sizeof time);
}
