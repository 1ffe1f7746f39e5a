/* signal.c - Masks, actions and signals to itself, away from home.
 *
 * Runs in:  the SIGSYS handler, all signals blocked.
 * The program's mask is the one in the trapped context: the kernel puts it into force when the handler
 * returns. But for SIGSYS and SIGURG, of which aside.c knows whether they are blocked.
 */
#include "calls/signal.h"

#include <linux/errno.h>
#include <asm/unistd.h>

#include "mem.h"
#include "syscall.h"

#include "calls/forward.h"
#include "calls/held.h"
#include "calls/own.h"
#include "home_call/fast_copy.h"
#include "home_call/link.h"
#include "home_call/request.h"
#include "home_call/ring.h"
#include "home_call/user_memory.h"
#include "image/posix_timers.h"
#include "mask/aside.h"
#include "mask/mask.h"
#include "process/context.h"
#include "mask/deliver.h"
#include "process/identity.h"
#include "process/process.h"
#include "thread/siginfo.h"
#include "trap/frame.h"
#include "trap/stub.h"
#include "trap/trap.h"
#include "trap/wait.h"
#include "process/actions.h"

#define STOPPING (LB_BIT(SIGTSTP) | LB_BIT(SIGTTIN) | LB_BIT(SIGTTOU))
#define IS_DEFAULT(handler) ((handler) == (uint64_t)SIG_DFL)
#define IS_IGNORED(handler) ((handler) == (uint64_t)SIG_IGN)
#define SIGSET_SIZE sizeof(sigset_t)
#define UNKNOWN_UID UINT32_MAX
#define SECOND_NS 1000000000LL
#define SECONDS_MAX (INT64_MAX / SECOND_NS / 2) /* a longer wait has no deadline that could be told */

void lb_actions_sync(void)
{
	static struct lb_link_actions told;
	struct lb_link_actions now;

	lb_actions_summary(&now);
	if (memcmp(&now, &told, sizeof(now)) == 0)
		return;
	told = now;
	if (lb_ring() != NULL)
		lb_ring()->actions = now;
	if (lb_link_send(LB_LINK_ACTIONS, 0, &now, sizeof(now)) < 0)
		lb_link_exit_dead();
}

int64_t lb_own_rt_sigaction(struct lb_trap *trap)
{
	struct lb_action wanted;
	struct lb_action old;
	int64_t result;

	if (trap->args[3] != SIGSET_SIZE)
		return -EINVAL;
	if (trap->args[0] < 1 || trap->args[0] > LB_SIGNALS)
		return -EINVAL;
	if (trap->args[1] != 0 && lb_user_read(&wanted, trap->args[1], sizeof(wanted)) < 0)
		return -EFAULT;
	/* To ignore a signal is to throw away what waits of it: the kernel does so, here. */
	if (trap->args[1] != 0 && (IS_IGNORED(wanted.handler) || IS_DEFAULT(wanted.handler)))
		lb_held_release(LB_BIT(trap->args[0]));
	result = lb_action_set((int)trap->args[0], trap->args[1] != 0 ? &wanted : NULL, &old);
	if (result < 0)
		return result;
	if (trap->args[1] != 0)
		lb_actions_sync();
	if (trap->args[2] != 0 && lb_user_write(trap->args[2], &old, sizeof(old)) < 0)
		return -EFAULT;
	return 0;
}

int64_t lb_mask_wanted(const struct lb_trap *trap, uint64_t old, uint64_t *wanted)
{
	uint64_t set;

	*wanted = old;
	if (trap->args[3] != SIGSET_SIZE)
		return -EINVAL;
	if (trap->args[1] == 0)
		return 0;
	if (lb_user_read(&set, trap->args[1], sizeof(set)) < 0)
		return -EFAULT;
	switch ((int)trap->args[0]) {
	case SIG_BLOCK:
		*wanted = old | set;
		return 0;
	case SIG_UNBLOCK:
		*wanted = old & ~set;
		return 0;
	case SIG_SETMASK:
		*wanted = set;
		return 0;
	default:
		return -EINVAL;
	}
}

/* The program is to have this mask: what home keeps by it comes here first. */
static void mask_changes(uint64_t mask)
{
	lb_held_update(mask);
	lb_mask_believe(mask);
	lb_aside_let_through(mask);
	if (!lb_thread()->has_child && lb_mask_note(mask))
		lb_actions_sync();
}

