/* scheduling.c - the program's scheduling policy, nice value and processors.
 *
 * They are the shadow's: so home decides what is allowed and tells what is set, children that are made there inherit
 * them, and a process that comes home has them. What runs away is scheduled in the same way as far as its node can: a
 * policy that it does not allow keeps the process at home, or brings it there; processors that it does not have are
 * left out; a nice value that it does not allow is not followed (docs/LIMITS.md).
 *
 * Runs in:  the trigger's and the SIGSYS handler, all signals blocked; the restored process before it goes on.
 */
#include <linux/errno.h>
#include <asm/unistd.h>

#include "mem.h"
#include "syscall.h"

#include "forward.h"
#include "calls/own.h"
#include "internal.h"

#define PRIO_PROCESS 0
#define SCHED_DEADLINE_POLICY 6
#define RESET_ON_FORK 1ULL /* SCHED_FLAG_RESET_ON_FORK */
#define UTIL_CLAMP 0x60ULL /* SCHED_FLAG_UTIL_CLAMP */
#define CPU_WORDS 128      /* CONFIG_NR_CPUS is 8192 at most on x86-64 */

struct attributes { /* struct sched_attr, include/uapi/linux/sched/types.h, Linux 6.12 */
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
};

struct cpus {
	uint64_t words[CPU_WORDS];
};

static struct attributes wanted;
static struct cpus chosen_cpus; /* by the program, numbered as home's are */
static struct cpus node_cpus;   /* those that this node gives */
static bool has_chosen;

static int64_t get_cpus(struct cpus *cpus)
{
	memset(cpus, 0, sizeof *cpus);
	return lb_syscall3(__NR_sched_getaffinity, 0, sizeof *cpus, cpus);
}

/* Whether there is one that it may not use. The kernel tells which there are by what is left of all. */
static bool is_choice(const struct cpus *cpus)
{
	static struct cpus all;
	memset(&all, 0xff, sizeof all);
	if (lb_syscall3(__NR_sched_setaffinity, 0, sizeof all, &all) < 0 || get_cpus(&all) < 0)
		return false;
	if (memcmp(&all, cpus, sizeof all) == 0)
		return false;
	lb_syscall3(__NR_sched_setaffinity, 0, sizeof *cpus, cpus);
	return true;
}

/* sched_getattr(2) tells it of some policies only, getpriority(2) of all: as 20 less the value, which is no error. */
static int32_t nice_of(int64_t result)
{
	return result > 0 ? (int32_t)(20 - result) : 0;
}

int lb_scheduling_take(void)
{
	if (lb_self.away)
		return 0; /* known */
	memset(&wanted, 0, sizeof wanted);
	int64_t error = lb_syscall4(__NR_sched_getattr, 0, &wanted, sizeof wanted, 0);
	if (error < 0)
		return (int)error;
	wanted.nice = nice_of(lb_syscall2(__NR_getpriority, PRIO_PROCESS, 0));
	if (wanted.policy == SCHED_DEADLINE_POLICY) /* such a shadow could not make a child */
		return -LB_E_SCHEDULING;
	has_chosen = get_cpus(&chosen_cpus) >= 0 && is_choice(&chosen_cpus);
	return 0;
}

static int64_t set_attributes(void)
{
	struct attributes now, set = wanted;
	memset(&now, 0, sizeof now);
	int64_t error = lb_syscall4(__NR_sched_getattr, 0, &now, sizeof now, 0);
	if (error < 0)
		return error;
	/* Of some policies the kernel does not set it along with them; and a node may not allow so high a priority. */
	if (lb_syscall3(__NR_setpriority, PRIO_PROCESS, 0, set.nice) < 0)
		set.nice = nice_of(lb_syscall2(__NR_getpriority, PRIO_PROCESS, 0));
	set.size = sizeof set;
	set.flags &= RESET_ON_FORK;
	set.runtime = set.deadline = set.period = 0; /* a slice of the node's own */
	if (set.util_max != 0 && now.util_max != 0 /* 0: that kernel has no clamps */ &&
		(set.util_min != now.util_min || set.util_max != now.util_max))
		set.flags |= UTIL_CLAMP;
	if (set.flags == (now.flags & RESET_ON_FORK) && set.policy == now.policy && set.priority == now.priority)
		return 0;
	return lb_syscall3(__NR_sched_setattr, 0, &set, 0);
}

