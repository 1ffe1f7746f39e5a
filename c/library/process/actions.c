/* actions.c - the program's signal actions, and what the kernel has of them.
 *
 * Ours, whatever the program asks: SIGURG (the trigger) always, and the config's trigger-signal; SIGTSTP while
 * the program has the default action (a stop by hand starts a checkpoint), or will have it; SIGSYS away from home.
 */
#include "process/actions.h"

#include <linux/errno.h>
#include <asm/unistd.h>

#include "syscall.h"

#include "mask/aside.h"
#include "mask/mask.h"
#include "process/context.h"
#include "mask/deliver.h"
#include "process/entries.h"
#include "process/handlers.h"
#include "process/process.h"
#include "thread/siginfo.h"
#include "thread/thread.h"

/* What do_sigaction() keeps of flags and mask: UAPI_SA_FLAGS, kernel/signal.c, Linux 6.12. */
#define FLAGS_KEPT 0xdc000807ULL
#define UNBLOCKABLE (LB_BIT(SIGKILL) | LB_BIT(SIGSTOP))

static bool is_ours(int signal, const struct lb_action *program)
{
	if (LB_IS_TRIGGER(signal))
		return true;
	if (signal != SIGTSTP)
		return false;
	if (program->handler == (uint64_t)SIG_DFL)
		return true;
	/* At home the kernel would not tell that it has reset a handler: what is left then is the default action. */
	return !lb_self.away && lb_is_handler(program->handler) && (program->flags & SA_RESETHAND);
}

/* Our handler in front of the program's, with all of its flags that the kernel acts on. At home the mask is the
 * program's as well: what is not ours goes on to its handler as it is (trigger.c). */
static void stand_in_front(const struct lb_action *program, struct lb_action *action)
{
	*action = (struct lb_action){ (uint64_t)lb_entries.trigger, SA_SIGINFO | SA_RESTORER, (uint64_t)lb_sigreturn,
		~0ULL };
	if (!lb_is_handler(program->handler)) {
		action->flags |= SA_RESTART;
		return;
	}
	action->flags |= program->flags & (SA_ONSTACK | SA_RESTART);
	if (program->flags & SA_RESTORER)
		action->restorer = program->restorer;
	if (lb_self.away)
		return;
	action->mask = program->mask;
	if (!(program->flags & SA_RESETHAND)) /* a second one must find that it was reset */
		action->flags |= program->flags & SA_NODEFER;
}

/* Tells the kernel what is right for one signal, given what the program wants. */
static int64_t install(int signal, const struct lb_action *program)
{
	struct lb_action action = *program;
	if (signal == SIGSYS && lb_self.away) {
		lb_sigsys_take();
		return 0;
	}
	if (is_ours(signal, program))
		stand_in_front(program, &action);
	else if (lb_self.away && lb_signal_is_forwarded(signal, program))
		return lb_signal_forward(signal, program);
	return lb_syscall4(__NR_rt_sigaction, signal, &action, 0, 8);
}

/* To ignore a signal is to throw away what waits of it: do_sigaction(). The kernel, which is told another action, does
 * not do so; an order is not the program's to throw away. */
static void drop_pending(int signal)
{
	uint64_t set = LB_BIT(signal), pending = 0;
	int64_t none[2] = { 0, 0 };
	siginfo_t info, order = { .si_signo = 0 };
	if (lb_self.away) {
		lb_aside_drop(set);
		if (signal == SIGURG) /* the kernel's are doorbells */
			return;
	}
	lb_syscall2(__NR_rt_sigpending, &pending, sizeof pending);
	if (!(pending & set))
		return;
	while (lb_syscall4(__NR_rt_sigtimedwait, &set, &info, none, sizeof set) == signal)
		if (lb_is_order(&info))
			order = info;
	if (order.si_signo)
		lb_syscall3(__NR_rt_sigqueueinfo, lb_syscall0(__NR_getpid), signal, &order);
}

/* signal(7): the default action of the config's trigger signal is the same. */
static bool is_ignored(int signal, const struct lb_action *action)
{
	return action->handler == (uint64_t)SIG_IGN || (action->handler == (uint64_t)SIG_DFL && LB_IS_TRIGGER(signal));
}

/* Threads are being stopped: the kernel has ours for this signal; 0: for none. */
static int stop_signal;

/* At home only our own signals are kept here; away all of them are. */
static bool is_kept(int signal)
{
	return lb_self.away || signal == stop_signal || LB_IS_TRIGGER(signal) || signal == SIGTSTP;
}

