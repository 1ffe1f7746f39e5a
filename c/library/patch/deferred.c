/* deferred.c - Signals that come while a call is answered at a patched site.
 *
 * Such a call runs in the program's own context, signals and all. A signal that comes meanwhile is queued again, before
 * its like, and the interrupted context goes on with everything blocked; when the call is over its own mask comes back,
 * and with it the signal. So an answer is one step, as the kernel's is, and a process is never moved in the middle of
 * one.
 *
 * Runs in:  signal handlers, before the program's own; patched sites.
 */
#include "patch/deferred.h"

#include <asm/unistd.h>

#include "syscall.h"

#include "image/kernel_state.h"
#include "thread/siginfo.h"
#include "thread/thread.h"
#include "trap/frame.h"

#define FAULTS (LB_BIT(SIGBUS) | LB_BIT(SIGSEGV))

void lb_fast_reset(void)
{
	struct lb_thread *thread = lb_thread();
	thread->answering = 0;
	thread->deferred = 0;
	thread->deferred_mask = ~0ULL;
	thread->sent[0].waits = thread->sent[1].waits = false;
}

bool lb_signal_defer(int signal, const siginfo_t *info, struct ucontext *context)
{
	struct lb_thread *thread = lb_thread();
	uint64_t all = ~0ULL;
	if (!lb_self.away || !(thread->answering || thread->deferred))
		return false;
	/* Frames of several signals may lie on each other, in any order of coming here. The lowest, which interrupted
	 * the call, has the mask that is wanted, and all others have more than that. */
	thread->deferred_mask &= context->uc_sigmask;
	if (FAULTS & LB_BIT(signal)) {
		/* A second one is lost, as where the kernel executes the call: one of each can be pending. */
		thread->sent[signal == SIGSEGV].waits = true;
		thread->sent[signal == SIGSEGV].info = *info;
	} else {
		lb_syscall4(__NR_rt_sigprocmask, SIG_SETMASK, &all, 0, 8);
		lb_signal_put_back(info);
	}
	context->uc_sigmask |= ~FAULTS;
	thread->deferred = 1;
	return true;
}

/* The call is over: the mask to go on with, under which what was deferred is delivered. */
void lb_deferred_take(uint64_t *mask)
{
	struct lb_thread *thread = lb_thread();
	uint64_t all = ~0ULL;
	lb_syscall4(__NR_rt_sigprocmask, SIG_SETMASK, &all, 0, 8);
	for (unsigned i = 0; i < 2; i++)
		if (thread->sent[i].waits) {
			lb_signal_put_back(&thread->sent[i].info);
			thread->sent[i].waits = false;
		}
	thread->deferred = 0;
	*mask = thread->deferred_mask;
	thread->deferred_mask = ~0ULL;
}
