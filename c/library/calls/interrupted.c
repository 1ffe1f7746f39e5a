/* interrupted.c - Makes a call again that a signal of ours has ended.
 *
 * Runs in:  the trigger's and the SIGSYS handler, and before the program's handlers; all signals blocked.
 */
#include "calls/interrupted.h"
#include "calls/waits.h"

#include <linux/errno.h>
#include <asm/unistd.h>

#include "syscall.h"

#include "patch/sites.h"
#include "mask/pending.h"
#include "process/process.h"
#include "thread/siginfo.h"
#include "trap/frame.h"
#include "trap/stub.h"
#include "trap/wait.h"

/* Another handler of the program is about to run: then the EINTR is the program's to see. */
static bool program_handler_waits(const struct ucontext *context)
{
	uint64_t pending = 0;
	lb_syscall2(__NR_rt_sigpending, &pending, sizeof pending);
	pending &= ~context->uc_sigmask & ~LB_BIT(SIGURG) & ~LB_BIT(LB_STOP_SIGNAL);
	if (lb_self.order_signal)
		pending &= ~LB_BIT(lb_self.order_signal);
	pending = lb_signals_mine(pending);
	for (int signal = 1; signal <= LB_SIGNALS && pending; signal++) {
		if (!(pending & LB_BIT(signal)))
			continue;
		struct lb_action action = lb_self.actions[signal];
		if (!lb_self.away && signal != SIGTSTP)
			lb_syscall4(__NR_rt_sigaction, signal, 0, &action, 8);
		if (lb_is_handler(action.handler))
			return true;
	}
	return false;
}

/* Calls that SA_RESTART does not restart end with EINTR after our handler, which the program never asked for:
 * makes the call again, with the time that is left. */
void lb_resume_call(struct ucontext *context)
{
	uint32_t number;
	if ((int64_t)context->uc_mcontext.rax == -EINTR && lb_interrupted_call(context, &number)) {
		if (program_handler_waits(context))
			lb_wait_drop();
		else {
			context->uc_mcontext.rip -= 2;
			context->uc_mcontext.rax = number;
		}
	}
	lb_stub_rewind(context);
	lb_sites_leave(context);
	lb_wait_remake(context);
}
