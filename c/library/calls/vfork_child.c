/* vfork_child.c - A child of vfork(2) and its like away from home.
 *
 * It shares this process's memory and its parent sleeps, so it runs right here, in the parent's place. All that is a
 * process of its own of it (PID, descriptors, directory, signals, limits) is a real child at home
 * (c/shadow/children.c), which executes its calls until it becomes another program there or ends. Then the parent goes
 * on from where it called.
 *
 * Runs in:  the SIGSYS handler, all signals blocked. While there is a child nothing is delivered to this process:
 * what comes to it is the parent's and waits; the child's own signals are home's. So orders wait, too.
 */
#include "action.h"
#include "calls/vfork_child.h"

#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/prctl.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <asm/unistd.h>

#include "mem.h"
#include "syscall.h"
#include "lb_syscalls.h"

#include "cache/descriptors.h"
#include "calls/fork.h"
#include "calls/forward.h"
#include "calls/own.h"
#include "calls/signal.h"
#include "home_call/request.h"
#include "home_call/table.h"
#include "home_call/user_memory.h"
#include "mask/aside.h"
#include "process/own_memory.h"
#include "process/own_path.h"
#include "process/process.h"
#include "trap/frame.h"
#include "trap/trap.h"
#include "process/limits.h"

#define VECTORS_SIZE_MAX 16384u /* the XSAVE area in a signal frame: 11 KiB with AMX */

/* Of each thread that has one: the parent, and what of it the child may change for itself. */
struct place {
	struct {
		struct sigcontext registers;
		uint64_t mask;
		stack_t signal_stack;
		uint64_t vectors_size;
		uint8_t vectors[VECTORS_SIZE_MAX];
	} parent;
	struct {
		uint64_t mask;
		uint64_t told_mask;
		struct lb_action actions[LB_SIGNALS + 1];
	} child;
};
_Static_assert(sizeof(struct place) <= LB_PLACE_SIZE, "there is room for it");
#define parent (((struct place *)lb_areas()->place)->parent)
#define child (((struct place *)lb_areas()->place)->child)

/* Calls that are answered here for a process, and at home for such a child: they are about itself alone. */
#define CHILD_MAP(X) \
	X(34, pause, HOME, LB_BLOCKS) \
	X(36, getitimer, HOME, 0, V, OUT_STRUCT(32)) \
	X(37, alarm, HOME, 0, V) \
	X(38, setitimer, HOME, 0, V, IN_STRUCT(32), OUT_STRUCT(32)) \
	X(127, rt_sigpending, HOME, 0, OUT(1), V) \
	X(135, personality, HOME, 0, V) \
	X(142, sched_setparam, HOME, 0, V, IN_STRUCT(4)) \
	X(143, sched_getparam, HOME, 0, V, OUT_STRUCT(4)) \
	X(144, sched_setscheduler, HOME, 0, V, V, IN_STRUCT(4)) \
	X(145, sched_getscheduler, HOME, 0, V) \
	X(161, chroot, HOME, 0, PATH) \
	X(203, sched_setaffinity, HOME, 0, V, V, IN(1)) \
	X(204, sched_getaffinity, HOME, LB_RESULT, V, V, OUT(1)) \
	X(272, unshare, HOME, 0, V) \
	X(308, setns, HOME, 0, FD, V)

static const struct lb_row values_row = { .where = LB_HOME, .operands = { V, V, V, V, V, V } };

static const struct lb_row *row_of(uint32_t number)
{
#define CHILD_ROW(n, name, place, row_flags, ...) \
	case n: { \
		static const struct lb_row row = { LB_HOME, row_flags, { __VA_ARGS__ } }; \
		return &row; \
	}
	switch (number) {
		CHILD_MAP(CHILD_ROW)
	case __NR_kill:
	case __NR_tkill:
	case __NR_tgkill:
	case __NR_rt_sigqueueinfo:
	case __NR_rt_tgsigqueueinfo:
	case __NR_getrlimit:
	case __NR_setrlimit:
	case __NR_prlimit64:
		return lb_row_of(number);
	default:
		return NULL;
	}
}

/* ---- its beginning and its end ---- */

static int64_t keep_parent(const struct ucontext *context)
{
	const struct sigcontext *registers = (const struct sigcontext *)&context->uc_mcontext;

	parent.vectors_size = lb_vectors_size(registers->fpstate);
	if (parent.vectors_size > sizeof(parent.vectors))
		return -ENOSYS;
	parent.registers = *registers;
	parent.mask = context->uc_sigmask;
	parent.signal_stack = context->uc_stack;
	memcpy(parent.vectors, registers->fpstate, parent.vectors_size);
	return 0;
}

static void fill_limits(struct lb_home_child *wanted)
{
	int i;

	wanted->limits_set = lb_self.limits_set;
	for (i = 0; i < LB_LIMITS; i++)
		lb_limit_get((uint32_t)i, wanted->limits[i]);
}

