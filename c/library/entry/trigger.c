/* trigger.c - the handler of signals that carry orders.
 *
 * SIGURG is an order of the daemon, a doorbell of the link or a poke of the keeper. SIGTSTP, while the program has its
 * default action: a stop by hand writes a checkpoint.
 *
 * Signal context, on the program's stack; the work is done on the private one, all signals blocked. An order may
 * fire late (after SIGSTOP, or when the program blocked the signal): the daemon is asked whether it still stands
 * before anything else. What is not ours goes to the program's own handler, as if that had been in the kernel: at home
 * with the kernel's frame and mask as they are.
 */
#include "entry/trigger.h"

#include <asm/unistd.h>

#include "mem.h"
#include "syscall.h"

#include "calls/interrupted.h"
#include "calls/waits.h"
#include "entry/daemon.h"
#include "entry/orders.h"
#include "home_call/fast_copy.h"
#include "home_call/link.h"
#include "image/become_shadow.h"
#include "image/threads.h"
#include "image/vdso.h"
#include "mask/aside.h"
#include "mask/mask.h"
#include "patch/deferred.h"
#include "patch/sites.h"
#include "process/actions.h"
#include "process/clock.h"
#include "process/context.h"
#include "mask/deliver.h"
#include "process/own_memory.h"
#include "process/process.h"
#include "thread/lock.h"
#include "thread/siginfo.h"
#include "thread/thread.h"
#include "trap/frame.h"
#include "trap/stub.h"

#define GO_HOME 1 /* result of obey() */
#define HOME_TRIES 3

static int64_t obey(void *argument)
{
	static struct lb_order_context context;
	uint64_t order_id = *(uint64_t *)argument;
	int error;
	bool home = !lb_self.away; /* away the program has no descriptors here */
	memset(&context, 0, sizeof context);
	for (int i = 0; i < LB_LOCAL_DESCRIPTORS_MAX; i++)
		context.fds[i] = -1;
	if (home)
		lb_fds_begin();
	if (!lb_daemon_fetch(order_id, &context)) {
		if (home)
			lb_fds_end();
		return -LB_E_STALE;
	}
	lb_wait_began(context.order.last_ran_ns, context.order.switches);
	uint32_t kind = context.order.kind;
	context.began_ns = lb_monotonic_raw_ns();
	if (kind == LB_ORDER_HOME) { /* not on this stack: the handler goes home by lb_go_home() */
		if (home)
			lb_fds_end();
		return GO_HOME;
	}
	error = lb_threads_stop(&context.detail);
	if (error == 0 && kind == LB_ORDER_SNAPSHOT)
		error = lb_order_snapshot(&context);
	else if (error == 0 && lb_self.away)
		error = lb_order_move_on(&context);
	else if (error == 0)
		error = lb_order_move_from_home(&context);
	if (error == 0)
		return 0; /* the restored process: another PID, another node, other descriptors */
	lb_threads_go();
	context.freeze_us = (uint64_t)(lb_monotonic_raw_ns() - context.began_ns) / 1000;
	lb_daemon_close(context.fds);
	lb_daemon_report(&context, error);
	if (home)
		lb_fds_end();
	return error < 0 ? error : 0;
}

/* At home, what is not for us. */
static uint64_t pass_on(int signal, struct ucontext *context, struct lb_entry *entry)
{
	const struct lb_action action = lb_self.actions[signal];
	uint64_t only = LB_BIT(signal);
	if (!lb_is_handler(action.handler)) {
		lb_wait_note(context);
		lb_resume_call(context);
		return LB_ENTRY_BACK;
	}
	lb_sites_leave(context);
	entry->handler = action.handler;
	if (action.flags & SA_RESETHAND) {
		lb_signal_reset(signal);
		if ((action.flags & SA_NODEFER) && !(action.mask & only))
			lb_syscall4(__NR_rt_sigprocmask, SIG_UNBLOCK, &only, 0, 8);
	}
	return LB_ENTRY_AS_IS;
}

/* Another one's signal of that number, while it is in our hands. */
static uint64_t pass_on_stop(int signal, siginfo_t *info, struct ucontext *context, struct lb_entry *entry)
{
	const struct lb_action *action = &lb_self.actions[signal];
	if (lb_self.away)
		return lb_signal_arrived(signal, info, context, entry);
	if (lb_is_stop(info) || action->handler == (uint64_t)SIG_IGN)
		return LB_ENTRY_BACK;
	if (action->handler != (uint64_t)SIG_DFL)
		return pass_on(signal, context, entry);
	lb_action_stop_end(); /* it ends the process */
	lb_syscall3(__NR_tgkill, lb_self.local_pid, lb_thread()->local_tid, signal);
	return LB_ENTRY_BACK;
}

