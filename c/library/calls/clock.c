/* clock.c - Clocks of a process away from home.
 *
 * The program's monotonic time goes on across nodes, and its CPU time adds up.
 *
 * Runs in:  the SIGSYS handler, all signals blocked.
 */
#include "calls/clock.h"

#include <linux/errno.h>
#include <linux/futex.h>
#include <linux/time_types.h>
#include <linux/time.h>
#include <linux/resource.h>
#include <linux/times.h>
#include <asm/unistd.h>

#include "mem.h"
#include "syscall.h"
#include "lb_syscalls.h"

#include "calls/forward.h"
#include "calls/own.h"
#include "home_call/request.h"
#include "home_call/user_memory.h"
#include "process/cpu_clock.h"
#include "process/process.h"
#include "thread/thread.h"
#include "trap/frame.h"
#include "trap/stub.h"
#include "trap/trap.h"
#include "trap/wait.h"
#include "process/cpu_time.h"

#define SECOND_NS 1000000000LL
#define SECONDS_MAX (INT64_MAX / SECOND_NS / 2) /* a longer sleep has no deadline that could be told */
#define TICK_NS 10000000LL                      /* USER_HZ is 100 on x86-64 */
#define TICK_US 10000ULL

/* Clocks that count from the node's boot. */
static bool is_monotonic(int clock)
{
	return clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_RAW || clock == CLOCK_MONOTONIC_COARSE ||
		clock == CLOCK_BOOTTIME;
}

static void add_ns(struct __kernel_timespec *time, int64_t ns)
{
	int64_t sum = time->tv_nsec + ns % SECOND_NS;

	time->tv_sec += ns / SECOND_NS;
	if (sum >= SECOND_NS) {
		sum -= SECOND_NS;
		time->tv_sec++;
	} else if (sum < 0) {
		sum += SECOND_NS;
		time->tv_sec--;
	}
	time->tv_nsec = sum;
}

void lb_clock_to_node(int clock, struct __kernel_timespec *time)
{
	int local;

	if (is_monotonic(clock))
		add_ns(time, -lb_self.monotonic_offset_ns);
	else if (lb_cpu_clock(clock, &local))
		add_ns(time, -lb_cpu_clock_elsewhere_ns(clock));
}

int64_t lb_own_clock_gettime(struct lb_trap *trap)
{
	struct __kernel_timespec time;
	int clock = (int)trap->args[0];
	int local;
	bool cpu = lb_cpu_clock(clock, &local);
	int64_t result;

	if (clock < 0 && !cpu)
		return lb_forward(trap); /* of another process, or of a device */
	result = lb_syscall2(__NR_clock_gettime, local, &time);
	if (result < 0)
		return result;
	if (is_monotonic(clock))
		add_ns(&time, lb_self.monotonic_offset_ns);
	if (cpu)
		add_ns(&time, lb_cpu_clock_elsewhere_ns(clock));
	return lb_user_write(trap->args[1], &time, sizeof(time));
}

int64_t lb_own_clock_getres(struct lb_trap *trap)
{
	int clock = (int)trap->args[0];
	int local;

	if (lb_cpu_clock(clock, &local))
		return lb_here_value(trap, 0, (uint64_t)(int64_t)local);
	return clock < 0 ? lb_forward(trap) : lb_here(trap);
}

/* Interrupted by our own trigger it goes on until its deadline, which is kept here. */
static int64_t sleep_limited(struct lb_trap *trap, unsigned index)
{
	struct __kernel_timespec time;
	int64_t left_ns;

	if (lb_user_read(&time, trap->args[index], sizeof(time)) < 0)
		return -EFAULT;
	if (time.tv_sec < 0 || time.tv_nsec < 0 || time.tv_nsec >= SECOND_NS)
		return -EINVAL;
	if (time.tv_sec >= SECONDS_MAX)
		return lb_here(trap);
	left_ns = lb_wait_left_ns(trap, time.tv_sec * SECOND_NS + time.tv_nsec);
	time.tv_sec = left_ns / SECOND_NS;
	time.tv_nsec = left_ns % SECOND_NS;
	return lb_here_scratch(trap, index, &time, sizeof(time));
}

int64_t lb_own_nanosleep(struct lb_trap *trap)
{
	return sleep_limited(trap, 0);
}

int64_t lb_own_clock_nanosleep(struct lb_trap *trap)
{
	struct __kernel_timespec until;
	int clock = (int)trap->args[0];
	int local;
	bool cpu = lb_cpu_clock(clock, &local);
	int64_t result;

	if (clock < 0 && !cpu)
		return LB_NEEDS_HOME;
	if (cpu && !(trap->args[1] & TIMER_ABSTIME))
		return lb_here_value(trap, 0, (uint64_t)(int64_t)local);
	if (!(trap->args[1] & TIMER_ABSTIME))
		return clock != CLOCK_REALTIME && !is_monotonic(clock) ? lb_here(trap) : sleep_limited(trap, 2);
	if (lb_user_read(&until, trap->args[2], sizeof(until)) < 0)
		return -EFAULT;
	if (until.tv_sec < 0 || until.tv_nsec < 0 || until.tv_nsec >= SECOND_NS)
		return -EINVAL;
	if (!is_monotonic(clock) && !cpu)
		return lb_here(trap);
	lb_clock_to_node(clock, &until);
	if (until.tv_sec < 0)
		until = (struct __kernel_timespec){ 0, 0 };
	lb_wait_unlimited();
	result = lb_here_scratch(trap, 2, &until, sizeof(until));
	trap->context->uc_mcontext.rdi = (uint64_t)(int64_t)local; /* the program gets its own back */
	return result;
}

