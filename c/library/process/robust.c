/* robust.c - The robust list of a thread that ends.
 *
 * The kernel walks it when a thread ends, and tells whoever waits for a lock of it that its owner has died:
 * get_robust_list(2), Documentation/locking/robust-futexes.rst. It knows the owner by this node's number, and the lock
 * has home's; so a guest does it by itself before the kernel has nothing left to do.
 *
 * Runs in:  the SIGSYS handler, all signals blocked.
 */
#include "process/robust.h"

#include <linux/futex.h>
#include <linux/uio.h>
#include <asm/unistd.h>

#include "syscall.h"

#include "process/process.h"

#define LOCKS_MAX 2048 /* ROBUST_LIST_LIMIT: a list may be a circle */
#define IS_PI 1ULL     /* in an entry's address */

/* Memory of the program may be missing, and is never written there. */
static bool read_memory(void *to, uint64_t from, uint64_t size)
{
	struct iovec here = { to, size }, there = { (void *)from, size };
	return lb_syscall6(__NR_process_vm_readv, lb_thread()->local_tid, &here, 1, &there, 1, 0) == (int64_t)size;
}

/* Not for the process alone: so does the kernel, and so waits whoever wants such a lock. */
static void wake_one(uint64_t at)
{
	lb_syscall3(__NR_futex, at, FUTEX_WAKE, 1);
}

/* is_pending: it was about to be taken or given back. False: the list leads nowhere. */
static bool end_lock(uint64_t at, uint32_t tid, bool is_pi, bool is_pending)
{
	uint32_t word;
	if ((at & 3) != 0 || !read_memory(&word, at, sizeof word))
		return false;
	do {
		/* Given back, but whoever waits is not woken yet. */
		if (is_pending && !is_pi && !(word & FUTEX_TID_MASK)) {
			wake_one(at);
			return true;
		}
		if ((word & FUTEX_TID_MASK) != tid)
			return true;
	} while (!__atomic_compare_exchange_n((uint32_t *)at, &word, (word & FUTEX_WAITERS) | FUTEX_OWNER_DIED, false,
		__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
	if (!is_pi && (word & FUTEX_WAITERS))
		wake_one(at);
	return true;
}

void lb_robust_end(uint64_t head, uint32_t tid)
{
	struct robust_list_head list;
	if (head == 0 || !read_memory(&list, head, sizeof list))
		return;
	uint64_t offset = (uint64_t)list.futex_offset;
	uint64_t pending = (uint64_t)list.list_op_pending, entry = (uint64_t)list.list.next, next = entry;
	for (int i = 0; i < LOCKS_MAX && (entry & ~IS_PI) != head; i++, entry = next) {
		/* Before the lock is anybody else's, who may take it out of the list. */
		bool more = read_memory(&next, entry & ~IS_PI, sizeof next);
		if ((entry & ~IS_PI) != (pending & ~IS_PI) &&
			!end_lock((entry & ~IS_PI) + offset, tid, entry & IS_PI, false))
			return;
		if (!more)
			return;
	}
	if (pending & ~IS_PI)
		end_lock((pending & ~IS_PI) + offset, tid, pending & IS_PI, true);
}