/* The default action of SIGTSTP, which our handler stands in front of. */
static void stop_by_default(void)
{
	struct lb_action action = { (uint64_t)SIG_DFL, SA_RESTORER, (uint64_t)lb_sigreturn, 0 };
	uint64_t only = LB_BIT(SIGTSTP);
	int64_t pid = lb_syscall0(__NR_getpid);
	lb_syscall4(__NR_rt_sigaction, SIGTSTP, &action, 0, 8);
	lb_syscall3(__NR_tgkill, pid, lb_syscall0(__NR_gettid), SIGTSTP);
	lb_syscall4(__NR_rt_sigprocmask, SIG_UNBLOCK, &only, 0, 8); /* stops here */
	lb_syscall4(__NR_rt_sigprocmask, SIG_BLOCK, &only, 0, 8);
	lb_action_set(SIGTSTP, &lb_self.actions[SIGTSTP], 0);
}

/* Sent by another process, not by the terminal and not by the program to itself. */
static bool by_hand(const siginfo_t *info)
{
	return (info->si_code == SI_USER || info->si_code == SI_QUEUE || info->si_code == SI_TKILL) &&
		(uint32_t)info->si_pid != lb_self.local_pid;
}

/* Away: whether one of the program's own is to be delivered now; its details then. */
static bool own_arrives(int signal, siginfo_t *info, const struct ucontext *context)
{
	if (signal != SIGURG)
		return LB_IS_TRIGGER(signal) && !lb_is_order(info);
	if (info->si_code == SI_TIMER) /* nothing else of the program's comes here but by aside.c */
		lb_aside_put(signal, info);
	return !lb_aside_blocks(signal, context) && lb_aside_take(LB_BIT(signal), info);
}

static int64_t park(void *unused)
{
	(void)unused;
	lb_thread_park();
	return 0;
}

/* Another thread stops all. */
static void stop_here(void)
{
	struct lb_thread *thread = lb_thread();
	if (lb_stopping && lb_thread_make_stack(thread))
		lb_on_stack(park, 0, thread->stack_top);
}

/* Home has asked for it. A thread that does not stop now may do so later. */
static void come_home(void)
{
	static uint32_t tries;
	if (lb_go_home(LB_NO_SYSTEM_CALL) != -LB_E_PARK || ++tries >= HOME_TRIES) {
		tries = 0;
		return;
	}
	lb_come_home = true;
	lb_syscall3(__NR_tgkill, lb_self.local_pid, lb_thread()->local_tid, SIGURG);
}

static uint64_t act(int signal, siginfo_t *info, struct ucontext *context, struct lb_entry *entry)
{
	bool was_away = lb_self.away;
	uint64_t result = LB_ENTRY_BACK;
	lb_wait_note(context);
	if (!lb_self.away) {
		lb_mask_note(context->uc_sigmask); /* for the shadow, if this is a move */
		lb_thread()->held_mask = context->uc_sigmask;
	}
	while (signal != LB_STOP_SIGNAL && lb_self.away && !lb_lock_enter())
		stop_here();
	if (signal == LB_STOP_SIGNAL) {
		stop_here();
	} else if (signal == SIGTSTP) {
		uint64_t order_id = 0;
		bool checkpoint = by_hand(info) && !lb_self.away && !lb_self.stop_by_hand;
		if (!checkpoint || lb_on_order_stack(obey, &order_id) == -LB_E_STALE)
			stop_by_default();
	} else if (lb_is_order(info)) {
		uint64_t order_id = (uint64_t)info->si_ptr;
		if (lb_on_order_stack(obey, &order_id) == GO_HOME)
			lb_come_home = lb_self.away;
	}
	if (lb_self.away && !was_away)
		lb_mask_believe(context->uc_sigmask);
	if (lb_self.away && signal != LB_STOP_SIGNAL) {
		lb_link_poll();
		if (lb_come_home) {
			lb_come_home = false;
			come_home();
		}
	}
	if (lb_self.away)
		context->uc_sigmask = lb_mask_strip(context->uc_sigmask);
	else if (was_away)
		context->uc_sigmask |= lb_mask_believed();
	lb_faults_note(context->uc_sigmask);
	/* The program's handler runs: then an EINTR is the program's to see. */
	if (lb_self.away && own_arrives(signal, info, context) && lb_is_handler(lb_self.actions[signal].handler)) {
		result = lb_signal_enter(signal, context, entry);
		lb_stub_rewind(context);
	} else {
		lb_resume_call(context);
	}
	lb_lock_leave();
	return result;
}

/* ---- out of the node's vdso first: its code and data stay behind, so nothing may be moved in its middle, nor in the
 * functions through which a moved program calls it ---- */

#define TRAP_FLAG 0x100ULL /* EFLAGS.TF */
#define STEPS_MAX 10000u   /* its functions are some dozen instructions, but one of them may wait for an update */

static bool in_vdso(const struct ucontext *context)
{
	uint64_t rip = context->uc_mcontext.rip;
	if (lb_self.vdso)
		return (rip >= lb_self.hole_start && rip < lb_self.hole_end) || lb_in_hook(rip);
	return rip >= lb_self.program_vdso && rip < lb_self.program_vdso + lb_self.program_vdso_size;
}

