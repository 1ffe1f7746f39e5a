/* timer.c - The timers of timer_create(2) away from home.
 *
 * They are this node's, with the program's numbers, clocks and thread. See posix_timers.c for how they move.
 *
 * Runs in:  the SIGSYS handler, all signals blocked.
 */
#include <linux/errno.h>
#include <linux/signal.h>
#include <linux/time.h>
#include <linux/time_types.h>
#include <asm/unistd.h>

#include "syscall.h"

#include "calls/clock.h"
#include "calls/held.h"
#include "calls/own.h"
#include "home_call/user_memory.h"
#include "image/kernel_state.h"
#include "image/posix_timers.h"
#include "process/cpu_clock.h"
#include "process/process.h"
#include "trap/frame.h"
#include "trap/stub.h"
#include "trap/trap.h"

#define SECOND_NS 1000000000LL

/* clock_thread: whose CPU time that clock counts, as home has it; 0: it counts something else. */
static int64_t create(struct lb_trap *trap, int clock, uint32_t clock_thread, const struct sigevent *event, uint32_t to)
{
	struct lb_timer *timer;
	int32_t id = -1;
	int64_t result = lb_syscall3(__NR_timer_create, clock, event, &id);

	if (result < 0)
		return result;
	if (lb_user_write(trap->args[2], &id, sizeof(id)) < 0) {
		lb_syscall1(__NR_timer_delete, id);
		return -EFAULT;
	}
	timer = lb_timer_add(id, clock < 0 ? (int)LB_CLOCK_OF_CALLER | (clock & 7) : clock);
	if (timer != NULL) {
		timer->signal = event != NULL ? event->sigev_signo : SIGALRM;
		timer->clock_thread = clock_thread;
		timer->thread = to;
	}
	return 0;
}

int64_t lb_own_timer_create(struct lb_trap *trap)
{
	struct sigevent event;
	const struct lb_thread *counted = lb_cpu_clock_thread((int)trap->args[0]);
	uint32_t clock_thread = counted != NULL ? counted->home_tid : 0;
	int clock = (int)trap->args[0];
	uint32_t to = 0;

	if (lb_thread()->has_child)
		return -EAGAIN; /* timer_create(2): no room for it now */
	/* Clocks that wake the machine wake home; more timers than can move are made there, too. */
	if (clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM || lb_timers_full())
		return LB_NEEDS_HOME;
	if (clock < 0 && !lb_cpu_clock(clock, &clock))
		return LB_NEEDS_HOME; /* CPU time of another process */
	if (trap->args[1] == 0)
		return create(trap, clock, clock_thread, NULL, 0);
	if (lb_user_read(&event, trap->args[1], sizeof(event)) < 0)
		return -EFAULT;
	if (event.sigev_notify & SIGEV_THREAD_ID) {
		to = (uint32_t)event._sigev_un._tid;
		event._sigev_un._tid = (int)lb_local_tid(to);
		if (event._sigev_un._tid == 0)
			return -EINVAL;
	}
	return create(trap, clock, clock_thread, &event, to);
}

/* As the program names it. */
static int clock_of(const struct lb_timer *timer)
{
	return timer->clock_thread != 0 && timer->clock < 0 ? (int)(~timer->clock_thread << 3) | (timer->clock & 7)
							    : timer->clock;
}

static bool is_valid(const struct __kernel_timespec *time)
{
	return time->tv_sec >= 0 && time->tv_nsec >= 0 && time->tv_nsec < SECOND_NS;
}

/* A point in time of the program's clock, as this node's clock has it. It may lie before that began: then now. */
static void translate(struct __kernel_timespec *time, int clock)
{
	lb_clock_to_node(clock, time);
	if (time->tv_sec < 0 || (time->tv_sec == 0 && time->tv_nsec == 0))
		*time = (struct __kernel_timespec){ 0, 1 };
}

/* What waits of a timer that is set anew, or deleted, counts no more: kernel/time/posix-timers.c, Linux 6.13. That may
 * wait for a signalfd at home, and is no timer's signal for the kernel if it has moved. */
static void drop_tick(const struct lb_timer *timer)
{
	if (timer == NULL || timer->signal < 1 || timer->signal > LB_SIGNALS)
		return;
	lb_held_release(LB_BIT(timer->signal));
	lb_frozen_drop_tick(timer);
}

int64_t lb_own_timer_settime(struct lb_trap *trap)
{
	struct __kernel_itimerspec wanted, old;
	struct lb_timer *timer = lb_timer_find((int32_t)trap->args[0]);
	int64_t result;

	if (lb_thread()->has_child || trap->args[2] == 0)
		return -EINVAL;
	if (lb_user_read(&wanted, trap->args[2], sizeof(wanted)) < 0)
		return -EFAULT;
	if (!is_valid(&wanted.it_value) || !is_valid(&wanted.it_interval))
		return -EINVAL;
	if (timer != NULL && (trap->args[1] & TIMER_ABSTIME) &&
		(wanted.it_value.tv_sec != 0 || wanted.it_value.tv_nsec != 0))
		translate(&wanted.it_value, clock_of(timer));
	drop_tick(timer);
	result = lb_syscall4(__NR_timer_settime, (int32_t)trap->args[0], (int32_t)trap->args[1], &wanted,
		trap->args[3] != 0 ? &old : NULL);
	if (result < 0)
		return result;
	if (timer != NULL)
		timer->overrun = 0;
	if (trap->args[3] != 0 && lb_user_write(trap->args[3], &old, sizeof(old)) < 0)
		return -EFAULT;
	return 0;
}

int64_t lb_own_timer_gettime(struct lb_trap *trap)
{
	return lb_thread()->has_child ? -EINVAL : lb_here(trap);
}

int64_t lb_own_timer_getoverrun(struct lb_trap *trap)
{
	const struct lb_timer *timer = lb_timer_find((int32_t)trap->args[0]);
	int32_t overrun = timer != NULL ? lb_timer_overrun(timer) : 0;

	if (lb_thread()->has_child)
		return -EINVAL;
	return overrun > 0 ? overrun : lb_here(trap);
}

int64_t lb_own_timer_delete(struct lb_trap *trap)
{
	int64_t result;

	if (lb_thread()->has_child)
		return -EINVAL;
	drop_tick(lb_timer_find((int32_t)trap->args[0]));
	result = lb_syscall1(__NR_timer_delete, (int32_t)trap->args[0]);
	if (result == 0)
		lb_timer_remove((int32_t)trap->args[0]);
	return result;
}
