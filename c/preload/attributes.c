/* attributes.c - what prctl(2) and membarrier(2) have set for this process, and neither memory nor an exec carries:
 * read when it is frozen, set again in the restored process.
 */
#include "internal.h"

#define PR_GET_DUMPABLE 3
#define PR_SET_DUMPABLE 4
#define PR_GET_TSC 25
#define PR_SET_TSC 26
#define PR_SET_TIMERSLACK 29
#define PR_GET_TIMERSLACK 30
#define PR_MCE_KILL 33
#define PR_MCE_KILL_GET 34
#define PR_MCE_KILL_SET 1 /* its first argument; the second is a policy, the third the default one */
#define PR_SET_THP_DISABLE 41
#define PR_GET_THP_DISABLE 42
#define TSC_ENABLED 1 /* PR_TSC_ENABLE */
#define REGISTRATIONS 512 /* MEMBARRIER_CMD_GET_REGISTRATIONS, Linux 6.3 */
/* An older kernel does not tell: those whose use would fail. They cost a process of one thread nothing. */
#define REGISTRATIONS_UNKNOWN (1 << 2 | 1 << 4 | 1 << 6)

static struct {
	int64_t dumpable, timer_slack, mce_kill, thp_disabled, registrations;
	int32_t tsc;
} attributes;

static int64_t get(int option)
{
	return lb_syscall5(__NR_prctl, option, 0, 0, 0, 0);
}

static void set(int option, int64_t value)
{
	lb_syscall5(__NR_prctl, option, value, 0, 0, 0);
}

void lb_attributes_take(void)
{
	attributes.dumpable = get(PR_GET_DUMPABLE);
	attributes.timer_slack = get(PR_GET_TIMERSLACK);
	attributes.mce_kill = get(PR_MCE_KILL_GET);
	attributes.thp_disabled = get(PR_GET_THP_DISABLE);
	attributes.tsc = TSC_ENABLED;
	lb_syscall5(__NR_prctl, PR_GET_TSC, &attributes.tsc, 0, 0, 0);
	attributes.registrations = lb_syscall3(__NR_membarrier, REGISTRATIONS, 0, 0);
	if (attributes.registrations < 0)
		attributes.registrations = REGISTRATIONS_UNKNOWN;
}

/* What the kernel refuses now it had refused before: a value that cannot be set was never set by the program. */
void lb_attributes_give(void)
{
	if (attributes.dumpable != get(PR_GET_DUMPABLE))
		set(PR_SET_DUMPABLE, attributes.dumpable);
	if (attributes.timer_slack > 0)
		set(PR_SET_TIMERSLACK, attributes.timer_slack);
	if (attributes.mce_kill >= 0 && attributes.mce_kill != get(PR_MCE_KILL_GET))
		lb_syscall5(__NR_prctl, PR_MCE_KILL, PR_MCE_KILL_SET, attributes.mce_kill, 0, 0);
	if (attributes.thp_disabled > 0)
		set(PR_SET_THP_DISABLE, attributes.thp_disabled);
	if (attributes.tsc != TSC_ENABLED)
		set(PR_SET_TSC, attributes.tsc);
	for (int bit = 0; bit < 31; bit++)
		if (attributes.registrations & 1LL << bit)
			lb_syscall3(__NR_membarrier, 1LL << bit, 0, 0);
}
