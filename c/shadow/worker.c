/* worker.c - Threads of this process that execute one system call at a time.
 *
 * Runs in:  what is LB_BARE, in a worker. No libc, no errno, no thread-local storage: libc knows nothing of them.
 * Entered:  by lb_worker_make()'s clone, on a stack of its own, all signals blocked.
 * Kernel:   while a worker waits all signals are blocked; while it makes a call, all but those that lb_worker_start()
 *           is told. A handler runs once a call at most, and ends it: whatever has come, the main thread looks at it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "action.h"
#include "descriptors.h"
#include "lb_park.h"
#include "lb_state.h"
#include "memory.h"
#include "park.h"
#include "state.h"
#include "syscall.h"
#include "worker.h"

#define STACK_SIZE LB_PARKING_STACK_SIZE /* a frame of a signal with AVX-512 is 4 KiB */
_Static_assert(LB_WORKERS_MAX <= LB_PARKED_MAX, "each has a stack of the range");

enum { WAITS, WORKS, LEAVES };

#define STACKS_SIZE ((size_t)LB_WORKERS_MAX * STACK_SIZE)
static struct lb_worker workers[LB_WORKERS_MAX];
static uint8_t *stacks;        /* of all of them, in a row; NULL: there are none yet */
static struct lb_worker *done; /* the last first */
volatile uint32_t lb_worker_stops;

void lb_worker_run(struct lb_worker *worker);
int64_t lb_worker_clone(uint64_t flags, void *stack, uint32_t *tid);
_Noreturn void lb_worker_exit(void);

/* rdi: flags, rsi: stack with the worker's address on top, rdx: where the kernel notes and clears its tid. */
__asm__(".pushsection .text\n"
	".globl lb_worker_clone, lb_worker_exit\n"
	".type lb_worker_clone, @function\n"
	"lb_worker_clone:\n"
	"	mov %rdx, %r10\n"
	"	mov $56, %eax\n"
	"	syscall\n"
	"	test %rax, %rax\n"
	"	jz 1f\n"
	"	ret\n"
	"1:	xor %ebp, %ebp\n"
	"	pop %rdi\n"
	"	call lb_worker_run\n"
	".size lb_worker_clone, . - lb_worker_clone\n"
	".type lb_worker_exit, @function\n"
	"lb_worker_exit:\n"
	"	xor %edi, %edi\n"
	"	mov $60, %eax\n"
	"	syscall\n"
	"	hlt\n"
	".size lb_worker_exit, . - lb_worker_exit\n"
	".popsection\n");

/* ---- in a worker ---- */

static LB_BARE void set_mask(uint64_t mask)
{
	lb_syscall4(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, LB_SIGSET_SIZE);
}

