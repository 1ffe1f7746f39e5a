/* handlers.c - Gives the kernel our handlers in place of the program's.
 *
 * Runs in:  the trigger's and the SIGSYS handler, before handlers of the program, and the restored process; all signals
 * blocked.
 */
#include "process/handlers.h"

#include <linux/signal.h>
#include <asm/unistd.h>

#include "syscall.h"

#include "process/context.h"
#include "process/entries.h"
#include "process/process.h"
#include "thread/siginfo.h"

#define FAULTS (LB_BIT(SIGBUS) | LB_BIT(SIGSEGV))

bool lb_signal_is_forwarded(int signal, const struct lb_action *program)
{
	return lb_is_handler(program->handler) || (FAULTS & LB_BIT(signal));
}

int64_t lb_signal_forward(int signal, const struct lb_action *program)
{
	struct lb_action action = *program;

	action.handler = (uint64_t)lb_entries.signal;
	if (!lb_is_handler(program->handler)) {
		action.flags = SA_RESTORER | SA_RESTART;
		action.restorer = (uint64_t)lb_sigreturn;
	}
	action.flags |= SA_SIGINFO;              /* the kernel fills in what is queued again */
	action.flags &= ~(uint64_t)SA_RESETHAND; /* lb_signal_enter() does it */
	action.mask = ~0ULL;
	return lb_syscall4(__NR_rt_sigaction, signal, &action, NULL, sizeof(action.mask));
}

void lb_sigsys_take(void)
{
	const struct lb_action *program = &lb_self.actions[SIGSYS];
	struct lb_action action = {
		.handler = (uint64_t)lb_entries.sigsys,
		.flags = SA_SIGINFO | SA_RESTORER,
		.restorer = (uint64_t)lb_sigreturn,
		.mask = ~0ULL,
	};

	/* Of a call that one of the program's interrupts; a trapped one is none. */
	action.flags |= lb_is_handler(program->handler) ? program->flags & SA_RESTART : SA_RESTART;
	lb_syscall4(__NR_rt_sigaction, SIGSYS, &action, NULL, sizeof(action.mask));
}