int64_t lb_own_rt_sigprocmask(struct lb_trap *trap)
{
	uint64_t old = trap->context->uc_sigmask | lb_mask_believed();
	uint64_t set;
	int64_t result = lb_mask_wanted(trap, old, &set);

	if (result < 0)
		return result;
	if (trap->args[1] != 0) {
		mask_changes(set);
		trap->context->uc_sigmask = lb_mask_strip(set);
	}
	if (trap->args[2] != 0 && lb_user_write(trap->args[2], &old, sizeof(old)) < 0)
		return -EFAULT;
	return 0;
}

int64_t lb_own_rt_sigreturn(struct lb_trap *trap)
{
	struct sigcontext *registers = &trap->context->uc_mcontext;
	/* The restorer was entered by ret, which took struct rt_sigframe's first word; next is uc. */
	uint64_t at = registers->rsp + offsetof(struct ucontext, uc_sigmask);
	uint64_t mask;

	/* A handler may have changed its frame: sigsetjmp(3)-like code does. A bad frame is the kernel's. */
	if (lb_user_read(&mask, at, sizeof(mask)) == 0) {
		lb_faults_note(mask);
		mask_changes(mask);
		if (mask != lb_mask_strip(mask)) {
			mask = lb_mask_strip(mask);
			lb_user_write(at, &mask, sizeof(mask));
		}
	}
	registers->rip = (uint64_t)lb_sigreturn;
	return LB_DONE;
}

int64_t lb_own_rt_sigsuspend(struct lb_trap *trap)
{
	uint64_t mask, stripped;

	if (trap->args[1] != SIGSET_SIZE)
		return -EINVAL;
	if (lb_user_read(&mask, trap->args[0], sizeof(mask)) < 0)
		return -EFAULT;
	lb_held_update(mask);
	lb_aside_let_through(mask);
	stripped = lb_mask_strip(mask);
	lb_here_scratch(trap, 0, &stripped, sizeof(stripped));
	lb_here_waits(trap, &mask, 0);
	return LB_DONE;
}

/* One of those that the kernel does not keep. Returns its number, -EFAULT, or 0: none waits. */
static int64_t take_aside(struct lb_trap *trap, uint64_t set)
{
	siginfo_t info;

	if (!lb_aside_take(set, &info))
		return 0;
	if (trap->args[1] != 0 && lb_user_write(trap->args[1], &info, sizeof(info)) < 0)
		return -EFAULT;
	return info.si_signo;
}

int64_t lb_own_rt_sigtimedwait(struct lb_trap *trap)
{
	struct {
		uint64_t set, zero;
		int64_t sec, nsec;
	} wait = { 0, 0, 0, 0 };
	uint64_t aside;
	int64_t result;
	int64_t left_ns;

	if (trap->args[3] != SIGSET_SIZE)
		return -EINVAL;
	if (lb_user_read(&wait.set, trap->args[0], sizeof(wait.set)) < 0)
		return -EFAULT;
	if (trap->args[2] != 0 && lb_user_read(&wait.sec, trap->args[2], 2 * sizeof(wait.sec)) < 0)
		return -EFAULT;
	if (wait.sec < 0 || wait.nsec < 0 || wait.nsec >= SECOND_NS)
		return -EINVAL;
	/* Once: what comes from home rings the bell, and this call is then made again. */
	lb_held_update((trap->context->uc_sigmask | lb_mask_believed()) & ~wait.set);
	aside = wait.set & (LB_BIT(SIGURG) | LB_BIT(SIGSYS));
	result = take_aside(trap, aside);
	if (result != 0)
		return result;
	lb_timers_taken(wait.set);
	wait.set = lb_mask_strip(wait.set); /* orders are not for the program to take */
	lb_wait_unlimited();
	if (trap->args[2] != 0 && wait.sec < SECONDS_MAX) {
		/* our own trigger interrupts it: then the limit goes on */
		left_ns = lb_wait_left_ns(trap, wait.sec * SECOND_NS + wait.nsec);
		wait.sec = left_ns / SECOND_NS;
		wait.nsec = left_ns % SECOND_NS;
	}
	lb_here_scratch(trap, 0, &wait, sizeof(wait));
	lb_here_waits(trap, NULL, aside);
	if (trap->args[2] != 0)
		trap->context->uc_mcontext.rdx = trap->context->uc_mcontext.rdi + offsetof(__typeof__(wait), sec);
	return LB_DONE;
}

