/* threads.c - the table of threads, part of an image. */
#include <linux/errno.h>
#include <asm/unistd.h>

#include "mem.h"
#include "syscall.h"

#include "thread/thread.h"

struct lb_thread lb_threads[LB_THREAD_SLOTS];
struct lb_parked lb_parking[LB_THREAD_SLOTS];
__thread struct lb_thread *lb_this_thread;

/* Of threads for which there is no slot. What it is used for then is right for any of them: it has used no CPU time
 * elsewhere, and an order for a process of so many threads is refused (image/threads.c). */
static struct lb_thread nobodys;

/* A slot whose thread has ended: at home nobody tells when one does. */
static bool has_ended(uint32_t local_tid)
{
	return lb_syscall3(__NR_tgkill, lb_syscall0(__NR_getpid), local_tid, 0) == -ESRCH;
}

static bool is_left(struct lb_thread *slot)
{
	if (slot->left_by != 0 && !has_ended(slot->left_by))
		return false;
	slot->left_by = 0;
	return true;
}

static bool take_slot(struct lb_thread *slot, uint32_t tid)
{
	uint32_t holder = __atomic_load_n(&slot->local_tid, __ATOMIC_RELAXED);
	if ((holder != 0 && !has_ended(holder)) || !is_left(slot))
		return false;
	if (!__atomic_compare_exchange_n(&slot->local_tid, &holder, tid, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		return false;
	lb_thread_forget(slot);
	slot->local_tid = slot->home_tid = tid;
	return true;
}

struct lb_thread *lb_thread_meet(void)
{
	uint32_t tid = (uint32_t)lb_syscall0(__NR_gettid);
	for (unsigned pass = 0; pass < 2; pass++)
		for (unsigned i = 0; i < LB_THREAD_SLOTS; i++) {
			if (pass == 0 && lb_threads[i].local_tid != 0)
				continue;
			if (take_slot(&lb_threads[i], tid))
				return lb_this_thread = &lb_threads[i];
		}
	return &nobodys;
}

struct lb_thread *lb_thread_reserve(void)
{
	for (unsigned i = 0; i < LB_THREAD_SLOTS; i++)
		if (lb_threads[i].local_tid == 0 && is_left(&lb_threads[i])) {
			lb_thread_forget(&lb_threads[i]);
			return &lb_threads[i];
		}
	return 0;
}

void lb_thread_leave(struct lb_thread *thread)
{
	thread->left_by = thread->local_tid;
	thread->home_tid = 0;
	thread->local_tid = 0;
}

unsigned lb_threads_count(void)
{
	unsigned count = 0;
	for (unsigned i = 0; i < LB_THREAD_SLOTS; i++)
		count += lb_threads[i].local_tid != 0;
	return count;
}

/* Its stack and areas stay with the slot (own_memory.c). */
void lb_thread_forget(struct lb_thread *thread)
{
	uint64_t stack_top = thread->stack_top;
	struct lb_call_areas *areas = thread->areas;
	memset(thread, 0, sizeof *thread);
	thread->deferred_mask = ~0ULL;
	thread->stack_top = stack_top;
	thread->areas = areas;
}

void lb_threads_forget_others(void)
{
	for (unsigned i = 0; i < LB_THREAD_SLOTS; i++)
		if (lb_threads[i].local_tid != 0 && &lb_threads[i] != lb_thread())
			lb_thread_forget(&lb_threads[i]);
}

struct lb_thread *lb_thread_of_local(uint32_t tid)
{
	for (unsigned i = 0; i < LB_THREAD_SLOTS; i++)
		if (lb_threads[i].local_tid == tid)
			return &lb_threads[i];
	return 0;
}

uint32_t lb_local_tid(uint32_t home_tid)
{
	const struct lb_thread *thread = lb_thread_of_home(home_tid);
	return thread ? thread->local_tid : 0;
}
