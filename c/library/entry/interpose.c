/* interpose.c - Stands in front of the functions that set signal actions.
 *
 * Those of the C library, for the signals that are lb's own at home. All others are the next library's, or the C
 * library's own.
 *
 * Each is written after its manual page; what they have in common in glibc is sigaction(2) with its own restorer.
 */
#include "entry/interpose.h"

#include <asm/unistd.h>

#include "mem.h"
#include "syscall.h"

#include "entry/neighbours.h"
#include "entry/trigger.h"
#include "process/actions.h"
#include "process/context.h"
#include "process/process.h"

#define EINVAL_ACTION(signal) ((signal) < 1 || (signal) > LB_SIGNALS)
#define SIG_HOLD 2ULL /* glibc, bits/signum-generic.h */
#define FAILED ((uint64_t)SIG_ERR)

/* struct sigaction of glibc on x86-64: what the interposed functions get. */
struct libc_action {
	uint64_t handler;
	uint64_t mask[16];
	int32_t flags;
	uint64_t restorer;
};

extern int lb_libc_sigaction(int signal, const void *wanted, void *old) __asm__("__sigaction") __attribute__((weak));
extern int lb_libc_sigprocmask(int how, const void *set, void *old) __asm__("sigprocmask") __attribute__((weak));
extern int64_t lb_libc_syscall(int64_t number, ...) __asm__("syscall") __attribute__((weak));

/* What libc gives every action to return by. A frame of the program's must return by that: away from home such a call
 * is trapped, as handlers change masks. */
static uint64_t libc_restorer;

void lb_restorer_learn(void)
{
	struct libc_action ours = { .handler = (uint64_t)lb_trigger_entry, .flags = (int32_t)SA_SIGINFO };
	struct lb_action told;
	ours.mask[0] = ~0ULL;
	libc_restorer = (uint64_t)lb_sigreturn;
	if (lb_libc_sigaction && lb_libc_sigaction(SIGURG, &ours, 0) == 0 &&
		lb_syscall4(__NR_rt_sigaction, SIGURG, 0, &told, 8) == 0)
		libc_restorer = told.restorer;
}

static struct lb_action to_kernel(const struct libc_action *wanted)
{
	/* Not learnt where a program of another C library is left alone. */
	uint64_t restorer = libc_restorer ? libc_restorer : (uint64_t)lb_sigreturn;
	return (struct lb_action){ wanted->handler, ((uint64_t)(uint32_t)wanted->flags) | SA_RESTORER, restorer,
		wanted->mask[0] };
}

static void from_kernel(const struct lb_action *kernel, struct libc_action *old)
{
	memset(old, 0, sizeof *old);
	old->handler = kernel->handler;
	old->flags = (int32_t)kernel->flags;
	old->mask[0] = kernel->mask;
	old->restorer = kernel->restorer;
}

static int interposed(int signal, const struct libc_action *wanted, struct libc_action *old)
{
	struct lb_action kernel_wanted, kernel_old;
	if (wanted)
		kernel_wanted = to_kernel(wanted);
	lb_action_set(signal, wanted ? &kernel_wanted : 0, old ? &kernel_old : 0);
	if (old)
		from_kernel(&kernel_old, old);
	return 0;
}

/* What is not for us is the next library's, or the C library's. One without glibc's name for its own has the same
 * struct sigaction, and its syscall(2) sets errno. */
static int next_sigaction(int signal, const struct libc_action *wanted, struct libc_action *old)
{
	struct lb_action kernel_wanted, kernel_old;
	if (lb_next.sigaction)
		return lb_next.sigaction(signal, wanted, old);
	if (lb_libc_sigaction)
		return lb_libc_sigaction(signal, wanted, old);
	if (wanted)
		kernel_wanted = to_kernel(wanted);
	int64_t result = lb_libc_syscall(
		__NR_rt_sigaction, (int64_t)signal, wanted ? &kernel_wanted : 0, &kernel_old, (int64_t)8);
	if (result == 0 && old)
		from_kernel(&kernel_old, old);
	return (int)result;
}

static bool is_interposed(int signal)
{
	return lb_libc_sigaction && !lb_next.alone && (LB_IS_TRIGGER(signal) || signal == SIGTSTP);
}

LB_EXPORT int sigaction(int signal, const void *wanted, void *old);
LB_EXPORT int sigaction(int signal, const void *wanted, void *old)
{
	if (is_interposed(signal))
		return interposed(signal, wanted, old);
	return next_sigaction(signal, wanted, old);
}