int64_t lb_own_futex(struct lb_trap *trap)
{
	struct __kernel_timespec until;
	int operation = (int)trap->args[1];

	switch (operation & FUTEX_CMD_MASK) {
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
	case FUTEX_UNLOCK_PI:
	case FUTEX_TRYLOCK_PI:
	case FUTEX_WAIT_REQUEUE_PI:
	case FUTEX_CMP_REQUEUE_PI:
		/* The kernel puts this node's thread id into the program's memory: futex(2). */
		return LB_NEEDS_HOME;
	case FUTEX_WAIT:
		return trap->args[3] != 0 ? sleep_limited(trap, 3) : lb_here(trap);
	case FUTEX_WAIT_BITSET:
		break;
	default:
		return lb_here(trap);
	}
	/* The only other command with an absolute time. */
	if (trap->args[3] == 0 || (operation & FUTEX_CLOCK_REALTIME))
		return lb_here(trap);
	if (lb_user_read(&until, trap->args[3], sizeof(until)) < 0)
		return -EFAULT;
	if (until.tv_sec < 0 || until.tv_nsec < 0 || until.tv_nsec >= SECOND_NS)
		return -EINVAL;
	add_ns(&until, -lb_self.monotonic_offset_ns);
	if (until.tv_sec < 0)
		until = (struct __kernel_timespec){ 0, 0 };
	lb_wait_unlimited();
	return lb_here_scratch(trap, 3, &until, sizeof(until));
}

/* A point in time of argument `index`, on the clock of argument 4 of futex_waitv(2) or 5 of futex_wait. */
static int64_t futex_until(struct lb_trap *trap, unsigned index, uint64_t clock)
{
	struct __kernel_timespec until;

	if (trap->args[index] == 0 || (int)clock != CLOCK_MONOTONIC)
		return lb_here(trap);
	if (lb_user_read(&until, trap->args[index], sizeof(until)) < 0)
		return -EFAULT;
	if (until.tv_sec < 0 || until.tv_nsec < 0 || until.tv_nsec >= SECOND_NS)
		return -EINVAL;
	add_ns(&until, -lb_self.monotonic_offset_ns);
	if (until.tv_sec < 0)
		until = (struct __kernel_timespec){ 0, 0 };
	lb_wait_unlimited();
	return lb_here_scratch(trap, index, &until, sizeof(until));
}

int64_t lb_own_futex_waitv(struct lb_trap *trap)
{
	return futex_until(trap, 3, trap->args[4]);
}

int64_t lb_own_futex_wait(struct lb_trap *trap)
{
	return futex_until(trap, 4, trap->args[5]);
}

int64_t lb_own_times(struct lb_trap *trap)
{
	struct tms times;
	int64_t result = lb_syscall1(__NR_times, &times);
	struct rusage children;
	struct lb_request request = { .number = __NR_getrusage };

	if (trap->args[0] != 0) {
		lb_request_value(&request, 0, (uint64_t)(int64_t)RUSAGE_CHILDREN);
		lb_request_memory(&request, 1, LB_ARG_OUT, (uint64_t)&children, sizeof(children));
		memset(&children, 0, sizeof(children));
		lb_request_run(&request);
		lb_cpu_ticks(&times.tms_utime, &times.tms_stime);
		times.tms_cutime = (int64_t)((uint64_t)children.ru_utime.tv_sec * 100 +
			(uint64_t)children.ru_utime.tv_usec / TICK_US);
		times.tms_cstime = (int64_t)((uint64_t)children.ru_stime.tv_sec * 100 +
			(uint64_t)children.ru_stime.tv_usec / TICK_US);
		if (lb_user_write(trap->args[0], &times, sizeof(times)) < 0)
			return -EFAULT;
	}
	return result + lb_self.monotonic_offset_ns / TICK_NS;
}

static void add_us(struct __kernel_old_timeval *time, uint64_t us)
{
	uint64_t sum = (uint64_t)time->tv_usec + us % 1000000;

	time->tv_sec += (int64_t)(us / 1000000 + sum / 1000000);
	time->tv_usec = (int64_t)(sum % 1000000);
}

int64_t lb_own_getrusage(struct lb_trap *trap)
{
	struct rusage usage;
	const struct lb_cpu_time *elsewhere;
	int64_t result;

	if ((int)trap->args[0] == RUSAGE_CHILDREN)
		return lb_forward(trap);
	result = lb_syscall2(__NR_getrusage, trap->args[0], &usage);
	if (result < 0)
		return result;
	elsewhere = (int)trap->args[0] == RUSAGE_THREAD ? &lb_thread()->cpu : &lb_self.cpu;
	add_us(&usage.ru_utime, elsewhere->user_us);
	add_us(&usage.ru_stime, elsewhere->system_us);
	return lb_user_write(trap->args[1], &usage, sizeof(usage));
}
