/* signals.c - the program's signal actions: what it asked for, and what the kernel is told.
 *
 * Ours, whatever the program asks: SIGURG (the trigger) always, and the config's trigger-signal; SIGTSTP while
 * the program has the default action (a stop by hand starts a checkpoint); SIGSYS away from home. The kernel
 * never blocks SIGSYS or SIGURG away from home: a call made with SIGSYS blocked would kill the process.
 */
#include "internal.h"
#include "sites.h"

#define AWAY_UNBLOCKED (LB_BIT(LB_SIGSYS) | LB_BIT(LB_SIGURG))

/* struct sigaction of glibc on x86-64: what the interposed functions get. */
struct libc_action {
	uint64_t handler;
	uint64_t mask[16];
	int32_t flags;
	uint64_t restorer;
};

extern int lb_libc_sigaction(int signal, const void *wanted, void *old) __asm__("__sigaction")
    __attribute__((weak));

extern int64_t lb_libc_syscall(int64_t number, ...) __asm__("syscall") __attribute__((weak));

static bool is_ours(int signal, const struct lb_action *program)
{
	if (LB_IS_TRIGGER(signal))
		return true;
	if (signal == LB_SIGTSTP)
		return program->handler == LB_SIG_DFL;
	return signal == LB_SIGSYS && lb_self.away;
}

/* Tells the kernel what is right for one signal, given what the program wants. */
static int64_t install(int signal, const struct lb_action *program)
{
	struct lb_action action = *program;
	if (signal == LB_SIGSYS && lb_self.away) {
		lb_signal_note(signal, program);
		return 0; /* lb_forward_arm() has put its handler there */
	}
	if (is_ours(signal, program)) {
		action.handler = (uint64_t)lb_trigger_handler;
		action.flags = LB_SA_SIGINFO | LB_SA_RESTORER | LB_SA_RESTART;
		action.restorer = (uint64_t)lb_sigreturn;
		action.mask = ~0ULL;
	} else if (lb_self.away && lb_signal_is_forwarded(signal, program)) {
		return lb_signal_forward(signal, program);
	} else if (lb_self.away) {
		action.mask &= ~AWAY_UNBLOCKED;
	}
	return lb_syscall4(__NR_rt_sigaction, signal, &action, 0, 8);
}

/* At home only our own signals are kept here; away all of them are. */
static bool is_kept(int signal)
{
	return lb_self.away || LB_IS_TRIGGER(signal) || signal == LB_SIGTSTP;
}

int64_t lb_action_set(int signal, const struct lb_action *wanted, struct lb_action *old)
{
	if (signal < 1 || signal > LB_SIGNALS)
		return -22; /* EINVAL */
	if (!is_kept(signal))
		return lb_syscall4(__NR_rt_sigaction, signal, wanted, old, 8);
	if (wanted && (signal == 9 || signal == 19))
		return -22;
	struct lb_action before = lb_self.actions[signal];
	if (wanted) {
		lb_self.actions[signal] = *wanted;
		int64_t error = install(signal, wanted);
		if (error < 0) {
			lb_self.actions[signal] = before;
			return error;
		}
	}
	if (old)
		*old = before;
	return 0;
}

void lb_actions_take(void)
{
	for (int signal = 1; signal <= LB_SIGNALS; signal++)
		if (!is_kept(signal))
			lb_syscall4(__NR_rt_sigaction, signal, 0, &lb_self.actions[signal], 8);
}

/* To set an action that ignores throws away what waits of that signal, be it the same action: do_sigaction(),
 * kernel/signal.c, Linux 6.12. */
static bool is_so(int signal, const struct lb_action *action)
{
	struct lb_action now;
	if (lb_self.away || is_ours(signal, action) || action->handler > LB_SIG_IGN)
		return false;
	return lb_syscall4(__NR_rt_sigaction, signal, 0, &now, 8) == 0 && now.handler == action->handler;
}

void lb_actions_give(void)
{
	for (int signal = 1; signal <= LB_SIGNALS; signal++)
		if (signal != 9 && signal != 19 && !is_so(signal, &lb_self.actions[signal]))
			install(signal, &lb_self.actions[signal]);
}

void lb_trigger_install(void)
{
	const int ours[3] = { LB_SIGURG, LB_SIGTSTP, lb_self.order_signal };
	for (int i = 0; i < 3 && ours[i]; i++) {
		struct lb_action *action = &lb_self.actions[ours[i]];
		lb_syscall4(__NR_rt_sigaction, ours[i], 0, action, 8);
		install(ours[i], action);
	}
}

/* Default action: nothing. signal(7). A SIGURG waits elsewhere. */
#define QUIET (LB_BIT(LB_SIGCHLD) | LB_BIT(18 /* SIGCONT */) | LB_BIT(28 /* SIGWINCH */))

