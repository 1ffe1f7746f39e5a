/* scheduling.c - scheduling policy, nice value and processors, on each node.
 *
 * They are the shadow's: so home decides what is allowed and tells what is set (calls/scheduling.c), children that are
 * made there inherit them, and a process that comes home has them. What runs away is scheduled in the same way as far
 * as its node can: a policy that it does not allow keeps the process at home, or brings it there; processors that it
 * does not have are left out; a nice value that it does not allow is not followed (docs/LIMITS.md).
 *
 * Runs in:  the trigger's and the SIGSYS handler, all signals blocked; the restored process before it goes on.
 */
#include "image/scheduling.h"

#include <linux/resource.h>
#include <linux/sched.h>
#include <asm/unistd.h>

#include "mem.h"
#include "syscall.h"

#include "process/process.h"

struct lb_scheduling lb_scheduling;
static struct lb_cpus node_cpus; /* those that this node gives */

static int64_t get_cpus(struct lb_cpus *cpus)
{
	memset(cpus, 0, sizeof *cpus);
	return lb_syscall3(__NR_sched_getaffinity, 0, sizeof *cpus, cpus);
}

/* Whether there is one that it may not use. The kernel tells which there are by what is left of all. */
static bool is_choice(const struct lb_cpus *cpus)
{
	static struct lb_cpus all;
	memset(&all, 0xff, sizeof all);
	if (lb_syscall3(__NR_sched_setaffinity, 0, sizeof all, &all) < 0 || get_cpus(&all) < 0)
		return false;
	if (memcmp(&all, cpus, sizeof all) == 0)
		return false;
	lb_syscall3(__NR_sched_setaffinity, 0, sizeof *cpus, cpus);
	return true;
}

int32_t lb_nice_of(int64_t result)
{
	return result > 0 ? (int32_t)(20 - result) : 0;
}

int lb_scheduling_take(void)
{
	if (lb_self.away)
		return 0; /* known */
	memset(&lb_scheduling.wanted, 0, sizeof lb_scheduling.wanted);
	int64_t error = lb_syscall4(__NR_sched_getattr, 0, &lb_scheduling.wanted, sizeof lb_scheduling.wanted, 0);
	if (error < 0)
		return (int)error;
	lb_scheduling.wanted.sched_nice = lb_nice_of(lb_syscall2(__NR_getpriority, PRIO_PROCESS, 0));
	if (lb_scheduling.wanted.sched_policy == SCHED_DEADLINE) /* such a shadow could not make a child */
		return -LB_E_SCHEDULING;
	lb_scheduling.has_chosen = get_cpus(&lb_scheduling.chosen) >= 0 && is_choice(&lb_scheduling.chosen);
	return 0;
}

static int64_t set_attributes(void)
{
	struct sched_attr now, set = lb_scheduling.wanted;
	memset(&now, 0, sizeof now);
	int64_t error = lb_syscall4(__NR_sched_getattr, 0, &now, sizeof now, 0);
	if (error < 0)
		return error;
	/* Of some policies the kernel does not set it along with them; and a node may not allow so high a priority. */
	if (lb_syscall3(__NR_setpriority, PRIO_PROCESS, 0, set.sched_nice) < 0)
		set.sched_nice = lb_nice_of(lb_syscall2(__NR_getpriority, PRIO_PROCESS, 0));
	set.size = sizeof set;
	set.sched_flags &= SCHED_FLAG_RESET_ON_FORK;
	set.sched_runtime = set.sched_deadline = set.sched_period = 0; /* a slice of the node's own */
	if (set.sched_util_max != 0 && now.sched_util_max != 0 /* 0: that kernel has no clamps */ &&
		(set.sched_util_min != now.sched_util_min || set.sched_util_max != now.sched_util_max))
		set.sched_flags |= SCHED_FLAG_UTIL_CLAMP;
	if (set.sched_flags == (now.sched_flags & SCHED_FLAG_RESET_ON_FORK) && set.sched_policy == now.sched_policy &&
		set.sched_priority == now.sched_priority)
		return 0;
	return lb_syscall3(__NR_sched_setattr, 0, &set, 0);
}

/* Those that the program has chosen and the node has; all of the node's where there is none. */
void lb_scheduling_follow_cpus(void)
{
	static struct lb_cpus set;
	uint64_t some = 0;
	for (int i = 0; i < LB_CPU_WORDS && lb_scheduling.has_chosen; i++)
		some |= set.words[i] = lb_scheduling.chosen.words[i] & node_cpus.words[i];
	lb_syscall3(__NR_sched_setaffinity, 0, sizeof set, some ? &set : &node_cpus);
}

int lb_scheduling_follow(void)
{
	lb_scheduling_follow_cpus();
	return set_attributes() < 0 ? -LB_E_SCHEDULING : 0;
}

int lb_scheduling_give(void)
{
	if (get_cpus(&node_cpus) < 0)
		return -LB_E_SCHEDULING;
	return lb_scheduling_follow();
}
