/* deliver.c - Signals to the process or a thread of it, with any siginfo.
 *
 * Only to itself may a thread say that a signal comes from kill(2) or from the kernel: do_rt_sigqueueinfo() and its
 * like, kernel/signal.c, Linux 6.12. To another one it goes with a code of ours, and the true one in si_errno, which no
 * such signal has.
 *
 * Runs in:  the SIGSYS and the trigger's handler, and before handlers of the program; all signals blocked.
 */
#include "mask/deliver.h"

#include <asm/unistd.h>

#include "syscall.h"

static bool may_say(const struct lb_thread *to, int code)
{
	uint32_t target = to ? to->local_tid : lb_self.local_pid;
	return (code < 0 && code != SI_TKILL) || target == lb_thread()->local_tid;
}

int64_t lb_signal_send(const struct lb_thread *to, int signal, const siginfo_t *info)
{
	siginfo_t sent = *info;
	bool may = may_say(to, info->si_code);
	if (!may && !lb_self.away) /* where nobody could unwrap it */
		return to ? lb_syscall3(__NR_tgkill, lb_self.local_pid, to->local_tid, signal)
			  : lb_syscall2(__NR_kill, lb_self.local_pid, signal);
	if (!may) {
		sent.si_errno = info->si_code;
		sent.si_code = LB_SI_WRAPPED;
	}
	if (to)
		return lb_syscall4(__NR_rt_tgsigqueueinfo, lb_self.local_pid, to->local_tid, signal, &sent);
	return lb_syscall3(__NR_rt_sigqueueinfo, lb_self.local_pid, signal, &sent);
}

void lb_signal_unwrap(siginfo_t *info)
{
	if (info->si_code != LB_SI_WRAPPED)
		return;
	info->si_code = info->si_errno;
	info->si_errno = 0;
}
