/* cpu_time.c - getrusage(2) and times(2), with CPU time of other nodes.
 *
 * Interposed, as a process that has come home is not intercepted in any other way; before a first move they add
 * zero. Away the call is trapped like any other and comes back complete. Calls at home that do not go through
 * these functions see the kernel's figures (docs/LIMITS.md).
 */
#include "process/cpu_time.h"

#include <linux/resource.h>
#include <asm/unistd.h>

#include "mem.h"
#include "syscall.h"

#include "process/process.h"
#include "thread/thread.h"

#define USER_HZ 100 /* of x86-64, times(2) */
#define US_PER_TICK (1000000 / USER_HZ)

/* Not a call of our own text: that would not be trapped. */
extern int64_t lb_libc_syscall(int64_t number, ...) __asm__("syscall") __attribute__((weak));

static void add_us(struct __kernel_old_timeval *time, uint64_t us)
{
	time->tv_usec += (int64_t)(us % 1000000);
	time->tv_sec += (int64_t)(us / 1000000) + time->tv_usec / 1000000;
	time->tv_usec %= 1000000;
}

/* Changes with every move: what was read before one is not to be added to what is known after it. */
static uint64_t this_copy(void)
{
	return *(volatile uint64_t *)&lb_self.copy;
}

static const struct lb_cpu_time *elsewhere(int who)
{
	return who == RUSAGE_THREAD ? &lb_thread()->cpu : &lb_self.cpu;
}

LB_EXPORT int getrusage(int who, struct rusage *usage);
LB_EXPORT int getrusage(int who, struct rusage *usage)
{
	uint64_t copy;
	int result;
	do {
		copy = this_copy();
		result = (int)lb_libc_syscall(__NR_getrusage, (int64_t)who, usage);
		if (result == 0 && who != RUSAGE_CHILDREN && !lb_self.away) {
			add_us(&usage->ru_utime, elsewhere(who)->user_us);
			add_us(&usage->ru_stime, elsewhere(who)->system_us);
		}
	} while (copy != this_copy());
	return result;
}

/* From microseconds: ticks of each node, rounded down one by one, would go back by one now and then. */
void lb_cpu_ticks(int64_t *user, int64_t *system)
{
	struct rusage usage;
	memset(&usage, 0, sizeof usage);
	lb_syscall2(__NR_getrusage, RUSAGE_SELF, &usage);
	add_us(&usage.ru_utime, lb_self.cpu.user_us);
	add_us(&usage.ru_stime, lb_self.cpu.system_us);
	*user = usage.ru_utime.tv_sec * USER_HZ + usage.ru_utime.tv_usec / US_PER_TICK;
	*system = usage.ru_stime.tv_sec * USER_HZ + usage.ru_stime.tv_usec / US_PER_TICK;
}

/* struct tms: user, system, and children's. */
LB_EXPORT int64_t times(int64_t *buffer);
LB_EXPORT int64_t times(int64_t *buffer)
{
	uint64_t copy;
	int64_t result;
	do {
		copy = this_copy();
		result = lb_libc_syscall(__NR_times, buffer);
		if (buffer && result != -1 && !lb_self.away)
			lb_cpu_ticks(&buffer[0], &buffer[1]);
	} while (copy != this_copy());
	return result;
}

/* ---- across moves */

static struct lb_cpu_time noted; /* of the process; of the thread it has its own */

static struct lb_cpu_time used_here(int who)
{
	struct rusage usage;
	memset(&usage, 0, sizeof usage);
	lb_syscall2(__NR_getrusage, who, &usage);
	return (struct lb_cpu_time){ (uint64_t)(usage.ru_utime.tv_sec * 1000000 + usage.ru_utime.tv_usec),
		(uint64_t)(usage.ru_stime.tv_sec * 1000000 + usage.ru_stime.tv_usec) };
}

static struct lb_cpu_time used_so_far(int who)
{
	struct lb_cpu_time used = used_here(who);
	used.user_us += elsewhere(who)->user_us;
	used.system_us += elsewhere(who)->system_us;
	return used;
}

void lb_cpu_time_note(void)
{
	noted = used_so_far(RUSAGE_SELF);
}

void lb_cpu_time_note_thread(struct lb_thread *thread)
{
	thread->cpu_noted = used_so_far(RUSAGE_THREAD);
}

void lb_cpu_time_forget(void)
{
	memset(&noted, 0, sizeof noted);
	memset(&lb_thread()->cpu_noted, 0, sizeof noted);
}

/* At home the kernel has gone on counting for this PID: only what was used away is added. */
static struct lb_cpu_time used_away(struct lb_cpu_time used, int who)
{
	struct lb_cpu_time here = used_here(who);
	used.user_us -= here.user_us < used.user_us ? here.user_us : used.user_us;
	used.system_us -= here.system_us < used.system_us ? here.system_us : used.system_us;
	return used;
}

void lb_cpu_time_give(bool at_home)
{
	lb_self.cpu = at_home ? used_away(noted, RUSAGE_SELF) : noted;
}

void lb_cpu_time_give_thread(struct lb_thread *thread, bool at_home)
{
	thread->cpu = at_home ? used_away(thread->cpu_noted, RUSAGE_THREAD) : thread->cpu_noted;
}
