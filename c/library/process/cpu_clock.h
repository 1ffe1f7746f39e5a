/* cpu_clock.h - Clocks of this process's CPU time, by any name.
 *
 * One that was made from a PID or TID (clock_getcpuclockid(3), pthread_getcpuclockid(3)) carries home's.
 *
 * Inline, as the functions that stand before the vdso may call nothing (vdso.c).
 */
#ifndef LB_CPU_CLOCK_H
#define LB_CPU_CLOCK_H

#include <linux/time.h>

#include "process/process.h"

/* ~PID << 3 | 4 for one thread | what it counts: include/linux/posix-timers_types.h, Linux 6.12. */
#define LB_CLOCK_OF_THREAD 4
#define LB_CLOCK_COUNTS 3
#define LB_CLOCK_COUNTS_USER 1        /* CPUCLOCK_VIRT */
#define LB_CLOCK_IS_A_DESCRIPTOR 3    /* CLOCKFD: no CPU time */
#define LB_CLOCK_OF_CALLER (~0u << 3) /* PID 0 */

/* Whether this is a CPU clock of this process; then `local` is its name for the kernel, wherever it runs. */
static inline bool lb_cpu_clock(int clock, int *local)
{
	uint32_t pid = (uint32_t)~(clock >> 3);

	*local = clock;
	if (clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID)
		return true;
	if (clock >= 0 || (clock & LB_CLOCK_COUNTS) == LB_CLOCK_IS_A_DESCRIPTOR)
		return false;
	if (pid != 0 && pid != lb_self.home_pid)
		return false;
	*local = (int)LB_CLOCK_OF_CALLER | (clock & 7);
	return true;
}

/* What such a clock has counted on other nodes. */
static inline int64_t lb_cpu_clock_elsewhere_ns(int clock)
{
	bool thread = clock < 0 ? (clock & LB_CLOCK_OF_THREAD) != 0 : clock == CLOCK_THREAD_CPUTIME_ID;
	bool user = clock < 0 && (clock & LB_CLOCK_COUNTS) == LB_CLOCK_COUNTS_USER;
	const struct lb_cpu_time *cpu = thread ? &lb_thread()->cpu : &lb_self.cpu;

	return (int64_t)(cpu->user_us + (user ? 0 : cpu->system_us)) * 1000;
}

#endif
