/* scheduling.c - calls that set scheduling: home does it, and this node follows.
 *
 * Runs in:  the SIGSYS handler, all signals blocked.
 */
#include <linux/errno.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <asm/unistd.h>

#include "mem.h"
#include "syscall.h"

#include "calls/forward.h"
#include "calls/own.h"
#include "home_call/request.h"
#include "home_call/user_memory.h"
#include "image/scheduling.h"
#include "process/process.h"
#include "trap/trap.h"

static bool is_self(uint64_t pid)
{
	return (uint32_t)pid == 0 || (uint32_t)pid == lb_self.home_pid;
}

/* What holds at home now. */
static int64_t ask_home(void)
{
	struct lb_request request = { .number = __NR_sched_getattr };
	lb_request_value(&request, 0, 0);
	lb_request_memory(&request, 1, LB_ARG_OUT, (uint64_t)&lb_scheduling.wanted, sizeof lb_scheduling.wanted);
	lb_request_value(&request, 2, sizeof lb_scheduling.wanted);
	lb_request_value(&request, 3, 0);
	int64_t result = lb_request_run(&request);
	lb_scheduling.wanted.sched_nice = lb_nice_of(lb_home_values(__NR_getpriority, PRIO_PROCESS, 0, 0, 0));
	return result;
}

static int64_t set_at_home(struct lb_trap *trap, bool self)
{
	int64_t result = lb_forward(trap);
	/* A child of vfork(2) is at home: what runs here is its parent. */
	if (result < 0 || !self || lb_thread()->has_child)
		return result;
	if (ask_home() < 0 || lb_scheduling_follow() == 0)
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
	if (head[1] == SCHED_DEADLINE && is_self(trap->args[0]))
		return LB_NEEDS_HOME;
	/* sched_setattr(2): its first member; 0 stands for the first version's. */
	trap->given = head[0] < sizeof head[0] ? sizeof lb_scheduling.wanted - 8 : head[0];
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
	int64_t result = lb_forward(trap);
	if (result < 0 || !is_self(trap->args[0]) || lb_thread()->has_child)
		return result;
	memset(&lb_scheduling.chosen, 0, sizeof lb_scheduling.chosen);
	lb_request_value(&request, 0, 0);
	lb_request_value(&request, 1, sizeof lb_scheduling.chosen);
	lb_request_memory(&request, 2, LB_ARG_OUT, (uint64_t)&lb_scheduling.chosen, sizeof lb_scheduling.chosen);
	lb_scheduling.has_chosen = lb_request_run(&request) > 0;
	lb_scheduling_follow_cpus();
	return result;
}