/* ---- signals to itself; all others are sent at home, where PIDs have their meaning ---- */

/* Home's user id of the program, as si_uid shows it. */
static uint32_t home_uid(void)
{
	int64_t uid = lb_home_values(__NR_getuid, 0, 0, 0, 0);

	return uid < 0 ? UNKNOWN_UID : (uint32_t)uid;
}

/* A stop that the user is to see stops the process at home: the shadow then stops this one too. */
static bool stops_at_home(int signal)
{
	if (signal == SIGSTOP)
		return true;
	return signal >= 1 && signal <= LB_SIGNALS && (STOPPING & LB_BIT(signal)) != 0 &&
		IS_DEFAULT(lb_self.actions[signal].handler);
}

/* Waits at home, or stops the process there? */
static bool is_for_home(uint64_t signal)
{
	if (signal < 1 || signal > LB_SIGNALS)
		return false;
	return stops_at_home((int)signal) || (lb_self.held & LB_BIT(signal)) != 0;
}

static int64_t queue(struct lb_thread *to, int signal, const siginfo_t *info)
{
	if (signal == SIGURG) {
		lb_aside_send(to, info);
		return 0;
	}
	return lb_signal_send(to, signal, info);
}

/* To one of the threads, or NULL: to the process. */
static int64_t send_to_self(struct lb_trap *trap, int signal, int code, struct lb_thread *to)
{
	siginfo_t info;

	if (signal < 0 || signal > LB_SIGNALS)
		return -EINVAL;
	if (signal == 0)
		return 0;
	if (is_for_home((uint64_t)signal))
		return lb_forward(trap);
	memset(&info, 0, sizeof(info));
	info.si_signo = signal;
	info.si_code = code;
	info.si_pid = (int)lb_self.home_pid;
	info.si_uid = home_uid();
	return queue(to, signal, &info);
}

static bool is_self(uint64_t pid)
{
	return (uint32_t)pid == lb_self.home_pid;
}

int64_t lb_own_kill(struct lb_trap *trap)
{
	if (is_self(trap->args[0]))
		return send_to_self(trap, (int)trap->args[1], SI_USER, NULL);
	return lb_forward(trap);
}

int64_t lb_own_tkill(struct lb_trap *trap)
{
	struct lb_thread *to = lb_own_thread(trap->args[0]);

	return to != NULL ? send_to_self(trap, (int)trap->args[1], SI_TKILL, to) : lb_forward(trap);
}

int64_t lb_own_tgkill(struct lb_trap *trap)
{
	struct lb_thread *to = lb_own_thread(trap->args[1]);

	if (is_self(trap->args[0]) && to != NULL)
		return send_to_self(trap, (int)trap->args[2], SI_TKILL, to);
	return lb_forward(trap);
}

/* The siginfo is the program's own; only the target changes. */
static int64_t queue_to_self(uint64_t signal, uint64_t address, struct lb_thread *to, uint32_t target)
{
	siginfo_t info;

	if (lb_user_read(&info, address, sizeof(info)) < 0)
		return -EFAULT;
	/* do_rt_sigqueueinfo() and its like, kernel/signal.c, Linux 6.12. */
	if ((info.si_code >= 0 || info.si_code == SI_TKILL) && target != lb_own_tid())
		return -EPERM;
	return queue(to, (int)signal, &info);
}

int64_t lb_own_rt_sigqueueinfo(struct lb_trap *trap)
{
	if (is_self(trap->args[0]) && !is_for_home(trap->args[1]))
		return queue_to_self(trap->args[1], trap->args[2], NULL, lb_own_pid());
	return lb_forward(trap);
}

int64_t lb_own_rt_tgsigqueueinfo(struct lb_trap *trap)
{
	struct lb_thread *to = lb_own_thread(trap->args[1]);

	if (is_self(trap->args[0]) && to != NULL && !is_for_home(trap->args[2]))
		return queue_to_self(trap->args[2], trap->args[3], to, to->home_tid);
	return lb_forward(trap);
}
