/* scheduling.c - scheduling policy, nice value and processors of each thread, on each node.
 *
 * They are those of the thread's own at home: so home decides what is allowed and tells what is set
 * (calls/scheduling.c), children that are made there inherit them, and a process that comes home has them. What runs
 * away is scheduled in the same way as far as its node can: a policy that it does not allow keeps the process at home,
 * or brings it there; processors that it does not have are left out; a nice value that it does not allow is not
 * followed (docs/LIMITS.md).
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

static struct lb_cpus node_cpus; /* those that this node gives */
static uint64_t node_copy;       /* of which copy of the process that is so */

static int64_t get_cpus(struct lb_cpus *cpus)
{
	memset(cpus, 0, sizeof *cpus);
	return lb_syscall3(__NR_sched_getaffinity, 0, sizeof *cpus, cpus);
}

/* Whether there is one that it may not use. The kernel tells which there are by what is left of all. */
static bool is_choice(const struct lb_cpus *cpus)
{
	struct lb_cpus all;
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

int lb_scheduling_take(struct lb_thread *thread)
{
	struct lb_scheduling *now = &thread->scheduling;
	if (lb_self.away)
		return 0; /* known */
	memset(&now->wanted, 0, sizeof now->wanted);
	int64_t error = lb_syscall4(__NR_sched_getattr, 0, &now->wanted, sizeof now->wanted, 0);
	if (error < 0)
		return (int)error;
	now->wanted.sched_nice = lb_nice_of(lb_syscall2(__NR_getpriority, PRIO_PROCESS, 0));
	if (now->wanted.sched_policy == SCHED_DEADLINE) /* such a shadow could not make a child */
		return -LB_E_SCHEDULING;
	now->has_chosen = get_cpus(&now->chosen) >= 0 && is_choice(&now->chosen);
	return 0;
}

static int64_t set_attributes(const struct lb_thread *thread)
{
	uint32_t tid = thread->local_tid;
	struct sched_attr now, set = thread->scheduling.wanted;
	memset(&now, 0, sizeof now);
	int64_t error = lb_syscall4(__NR_sched_getattr, tid, &now, sizeof now, 0);
	if (error < 0)
		return error;
	/* Of some policies the kernel does not set it along with them; and a node may not allow so high a priority. */
	if (lb_syscall3(__NR_setpriority, PRIO_PROCESS, tid, set.sched_nice) < 0)
		set.sched_nice = lb_nice_of(lb_syscall2(__NR_getpriority, PRIO_PROCESS, tid));
	set.size = sizeof set;
	set.sched_flags &= SCHED_FLAG_RESET_ON_FORK;
	set.sched_runtime = set.sched_deadline = set.sched_period = 0; /* a slice of the node's own */
	if (set.sched_util_max != 0 && now.sched_util_max != 0 /* 0: that kernel has no clamps */ &&
		(set.sched_util_min != now.sched_util_min || set.sched_util_max != now.sched_util_max))
		set.sched_flags |= SCHED_FLAG_UTIL_CLAMP;
	if (set.sched_flags == (now.sched_flags & SCHED_FLAG_RESET_ON_FORK) && set.sched_policy == now.sched_policy &&
		set.sched_priority == now.sched_priority)
		return 0;
	return lb_syscall3(__NR_sched_setattr, tid, &set, 0);
}

/* Those that the program has chosen and the node has; all of the node's where there is none. */
void lb_scheduling_follow_cpus(const struct lb_thread *thread)
{
	const struct lb_scheduling *wanted = &thread->scheduling;
	struct lb_cpus set;
	uint64_t some = 0;
	for (int i = 0; i < LB_CPU_WORDS && wanted->has_chosen; i++)
		some |= set.words[i] = wanted->chosen.words[i] & node_cpus.words[i];
	lb_syscall3(__NR_sched_setaffinity, thread->local_tid, sizeof set, some ? &set : &node_cpus);
}

int lb_scheduling_follow(const struct lb_thread *thread)
{
	lb_scheduling_follow_cpus(thread);
	return set_attributes(thread) < 0 ? -LB_E_SCHEDULING : 0;
}

int lb_scheduling_give(const struct lb_thread *thread)
{
	/* Before the first one has got its own, which the others begin with. */
	if (node_copy != lb_self.copy && get_cpus(&node_cpus) < 0)
		return -LB_E_SCHEDULING;
	node_copy = lb_self.copy;
	return lb_scheduling_follow(thread);
}