static uint64_t quiet_blocked;

bool lb_mask_note(uint64_t mask)
{
	bool changed = (mask & QUIET) != quiet_blocked;
	quiet_blocked = mask & QUIET;
	return changed;
}

void lb_actions_summary(struct lb_link_actions *out)
{
	out->ignored = 0;
	out->caught = 0;
	out->blocked = 0;
	out->child_flags = lb_self.actions[LB_SIGCHLD].flags & (LB_SA_NOCLDSTOP | LB_SA_NOCLDWAIT);
	for (int signal = 1; signal <= LB_SIGNALS; signal++) {
		uint64_t handler = lb_self.actions[signal].handler;
		if (handler == LB_SIG_IGN)
			out->ignored |= LB_BIT(signal);
		else if (handler != LB_SIG_DFL)
			out->caught |= LB_BIT(signal);
		else
			out->blocked |= LB_BIT(signal) & quiet_blocked;
	}
}

/* A SIGURG of the program's own while it is away: the kernel keeps only one of them pending, and that may be
 * the link's doorbell, which says nothing to the program. */
static struct {
	bool waits;
	struct lb_siginfo info;
} urgent;

void lb_urgent_keep(const void *siginfo)
{
	memcpy(&urgent.info, siginfo, sizeof urgent.info);
	urgent.waits = true;
}

bool lb_urgent_take(struct lb_siginfo *info)
{
	if (!urgent.waits || (lb_self.away && (lb_mask_believed() & LB_BIT(LB_SIGURG))))
		return false;
	*info = urgent.info;
	urgent.waits = false;
	return true;
}

void lb_urgent_forget(void)
{
	urgent.waits = false;
}

void lb_urgent_ring(void)
{
	struct lb_siginfo ring = { .signo = LB_SIGURG, .error = LB_RING, .code = LB_SI_QUEUE };
	if (urgent.waits)
		lb_syscall3(__NR_rt_sigqueueinfo, lb_syscall0(__NR_getpid), LB_SIGURG, &ring);
}

void lb_signal_requeue(int signal, const void *siginfo)
{
	int64_t pid = lb_syscall0(__NR_getpid);
	if (signal == LB_SIGURG && lb_self.away)
		lb_urgent_keep(siginfo);
	lb_syscall3(__NR_rt_sigqueueinfo, pid, signal, siginfo);
}

/* ---- interposed at home: only calls that touch our own signals differ from libc's ----------------------- */

#define LB_EXPORT __attribute__((visibility("default")))

static struct lb_action to_kernel(const struct libc_action *wanted)
{
	return (struct lb_action){ wanted->handler, ((uint64_t)(uint32_t)wanted->flags) | LB_SA_RESTORER,
				   (uint64_t)lb_sigreturn, wanted->mask[0] };
}

static void from_kernel(const struct lb_action *kernel, struct libc_action *old)
{
	memset(old, 0, sizeof *old);
	old->handler = kernel->handler;
	old->flags = (int32_t)(kernel->flags & ~LB_SA_RESTORER);
	old->mask[0] = kernel->mask;
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
	int64_t result = lb_libc_syscall(__NR_rt_sigaction, (int64_t)signal, wanted ? &kernel_wanted : 0,
					 &kernel_old, (int64_t)8);
	if (result == 0 && old)
		from_kernel(&kernel_old, old);
	return (int)result;
}

static bool is_interposed(int signal)
{
	return lb_libc_sigaction && !lb_next.alone && (LB_IS_TRIGGER(signal) || signal == LB_SIGTSTP);
}

LB_EXPORT int sigaction(int signal, const void *wanted, void *old);
LB_EXPORT int sigaction(int signal, const void *wanted, void *old)
{
	if (is_interposed(signal))
		return interposed(signal, wanted, old);
	return next_sigaction(signal, wanted, old);
}

/* BSD semantics, as glibc's own: SA_RESTART, the signal itself blocked meanwhile. */
LB_EXPORT uint64_t signal(int signal, uint64_t handler);
LB_EXPORT uint64_t signal(int signal, uint64_t handler)
{
	struct libc_action wanted, old;
	if (lb_next.signal && !is_interposed(signal))
		return lb_next.signal(signal, handler);
	memset(&wanted, 0, sizeof wanted);
	if (signal < 1 || signal > LB_SIGNALS)
		{
		next_sigaction(signal, &wanted, &old); /* sets errno: EINVAL */
		return ~0ULL;
	}
	wanted.handler = handler;
	wanted.mask[0] = LB_BIT(signal);
	wanted.flags = (int32_t)LB_SA_RESTART;
	return sigaction(signal, &wanted, &old) ? ~0ULL : old.handler;
}
