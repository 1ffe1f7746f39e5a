/* signal_entry.c - Signals of a guest before the program's handlers.
 *
 * Away, every handler of the program is known to the kernel as lb_signal_entry (signal_entry.S), with all signals
 * blocked, which comes here first: a call that is answered at a patched site runs in the program's own context, signals
 * and all; and of two signals the kernel does not know whether they are blocked (aside.c).
 *
 *   - While a call is answered at a patched site the signal is deferred (patch/deferred.c).
 *   - A fault in the copy to or from the program's memory ends that copy; the call then goes its slow way, where it
 *     fails with EFAULT. So SIGSEGV and SIGBUS always have our entry.
 *   - Otherwise the program's own handler runs, with the kernel's frame, under the mask that it would have given.
 */
#include "entry/signal_entry.h"

#include <asm/unistd.h>

#include "syscall.h"

#include "calls/interrupted.h"
#include "home_call/fast_copy.h"
#include "image/kernel_state.h"
#include "image/posix_timers.h"
#include "mask/aside.h"
#include "mask/mask.h"
#include "patch/deferred.h"
#include "patch/sites.h"
#include "process/actions.h"
#include "process/context.h"
#include "mask/deliver.h"
#include "process/handlers.h"
#include "process/process.h"
#include "thread/siginfo.h"
#include "trap/frame.h"
#include "trap/stub.h"

#define FAULTS (LB_BIT(SIGBUS) | LB_BIT(SIGSEGV))
#define IS_FAULT(signal) (FAULTS & LB_BIT(signal))

bool lb_signal_was_reset(void)
{
	bool result = lb_thread()->was_reset;
	lb_thread()->was_reset = false;
	return result;
}

/* A fault of ours in the program's memory: the copy ends. */
static bool end_copy(struct ucontext *context)
{
	uint64_t rip = context->uc_mcontext.rip;
	if (rip < (uint64_t)lb_fast_copy || rip >= (uint64_t)lb_fast_copy_end)
		return false;
	context->uc_mcontext.rip = (uint64_t)lb_fast_copy_failed;
	return true;
}

/* SIGSEGV or SIGBUS ends the process. */
static void default_fault(int signal, const siginfo_t *info)
{
	const struct lb_action action = {
		.handler = (uint64_t)SIG_DFL, .flags = SA_RESTORER, .restorer = (uint64_t)lb_sigreturn
	};
	uint64_t all = ~0ULL;
	lb_syscall4(__NR_rt_sigprocmask, SIG_SETMASK, &all, 0, 8);
	lb_syscall4(__NR_rt_sigaction, signal, &action, 0, 8);
	lb_signal_put_back(info);
}

void lb_signal_reset(int signal)
{
	lb_action_reset(signal);
	lb_thread()->was_reset = true;
}

/* Where the handler returns to: the word below the context in struct rt_sigframe. */
static uint64_t *frame_return(struct ucontext *context)
{
	return (uint64_t *)context - 1;
}

/* handle_signal() and signal_setup_done(), kernel/signal.c, Linux 6.12. */
uint64_t lb_signal_enter(int signal, struct ucontext *context, struct lb_entry *entry)
{
	const struct lb_action action = lb_self.actions[signal];
	const uint64_t *waits_under = lb_stub_mask(context);
	uint64_t saved = context->uc_sigmask | lb_mask_believed();
	uint64_t mask = (waits_under ? *waits_under : saved) | action.mask;
	if (!(action.flags & SA_NODEFER))
		mask |= LB_BIT(signal);
	lb_stub_leave(context);
	lb_sites_leave(context);
	context->uc_sigmask = saved;
	if (action.flags & SA_RESTORER) /* its rt_sigreturn(2) is to be seen: handlers change masks */
		*frame_return(context) = action.restorer;
	lb_mask_believe(mask);
	lb_faults_note(mask);
	entry->signal = (uint64_t)signal;
	entry->handler = action.handler;
	entry->mask = lb_mask_strip(mask);
	if (action.flags & SA_RESETHAND)
		lb_signal_reset(signal);
	return LB_ENTRY_MASKED;
}

uint64_t lb_signal_arrived(int signal, siginfo_t *info, struct ucontext *context, struct lb_entry *entry)
{
	lb_signal_unwrap(info);
	if (signal == SIGSYS) /* own_sigsys() has sent it here */
		lb_sigsys_take();
	if (IS_FAULT(signal) && info->si_code > 0 && lb_thread()->answering) {
		if (!end_copy(context))
			default_fault(signal, info); /* our own: no handler of the program could help */
		return LB_ENTRY_BACK;
	}
	if (lb_signal_defer(signal, info, context))
		return LB_ENTRY_BACK;
	context->uc_mcontext.rip = lb_sites_settled(context->uc_mcontext.rip);
	if (info->si_code == SI_TIMER)
		lb_timer_delivered(info->si_tid);
	if (lb_is_handler(lb_self.actions[signal].handler))
		return lb_signal_enter(signal, context, entry);
	/* A fault cannot be ignored: force_sig_info_to_task(), kernel/signal.c, Linux 6.12. */
	if (lb_self.actions[signal].handler == (uint64_t)SIG_IGN && info->si_code <= 0)
		lb_resume_call(context);
	else
		default_fault(signal, info);
	return LB_ENTRY_BACK;
}
