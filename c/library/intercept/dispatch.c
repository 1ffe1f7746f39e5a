/* dispatch.c - Decides by the table what happens to a trapped call.
 *
 * A call goes home (home_call/marshal.c), is answered here (calls/), is made by the program on this node (trap/stub.c),
 * or brings the process home (entry/sigsys.c). Where no row of lb_syscalls.h tells, a handler in calls/ does.
 *
 * Runs in:  the SIGSYS handler, all signals blocked.
 */
#include "intercept/dispatch.h"

#include <linux/errno.h>
#include <asm/unistd.h>

#include "lb_syscalls.h"

#include "cache/invalidation.h"
#include "calls/forward.h"
#include "calls/held.h"
#include "calls/mapped_writes.h"
#include "calls/own.h"
#include "calls/socket_waits.h"
#include "calls/vfork_child.h"
#include "home_call/table.h"
#include "mask/aside.h"
#include "patch/answers.h"
#include "patch/sites.h"
#include "process/process.h"
#include "trap/frame.h"
#include "trap/stub.h"
#include "trap/trap.h"

/* Calls that a row cannot describe. */
static int64_t own(struct lb_trap *trap)
{
#define CASE_OWN(number, name) \
	case number: \
		return lb_own_##name(trap);
#define CASE_HOME(number, name)
#define CASE_HERE(number, name)
#define CASE_COME(number, name)
#define CASE_REFUSED(number, name)
#define CASE(number, name, where, ...) CASE_##where(number, name)
	switch (trap->number) {
		LB_SYSCALL_MAP(CASE)
	}
	return LB_NEEDS_HOME;
}

static int64_t by_row(struct lb_trap *trap)
{
	const struct lb_row *row = lb_row_of(trap->number);

	if (row == NULL)
		return LB_NEEDS_HOME;
	switch ((enum lb_where)row->where) {
	case LB_HOME:
		return lb_forward_row(trap, row);
	case LB_HERE:
		return lb_here(trap);
	case LB_OWN:
		return own(trap);
	case LB_REFUSED:
		return -ENOSYS;
	case LB_COME:
		break;
	}
	return LB_NEEDS_HOME;
}

static int64_t decide(struct lb_trap *trap)
{
	int64_t result;

	if (lb_thread()->has_child && lb_child_decides(trap, &result))
		return result;
	return lb_socket_events(trap->number) != 0 ? lb_socket_call(trap, by_row) : by_row(trap);
}

static int64_t answer(struct lb_trap *trap)
{
	int64_t result = LB_SLOW;

	if (lb_fast_wants(trap->number)) {
		result = lb_fast_call(trap->number, trap->args);
		lb_sites_trapped(trap->number, trap->context->uc_mcontext.rip);
	} else {
		lb_sites_before_call(trap->number, trap->args);
	}
	if (lb_thread()->has_child) /* whose descriptors are its own */
		return result == LB_SLOW ? decide(trap) : result;
	if (result == LB_SLOW && lb_files_prepare(trap))
		result = lb_fast_call(trap->number, trap->args);
	if (result != LB_SLOW)
		return result;
	lb_files_before(trap);
	lb_thread()->reply_flags = 0;
	lb_thread()->waiting.let_go = false;
	result = decide(trap);
	if (!lb_self.away) /* a child of fork(2), at home */
		return result;
	if (result != LB_NEEDS_HOME) {
		if (lb_thread()->waiting.let_go)
			lb_files_after_others(trap, result);
		else
			lb_files_after(trap, result);
		lb_mapped_after(trap, result);
		trap->leaves = lb_mapped_is_stale();
	}
	lb_held_after(trap->context->uc_sigmask | lb_mask_believed());
	return result;
}

int64_t lb_dispatch(struct lb_trap *trap)
{
	int64_t result = answer(trap);

	return result == LB_AGAIN ? lb_trap_again(trap) : result;
}
