/* identity.c - Who the program is, and its end.
 *
 * Runs in:  the SIGSYS handler, all signals blocked.
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/kcmp.h>
#include <asm/unistd.h>

#include "syscall.h"
#include "lb_syscalls.h"

#include "calls/forward.h"
#include "calls/own.h"
#include "home_call/link.h"
#include "home_call/ring.h"
#include "home_call/table.h"
#include "home_call/user_memory.h"
#include "process/identity.h"
#include "process/process.h"
#include "trap/stub.h"
#include "trap/trap.h"

#define PERSONALITY_ASKED 0xffffffffu /* personality(2): changes nothing */

int64_t lb_own_getpid(struct lb_trap *trap)
{
	(void)trap;
	return (int64_t)lb_own_pid();
}

int64_t lb_own_gettid(struct lb_trap *trap)
{
	(void)trap;
	return (int64_t)lb_own_tid();
}

int64_t lb_own_set_tid_address(struct lb_trap *trap)
{
	lb_syscall1(__NR_set_tid_address, trap->args[0]);
	return (int64_t)lb_own_tid();
}

int64_t lb_own_exit_group(struct lb_trap *trap)
{
	struct lb_link_status status = { .code = (int32_t)trap->args[0] };

	/* Home hears it in order, after every call before; should the link be lost, the keeper tells it. What was
	 * written behind arrives first, so that nobody has to send it after this process's end. */
	if (lb_ring() != NULL) {
		lb_ring_tell_read();
		lb_link_wait_applied(lb_ring()->head);
	}
	lb_link_send(LB_LINK_EXIT, 0, &status, sizeof(status));
	for (;;)
		lb_syscall1(__NR_exit_group, trap->args[0]);
}

/* ---- calls with a PID or TID as first argument that concern the process as it runs here ---- */

/* Another process is at home: the call goes there, or the process where a row cannot carry it. */
static int64_t elsewhere(struct lb_trap *trap)
{
	const struct lb_row *row = lb_row_of(trap->number);

	return row->operands[0] == V ? lb_forward_row(trap, row) : LB_NEEDS_HOME;
}

static int64_t here_for_self(struct lb_trap *trap, uint64_t self)
{
	return lb_is_own_process(trap->args[0]) ? lb_here_value(trap, 0, self) : elsewhere(trap);
}

#define HERE_FOR_SELF(name, self) \
	int64_t lb_own_##name(struct lb_trap *trap) \
	{ \
		return here_for_self(trap, self); \
	}
HERE_FOR_SELF(process_vm_readv, lb_thread()->local_tid)
HERE_FOR_SELF(process_vm_writev, lb_thread()->local_tid)
HERE_FOR_SELF(migrate_pages, 0)
HERE_FOR_SELF(move_pages, 0)

int64_t lb_own_get_robust_list(struct lb_trap *trap)
{
	const struct lb_thread *thread = lb_thread_meant(trap->args[0]);

	return thread != NULL ? lb_here_value(trap, 0, thread->local_tid) : elsewhere(trap);
}

int64_t lb_own_kcmp(struct lb_trap *trap)
{
	trap->given = (int)trap->args[2] == KCMP_EPOLL_TFD ? sizeof(struct kcmp_epoll_slot) : 0;
	return lb_forward(trap);
}

int64_t lb_own_personality(struct lb_trap *trap)
{
	return (uint32_t)trap->args[0] == PERSONALITY_ASKED ? lb_forward(trap) : LB_NEEDS_HOME;
}

/* capget(2): the version tells how long the data is; where it is unknown home tells the right one. */
static int64_t capabilities(struct lb_trap *trap)
{
	uint32_t version = 0;

	if (lb_user_read(&version, trap->args[0], sizeof(version)) < 0)
		return -EFAULT;
	trap->given = version == _LINUX_CAPABILITY_VERSION_1 ? 12 : 24;
	return lb_forward(trap);
}

int64_t lb_own_capget(struct lb_trap *trap)
{
	return capabilities(trap);
}

int64_t lb_own_capset(struct lb_trap *trap)
{
	return capabilities(trap);
}
