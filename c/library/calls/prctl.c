/* prctl.c - prctl(2) and arch_prctl(2): part here, part at home, by the option.
 *
 * Runs in:  the SIGSYS handler, all signals blocked.
 */
#include <linux/errno.h>
#include <asm/unistd.h>

#include "kernel.h"
#include "syscall.h"

#include "calls/own.h"
#include "home_call/request.h"
#include "home_call/user_memory.h"
#include "trap/stub.h"
#include "trap/trap.h"

#define PRCTL_END 1000u
#define COMM_SIZE 16 /* TASK_COMM_LEN */

static int64_t home_with_memory(struct lb_trap *trap, uint8_t kind, uint64_t size)
{
	struct lb_request request = { .number = trap->number };
	unsigned i;

	for (i = 0; i < 5; i++)
		lb_request_value(&request, i, trap->args[i]);
	if (trap->args[1] != 0)
		lb_request_memory(&request, 1, kind, trap->args[1], size);
	return lb_request_run(&request);
}

static int64_t set_name(struct lb_trap *trap)
{
	char name[COMM_SIZE];
	int64_t result = lb_user_string(name, trap->args[1], sizeof(name) - 1);

	if (result == -EFAULT)
		return result;
	name[result < 0 ? COMM_SIZE - 1 : result] = '\0'; /* longer names are cut: prctl(2) */
	if (!lb_thread()->has_child)
		lb_syscall2(__NR_prctl, PR_SET_NAME, name);
	trap->args[1] = (uint64_t)name;
	return home_with_memory(trap, LB_ARG_IN, sizeof(name));
}

int64_t lb_own_prctl(struct lb_trap *trap)
{
	switch ((int)trap->args[0]) {
	case PR_SET_NAME:
		return set_name(trap);
	case PR_SET_DUMPABLE:
		/* The shadow's own setting matters only for its end, and there it has none: no core. */
	case PR_GET_DUMPABLE:
	case PR_SET_TIMERSLACK:
	case PR_GET_TIMERSLACK:
	case PR_GET_TID_ADDRESS:
	case PR_SET_THP_DISABLE:
	case PR_GET_THP_DISABLE:
	case PR_SET_VMA:
	case PR_GET_TSC:
	case PR_GET_SPECULATION_CTRL:
	case PR_SET_SPECULATION_CTRL:
	case PR_GET_TIMING:
	case PR_SET_TIMING:
	case PR_GET_ENDIAN:
	case PR_GET_FPEMU:
	case PR_GET_FPEXC:
	case PR_GET_UNALIGN:
	case PR_MCE_KILL:
	case PR_MCE_KILL_GET:
	case PR_TASK_PERF_EVENTS_DISABLE:
	case PR_TASK_PERF_EVENTS_ENABLE:
	case PR_GET_FP_MODE:
	case PR_GET_TAGGED_ADDR_CTRL:
	case PR_GET_MDWE:
	case PR_SET_MEMORY_MERGE:
	case PR_GET_MEMORY_MERGE:
	case PR_GET_AUXV:
		return lb_here(trap);
	case PR_SET_PDEATHSIG: /* the parent is at home */
	case PR_SET_CHILD_SUBREAPER:
	case PR_SET_KEEPCAPS:
	case PR_GET_KEEPCAPS:
	case PR_CAPBSET_READ:
	case PR_CAPBSET_DROP:
	case PR_GET_SECUREBITS:
	case PR_SET_SECUREBITS:
	case PR_SET_NO_NEW_PRIVS:
	case PR_GET_NO_NEW_PRIVS:
	case PR_CAP_AMBIENT:
	case PR_GET_SECCOMP: /* a filter holds through every exec: the shadow has it */
	case PR_SET_PTRACER:
	case PR_GET_IO_FLUSHER:
	case PR_SET_IO_FLUSHER:
		return home_with_memory(trap, LB_ARG_VALUE, 0);
	case PR_GET_NAME: /* another thread may have given it one, by /proc/self/task/TID/comm */
		return home_with_memory(trap, LB_ARG_OUT, COMM_SIZE);
	case PR_GET_PDEATHSIG:
	case PR_GET_CHILD_SUBREAPER:
		return home_with_memory(trap, LB_ARG_OUT, sizeof(int32_t));
	default:
		/* Far above what any kernel knows: EINVAL, wherever it runs. */
		return (uint32_t)trap->args[0] >= PRCTL_END ? -EINVAL : LB_NEEDS_HOME;
	}
}

int64_t lb_own_arch_prctl(struct lb_trap *trap)
{
	switch ((int)trap->args[0]) {
	case ARCH_SET_CPUID:    /* this library needs it: attributes.c */
	case ARCH_SHSTK_ENABLE: /* no image has such a stack */
		return LB_NEEDS_HOME;
	default:
		return lb_here(trap);
	}
}