/* The descriptor may get another number meanwhile (descriptors.c): under the old one is the program's file then. */
static LB_BARE void tell_done(struct lb_worker *worker)
{
	const uint64_t one = 1;

	worker->next = __atomic_load_n(&done, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&done, &worker->next, worker, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
	__atomic_fetch_add(&lb_shadow.notifying, 1, __ATOMIC_SEQ_CST);
	lb_syscall3(SYS_write, __atomic_load_n(&lb_shadow.workers_fd, __ATOMIC_SEQ_CST), &one, sizeof one);
	__atomic_fetch_sub(&lb_shadow.notifying, 1, __ATOMIC_SEQ_CST);
}

LB_BARE void lb_worker_run(struct lb_worker *worker)
{
	uint32_t state;

	lb_syscall1(SYS_set_tid_address, &worker->tid);
	__atomic_store_n(&worker->begun, true, __ATOMIC_RELEASE);
	for (;;) {
		while ((state = __atomic_load_n(&worker->state, __ATOMIC_ACQUIRE)) == WAITS)
			lb_syscall4(SYS_futex, &worker->state, FUTEX_WAIT_PRIVATE, WAITS, NULL);
		if (state == LEAVES)
			break;
		set_mask(worker->mask);
		worker->result = lb_block(&worker->stop, worker->arguments);
		set_mask(~UINT64_C(0));
		__atomic_store_n(&worker->state, WAITS, __ATOMIC_RELAXED);
		tell_done(worker);
	}
	if (worker->lives)
		lb_syscall1(SYS_set_tid_address, 0);
	__asm__ volatile("mov %0, %%rsp\n\tjmp *%1" : : "r"(worker->sp), "r"(worker->ip), "D"(worker->arg) : "memory");
	__builtin_unreachable();
}

LB_BARE struct lb_worker *lb_worker_self(void)
{
	uintptr_t at = (uintptr_t)__builtin_frame_address(0) - (uintptr_t)stacks;

	return stacks != NULL && at < STACKS_SIZE ? &workers[at / STACK_SIZE] : NULL;
}

LB_BARE void lb_worker_signalled(struct lb_worker *worker, const siginfo_t *info, ucontext_t *context)
{
	bool is_ours = info->si_signo == LB_CANCEL_SIGNAL && info->si_code == SI_QUEUE &&
		info->si_errno == LB_SIGNAL_MARK && info->si_value.sival_ptr == worker;

	if (!is_ours) {
		worker->info = *info;
		worker->stops = lb_worker_stops;
	}
	worker->stop = 1;
	*(uint64_t *)&context->uc_sigmask = ~UINT64_C(0);
}

/* ---- in the main thread ---- */

static void wake(struct lb_worker *worker, uint32_t state)
{
	__atomic_store_n(&worker->state, state, __ATOMIC_RELEASE);
	lb_syscall3(SYS_futex, &worker->state, FUTEX_WAKE_PRIVATE, INT_MAX);
}

/* In the range, if this program was loaded. */
static bool make_stack(int i)
{
	const int how = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	void *at;

	if (lb_loaded != NULL) {
		stacks = (uint8_t *)lb_loaded->parking;
		at = stacks + (size_t)i * STACK_SIZE;
		return mmap(at, STACK_SIZE, PROT_READ | PROT_WRITE, how | MAP_FIXED, -1, 0) == at;
	}
	if (stacks != NULL)
		return true;
	at = mmap(NULL, STACKS_SIZE, PROT_READ | PROT_WRITE, how, -1, 0);
	stacks = at != MAP_FAILED ? at : NULL;
	return stacks != NULL;
}

static uint8_t *stack_end(const struct lb_worker *worker)
{
	return stacks + (size_t)(worker - workers + 1) * STACK_SIZE;
}

/* By which workers tell that they are done. */
static bool make_notice(void)
{
	static bool is_registered;
	int fd;

	if (lb_shadow.workers_fd >= 0)
		return true;
	lb_own_fds_begin();
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	fd = fd < 0 ? fd : lb_fd_move_up(fd);
	lb_own_fds_end();
	if (fd < 0)
		return false;
	lb_shadow.workers_fd = fd;
	if (!is_registered)
		lb_own_fd(&lb_shadow.workers_fd);
	is_registered = true;
	return true;
}

/* A free place, with all that a worker needs. */
static struct lb_worker *take_place(void)
{
	for (int i = 0; i < LB_WORKERS_MAX; i++) {
		struct lb_worker *worker = &workers[i];

		if (worker->taken || __atomic_load_n(&worker->tid, __ATOMIC_ACQUIRE) != 0)
			continue;
		if (!make_notice() || !make_stack(i))
			return NULL;
		memset(worker, 0, sizeof *worker);
		return worker;
	}
	return NULL;
}

struct lb_worker *lb_worker_make(void *owner)
{
	const uint64_t flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
		CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
	struct lb_worker *worker = take_place();
	uint8_t *top;

	if (worker == NULL)
		return NULL;
	top = stack_end(worker) - sizeof worker;
	memcpy(top, &worker, sizeof worker);
	if (lb_worker_clone(flags, top, &worker->tid) < 0)
		return NULL;
	worker->taken = true;
	worker->owner = owner;
	return worker;
}

struct lb_worker *lb_worker_adopt(struct lb_parked *slot, void *owner)
{
	struct lb_worker *worker = take_place();

	if (worker == NULL)
		return NULL;
	worker->tid = slot->tid;
	worker->taken = true;
	worker->owner = owner;
	/* As if it had been called there. */
	lb_park_let_go(slot, (uint64_t)lb_worker_run, (uint64_t)stack_end(worker) - 8, (uint64_t)worker);
	return worker;
}

void lb_worker_wait_begun(const struct lb_worker *worker)
{
	while (!__atomic_load_n(&worker->begun, __ATOMIC_ACQUIRE))
		sched_yield();
}

static void leave(struct lb_worker *worker, uint64_t ip, uint64_t arg)
{
	worker->ip = ip;
	worker->sp = (uint64_t)stack_end(worker);
	worker->arg = arg;
	worker->taken = false;
	wake(worker, LEAVES);
}

void lb_worker_park(struct lb_worker *worker, struct lb_parked *slot)
{
	slot->state = LB_PARKED_NONE;
	slot->tid = worker->tid;
	worker->lives = true;
	leave(worker, (uint64_t)lb_park, (uint64_t)slot);
	lb_park_wait(slot);
	worker->tid = 0;
}

void lb_worker_end(struct lb_worker *worker)
{
	leave(worker, (uint64_t)lb_worker_exit, 0);
}

void lb_worker_start(struct lb_worker *worker, const int64_t *arguments, uint64_t mask)
{
	memcpy(worker->arguments, arguments, sizeof worker->arguments);
	worker->mask = mask & ~(UINT64_C(1) << (LB_CANCEL_SIGNAL - 1));
	worker->info.si_signo = 0;
	worker->stop = 0;
	wake(worker, WORKS);
}

bool lb_worker_cancel(struct lb_worker *worker)
{
	siginfo_t info = { .si_signo = LB_CANCEL_SIGNAL, .si_errno = LB_SIGNAL_MARK, .si_code = SI_QUEUE };

	info.si_value.sival_ptr = worker;
	worker->stop = 1;
	return lb_syscall4(SYS_rt_tgsigqueueinfo, getpid(), worker->tid, LB_CANCEL_SIGNAL, &info) != -EAGAIN;
}

struct lb_worker *lb_worker_next_done(void)
{
	static struct lb_worker *taken; /* in the order of their ends */
	struct lb_worker *worker, *next;

	if (taken == NULL) {
		for (worker = __atomic_exchange_n(&done, NULL, __ATOMIC_ACQUIRE); worker != NULL; worker = next) {
			next = worker->next;
			worker->next = taken;
			taken = worker;
		}
	}
	worker = taken;
	if (worker != NULL)
		taken = worker->next;
	return worker;
}