/* ---- older functions, which in libc do not come by the one above */

static uint64_t interrupting; /* what siginterrupt(3) has said of each signal */

static uint64_t set_handler(int signal, uint64_t handler, uint64_t mask, uint64_t flags)
{
	struct libc_action wanted, old;
	memset(&wanted, 0, sizeof wanted);
	wanted.handler = handler;
	wanted.mask[0] = mask;
	wanted.flags = (int32_t)flags;
	if (handler == FAILED)
		signal = 0; /* sets errno: EINVAL */
	return sigaction(signal, &wanted, &old) ? FAILED : old.handler;
}

/* BSD semantics, as glibc's own: SA_RESTART, the signal itself blocked meanwhile. */
LB_EXPORT uint64_t signal(int signal, uint64_t handler);
LB_EXPORT uint64_t signal(int signal, uint64_t handler)
{
	if (lb_next.signal && !is_interposed(signal))
		return lb_next.signal(signal, handler);
	if (EINVAL_ACTION(signal))
		return set_handler(0, handler, 0, 0);
	return set_handler(signal, handler, LB_BIT(signal), interrupting & LB_BIT(signal) ? 0 : SA_RESTART);
}

LB_EXPORT uint64_t bsd_signal(int number, uint64_t handler) __attribute__((alias("signal")));
LB_EXPORT uint64_t ssignal(int number, uint64_t handler) __attribute__((alias("signal")));

/* signal() of a program that is compiled for POSIX or ISO C alone: the handler is reset, nothing is blocked. */
LB_EXPORT uint64_t __sysv_signal(int signal, uint64_t handler);
LB_EXPORT uint64_t __sysv_signal(int signal, uint64_t handler)
{
	if (lb_next.sysv_signal && !is_interposed(signal))
		return lb_next.sysv_signal(signal, handler);
	return set_handler(signal, handler, 0, SA_RESETHAND | SA_NODEFER);
}
LB_EXPORT uint64_t sysv_signal(int number, uint64_t handler) __attribute__((alias("__sysv_signal")));

LB_EXPORT int sigignore(int signal);
LB_EXPORT int sigignore(int signal)
{
	if (lb_next.sigignore && !is_interposed(signal))
		return lb_next.sigignore(signal);
	return set_handler(signal, (uint64_t)SIG_IGN, 0, 0) == FAILED ? -1 : 0;
}

LB_EXPORT int siginterrupt(int signal, int interrupts);
LB_EXPORT int siginterrupt(int signal, int interrupts)
{
	if (lb_next.siginterrupt && !is_interposed(signal))
		return lb_next.siginterrupt(signal, interrupts);
	struct libc_action action;
	if (sigaction(signal, 0, &action) < 0)
		return -1;
	interrupting &= ~LB_BIT(signal);
	if (interrupts)
		interrupting |= LB_BIT(signal);
	action.flags &= ~(int32_t)SA_RESTART;
	if (!interrupts)
		action.flags |= (int32_t)SA_RESTART;
	return sigaction(signal, &action, 0);
}

/* sigset(3): SIG_HOLD blocks it, everything else unblocks it; what it was is SIG_HOLD if it was blocked. */
LB_EXPORT uint64_t sigset(int signal, uint64_t handler);
LB_EXPORT uint64_t sigset(int signal, uint64_t handler)
{
	if (lb_next.sigset && !is_interposed(signal))
		return lb_next.sigset(signal, handler);
	uint64_t set[16] = { 0 }, before[16];
	struct libc_action old;
	if (EINVAL_ACTION(signal) || handler == FAILED)
		return set_handler(0, 0, 0, 0);
	set[0] = LB_BIT(signal);
	if (handler == SIG_HOLD) {
		if (lb_libc_sigprocmask(SIG_BLOCK, set, before) < 0)
			return FAILED;
		if (before[0] & LB_BIT(signal))
			return SIG_HOLD;
		return sigaction(signal, 0, &old) < 0 ? FAILED : old.handler;
	}
	uint64_t was = set_handler(signal, handler, 0, 0);
	if (was == FAILED || lb_libc_sigprocmask(SIG_UNBLOCK, set, before) < 0)
		return FAILED;
	return before[0] & LB_BIT(signal) ? SIG_HOLD : was;
}
