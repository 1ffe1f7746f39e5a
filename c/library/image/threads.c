/* threads.c - stops all threads, and lets them go on.
 *
 * Here, or in a copy of the process.
 *
 * By a signal to each, until all that /proc/self/task names have parked, twice in a row: a thread that is being born
 * appears late, and blocks all signals until then.
 *
 * Runs in:  the trigger's and the SIGSYS handler, all signals blocked; the restored process.
 */
#include "image/threads.h"

#include <asm/prctl.h>
#include <asm/stat.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <linux/time_types.h>
#include <asm/unistd.h>

#include "proc_stat.h"
#include "syscall.h"

#include "image/kernel_state.h"
#include "image/rseq.h"
#include "process/actions.h"
#include "process/arm.h"
#include "process/clock.h"
#include "process/context.h"
#include "process/own_memory.h"
#include "thread/lock.h"

#define STOP_LIMIT_NS 1500000000LL /* before the daemon gives up the order: LB_ORDER_TIMEOUT_MS */
#define LOOK_NS 1000000LL          /* after so long without news it is looked who is missing */
#define SUSPECT_NS 10000000LL      /* who has not parked by then may have ended */

static struct {
	volatile uint32_t arrived; /* how many have parked in this round */
	volatile uint32_t wanted;  /* as many are waited for */
	uint32_t round;
	volatile int error; /* of one that cannot be in an image */
	uint32_t sent[LB_THREAD_SLOTS];
	uint32_t sent_count;
} stop;

static struct {
	volatile uint32_t made, go;
	volatile int error;
	bool is_home;
	bool first_is_nobody;
} copy;

static void futex_wake(volatile uint32_t *word, uint32_t count)
{
	lb_syscall3(__NR_futex, word, FUTEX_WAKE_PRIVATE, count);
}

static void let_go(struct lb_parked *parked, uint64_t ip, uint64_t sp, uint64_t arg)
{
	parked->ip = ip;
	parked->sp = sp;
	parked->arg = arg;
	__atomic_store_n(&parked->state, LB_PARKED_GO, __ATOMIC_SEQ_CST);
	futex_wake(&parked->state, 1);
}

/* Until it is no longer `value`; limit_ns < 0: for ever. */
static void futex_wait(volatile uint32_t *word, uint32_t value, int64_t limit_ns)
{
	struct __kernel_timespec limit = { limit_ns / 1000000000, limit_ns % 1000000000 };
	lb_syscall4(__NR_futex, word, FUTEX_WAIT_PRIVATE, value, limit_ns < 0 ? 0 : &limit);
}

/* ---- who is there ---- */

static int64_t number_of(const char *text)
{
	int64_t value = 0;
	for (; *text >= '0' && *text <= '9'; text++)
		value = value * 10 + (*text - '0');
	return value;
}

/* A leader that has ended by pthread_exit(3) stays in the list. */
static bool has_ended(uint32_t tid)
{
	char state;
	uint64_t start_ticks;
	int64_t error = lb_proc_stat(tid, &state, &start_ticks);
	return error == -ESRCH || (!error && (state == 'Z' || state == 'X'));
}

static bool has_parked(uint32_t tid)
{
	const struct lb_thread *thread = lb_thread_of_local(tid);
	return thread && thread->stopped == stop.round &&
		__atomic_load_n(&lb_parked(thread)->state, __ATOMIC_SEQ_CST) == LB_PARKED_WAITS;
}

static void send(uint32_t tid)
{
	siginfo_t info = { .si_signo = LB_STOP_SIGNAL, .si_code = SI_QUEUE, .si_errno = LB_SIGNAL_MARK };
	for (uint32_t i = 0; i < stop.sent_count; i++)
		if (stop.sent[i] == tid)
			return;
	if (stop.sent_count == LB_THREAD_SLOTS)
		return; /* more threads than slots: the limit is lower */
	info.si_pid = (int)lb_self.local_pid;
	if (lb_syscall4(__NR_rt_tgsigqueueinfo, lb_self.local_pid, tid, LB_STOP_SIGNAL, &info) == 0)
		stop.sent[stop.sent_count++] = tid;
}

