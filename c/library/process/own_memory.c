/* own_memory.c - memory of the library's own, which only a guest has.
 *
 * Runs in:  a restored process before anything of the program does, and the SIGSYS handler; all signals blocked.
 */
#include "process/own_memory.h"

#include <linux/mman.h>
#include <asm/unistd.h>

#include "syscall.h"

#include "process/process.h"

struct lb_mapped *lb_mapped;
static uint64_t noted[LB_OWN_KINDS];
static uint64_t stacks, areas; /* how many there are */
/* Of the first slot: whoever has only one thread needs no other memory for it, at home either. */
static uint8_t first_stack[LB_STACK_SIZE] __attribute__((aligned(64)));

void lb_own_note(enum lb_own kind, uint64_t bytes)
{
	noted[kind] = bytes;
}

/* 0: there is no memory. */
static uint64_t map(uint64_t size)
{
	int64_t at = lb_syscall6(__NR_mmap, 0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return at < 0 ? 0 : (uint64_t)at;
}

static bool has_areas(const struct lb_thread *thread)
{
	return thread->areas != 0;
}

bool lb_thread_make_areas(struct lb_thread *thread)
{
	if (has_areas(thread))
		return true;
	thread->areas = (struct lb_call_areas *)map(LB_PAGES(sizeof *thread->areas));
	__atomic_add_fetch(&areas, has_areas(thread), __ATOMIC_RELAXED);
	return has_areas(thread);
}

bool lb_thread_make_stack(struct lb_thread *thread)
{
	if (thread == lb_threads)
		thread->stack_top = (uint64_t)(first_stack + LB_STACK_SIZE);
	if (thread->stack_top)
		return true;
	uint64_t at = map(LB_STACK_SIZE);
	if (!at)
		return false;
	thread->stack_top = at + LB_STACK_SIZE;
	__atomic_add_fetch(&stacks, 1, __ATOMIC_RELAXED);
	return true;
}

bool lb_areas_make(void)
{
	if (!lb_mapped)
		lb_mapped = (struct lb_mapped *)map(LB_PAGES(sizeof *lb_mapped));
	return lb_mapped && lb_thread_make_areas(lb_thread()) && lb_thread_make_stack(lb_thread());
}

void lb_areas_drop(void)
{
	if (lb_mapped)
		lb_syscall2(__NR_munmap, lb_mapped, LB_PAGES(sizeof *lb_mapped));
	lb_mapped = 0;
	for (unsigned i = 0; i < LB_THREAD_SLOTS; i++) {
		struct lb_thread *thread = &lb_threads[i];
		if (has_areas(thread))
			lb_syscall2(__NR_munmap, thread->areas, LB_PAGES(sizeof *thread->areas));
		thread->areas = 0;
	}
	areas = 0;
}

bool lb_areas_have(uint64_t page)
{
	if (lb_mapped && page - (uint64_t)lb_mapped < LB_PAGES(sizeof *lb_mapped))
		return true;
	for (unsigned i = 0; i < LB_THREAD_SLOTS && areas; i++) {
		const struct lb_thread *thread = &lb_threads[i];
		if (has_areas(thread) && page - (uint64_t)thread->areas < LB_PAGES(sizeof *thread->areas))
			return true;
	}
	return false;
}

uint64_t lb_own_bytes(bool data)
{
	uint64_t bytes = (lb_mapped ? LB_PAGES(sizeof *lb_mapped) : 0) + stacks * LB_STACK_SIZE +
		areas * LB_PAGES(sizeof(struct lb_call_areas)) + noted[LB_OWN_KEPT];
	if (!data)
		bytes += lb_self.hole_end - lb_self.hole_start + lb_self.ring_end - lb_self.ring_start +
			noted[LB_OWN_LANDINGS] + (lb_self.range_start ? LB_RANGE_SIZE : 0);
	return bytes;
}
