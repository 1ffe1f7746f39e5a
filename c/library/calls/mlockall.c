/* mlockall.c - mlockall(2) away from home: of what is the program's.
 *
 * Runs in:  the SIGSYS handler, all signals blocked.
 */
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/resource.h>
#include <asm/unistd.h>

#include "syscall.h"

#include "calls/own.h"
#include "image/kept.h"
#include "image/maps.h"
#include "process/limits.h"
#include "process/own_memory.h"
#include "trap/stub.h"
#include "trap/trap.h"

static bool fits_locked(void)
{
	char text[64] = "";
	uint64_t limit[2] = { 0, 0 };
	uint64_t pages = 0;
	int64_t fd = lb_syscall3(__NR_open, "/proc/thread-self/statm", O_RDONLY | O_CLOEXEC, 0);

	if (fd < 0)
		return false;
	lb_syscall3(__NR_read, fd, text, sizeof text - 1);
	lb_syscall1(__NR_close, fd);
	for (const char *at = text; *at >= '0' && *at <= '9'; at++)
		pages = pages * 10 + (uint64_t)(*at - '0');
	lb_limit_get(RLIMIT_MEMLOCK, limit);
	return pages > 0 && pages * 4096 - lb_own_bytes(false) <= limit[0];
}

static int lock_one(const struct lb_mapping *mapping, void *flags)
{
	uint64_t start = mapping->segment.start;
	bool own = lb_areas_have(start) || lb_kept_has(start);

	if (!mapping->skip && !own) /* those that cannot be are no error: apply_mlockall_flags(), mm/mlock.c, 6.12 */
		lb_syscall3(__NR_mlock2, start, mapping->segment.end - start, *(int *)flags);
	return 0;
}

int64_t lb_own_mlockall(struct lb_trap *trap)
{
	int flags = (int)trap->args[0];
	int on_fault = flags & MCL_ONFAULT ? MLOCK_ONFAULT : 0;

	/* The kernel counts all there is. Where the limit is too low it knows who may all the same. */
	if (!(flags & MCL_CURRENT) || (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) || !fits_locked())
		return lb_here(trap);
	if (!(flags & MCL_FUTURE))
		lb_syscall0(__NR_munlockall); /* what comes later is not locked any more */
	else if (lb_syscall1(__NR_mlockall, flags & ~MCL_CURRENT) < 0)
		return lb_here(trap);
	return lb_each_mapping(lock_one, &on_fault);
}
