/* acted_on.c - Which signals would do something if they came now.
 *
 * Runs in:  the SIGSYS handler, all signals blocked.
 */
#include "mask/acted_on.h"

#include <linux/signal.h>
#include <asm/unistd.h>

#include "syscall.h"

#include "mask/aside.h"
#include "mask/pending.h"
#include "process/process.h"
#include "thread/lock.h"

/* Default action is to be ignored: signal(7). SIGCONT's work is done when it is sent. */
#define HARMLESS (LB_BIT(SIGCHLD) | LB_BIT(SIGWINCH) | LB_BIT(SIGURG) | LB_BIT(SIGCONT))
/* Delivered first: SYNCHRONOUS_MASK, kernel/signal.c, Linux 6.12. */
#define SYNCHRONOUS \
	(LB_BIT(SIGSEGV) | LB_BIT(SIGBUS) | LB_BIT(SIGILL) | LB_BIT(SIGTRAP) | LB_BIT(SIGFPE) | LB_BIT(SIGSYS))
#define IS_DEFAULT(handler) ((handler) == (uint64_t)SIG_DFL)
#define IS_IGNORED(handler) ((handler) == (uint64_t)SIG_IGN)

/* Signals whose coming does something, be it only our own trigger. */
static uint64_t acted_on(void)
{
	uint64_t set = 0;
	int signal;

	for (signal = 1; signal <= LB_SIGNALS; signal++) {
		uint64_t handler = lb_self.actions[signal].handler;

		if (IS_IGNORED(handler) || (IS_DEFAULT(handler) && (HARMLESS & LB_BIT(signal))))
			continue;
		set |= LB_BIT(signal);
	}
	return set | LB_BIT(SIGURG) | LB_BIT(SIGKILL);
}

/* SIGURG always: it is most likely ours. */
uint64_t lb_signals_wanted(uint64_t mask)
{
	uint64_t always = LB_BIT(SIGURG) | LB_BIT(SIGKILL) | (lb_is_threaded ? LB_BIT(LB_STOP_SIGNAL) : 0);

	return (acted_on() | always) & ~(mask & ~always);
}

uint64_t lb_signals_waiting(uint64_t mask)
{
	uint64_t pending = 0;

	lb_syscall2(__NR_rt_sigpending, &pending, sizeof(pending));
	if (pending & LB_BIT(SIGURG))
		lb_aside_collect();
	pending = lb_signals_mine(pending);
	pending &= lb_signals_wanted(mask) & ~LB_BIT(SIGURG);
	if (lb_stopping)
		pending &= ~LB_BIT(LB_STOP_SIGNAL);
	/* Our handler is not the program's business; its own SIGURG waits there. */
	if (!IS_DEFAULT(lb_self.actions[SIGURG].handler) && !IS_IGNORED(lb_self.actions[SIGURG].handler))
		pending |= lb_aside_waiting() & LB_BIT(SIGURG) & ~mask;
	return pending;
}

enum lb_effect lb_signals_effect(uint64_t waiting)
{
	uint64_t set = waiting & SYNCHRONOUS ? waiting & SYNCHRONOUS : waiting;
	int signal;

	/* The first signal with a handler decides: get_signal() goes on until it finds one. */
	for (;;) {
		for (signal = 1; signal <= LB_SIGNALS; signal++) {
			if (!(set & LB_BIT(signal)))
				continue;
			if (!IS_DEFAULT(lb_self.actions[signal].handler))
				return lb_self.actions[signal].flags & SA_RESTART ? LB_HANDLER_RESTARTS
										  : LB_HANDLER_INTERRUPTS;
		}
		if (set == waiting)
			return LB_NO_HANDLER;
		set = waiting;
	}
}