/* SIGTRAP is ours while threads step: the program's action comes back with the last of them. What the kernel has of it
 * does not outlive a copy, though this does. */
static struct {
	volatile bool in_use; /* a spin lock: all signals are blocked */
	uint32_t threads;
	uint64_t of_copy;
	struct lb_action action;
} stepping;

static void step_action(bool begins, uint64_t stack)
{
	struct lb_action action = { (uint64_t)lb_trigger_entry, SA_SIGINFO | SA_RESTORER | stack,
		(uint64_t)lb_sigreturn, ~0ULL };
	lb_spin_take(&stepping.in_use);
	if (stepping.of_copy != lb_self.copy)
		stepping.threads = 0;
	stepping.of_copy = lb_self.copy;
	if (begins)
		lb_syscall4(__NR_rt_sigaction, SIGTRAP, &action, stepping.threads++ ? 0 : &stepping.action, 8);
	else if (stepping.threads > 0 && --stepping.threads == 0)
		lb_syscall4(__NR_rt_sigaction, SIGTRAP, &stepping.action, 0, 8);
	lb_spin_leave(&stepping.in_use);
}

/* SIGTRAP after each instruction, until one outside the vdso is next. */
static uint64_t step(siginfo_t *info, struct ucontext *context, struct lb_entry *entry)
{
	if (in_vdso(context) && ++lb_thread()->stepping.steps < STEPS_MAX)
		return LB_ENTRY_BACK;
	context->uc_mcontext.eflags &= ~TRAP_FLAG;
	step_action(false, 0);
	if (lb_thread()->stepping.was_blocked)
		context->uc_sigmask |= LB_BIT(SIGTRAP);
	lb_thread()->stepping.active = false;
	if (in_vdso(context)) /* the order times out, and nothing has happened */
		return LB_ENTRY_BACK;
	*info = lb_thread()->stepping.info;
	return act(lb_thread()->stepping.signal, info, context, entry);
}

static void begin_stepping(int signal, const siginfo_t *info, struct ucontext *context)
{
	uint64_t stack = 0;
	/* The last time the program jumped out of it; if it has moved since, the kernel knows nothing of that. */
	bool left = lb_thread()->stepping.active && lb_thread()->stepping.copy == lb_self.copy;
	if (left && (context->uc_mcontext.eflags & TRAP_FLAG))
		return; /* one more while stepping: the doorbell rings for messages that are read then */
	lb_thread()->stepping.active = true;
	lb_thread()->stepping.copy = lb_self.copy;
	lb_thread()->stepping.signal = signal;
	lb_thread()->stepping.info = *info;
	lb_thread()->stepping.steps = 0;
	lb_thread()->stepping.was_blocked = context->uc_sigmask & LB_BIT(SIGTRAP);
	context->uc_sigmask &= ~LB_BIT(SIGTRAP);            /* a blocked one would kill the process */
	if (lb_is_handler(lb_self.actions[SIGURG].handler)) /* which may then be called from here */
		stack = lb_self.actions[SIGURG].flags & SA_ONSTACK;
	if (!left)
		step_action(true, stack);
	context->uc_mcontext.eflags |= TRAP_FLAG;
}

/* SIGTRAP at once: its frame is the one that a delivered signal would have. The signal itself stays blocked, so that
 * one of the program's that waits behind the order goes on waiting. */
void lb_order_taken(int signal, const siginfo_t *order)
{
	lb_thread()->stepping.active = true;
	lb_thread()->stepping.copy = lb_self.copy;
	lb_thread()->stepping.signal = signal;
	lb_thread()->stepping.info = *order;
	lb_thread()->stepping.steps = 0;
	lb_thread()->stepping.was_blocked = false;
	step_action(true, 0);
	__asm__ volatile("int3" : : : "memory");
}

uint64_t lb_trigger_arrived(int signal, siginfo_t *info, struct ucontext *context, struct lb_entry *entry)
{
	uint64_t all = ~0ULL;
	lb_signal_unwrap(info);
	if (signal == SIGTRAP)
		return step(info, context, entry);
	if (signal == LB_STOP_SIGNAL && !(lb_is_stop(info) && lb_stopping))
		return pass_on_stop(signal, info, context, entry);
	bool stops = signal == LB_STOP_SIGNAL || (signal == SIGTSTP && !lb_is_handler(lb_self.actions[signal].handler));
	if (!lb_self.away && !lb_is_order(info) && !stops)
		return pass_on(signal, context, entry);
	lb_syscall4(__NR_rt_sigprocmask, SIG_SETMASK, &all, 0, 8);
	if (lb_signal_defer(signal, info, context))
		return LB_ENTRY_BACK;
	context->uc_mcontext.rip = lb_sites_settled(context->uc_mcontext.rip);
	if (!in_vdso(context))
		return act(signal, info, context, entry);
	begin_stepping(signal, info, context);
	return LB_ENTRY_BACK;
}
