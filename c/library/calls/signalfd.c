/* signalfd.c - signalfd(2) and sigpending(2): of signals that wait at home, too.
 *
 * Runs in:  the SIGSYS handler, all signals blocked.
 */
#include <linux/errno.h>
#include <linux/signal.h>
#include <asm/unistd.h>

#include "action.h"
#include "syscall.h"

#include "calls/forward.h"
#include "calls/own.h"
#include "home_call/request.h"
#include "home_call/user_memory.h"
#include "mask/aside.h"
#include "process/process.h"
#include "trap/frame.h"
#include "trap/stub.h"
#include "trap/trap.h"

int64_t lb_own_signalfd(struct lb_trap *trap)
{
	uint64_t set = 0;

	if (trap->args[2] == LB_SIGSET_SIZE && lb_user_read(&set, trap->args[1], LB_SIGSET_SIZE) == 0 &&
		(set & LB_NEVER_HELD) && !lb_thread()->has_child)
		return LB_NEEDS_HOME;
	return lb_forward(trap);
}

int64_t lb_own_signalfd4(struct lb_trap *trap)
{
	return lb_own_signalfd(trap);
}

int64_t lb_own_rt_sigpending(struct lb_trap *trap)
{
	struct lb_request request = { .number = __NR_rt_sigpending };
	uint64_t at_home = 0;
	uint64_t pending = 0;

	if ((lb_self.held == 0 && lb_aside_waiting() == 0) || trap->args[1] > LB_SIGSET_SIZE)
		return lb_here(trap);
	if (lb_self.held != 0) {
		lb_request_memory(&request, 0, LB_ARG_OUT, (uint64_t)&at_home, sizeof(at_home));
		lb_request_value(&request, 1, LB_SIGSET_SIZE);
		lb_request_run(&request);
	}
	lb_syscall2(__NR_rt_sigpending, &pending, LB_SIGSET_SIZE);
	pending = (pending & trap->context->uc_sigmask) | (at_home & lb_self.held) | lb_aside_waiting();
	return lb_user_write(trap->args[0], &pending, trap->args[1]) < 0 ? -EFAULT : 0;
}