/* How many have not parked; the last of them. Negative: an error. */
static int64_t look(uint32_t *missing, bool suspects)
{
	static char entries[8192]; /* struct linux_dirent64: ino 8, off 8, size 2, type 1, name */
	int64_t count = 0, got;
	int64_t dir = lb_syscall4(__NR_openat, AT_FDCWD, "/proc/self/task", O_DIRECTORY | O_CLOEXEC, 0);
	if (dir < 0)
		return dir;
	while ((got = lb_syscall3(__NR_getdents64, dir, entries, sizeof entries)) > 0)
		for (int64_t at = 0; at < got; at += *(uint16_t *)(entries + at + 16)) {
			uint32_t tid = (uint32_t)number_of(entries + at + 19);
			if (tid == 0 || tid == lb_thread()->local_tid || has_parked(tid) ||
				(suspects && has_ended(tid)))
				continue;
			send(tid);
			*missing = tid;
			count++;
		}
	lb_syscall1(__NR_close, dir);
	return got < 0 ? got : count;
}

/* ---- stopping ---- */

static int wait_for_all(uint32_t *missing)
{
	int64_t begin_ns = lb_monotonic_raw_ns(), now_ns = begin_ns;
	for (unsigned quiet = 0; quiet < 2;) {
		uint32_t arrived = stop.arrived;
		int64_t count = look(missing, now_ns - begin_ns > SUSPECT_NS);
		if (count < 0)
			return (int)count;
		quiet = count == 0 ? quiet + 1 : 0;
		if (count == 0)
			continue;
		now_ns = lb_monotonic_raw_ns();
		if (now_ns - begin_ns > STOP_LIMIT_NS)
			return -LB_E_PARK;
		__atomic_store_n(&stop.wanted, arrived + (uint32_t)count, __ATOMIC_SEQ_CST);
		for (arrived = stop.arrived; arrived < stop.wanted; arrived = stop.arrived) {
			futex_wait(&stop.arrived, arrived, LOOK_NS);
			if (lb_monotonic_raw_ns() - now_ns > LOOK_NS)
				break;
		}
	}
	return stop.error;
}

/* Slots whose thread is not there any more. */
static void forget_ended(void)
{
	for (unsigned i = 0; i < LB_THREAD_SLOTS; i++) {
		struct lb_thread *thread = &lb_threads[i];
		if (thread->local_tid != 0 && thread != lb_thread() && thread->stopped != stop.round)
			lb_thread_forget(thread);
	}
}

/* Tasks of the process, a leader that has ended among them. */
static int64_t count_tasks(void)
{
	struct stat status;
	int64_t error = lb_syscall2(__NR_stat, "/proc/self/task", &status);
	return error < 0 ? error : (int64_t)status.st_nlink - 2;
}

/* Go's threads have a stack for signals, and run on others that have no room for one: a trapped call's would overwrite
 * what lies below. Its runtime takes SIGURG so (runtime/signal_unix.go, Go 1.19). */
static bool has_small_stacks(void)
{
	const struct lb_action *urgent = &lb_self.actions[SIGURG];
	return lb_is_handler(urgent->handler) && (urgent->flags & SA_ONSTACK);
}

