/* cpu_clock.h - Clocks of this process's and its threads' CPU time, by any name.
 *
 * One that was made from a PID or TID (clock_getcpuclockid(3), pthread_getcpuclockid(3)) carries home's.
 *
 * Inline, as the functions that stand before the vdso may call nothing (vdso.c).
 */
#ifndef LB_CPU_CLOCK_H
#define LB_CPU_CLOCK_H

#include <linux/time.h>

#include "process/identity.h"
#include "process/process.h"

/* ~PID << 3 | 4 for one thread | what it counts: include/linux/posix-timers_types.h, Linux 6.12. */
#define LB_CLOCK_OF_THREAD 4
#define LB_CLOCK_COUNTS 3
#define LB_CLOCK_COUNTS_USER 1        /* CPUCLOCK_VIRT */
#define LB_CLOCK_IS_A_DESCRIPTOR 3    /* CLOCKFD: no CPU time */
#define LB_CLOCK_OF_CALLER (~0u << 3) /* PID 0 */

/* Whose time it counts; NULL: the process's, or another process's. */
static inline const struct lb_thread *lb_cpu_clock_thread(int clock)
{
	if (clock == CLOCK_THREAD_CPUTIME_ID)
		return lb_thread();
	if (clock >= 0 || !(clock & LB_CLOCK_OF_THREAD) || (clock & LB_CLOCK_COUNTS) == LB_CLOCK_IS_A_DESCRIPTOR)
		return 0;
	return lb_thread_meant((uint32_t)~(clock >> 3));
}

/* Whether this is a CPU clock of this process; then `local` is its name for the kernel, wherever it runs. */
static inline bool lb_cpu_clock(int clock, int *local)
{
	uint32_t id = (uint32_t)~(clock >> 3);

	*local = clock;
	if (clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID)
		return true;
	if (clock >= 0 || (clock & LB_CLOCK_COUNTS) == LB_CLOCK_IS_A_DESCRIPTOR)
		return false;
	if (clock & LB_CLOCK_OF_THREAD) {
		const struct lb_thread *thread = lb_cpu_clock_thread(clock);

		*local = thread ? (int)(~thread->local_tid << 3) | (clock & 7) : clock;
		return thread != 0;
	}
	/* Whoever asks may say its own TID: pid_for_clock(), kernel/time/posix-cpu-timers.c, Linux 6.12. */
	if (id != 0 && id != lb_own_pid() && id != lb_own_tid())
		return false;
	*local = (int)LB_CLOCK_OF_CALLER | (clock & 7);
	return true;
}

/* What such a clock has counted on other nodes. */
static inline int64_t lb_cpu_clock_elsewhere_ns(int clock)
{
	const struct lb_thread *thread = lb_cpu_clock_thread(clock);
	bool user = clock < 0 && (clock & LB_CLOCK_COUNTS) == LB_CLOCK_COUNTS_USER;
	const struct lb_cpu_time *cpu = thread ? &thread->cpu : &lb_self.cpu;

	return (int64_t)(cpu->user_us + (user ? 0 : cpu->system_us)) * 1000;
}

#endif
