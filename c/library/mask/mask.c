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
	bool changed = (mask & LB_QUIET_SIGNALS) != thread->quiet_blocked;
	thread->quiet_blocked = mask & LB_QUIET_SIGNALS;
	return changed;
}
