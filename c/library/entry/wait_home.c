/* wait_home.c - Stands in front of functions that take or see signals.
 *
 * Those of the C library, without a handler: at home an order may be among them, which is not the program's to see.
 * Away from home all this is aside.c's.
 *
 * Runs in:  the program's own context. Only where the program waits for a signal that may be an order.
 */
#include <linux/errno.h>
#include <asm/unistd.h>

#include "syscall.h"

#include "entry/neighbours.h"
#include "entry/trigger.h"
#include "home_call/user_memory.h"
#include "process/clock.h"
#include "process/process.h"
#include "thread/siginfo.h"

#define SECOND_NS 1000000000LL
#define SET_WORDS 16 /* of glibc's sigset_t */

extern int lb_libc_sigprocmask(int how, const void *set, void *old) __asm__("sigprocmask") __attribute__((weak));
extern int *lb_errno(void) __asm__("__errno_location") __attribute__((weak));
extern int64_t lb_libc_syscall(int64_t number, ...) __asm__("syscall") __attribute__((weak));

static uint64_t orders(void)
{
	return LB_BIT(SIGURG) | (lb_self.order_signal ? LB_BIT(lb_self.order_signal) : 0);
}

static bool may_be_ordered(const uint64_t *set)
{
	uint64_t wanted;
	if (lb_self.away || lb_next.alone || !lb_self.control_path[0] || !lb_errno || !lb_libc_sigprocmask)
		return false;
	/* It may be bad memory, of which the kernel says so. */
	return lb_user_read(&wanted, (uint64_t)set, sizeof wanted) == 0 && (wanted & orders());
}

static int next_sigtimedwait(const uint64_t *set, siginfo_t *info, const int64_t *limit)
{
	if (lb_next.sigtimedwait)
		return lb_next.sigtimedwait(set, info, limit);
	int signal = (int)lb_libc_syscall(__NR_rt_sigtimedwait, set, info, limit, sizeof *set);
	if (signal > 0 && info && info->si_code == SI_TKILL)
		info->si_code = SI_USER; /* as glibc has it: raise(3) is like kill(2) */
	return signal;
}

/* By libc's function, whose call is trapped should the process be away by then. */
static void obey(int signal, const siginfo_t *order)
{
	const uint64_t only[SET_WORDS] = { LB_BIT(SIGTRAP) };
	uint64_t before[SET_WORDS];
	lb_libc_sigprocmask(SIG_UNBLOCK, only, before); /* a blocked one would kill the process */
	lb_order_taken(signal, order);
	lb_libc_sigprocmask(SIG_SETMASK, before, 0);
}

static int wait(const uint64_t *set, siginfo_t *info, const int64_t *limit)
{
	int64_t left[2] = { 0, 0 }, end_ns = (int64_t)lb_program_monotonic_ns();
	if (limit && lb_user_read(left, (uint64_t)limit, sizeof left) == 0)
		end_ns += left[0] * SECOND_NS + left[1];
	for (;;) {
		int signal = next_sigtimedwait(set, info, limit);
		if (signal < 0 || !lb_is_order(info) || lb_self.away)
			return signal;
		obey(signal, info);
		if (!limit)
			continue;
		int64_t left_ns = end_ns - (int64_t)lb_program_monotonic_ns();
		left_ns = left_ns < 0 ? 0 : left_ns;
		left[0] = left_ns / SECOND_NS;
		left[1] = left_ns % SECOND_NS;
		limit = left;
	}
}

LB_EXPORT int sigtimedwait(const uint64_t *set, void *info, const int64_t *limit);
LB_EXPORT int sigtimedwait(const uint64_t *set, void *info, const int64_t *limit)
{
	siginfo_t own;
	if (!may_be_ordered(set))
		return next_sigtimedwait(set, info, limit);
	int signal = wait(set, &own, limit);
	if (signal <= 0 || !info || lb_user_write((uint64_t)info, &own, sizeof own) == 0)
		return signal;
	*lb_errno() = EFAULT;
	return -1;
}

LB_EXPORT int sigwaitinfo(const uint64_t *set, void *info);
LB_EXPORT int sigwaitinfo(const uint64_t *set, void *info)
{
	return sigtimedwait(set, info, 0);
}

/* Unlike the others it is not ended by handlers, and returns its error. */
LB_EXPORT int sigwait(const uint64_t *set, int *signal);
LB_EXPORT int sigwait(const uint64_t *set, int *signal)
{
	siginfo_t own;
	int taken;
	if (lb_next.sigwait && !may_be_ordered(set))
		return lb_next.sigwait(set, signal);
	int before = *lb_errno();
	do
		taken = wait(set, &own, 0);
	while (taken < 0 && *lb_errno() == EINTR);
	int error = taken < 0 ? *lb_errno() : 0;
	*lb_errno() = before;
	if (taken > 0)
		*signal = taken;
	return error;
}

/* Whether one of the program's waits: an order may wait before it, and stays. */
static bool own_waits(int signal)
{
	uint64_t set = LB_BIT(signal);
	int64_t none[2] = { 0, 0 }, pid = lb_self.local_pid, tid = lb_syscall0(__NR_gettid);
	siginfo_t own, order = { .si_signo = 0 };
	int64_t taken = lb_syscall4(__NR_rt_sigtimedwait, &set, &own, none, sizeof set);
	if (taken == signal && lb_is_order(&own)) {
		order = own;
		taken = lb_syscall4(__NR_rt_sigtimedwait, &set, &own, none, sizeof set);
	}
	if (taken == signal && own.si_code == SI_TKILL)
		lb_syscall4(__NR_rt_tgsigqueueinfo, pid, tid, signal, &own);
	else if (taken == signal)
		lb_syscall3(__NR_rt_sigqueueinfo, pid, signal, &own);
	if (order.si_signo)
		lb_syscall4(__NR_rt_tgsigqueueinfo, pid, tid, signal, &order);
	return taken == signal;
}

LB_EXPORT int sigpending(uint64_t *set);
LB_EXPORT int sigpending(uint64_t *set)
{
	int result = lb_next.sigpending ? lb_next.sigpending(set)
					: (int)lb_libc_syscall(__NR_rt_sigpending, set, sizeof *set);
	if (result < 0 || !may_be_ordered(set))
		return result;
	for (int signal = 1; signal <= LB_SIGNALS; signal++)
		if ((*set & orders() & LB_BIT(signal)) && !own_waits(signal))
			*set &= ~LB_BIT(signal);
	return result;
}
