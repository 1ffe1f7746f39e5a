/* lock.c - the guest lock, a mutex on futex(2).
 *
 * As in U. Drepper, "Futexes Are Tricky", 2011: 0 free, 1 held, 2 held and waited for.
 */
#include "thread/lock.h"

#include <linux/futex.h>
#include <asm/unistd.h>

#include "syscall.h"

#define FREE 0u
#define HELD 1u
#define WAITED_FOR 2u
#define SPINS 100 /* most calls are shorter than going to sleep */

volatile bool lb_is_threaded;
volatile uint32_t lb_stopping;
static volatile uint32_t word __attribute__((aligned(64)));

static bool try_take(uint32_t as)
{
	uint32_t free = FREE;
	return __atomic_compare_exchange_n(&word, &free, as, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static bool take(bool may_stop)
{
	for (int i = 0; i < SPINS; i++) {
		if (may_stop && lb_stopping)
			return false;
		if (word == FREE && try_take(HELD))
			return true;
		__builtin_ia32_pause();
	}
	for (;;) {
		if (may_stop && lb_stopping)
			return false;
		if (__atomic_exchange_n(&word, WAITED_FOR, __ATOMIC_ACQUIRE) == FREE)
			return true;
		lb_syscall4(__NR_futex, &word, FUTEX_WAIT_PRIVATE, WAITED_FOR, 0);
	}
}

bool lb_lock_enter(void)
{
	if (!lb_is_threaded)
		return true;
	if (!take(true))
		return false;
	lb_thread()->holds_lock = true;
	return true;
}

void lb_lock_take(void)
{
	if (!lb_is_threaded)
		return;
	take(false);
	lb_thread()->holds_lock = true;
}

bool lb_lock_leave(void)
{
	struct lb_thread *thread = lb_thread();
	if (!thread->holds_lock)
		return false;
	thread->holds_lock = false;
	if (__atomic_exchange_n(&word, FREE, __ATOMIC_RELEASE) == WAITED_FOR)
		lb_syscall3(__NR_futex, &word, FUTEX_WAKE_PRIVATE, 1);
	return true;
}

void lb_lock_wake(void)
{
	lb_syscall3(__NR_futex, &word, FUTEX_WAKE_PRIVATE, LB_THREAD_SLOTS);
}

void lb_lock_reset(void)
{
	word = FREE;
	for (unsigned i = 0; i < LB_THREAD_SLOTS; i++)
		lb_threads[i].holds_lock = false;
}