int64_t lb_action_set(int signal, const struct lb_action *wanted, struct lb_action *old)
{
	if (signal < 1 || signal > LB_SIGNALS)
		return -EINVAL;
	if (!is_kept(signal))
		return lb_syscall4(__NR_rt_sigaction, signal, wanted, old, 8);
	if (wanted && (signal == SIGKILL || signal == SIGSTOP))
		return -EINVAL;
	struct lb_action before = lb_self.actions[signal];
	if (wanted) {
		struct lb_action *now = &lb_self.actions[signal];
		*now = *wanted;
		now->flags &= FLAGS_KEPT;
		now->mask &= ~UNBLOCKABLE;
		int64_t error = install(signal, now);
		if (error < 0) {
			*now = before;
			return error;
		}
		if (is_ignored(signal, now) && (is_ours(signal, now) || signal == SIGSYS))
			drop_pending(signal);
	}
	if (old)
		*old = before;
	return 0;
}

/* On the stack that the program wants for SIGURG: small stacks are known to who has them. */
void lb_action_stop_begin(int signal)
{
	struct lb_action action = { (uint64_t)lb_entries.trigger, SA_SIGINFO | SA_RESTORER | SA_RESTART,
		(uint64_t)lb_sigreturn, ~0ULL };
	struct lb_action before;
	if (lb_is_handler(lb_self.actions[SIGURG].handler))
		action.flags |= lb_self.actions[SIGURG].flags & SA_ONSTACK;
	lb_syscall4(__NR_rt_sigaction, signal, &action, &before, 8);
	if (stop_signal == 0 && !lb_self.away)
		lb_self.actions[signal] = before;
	stop_signal = signal;
}

void lb_action_stop_end(void)
{
	int signal = stop_signal;
	stop_signal = 0;
	if (signal)
		install(signal, &lb_self.actions[signal]);
}

/* What waits of the signal is not thrown away by this: the handler may set itself once more. */
void lb_action_reset(int signal)
{
	lb_self.actions[signal].handler = (uint64_t)SIG_DFL;
	install(signal, &lb_self.actions[signal]);
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
	bool ignores = action->handler == (uint64_t)SIG_IGN ||
		(action->handler == (uint64_t)SIG_DFL && (LB_BIT(signal) & LB_QUIET_SIGNALS));
	if (lb_self.away || is_ours(signal, action) || !ignores)
		return false;
	return lb_syscall4(__NR_rt_sigaction, signal, 0, &now, 8) == 0 && now.handler == action->handler;
}

void lb_actions_give(void)
{
	stop_signal = 0;
	for (int signal = 1; signal <= LB_SIGNALS; signal++)
		if (signal != SIGKILL && signal != SIGSTOP && !is_so(signal, &lb_self.actions[signal]))
			install(signal, &lb_self.actions[signal]);
}

/* SIGURG, SIGTSTP and, where the config has one, another signal for orders. Returns how many. */
static int list_ours(int ours[3])
{
	ours[0] = SIGURG;
	ours[1] = SIGTSTP;
	ours[2] = lb_self.order_signal;
	return ours[2] ? 3 : 2;
}

void lb_actions_note_ours(void)
{
	int ours[3];
	for (int i = list_ours(ours) - 1; i >= 0; i--)
		lb_syscall4(__NR_rt_sigaction, ours[i], 0, &lb_self.actions[ours[i]], 8);
}

void lb_actions_stand_in_front(void)
{
	int ours[3];
	for (int i = list_ours(ours) - 1; i >= 0; i--)
		install(ours[i], &lb_self.actions[ours[i]]);
}

void lb_actions_summary(struct lb_link_actions *out)
{
	out->ignored = 0;
	out->caught = 0;
	out->blocked = 0;
	out->child_flags = lb_self.actions[SIGCHLD].flags & (SA_NOCLDSTOP | SA_NOCLDWAIT);
	uint64_t blocked = lb_mask_quiet_blocked();
	for (int signal = 1; signal <= LB_SIGNALS; signal++) {
		uint64_t handler = lb_self.actions[signal].handler;
		if (handler == (uint64_t)SIG_IGN)
			out->ignored |= LB_BIT(signal);
		else if (handler != (uint64_t)SIG_DFL)
			out->caught |= LB_BIT(signal);
		else
			out->blocked |= LB_BIT(signal) & blocked;
	}
}

void lb_signal_requeue(int signal, const siginfo_t *info)
{
	if (signal == SIGURG && lb_self.away) /* a doorbell says that it is there */
		lb_aside_put(signal, info);
	lb_signal_send(0, signal, info);
}