int64_t lb_child_begin(struct lb_trap *trap, const struct lb_clone *clone)
{
	struct sigcontext *registers = &trap->context->uc_mcontext;
	struct lb_request request = { .number = LB_HOME_VFORK };
	static struct lb_home_child wanted;
	int32_t pidfd = -1;
	int64_t pid = keep_parent(trap->context);

	if (pid < 0)
		return pid;
	wanted.flags = (clone->flags & CLONE_PIDFD) | clone->exit_signal;
	wanted.mask = trap->context->uc_sigmask | lb_mask_believed();
	fill_limits(&wanted);
	lb_files_fork();
	lb_request_memory(&request, 0, LB_ARG_IN, (uint64_t)&wanted, sizeof(wanted));
	lb_request_memory(&request, 1, LB_ARG_OUT, (uint64_t)&pidfd, sizeof(pidfd));
	pid = lb_request_run(&request);
	if (pid < 0)
		return pid;
	parent.registers.rax = (uint64_t)pid;
	lb_thread()->child_ended = false;
	child.mask = child.told_mask = wanted.mask;
	memcpy(child.actions, lb_self.actions, sizeof(child.actions));
	if (clone->flags & CLONE_CLEAR_SIGHAND) {
		int signal;

		for (signal = 1; signal <= LB_SIGNALS; signal++) {
			if (child.actions[signal].handler != (uint64_t)SIG_IGN)
				memset(&child.actions[signal], 0, sizeof(child.actions[signal]));
		}
	}
	if (clone->flags & CLONE_PIDFD)
		lb_user_write(clone->pidfd, &pidfd, sizeof(pidfd));
	if (clone->flags & CLONE_PARENT_SETTID)
		lb_user_write(clone->parent_tid, &pid, sizeof(int32_t));
	if (clone->flags & CLONE_CHILD_SETTID)
		lb_user_write(clone->child_tid, &pid, sizeof(int32_t));
	lb_thread()->has_child = true;
	lb_thread()->child_pid = (uint32_t)pid;
	trap->context->uc_sigmask = ~LB_BIT(SIGSYS);
	if (clone->stack != 0)
		registers->rsp = clone->stack;
	return 0;
}

bool lb_child_settle(struct ucontext *context)
{
	struct sigcontext *registers = &context->uc_mcontext;
	struct _fpstate *vectors = registers->fpstate;

	if (!lb_thread()->has_child || !lb_thread()->child_ended)
		return false;
	*registers = parent.registers;
	registers->fpstate = vectors;
	if (lb_vectors_size(vectors) == parent.vectors_size)
		memcpy(vectors, parent.vectors, parent.vectors_size);
	context->uc_sigmask = parent.mask;
	context->uc_stack = parent.signal_stack;
	lb_thread()->has_child = false;
	lb_aside_let_through(lb_mask_believed()); /* what has come meanwhile is the parent's */
	return true;
}

/* ---- its signals ---- */

static int64_t set_action(struct lb_trap *trap)
{
	uint64_t signal = trap->args[0];
	struct lb_action wanted;
	struct lb_action old;

	if (trap->args[3] != LB_SIGSET_SIZE || signal < 1 || signal > LB_SIGNALS)
		return -EINVAL;
	if (trap->args[1] != 0 && lb_user_read(&wanted, trap->args[1], sizeof(wanted)) < 0)
		return -EFAULT;
	if (trap->args[1] != 0 && (signal == SIGKILL || signal == SIGSTOP))
		return -EINVAL;
	old = child.actions[signal];
	if (trap->args[1] != 0)
		child.actions[signal] = wanted;
	if (trap->args[2] != 0 && lb_user_write(trap->args[2], &old, sizeof(old)) < 0)
		return -EFAULT;
	return 0;
}

static int64_t set_mask(struct lb_trap *trap)
{
	uint64_t old = child.mask;
	uint64_t set;
	int64_t result = lb_mask_wanted(trap, old, &set);

	if (result < 0)
		return result;
	child.mask = set & ~(LB_BIT(SIGKILL) | LB_BIT(SIGSTOP));
	if (trap->args[2] != 0 && lb_user_write(trap->args[2], &old, sizeof(old)) < 0)
		return -EFAULT;
	return 0;
}

/* A handler of the program's cannot run at home: there such a signal waits. */
static void tell_mask(void)
{
	uint64_t mask = child.mask;
	int signal;

	for (signal = 1; signal <= LB_SIGNALS; signal++) {
		if (child.actions[signal].handler > (uint64_t)SIG_IGN)
			mask |= LB_BIT(signal);
	}
	if (mask != child.told_mask)
		lb_home_values(LB_HOME_MASK, mask, 0, 0, 0);
	child.told_mask = mask;
}

/* ---- it becomes another program ---- */

#define STRING_SIZE_MAX 131072u     /* MAX_ARG_STRLEN */
#define STRINGS_SIZE_MAX (6u << 20) /* the kernel's own limit, with RLIMIT_STACK unlimited: execve(2) */

#define strings (lb_areas()->strings)
static uint64_t strings_used, strings_told;

