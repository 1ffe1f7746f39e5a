/* cpu_time.c - getrusage(2) and times(2) as the program sees them: CPU time used on other nodes included.
 *
 * Interposed, as a process that has come home is not intercepted in any other way; before a first move they add
 * zero. Calls that do not go through these functions see the kernel's figures at home (docs/LIMITS.md).
 */
#include "internal.h"

#define LB_EXPORT __attribute__((visibility("default")))
#define RUSAGE_SELF 0
#define USER_HZ 100 /* of x86-64, times(2) */
#define US_PER_TICK (1000000 / USER_HZ)

struct rusage_head {
	int64_t user[2], system[2]; /* s, us */
};

extern int *lb_errno_location(void) __asm__("__errno_location") __attribute__((weak));

static int64_t finish(int64_t result)
{
	if (result < 0 && result > -4096 && lb_errno_location) {
		*lb_errno_location() = (int)-result;
		return -1;
	}
	return result;
}

static void add_us(int64_t *time, uint64_t us)
{
	time[1] += (int64_t)(us % 1000000);
	time[0] += (int64_t)(us / 1000000) + time[1] / 1000000;
	time[1] %= 1000000;
}

LB_EXPORT int getrusage(int who, struct rusage_head *usage);
LB_EXPORT int getrusage(int who, struct rusage_head *usage)
{
	int64_t result = lb_syscall2(__NR_getrusage, who, usage);
	if (result == 0 && who == RUSAGE_SELF) {
		add_us(usage->user, lb_self.cpu_user_us);
		add_us(usage->system, lb_self.cpu_system_us);
	}
	return (int)finish(result);
}

/* struct tms: user, system, and children's, in ticks. */
LB_EXPORT int64_t times(int64_t *buffer);
LB_EXPORT int64_t times(int64_t *buffer)
{
	int64_t result = lb_syscall1(__NR_times, buffer);
	if (buffer && (result >= 0 || result < -4095)) {
		buffer[0] += (int64_t)(lb_self.cpu_user_us / US_PER_TICK);
		buffer[1] += (int64_t)(lb_self.cpu_system_us / US_PER_TICK);
	}
	return finish(result);
}
