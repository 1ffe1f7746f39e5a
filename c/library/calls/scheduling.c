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
#include "process/identity.h"
#include "process/process.h"
#include "trap/trap.h"

/* What holds for the thread at home now. */
static int64_t ask_home(struct lb_thread *thread)
{
	struct sched_attr *wanted = &thread->scheduling.wanted;
	struct lb_request request = { .number = __NR_sched_getattr };
	lb_request_value(&request, 0, thread->home_tid);
	lb_request_memory(&request, 1, LB_ARG_OUT, (uint64_t)wanted, sizeof *wanted);
	lb_request_value(&request, 2, sizeof *wanted);
	lb_request_value(&request, 3, 0);
	int64_t result = lb_request_run(&request);
	wanted->sched_nice = lb_nice_of(lb_home_values(__NR_getpriority, PRIO_PROCESS, thread->home_tid, 0, 0));
	return result;
}

/* Whose scheduling a call with this TID sets; NULL: of nobody who runs here. A child of vfork(2) is at home: what runs
 * here is its parent. */
static struct lb_thread *whose(uint64_t tid)
{
	return lb_thread()->has_child ? 0 : lb_thread_meant(tid);
}

/* Home has set it. Returns the result, or that it cannot be had here: at home it is set already. */
static int64_t follow(struct lb_thread *thread, int64_t result)
{
	return ask_home(thread) < 0 || lb_scheduling_follow(thread) == 0 ? result : LB_NEEDS_HOME;
}

static int64_t set_at_home(struct lb_trap *trap)
{
	struct lb_thread *thread = whose(trap->args[0]);
	int64_t result = lb_forward(trap);
	return result < 0 || !thread ? result : follow(thread, result);
}

int64_t lb_own_sched_setparam(struct lb_trap *trap)
{
	return set_at_home(trap);
}

int64_t lb_own_sched_setscheduler(struct lb_trap *trap)
{
	return set_at_home(trap);
}

int64_t lb_own_sched_setattr(struct lb_trap *trap)
{
	uint32_t head[2] = { 0, 0 }; /* size and policy */
	if (trap->args[1] == 0 || (int32_t)trap->args[0] < 0 || trap->args[2] != 0)
		return -EINVAL;
	if (lb_user_read(head, trap->args[1], sizeof head) < 0)
		return -EFAULT;
	if (head[1] == SCHED_DEADLINE && whose(trap->args[0]))
		return LB_NEEDS_HOME;
	/* sched_setattr(2): its first member; 0 stands for the first version's. */
	trap->given = head[0] < sizeof head[0] ? sizeof(struct sched_attr) - 8 : head[0];
	return set_at_home(trap);
}

/* That of a group or of a user may mean this process, too. */
int64_t lb_own_setpriority(struct lb_trap *trap)
{
	struct lb_thread *one = (int32_t)trap->args[0] == PRIO_PROCESS ? whose(trap->args[1]) : 0;
	int64_t result = lb_forward(trap);
	if (result < 0 || lb_thread()->has_child)
		return result;
	if ((int32_t)trap->args[0] == PRIO_PROCESS)
		return one ? follow(one, result) : result;
	for (unsigned i = 0; i < LB_THREAD_SLOTS && result != LB_NEEDS_HOME; i++)
		if (lb_threads[i].local_tid != 0)
			result = follow(&lb_threads[i], result);
	return result;
}

int64_t lb_own_sched_setaffinity(struct lb_trap *trap)
{
	struct lb_request request = { .number = __NR_sched_getaffinity, .flags = LB_CALL_RESULT_SIZE };
	struct lb_thread *thread = whose(trap->args[0]);
	int64_t result = lb_forward(trap);
	if (result < 0 || !thread)
		return result;
	struct lb_cpus *chosen = &thread->scheduling.chosen;
	memset(chosen, 0, sizeof *chosen);
	lb_request_value(&request, 0, thread->home_tid);
	lb_request_value(&request, 1, sizeof *chosen);
	lb_request_memory(&request, 2, LB_ARG_OUT, (uint64_t)chosen, sizeof *chosen);
	thread->scheduling.has_chosen = lb_request_run(&request) > 0;
	lb_scheduling_follow_cpus(thread);
	return result;
}
