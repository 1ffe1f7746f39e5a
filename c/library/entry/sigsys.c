/* sigsys.c - The handler of SIGSYS: every call of a moved program arrives there.
 *
 * Syscall User Dispatch (prctl(2), PR_SET_SYSCALL_USER_DISPATCH) turns each call from outside this library's text into
 * SIGSYS. What is to be done with it intercept/dispatch.c says; a process that is to come home does so from here.
 *
 * Runs in:  the SIGSYS handler, all signals blocked, on a stack of its own.
 */
#include "entry/sigsys.h"

#include <linux/audit.h>
#include <linux/errno.h>
#include <asm/unistd.h>

#include "syscall.h"

#include "calls/interrupted.h"
#include "calls/signal.h"
#include "calls/vfork_child.h"
#include "entry/orders.h"
#include "home_call/fast_copy.h"
#include "home_call/link.h"
#include "image/kernel_state.h"
#include "image/threads.h"
#include "intercept/dispatch.h"
#include "entry/signal_entry.h"
#include "mask/aside.h"
#include "patch/deferred.h"
#include "patch/sites.h"
#include "mask/deliver.h"
#include "process/handlers.h"
#include "process/process.h"
#include "thread/lock.h"
#include "thread/thread.h"
#include "trap/frame.h"
#include "trap/stub.h"
#include "trap/trap.h"

#define LB_THREAD_STACK_AT "8"
_Static_assert(offsetof(struct lb_thread, stack_top) == 8, "as lb_sigsys_entry has it");
/* clang-format off */
__asm__(".pushsection .text\n"
	/* On a stack of the thread's own, as the program's may be a small one. Never nested. */
	".globl lb_sigsys_entry\n"
	".hidden lb_sigsys_entry\n"
	".type lb_sigsys_entry, @function\n"
	"lb_sigsys_entry:\n"
	"	push %rbp\n"
	"	mov %rsp, %rbp\n"
	"	mov lb_this_thread@gottpoff(%rip), %rax\n"
	"	mov %fs:(%rax), %rax\n"
	"	mov " LB_THREAD_STACK_AT "(%rax), %rsp\n"
	"	call on_sigsys\n"
	"	mov %rbp, %rsp\n"
	"	pop %rbp\n"
	"	ret\n"
	".size lb_sigsys_entry, . - lb_sigsys_entry\n"
	".popsection\n");
/* clang-format on */
/* A SIGSYS that the program or another process sent. If the program has a handler for it, it is sent once more,
 * this time to that: so the kernel itself calls it, on the stack that it asked for. */
static void own_sigsys(siginfo_t *info, struct ucontext *context)
{
	const struct lb_action *action = &lb_self.actions[SIGSYS];
	const struct lb_action none = { .handler = 0 };
	const uint64_t others = ~LB_BIT(SIGSYS);

	lb_signal_unwrap(info);
	if (lb_signal_defer(SIGSYS, info, context))
		return;
	context->uc_mcontext.rip = lb_sites_settled(context->uc_mcontext.rip);
	if (lb_thread()->has_child || lb_aside_blocks(SIGSYS, context)) {
		lb_aside_put(SIGSYS, info);
	} else if (action->handler == (uint64_t)SIG_DFL) { /* the process ends by it */
		lb_syscall4(__NR_rt_sigaction, SIGSYS, &none, NULL, sizeof(none.mask));
		lb_syscall2(__NR_tkill, lb_thread()->local_tid, SIGSYS);
		lb_syscall4(__NR_rt_sigprocmask, SIG_SETMASK, &others, NULL, sizeof(none.mask));
	} else if (action->handler != (uint64_t)SIG_IGN) {
		lb_signal_forward(SIGSYS, action);
		lb_signal_put_back(info);
		return;
	}
	lb_resume_call(context);
}

/* What tells the calls of one number apart: a person is told that, too (lib/daemon/system_calls.ts). */
static uint64_t request_of(const struct lb_trap *trap)
{
	switch (trap->number) {
	case __NR_ioctl:
	case __NR_fcntl:
	case __NR_futex:
		return (uint32_t)trap->args[1];
	case __NR_prctl:
		return (uint32_t)trap->args[0];
	case __NR_setsockopt:
	case __NR_getsockopt:
		return (uint64_t)(uint32_t)trap->args[1] << 32 | (uint32_t)trap->args[2];
	default:
		return 0;
	}
}

/* Brings the process home and makes the call there. */
static int64_t make_at_home(struct lb_trap *trap)
{
	lb_self.home_request = request_of(trap);
	if (lb_thread()->has_child || lb_go_home(trap->number) < 0)
		return trap->unreached != 0 ? trap->unreached : -ENOSYS;
	/* The process is at home, nothing is trapped, and the call is simply made. */
	trap->context->uc_sigmask |= lb_mask_believed();
	return lb_trap_again(trap);
}

/* The call is made; the process goes on at home. */
static void leave(struct lb_trap *trap)
{
	lb_self.home_request = request_of(trap);
	if (lb_go_home(trap->number) == 0)
		trap->context->uc_sigmask |= lb_mask_believed();
}

static void on_sigsys(int signal, siginfo_t *info, void *context) __attribute__((used));
static void on_sigsys(int signal, siginfo_t *info, void *context)
{
	struct ucontext *uc = context;
	struct sigcontext *registers = &uc->uc_mcontext;
	struct lb_trap trap = {
		.context = uc,
		.number = (uint32_t)registers->rax,
		.args = { registers->rdi, registers->rsi, registers->rdx, registers->r10, registers->r8,
			registers->r9 },
	};
	int64_t result;

	(void)signal;
	if (info->si_code != SYS_USER_DISPATCH) {
		own_sigsys(info, uc);
		return;
	}
	registers->rip = lb_sites_origin(registers->rip);
	if (!lb_lock_enter()) { /* another thread stops all: then the call is made again, here or at home */
		lb_thread_park();
		uc->uc_sigmask |= lb_self.away ? 0 : lb_mask_believed();
		lb_trap_again(&trap);
		return;
	}
	result = info->_sifields._sigsys._arch == AUDIT_ARCH_X86_64 ? lb_dispatch(&trap) : LB_NEEDS_HOME;
	if (result == LB_NEEDS_HOME)
		result = make_at_home(&trap);
	else if (trap.leaves)
		leave(&trap);
	if (!lb_child_settle(uc) && result != LB_DONE)
		registers->rax = (uint64_t)result;
	if (trap.number != __NR_rt_sigreturn) /* which has said so */
		lb_faults_note(uc->uc_sigmask);
	if (lb_self.away && lb_signal_was_reset())
		lb_actions_sync();
	if (lb_self.away)
		lb_link_take_rest();
	lb_lock_leave();
}
