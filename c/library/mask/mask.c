/* mask.c - the program's signal masks, as the kernel and home may have them. */
#include "mask/mask.h"

#include "process/process.h"
#include "thread/thread.h"

#define NEVER_BLOCKED (LB_BIT(SIGSYS) | LB_BIT(SIGURG) | LB_BIT(SIGKILL) | LB_BIT(SIGSTOP))

uint64_t lb_mask_strip(uint64_t mask)
{
	return mask & ~NEVER_BLOCKED;
}

bool lb_mask_note(uint64_t mask)
{
	struct lb_thread *thread = lb_thread();
	uint64_t before = lb_mask_quiet_blocked();
	thread->quiet_blocked = mask & LB_QUIET_SIGNALS;
	return lb_mask_quiet_blocked() != before;
}

uint64_t lb_mask_quiet_blocked(void)
{
	uint64_t blocked = LB_QUIET_SIGNALS;
	for (unsigned i = 0; i < LB_THREAD_SLOTS; i++)
		if (lb_threads[i].local_tid != 0)
			blocked &= lb_threads[i].quiet_blocked;
	return blocked;
}