/* Those that the program has chosen and the node has; all of the node's where there is none. */
static void set_cpus(void)
{
	static struct cpus set;
	uint64_t some = 0;
	for (int i = 0; i < CPU_WORDS && has_chosen; i++)
		some |= set.words[i] = chosen_cpus.words[i] & node_cpus.words[i];
	lb_syscall3(__NR_sched_setaffinity, 0, sizeof set, some ? &set : &node_cpus);
}

static int follow(void)
{
	set_cpus();
	return set_attributes() < 0 ? -LB_E_SCHEDULING : 0;
}

int lb_scheduling_give(void)
{
	if (get_cpus(&node_cpus) < 0)
		return -LB_E_SCHEDULING;
	return follow();
}

/* ---- away from home: home does it, and this node follows */

static bool is_self(uint64_t pid)
{
	return (uint32_t)pid == 0 || (uint32_t)pid == lb_self.home_pid;
}

/* What holds at home now. */
static int64_t ask_home(void)
{
	struct lb_request request = { .number = __NR_sched_getattr };
	lb_request_value(&request, 0, 0);
	lb_request_memory(&request, 1, LB_ARG_OUT, (uint64_t)&wanted, sizeof wanted);
	lb_request_value(&request, 2, sizeof wanted);
	lb_request_value(&request, 3, 0);
	int64_t result = lb_request_run(&request);
	wanted.nice = nice_of(lb_home_values(__NR_getpriority, PRIO_PROCESS, 0, 0, 0));
	return result;
}

static int64_t set_at_home(struct lb_trap *trap, bool self)
{
	int64_t result = lb_forward_row(trap, lb_row_of(trap->number));
	/* A child of vfork(2) is at home: what runs here is its parent. */
	if (result < 0 || !self || lb_thread()->has_child)
		return result;
	if (ask_home() < 0 || follow() == 0)
		return result;
	return LB_NEEDS_HOME; /* there it is set already */
}

int64_t lb_own_sched_setparam(struct lb_trap *trap)
{
	return set_at_home(trap, is_self(trap->args[0]));
}

int64_t lb_own_sched_setscheduler(struct lb_trap *trap)
{
	return set_at_home(trap, is_self(trap->args[0]));
}

int64_t lb_own_sched_setattr(struct lb_trap *trap)
{
	uint32_t head[2] = { 0, 0 }; /* size and policy */
	if (trap->args[1] == 0 || (int32_t)trap->args[0] < 0 || trap->args[2] != 0)
		return -EINVAL;
	if (lb_user_read(head, trap->args[1], sizeof head) < 0)
		return -EFAULT;
	if (head[1] == SCHED_DEADLINE_POLICY && is_self(trap->args[0]))
		return LB_NEEDS_HOME;
	/* sched_setattr(2): its first member; 0 stands for the first version's. */
	trap->given = head[0] < sizeof head[0] ? sizeof wanted - 8 : head[0];
	return set_at_home(trap, is_self(trap->args[0]));
}

/* setpriority(2) of a group or a user may mean this process, too. */
int64_t lb_own_setpriority(struct lb_trap *trap)
{
	return set_at_home(trap, true);
}

int64_t lb_own_sched_setaffinity(struct lb_trap *trap)
{
	struct lb_request request = { .number = __NR_sched_getaffinity, .flags = LB_CALL_RESULT_SIZE };
	int64_t result = lb_forward_row(trap, lb_row_of(trap->number));
	if (result < 0 || !is_self(trap->args[0]) || lb_thread()->has_child)
		return result;
	memset(&chosen_cpus, 0, sizeof chosen_cpus);
	lb_request_value(&request, 0, 0);
	lb_request_value(&request, 1, sizeof chosen_cpus);
	lb_request_memory(&request, 2, LB_ARG_OUT, (uint64_t)&chosen_cpus, sizeof chosen_cpus);
	has_chosen = lb_request_run(&request) > 0;
	set_cpus();
	return result;
}