static int64_t tell_strings(void)
{
	struct lb_request request = { .number = LB_HOME_STRINGS };
	int64_t result;

	lb_request_memory(&request, 0, LB_ARG_IN, (uint64_t)strings, strings_used);
	result = lb_request_run(&request);
	strings_told += strings_used;
	strings_used = 0;
	return result;
}

static int64_t add_string(uint64_t at)
{
	int64_t length;

	if (strings_told + strings_used > STRINGS_SIZE_MAX)
		return -E2BIG;
	if (LB_TEXT_SIZE - strings_used < STRING_SIZE_MAX) {
		length = tell_strings();
		if (length < 0)
			return length;
	}
	length = lb_user_string(strings + strings_used, at, STRING_SIZE_MAX);
	if (length < 0)
		return length == -ENAMETOOLONG ? -E2BIG : length;
	strings_used += (uint64_t)length + 1;
	return 0;
}

/* All strings of a list of pointers. Returns their number or a negative error. */
static int64_t add_strings(uint64_t list)
{
	int64_t count;

	for (count = 0; list != 0; count++) {
		uint64_t at;
		int64_t result;

		if (lb_user_read(&at, list + (uint64_t)count * sizeof(at), sizeof(at)) < 0)
			return -EFAULT;
		if (at == 0)
			break;
		result = add_string(at);
		if (result < 0)
			return result;
	}
	return count;
}

static int64_t add_path(uint64_t at)
{
	int64_t length = lb_user_string(strings, at, PATH_MAX);

	if (length < 0)
		return length;
	if (lb_proc_is_exe(strings)) {
		length = (int64_t)strlen(lb_self.exe);
		memcpy(strings, lb_self.exe, (size_t)length + 1);
	}
	strings_used = (uint64_t)length + 1;
	return 0;
}

static int64_t execute(int64_t directory, uint64_t path, uint64_t arguments, uint64_t environment, uint64_t flags)
{
	struct lb_request request = { .number = LB_HOME_EXEC };
	uint64_t ignored = 0;
	int64_t result, argument_count, environment_count;
	int signal;

	strings_told = 0;
	result = add_path(path);
	argument_count = result < 0 ? result : add_strings(arguments);
	environment_count = argument_count < 0 ? argument_count : add_strings(environment);
	if (environment_count < 0)
		return environment_count;
	for (signal = 1; signal <= LB_SIGNALS; signal++) {
		if (child.actions[signal].handler == (uint64_t)SIG_IGN)
			ignored |= LB_BIT(signal);
	}
	lb_request_value(&request, 0, (uint64_t)directory);
	lb_request_memory(&request, 1, LB_ARG_IN, (uint64_t)strings, strings_used);
	lb_request_value(&request, 2, (uint64_t)argument_count | (uint64_t)environment_count << 32);
	lb_request_value(&request, 3, flags);
	lb_request_value(&request, 4, child.mask);
	lb_request_value(&request, 5, ignored);
	return lb_request_run(&request);
}

int64_t lb_own_execve(struct lb_trap *trap)
{
	if (!lb_thread()->has_child)
		return LB_NEEDS_HOME;
	return execute(AT_FDCWD, trap->args[0], trap->args[1], trap->args[2], 0);
}

int64_t lb_own_execveat(struct lb_trap *trap)
{
	if (!lb_thread()->has_child)
		return LB_NEEDS_HOME;
	return execute((int32_t)trap->args[0], trap->args[1], trap->args[2], trap->args[3], trap->args[4]);
}

/* ---- its calls ---- */

static bool is_plain_prctl(uint64_t option)
{
	switch ((int)option) {
	case PR_SET_DUMPABLE:
	case PR_GET_DUMPABLE:
	case PR_SET_TIMERSLACK:
	case PR_GET_TIMERSLACK:
	case PR_SET_THP_DISABLE:
	case PR_GET_THP_DISABLE:
	case PR_GET_SPECULATION_CTRL:
	case PR_SET_SPECULATION_CTRL:
		return true;
	default:
		return false;
	}
}

bool lb_child_decides(struct lb_trap *trap, int64_t *result)
{
	const struct lb_row *row = row_of(trap->number);

	if (lb_row_of(trap->number) != NULL && (lb_row_of(trap->number)->flags & LB_BLOCKS))
		tell_mask();
	switch (trap->number) {
	case __NR_exit:
	case __NR_exit_group:
		*result = lb_home_values(__NR_exit_group, trap->args[0], 0, 0, 0);
		return true;
	case __NR_rt_sigaction:
		*result = set_action(trap);
		return true;
	case __NR_rt_sigprocmask:
		*result = set_mask(trap);
		return true;
	case __NR_rt_sigtimedwait: /* what waits here is its parent's */
	case __NR_rt_sigsuspend:
		*result = -ENOSYS;
		return true;
	case __NR_timer_create: /* gone with exec, and here they would be its parent's */
		*result = -EAGAIN;
		return true;
	case __NR_prctl:
		row = is_plain_prctl(trap->args[0]) ? &values_row : NULL;
		break;
	default:
		break;
	}
	if (row == NULL)
		return false;
	tell_mask();
	*result = lb_forward_row(trap, row);
	return true;
}
