/* fork.c - fork(2), vfork(2), clone(2) and clone3(2) away from home.
 *
 * Which of them a process can make without coming home, and how.
 *
 *   shares memory, parent waits (vfork, posix_spawn)   vfork_child.c
 *   copy of the memory (fork)                          fork_home.c: the copy is made at home
 *   thread                                             threads.c: home makes one, and so does this node
 *   all others (namespaces, ...)                       the process comes home and makes it there
 *
 * Runs in:  the SIGSYS handler, all signals blocked.
 */
#include "calls/fork.h"

#include <linux/errno.h>
#include <linux/sched.h>
#include <asm/unistd.h>

#include "mem.h"
#include "syscall.h"

#include "calls/own.h"
#include "calls/threads.h"
#include "home_call/user_memory.h"
#include "process/process.h"
#include "trap/frame.h"
#include "trap/trap.h"

#define SHARING (CLONE_VM | CLONE_VFORK)
#define SHARING_MAY (SHARING | CLONE_PIDFD | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CLEAR_SIGHAND)

static int64_t make(struct lb_trap *trap, const struct lb_clone *clone)
{
	int64_t result;

	if (lb_thread()->has_child)
		return -ENOSYS; /* docs/LIMITS.md; it cannot come home, as its memory is not its own */
	if (lb_clone_is_thread(clone))
		return lb_self.threads_move ? lb_thread_clone(trap, clone) : LB_NEEDS_HOME;
	if ((clone->flags & SHARING) == SHARING && (clone->flags & ~(uint64_t)SHARING_MAY) == 0)
		return lb_child_begin(trap, clone);
	trap->unreached = -EAGAIN; /* another time, says fork(2) */
	result = lb_fork_at_home(trap, clone);
	return result == -ENOSYS ? -EAGAIN : result;
}

int64_t lb_own_vfork(struct lb_trap *trap)
{
	const struct lb_clone clone = { .flags = SHARING, .exit_signal = SIGCHLD };

	return make(trap, &clone);
}

int64_t lb_own_fork(struct lb_trap *trap)
{
	const struct lb_clone clone = { .exit_signal = SIGCHLD };

	return make(trap, &clone);
}

int64_t lb_own_clone(struct lb_trap *trap)
{
	const struct lb_clone clone = {
		.flags = (uint32_t)trap->args[0] & ~(uint64_t)CSIGNAL,
		.exit_signal = trap->args[0] & CSIGNAL,
		.stack = trap->args[1],
		.pidfd = trap->args[2], /* one argument for both: clone(2) */
		.parent_tid = trap->args[2],
		.child_tid = trap->args[3],
		.storage = trap->args[4],
	};

	return make(trap, &clone);
}

int64_t lb_own_clone3(struct lb_trap *trap)
{
	struct clone_args from;
	struct lb_clone clone;

	/* A longer or shorter struct than we know: home's kernel decides. */
	if (trap->args[1] < CLONE_ARGS_SIZE_VER0 || trap->args[1] > sizeof(from))
		return LB_NEEDS_HOME;
	memset(&from, 0, sizeof(from));
	if (lb_user_read(&from, trap->args[0], trap->args[1]) < 0)
		return -EFAULT;
	if (from.set_tid_size != 0 || from.cgroup != 0 || from.exit_signal > CSIGNAL)
		return LB_NEEDS_HOME;
	if ((from.stack == 0) != (from.stack_size == 0))
		return -EINVAL;
	if ((from.flags & CLONE_DETACHED) != 0 || ((from.flags & CLONE_THREAD) != 0 && from.exit_signal != 0))
		return -EINVAL;
	clone = (struct lb_clone){
		.flags = from.flags,
		.exit_signal = from.exit_signal,
		.stack = from.stack + from.stack_size,
		.pidfd = from.pidfd,
		.parent_tid = from.parent_tid,
		.child_tid = from.child_tid,
		.storage = from.tls,
	};
	return make(trap, &clone);
}