int lb_threads_stop(uint32_t *detail)
{
	uint32_t idle = 0;
	int64_t count = count_tasks();
	if (count < 0)
		return (int)count;
	if (count == 1) {
		stop.round++;
		forget_ended();
		return 0;
	}
	if (count > LB_THREADS_MAX) {
		*detail = (uint32_t)count;
		return -LB_E_THREADS_MAX;
	}
	if (has_small_stacks())
		return -LB_E_SMALL_STACKS;
	if (!__atomic_compare_exchange_n(&lb_stopping, &idle, 1, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		return -LB_E_PARK; /* another one is stopping this one */
	lb_is_threaded = true;
	bool held = lb_lock_leave();
	stop.round++;
	stop.arrived = stop.wanted = stop.sent_count = 0;
	stop.error = 0;
	lb_action_stop_begin(LB_STOP_SIGNAL);
	lb_lock_wake();
	lb_threads_signals_begin();
	int error = wait_for_all(detail);
	if (error)
		lb_threads_go();
	else
		forget_ended();
	if (held)
		lb_lock_take();
	return error;
}

static bool is_waiting(struct lb_thread *thread)
{
	uint32_t waits = LB_PARKED_WAITS;
	return __atomic_compare_exchange_n(
		&lb_parked(thread)->state, &waits, LB_PARKED_GO, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

void lb_threads_go(void)
{
	uint32_t gone = 0;
	if (!lb_stopping)
		return;
	__atomic_store_n(&lb_stopping, 0, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < LB_THREAD_SLOTS; i++)
		if (is_waiting(&lb_threads[i])) {
			futex_wake(&lb_parking[i].state, 1);
			gone++;
		}
	/* One that has not taken it may still get the signal: by default that would end the process. */
	if (gone >= stop.sent_count)
		lb_action_stop_end();
}

/* Where a thread waits. Whoever sets `ip` takes it over: the shadow does (lb_park.h). */
static void wait_parked(struct lb_thread *thread)
{
	static const stack_t none = { .ss_flags = SS_DISABLE };
	struct lb_parked *parked = lb_parked(thread);
	uint32_t state;
	while ((state = __atomic_load_n(&parked->state, __ATOMIC_SEQ_CST)) == LB_PARKED_WAITS)
		futex_wait(&parked->state, state, -1);
	if (parked->ip == 0)
		return;
	/* What the kernel would write to, and read, in memory that will be gone. */
	lb_rseq_drop();
	lb_syscall1(__NR_set_tid_address, 0);
	lb_syscall2(__NR_set_robust_list, 0, thread->robust_size);
	lb_syscall2(__NR_sigaltstack, &none, 0);
	__asm__ volatile("mov %0, %%rsp\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "jmp *%1"
		:
		: "r"(parked->sp), "r"(parked->ip), "D"(parked->arg)
		: "memory");
	__builtin_unreachable();
}

__attribute__((noinline)) static void park(struct lb_thread *thread)
{
	if (lb_context_save(thread->context))
		return;
	lb_parked(thread)->tid = thread->local_tid;
	lb_parked(thread)->ip = 0;
	thread->stopped = stop.round;
	__atomic_store_n(&lb_parked(thread)->state, LB_PARKED_WAITS, __ATOMIC_SEQ_CST);
	/* It may have been given up meanwhile. */
	if (lb_stopping || !is_waiting(thread)) {
		if (__atomic_add_fetch(&stop.arrived, 1, __ATOMIC_SEQ_CST) >= stop.wanted)
			futex_wake(&stop.arrived, 1);
		wait_parked(thread);
	}
	lb_parked(thread)->state = LB_PARKED_NONE;
	lb_thread_give_signals(thread);
}

void lb_thread_park(void)
{
	struct lb_thread *thread = lb_thread();
	int error = lb_thread_take(thread);
	if (error)
		stop.error = error;
	park(thread);
}

/* ---- in a restored process ---- */

static void set_segments(const struct lb_thread *thread)
{
	lb_syscall2(__NR_arch_prctl, ARCH_SET_FS, thread->fs_base);
	lb_syscall2(__NR_arch_prctl, ARCH_SET_GS, thread->gs_base);
}

void lb_threads_choose_first(bool at_home)
{
	uint32_t wanted = at_home ? (uint32_t)lb_syscall0(__NR_gettid) : lb_self.home_pid;
	struct lb_thread *first = lb_thread_of_home(wanted);
	copy.made = copy.go = 0;
	copy.error = 0;
	copy.is_home = at_home;
	copy.first_is_nobody = !first;
	lb_stopping = 0;
	lb_lock_reset();
	for (unsigned i = 0; i < LB_THREAD_SLOTS; i++)
		lb_parking[i].state = LB_PARKED_NONE;
	if (first)
		set_segments(first);
}

bool lb_first_is_a_thread(void)
{
	return !copy.first_is_nobody;
}

/* Waits until it is to go on. */
__attribute__((noreturn, used)) static void begin(struct lb_thread *thread)
{
	uint32_t go;
	set_segments(thread);
	thread->local_tid = (uint32_t)lb_syscall0(__NR_gettid);
	int error = lb_thread_give(thread, copy.is_home);
	if (error)
		copy.error = error;
	__atomic_add_fetch(&copy.made, 1, __ATOMIC_SEQ_CST);
	futex_wake(&copy.made, 1);
	while ((go = __atomic_load_n(&copy.go, __ATOMIC_SEQ_CST)) == 0)
		futex_wait(&copy.go, go, -1);
	if (!copy.is_home)
		lb_arm();
	lb_thread_give_signals(thread);
	lb_context_resume(thread->context);
}

#define THREAD_FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS)
#define BEGIN_ROOM 16384 /* above that its own stack has where it parked */

/* A new thread in begin(thread), below what its own stack has. Returns its number or an error. */
static int64_t make(struct lb_thread *thread)
{
	int64_t result;
	register uint64_t child_tid __asm__("r10") = 0;
	register uint64_t tls __asm__("r8") = thread->fs_base;
	register void *argument __asm__("r12") = thread;
	register void *function __asm__("r13") = (void *)begin;
	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "mov %%r12, %%rdi\n\t"
			 "call *%%r13\n\t"
			 "hlt\n"
			 "1:"
		: "=a"(result)
		: "a"((int64_t)__NR_clone), "D"((uint64_t)THREAD_FLAGS), "S"(lb_stack_begin(thread) + BEGIN_ROOM),
		"d"(0ULL), "r"(child_tid), "r"(tls), "r"(argument), "r"(function)
		: "rcx", "r11", "memory");
	return result;
}

/* A thread of this process that has been kept for it becomes it. False: there is none. */
static bool take_over(struct lb_thread *thread, struct lb_parked *kept, uint32_t kept_count)
{
	for (uint32_t i = 0; i < kept_count; i++) {
		if (kept[i].tid != thread->home_tid || kept[i].state != LB_PARKED_WAITS)
			continue;
		let_go(&kept[i], (uint64_t)begin, lb_stack_begin(thread) + BEGIN_ROOM - 8, (uint64_t)thread);
		return true;
	}
	return false;
}

/* Ends the thread, which has no stack. */
extern const char lb_thread_end[] LB_HIDDEN;
__asm__(".pushsection .text\n"
	".hidden lb_thread_end\n"
	".globl lb_thread_end\n"
	".type lb_thread_end, @function\n"
	"lb_thread_end:\n"
	"	mov $60, %eax\n" /* exit */
	"	xor %edi, %edi\n"
	"	syscall\n"
	"	hlt\n"
	".size lb_thread_end, . - lb_thread_end\n"
	".popsection\n");

/* Those whose threads have ended away: they end, and are gone. */
static void end_rest(struct lb_parked *kept, uint32_t kept_count)
{
	for (uint32_t i = 0; i < kept_count; i++) {
		if (kept[i].state != LB_PARKED_WAITS)
			continue;
		let_go(&kept[i], (uint64_t)lb_thread_end, 0, 0);
		while (lb_syscall3(__NR_tgkill, lb_syscall0(__NR_getpid), kept[i].tid, 0) == 0)
			lb_syscall0(__NR_sched_yield);
	}
}

int lb_threads_make(struct lb_parked *kept, uint32_t kept_count)
{
	uint32_t count = 0, made;
	lb_is_threaded = false;
	for (unsigned i = 0; i < LB_THREAD_SLOTS; i++) {
		struct lb_thread *thread = &lb_threads[i];
		if (thread->local_tid == 0 || (thread == lb_thread() && lb_first_is_a_thread()))
			continue;
		if (!copy.is_home && !lb_thread_make_areas(thread))
			return -LB_E_MEMORY;
		if (!take_over(thread, kept, kept_count) && make(thread) < 0)
			return -LB_E_THREAD_LIMIT;
		count++;
	}
	end_rest(kept, kept_count);
	lb_is_threaded = count > 0;
	while ((made = __atomic_load_n(&copy.made, __ATOMIC_SEQ_CST)) < count)
		futex_wait(&copy.made, made, -1);
	return copy.error;
}

void lb_threads_begin(void)
{
	__atomic_store_n(&copy.go, 1, __ATOMIC_SEQ_CST);
	futex_wake(&copy.go, LB_THREAD_SLOTS);
	if (lb_first_is_a_thread())
		lb_context_resume(lb_thread()->context);
	lb_syscall1(__NR_set_tid_address, 0);
	for (;;)
		lb_syscall1(__NR_exit, 0);
}
