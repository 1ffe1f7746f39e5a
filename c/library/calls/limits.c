/* limits.c - prlimit(2) and its like: limits on what exists at home are home's.
 *
 * Runs in:  the SIGSYS handler, all signals blocked.
 */
#include "calls/limits.h"

#include <linux/errno.h>
#include <linux/resource.h>
#include <asm/unistd.h>

#include "calls/forward.h"
#include "calls/own.h"
#include "home_call/request.h"
#include "home_call/user_memory.h"
#include "process/identity.h"
#include "process/own_memory.h"
#include "process/process.h"
#include "trap/stub.h"
#include "trap/trap.h"
#include "process/limits.h"

static bool is_home_limit(uint64_t resource)
{
	switch ((uint32_t)resource) {
	case RLIMIT_FSIZE:
	case RLIMIT_NOFILE:
	case RLIMIT_NPROC:
	case RLIMIT_LOCKS:
	case RLIMIT_MSGQUEUE:
	case RLIMIT_NICE:
		return true;
	default:
		return false;
	}
}

/* The program has a limit of its own: a child at home is to have it too (vfork_child.c). */
static void note_limit(uint64_t resource, uint64_t wanted)
{
	if (wanted != 0 && (uint32_t)resource < LB_LIMITS)
		lb_self.limits_set |= 1ULL << (uint32_t)resource;
}

/* A limit whose number in the kernel is not the program's: new one at `wanted`, old one to `old`, 0: none. */
static int64_t own_limit(uint32_t resource, uint64_t wanted, uint64_t old)
{
	uint64_t before[2], after[2];
	int64_t result = 0;

	if (wanted != 0 && lb_user_read(after, wanted, sizeof(after)) < 0)
		return -EFAULT;
	lb_limit_get(resource, before);
	if (wanted != 0)
		result = after[0] > after[1] ? -EINVAL : lb_limit_set(resource, after);
	if (result < 0)
		return result;
	note_limit(resource, wanted);
	return old != 0 && lb_user_write(old, before, sizeof(before)) < 0 ? -EFAULT : 0;
}

int64_t lb_limit_told(uint32_t resource, uint64_t limit[2])
{
	struct lb_request request = { .number = __NR_prlimit64 };

	if (!is_home_limit(resource))
		return lb_limit_get(resource, limit);
	lb_request_value(&request, 0, 0);
	lb_request_value(&request, 1, resource);
	lb_request_value(&request, 2, 0);
	lb_request_memory(&request, 3, LB_ARG_OUT, (uint64_t)limit, 2 * sizeof(limit[0]));
	return lb_request_run(&request);
}

int64_t lb_own_getrlimit(struct lb_trap *trap)
{
	if (is_home_limit(trap->args[0]))
		return lb_forward(trap);
	if (!lb_limit_is_ours((uint32_t)trap->args[0]))
		return lb_here(trap);
	return trap->args[1] != 0 ? own_limit((uint32_t)trap->args[0], 0, trap->args[1]) : -EFAULT;
}

int64_t lb_own_setrlimit(struct lb_trap *trap)
{
	if (is_home_limit(trap->args[0]))
		return lb_forward(trap);
	if (lb_limit_is_ours((uint32_t)trap->args[0]))
		return trap->args[1] != 0 ? own_limit((uint32_t)trap->args[0], trap->args[1], 0) : -EFAULT;
	note_limit(trap->args[0], trap->args[1]);
	return lb_here(trap);
}

int64_t lb_own_prlimit64(struct lb_trap *trap)
{
	if (!lb_is_own_process(trap->args[0]))
		return lb_forward(trap);
	if (is_home_limit(trap->args[1]))
		return lb_forward(trap);
	if (lb_limit_is_ours((uint32_t)trap->args[1]))
		return own_limit((uint32_t)trap->args[1], trap->args[2], trap->args[3]);
	note_limit(trap->args[1], trap->args[2]);
	return lb_here_value(trap, 0, 0);
}
