/* kernel_state.c - saves what the kernel keeps for the process, and gives it back.
 *
 * It is saved into the library's own memory, which is part of the image, and given back in the restored process.
 *
 * Not here: what lies in the shadow (descriptors, locks, umask, nice, credentials) and what lies in the signal
 * frame (registers, mask, altstack).
 */
#include "image/kernel_state.h"

#include <asm/prctl.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/prctl.h>
#include <linux/resource.h>
#include <linux/time.h>
#include <asm/unistd.h>

#include "mem.h"
#include "syscall.h"

#include "image/attributes.h"
#include "image/posix_timers.h"
#include "image/rseq.h"
#include "image/scheduling.h"
#include "mask/aside.h"
#include "process/clock.h"
#include "process/cpu_time.h"
#include "mask/deliver.h"
#include "mask/pending.h"
#include "process/limits.h"
#include "process/process.h"
#include "thread/lock.h"
#include "thread/siginfo.h"
#include "thread/thread.h"

#define ITIMERS 3
#define ITIMER_SIGNALS (LB_BIT(SIGALRM) | LB_BIT(SIGVTALRM) | LB_BIT(SIGPROF))
#define US_NS 1000LL
#define ALL_SIGNALS (~0ULL)

struct timer {
	int64_t interval[2], value[2]; /* struct itimerval: s, us */
};

static struct {
	uint32_t pending_count;
	uint32_t image_count; /* of those, what came before the rest */
	uint32_t armed;       /* frozen and not yet undone */
	uint32_t was_away;
	siginfo_t pending[2 * LB_PENDING_SIGNALS_MAX]; /* an image has one half; as many come meanwhile */
	struct timer timers[ITIMERS];
	int64_t alarm_ns; /* when ITIMER_REAL expires, of the program's CLOCK_MONOTONIC; 0: it is off */
	uint64_t limits[RLIM_NLIMITS][2];
	uint64_t monotonic_ns;
} frozen;

uint64_t lb_frozen_monotonic_ns(void)
{
	return frozen.monotonic_ns;
}

static int64_t in_ns(const int64_t time[2])
{
	return (time[0] * 1000000 + time[1]) * US_NS;
}

static void disarm_timers(void)
{
	static const struct timer off;
	struct timer before = { { 0, 0 }, { 0, 0 } };
	int64_t now_ns = (int64_t)lb_program_monotonic_ns();
	lb_syscall2(__NR_getitimer, ITIMER_REAL, &before);
	for (int i = 0; i < ITIMERS; i++) {
		struct timer *timer = &frozen.timers[i];
		lb_syscall3(__NR_setitimer, i, &off, timer);
		/* Expired while its signal waits: value 0 with an interval means the next tick, not "disarmed". */
		if (timer->value[0] == 0 && timer->value[1] == 0 && (timer->interval[0] || timer->interval[1])) {
			timer->value[0] = timer->interval[0];
			timer->value[1] = timer->interval[1];
			if (i == ITIMER_REAL) /* it has expired between the two looks */
				now_ns += in_ns(before.value);
		}
	}
	int64_t left_ns = in_ns(frozen.timers[ITIMER_REAL].value);
	frozen.alarm_ns = left_ns ? now_ns + left_ns : 0;
}

/* Time has gone on while the process was frozen: what was due then comes at once, and keeps its phase. */
static void set_alarm(void)
{
	struct timer *timer = &frozen.timers[ITIMER_REAL];
	int64_t interval_ns = in_ns(timer->interval);
	int64_t left_ns = frozen.alarm_ns - (int64_t)lb_program_monotonic_ns();
	if (left_ns <= 0) {
		siginfo_t info = { .si_signo = SIGALRM, .si_code = SI_KERNEL };
		uint64_t pending = 0;
		left_ns = interval_ns ? interval_ns - -left_ns % interval_ns : 0;
		lb_syscall2(__NR_rt_sigpending, &pending, sizeof pending);
		if (!(pending & LB_BIT(SIGALRM))) /* one at a time: signal(7) */
			lb_syscall3(__NR_rt_sigqueueinfo, lb_self.local_pid, SIGALRM, &info);
	}
	int64_t left_us = (left_ns + US_NS - 1) / US_NS;
	timer->value[0] = left_us / 1000000;
	timer->value[1] = left_us % 1000000;
}

static void rearm_timers(void)
{
	if (frozen.alarm_ns)
		set_alarm();
	for (int i = 0; i < ITIMERS; i++)
		if (frozen.timers[i].value[0] || frozen.timers[i].value[1])
			lb_syscall3(__NR_setitimer, i, &frozen.timers[i], 0);
}

/* Takes every pending signal of the set with its data, in order, behind those it has. Stops with an error when
 * there are more than `limit`. */
static int take_pending(uint64_t set, uint32_t limit)
{
	int64_t none[2] = { 0, 0 };
	while (frozen.pending_count < limit) {
		siginfo_t *info = &frozen.pending[frozen.pending_count];
		int64_t signal = lb_syscall4(__NR_rt_sigtimedwait, &set, info, none, sizeof set);
		if (signal == -EINTR)
			continue;
		if (signal <= 0)
			return 0;
		lb_signal_unwrap(info);
		frozen.pending_count++;
	}
	return -LB_E_SIGNALS;
}

/* Which of them is waiting that a POSIX timer has sent, among those that were taken from `first` on? */
static bool is_taken(uint32_t first, int32_t timer_id)
{
	for (uint32_t i = first; i < frozen.pending_count; i++)
		if (frozen.pending[i].si_code == SI_TIMER && frozen.pending[i].si_tid == timer_id)
			return true;
	return false;
}

/* A timer has one signal waiting at most, which counts those that it stands for. */
static void merge_ticks(void)
{
	uint32_t kept = 0;
	for (uint32_t i = 0; i < frozen.pending_count; i++) {
		siginfo_t *info = &frozen.pending[i];
		uint32_t before = 0;
		while (before < kept &&
			(info->si_code != SI_TIMER || frozen.pending[before].si_code != SI_TIMER ||
				frozen.pending[before].si_tid != info->si_tid))
			before++;
		if (before < kept)
			frozen.pending[before].si_overrun += info->si_overrun + 1;
		else
			frozen.pending[kept++] = *info;
	}
	frozen.pending_count = kept;
}

/* Takes all signals and stops the POSIX timers, whose signals the kernel drops when they are stopped (Linux 6.13):
 * one that expires in the middle gets its signal from here. */
static int take_all(void)
{
	static uint16_t lost[LB_TIMERS_MAX];
	int error = take_pending(ALL_SIGNALS, LB_PENDING_SIGNALS_MAX);
	if (error)
		return error;
	lb_timers_note();
	uint32_t first = frozen.pending_count;
	error = take_pending(ALL_SIGNALS, LB_PENDING_SIGNALS_MAX);
	int expired = error ? 0 : lb_timers_stop(lost);
	if (!error)
		error = take_pending(ALL_SIGNALS, LB_PENDING_SIGNALS_MAX);
	for (int i = 0; i < expired && !error; i++) {
		const struct lb_timer *timer = lb_timer_at(lost[i]);
		if (is_taken(first, timer->id))
			continue;
		if (frozen.pending_count == LB_PENDING_SIGNALS_MAX)
			return -LB_E_SIGNALS;
		siginfo_t *info = &frozen.pending[frozen.pending_count++];
		memset(info, 0, sizeof *info);
		info->si_signo = timer->signal;
		info->si_code = SI_TIMER;
		info->si_tid = timer->id;
		info->si_ptr = (void *)timer->value;
	}
	merge_ticks();
	frozen.image_count = frozen.pending_count;
	return error;
}

/* Signals that wait for one thread alone, of all that have stopped. */
static struct {
	volatile bool in_use; /* a spin lock of these and of frozen.pending: all signals are blocked */
	uint32_t count;
	struct {
		uint32_t home_tid;
		siginfo_t info;
	} signals[LB_PENDING_SIGNALS_MAX];
} of_threads;

/* To this thread, whose own queue comes before the process's: what comes while this is done is younger. */
static void queue_first(const siginfo_t *info)
{
	if (lb_signal_send(lb_thread(), info->si_signo, info) < 0)
		/* RLIMIT_SIGPENDING: then the kernel drops the data, too: __send_signal_locked(), Linux 6.12. */
		lb_syscall2(__NR_kill, lb_self.local_pid, info->si_signo);
}

void lb_signal_put_back(const siginfo_t *info)
{
	lb_spin_take(&of_threads.in_use);
	frozen.pending[0] = *info;
	frozen.pending_count = 1;
	if (info->si_signo >= SIGRTMIN) /* of the others each queue has one at most */
		take_pending(LB_BIT(info->si_signo), 2 * LB_PENDING_SIGNALS_MAX);
	for (uint32_t i = 0; i < frozen.pending_count; i++)
		queue_first(&frozen.pending[i]);
	frozen.pending_count = 0;
	lb_spin_leave(&of_threads.in_use);
}

void lb_frozen_drop_tick(const struct lb_timer *timer)
{
	uint64_t pending = 0;
	lb_syscall2(__NR_rt_sigpending, &pending, sizeof pending);
	if (!(pending & LB_BIT(timer->signal)))
		return;
	lb_spin_take(&of_threads.in_use);
	take_pending(LB_BIT(timer->signal), 2 * LB_PENDING_SIGNALS_MAX);
	for (uint32_t i = 0; i < frozen.pending_count; i++) {
		const siginfo_t *info = &frozen.pending[i];
		if (info->si_code != SI_TIMER || info->si_tid != timer->id)
			queue_first(info);
	}
	frozen.pending_count = 0;
	lb_spin_leave(&of_threads.in_use);
}

/* Of signals below the real-time ones each queue, this thread's and the process's, has one at most. That of an interval
 * timer waits where the timer's next one joins it. */
static void queue_again(const siginfo_t *info, uint64_t full[2])
{
	uint64_t bit = info->si_signo < SIGRTMIN ? LB_BIT(info->si_signo) : 0;
	/* 0: this thread's. With several threads the process's is any thread's to take: its own went with each. */
	int to = lb_is_threaded || ((bit & ITIMER_SIGNALS) && info->si_code == SI_KERNEL);
	if (info->si_code == SI_TIMER && lb_timer_due(info->si_tid, info->si_overrun))
		return;
	if ((full[to] & bit) && !lb_is_threaded)
		to = !to;
	if (full[to] & bit)
		return;
	full[to] |= bit;
	if (to == 0)
		queue_first(info);
	else if (lb_syscall3(__NR_rt_sigqueueinfo, lb_self.local_pid, info->si_signo, info) < 0)
		lb_syscall2(__NR_kill, lb_self.local_pid, info->si_signo); /* RLIMIT_SIGPENDING, as above */
}

/* from_away: where it has come to this process. */
static void give_one(const siginfo_t *info, bool from_away, uint64_t full[2])
{
	/* Away a SIGURG is a doorbell, unless a timer has sent it; the program's own waits elsewhere (aside.c). */
	bool own = info->si_signo != SIGURG || (from_away ? info->si_code == SI_TIMER : !lb_is_order(info));
	if (own && lb_self.away && (info->si_signo == SIGURG || info->si_signo == SIGSYS))
		lb_aside_put(info->si_signo, info);
	else if (own || from_away == lb_self.away)
		queue_again(info, full);
}

void lb_frozen_take_meanwhile(void)
{
	frozen.image_count = frozen.pending_count;
	take_pending(ALL_SIGNALS, 2 * LB_PENDING_SIGNALS_MAX);
}

static void give_pending(void)
{
	uint64_t full[2] = { 0, 0 };
	siginfo_t own;
	/* Home again: what has waited there for a signalfd is older than what was about to go there (calls/held.c). */
	uint64_t older = frozen.was_away && !lb_self.away ? lb_self.held : 0;
	/* What has come meanwhile is younger; what does not fit is behind all this. */
	take_pending(ALL_SIGNALS, 2 * LB_PENDING_SIGNALS_MAX);
	while (!lb_self.away && lb_aside_take(~0ULL, &own))
		queue_again(&own, full);
	for (uint32_t i = frozen.image_count; i < frozen.pending_count; i++)
		if (older & LB_BIT(frozen.pending[i].si_signo))
			give_one(&frozen.pending[i], lb_self.away, full);
	for (uint32_t i = 0; i < frozen.pending_count; i++) {
		bool is_younger = i >= frozen.image_count;
		if (!is_younger || !(older & LB_BIT(frozen.pending[i].si_signo)))
			give_one(&frozen.pending[i], is_younger ? lb_self.away : frozen.was_away, full);
	}
	frozen.pending_count = 0;
	if (lb_self.away)
		lb_aside_let_through(0); /* what is blocked comes back */
}

/* ---- what the kernel keeps for each thread ---- */

void lb_threads_signals_begin(void)
{
	of_threads.count = 0;
}

/* The kernel takes a thread's own before the process's: dequeue_signal(), kernel/signal.c, Linux 6.12. */
static int take_own_signals(const struct lb_thread *thread)
{
	int64_t none[2] = { 0, 0 };
	uint64_t set = 0;
	siginfo_t info;
	lb_syscall2(__NR_rt_sigpending, &set, sizeof set);
	for (set = set ? lb_thread_pending() : 0; set != 0; set = lb_thread_pending()) {
		uint64_t only = set & -set;
		if (lb_syscall4(__NR_rt_sigtimedwait, &only, &info, none, sizeof only) <= 0)
			break;
		if (lb_is_order(&info) || (info.si_code == SI_QUEUE && info.si_errno == LB_SIGNAL_MARK))
			continue; /* ours: void by now */
		lb_spin_take(&of_threads.in_use);
		bool fits = of_threads.count < LB_PENDING_SIGNALS_MAX;
		if (fits) {
			of_threads.signals[of_threads.count].home_tid = thread->home_tid;
			of_threads.signals[of_threads.count++].info = info;
		}
		lb_spin_leave(&of_threads.in_use);
		if (!fits)
			return -LB_E_SIGNALS;
	}
	return 0;
}

void lb_thread_give_signals(struct lb_thread *thread)
{
	for (uint32_t i = 0; i < of_threads.count; i++) {
		const siginfo_t *info = &of_threads.signals[i].info;
		if (of_threads.signals[i].home_tid != thread->home_tid)
			continue;
		if (lb_self.away && (info->si_signo == SIGURG || info->si_signo == SIGSYS))
			lb_aside_put(info->si_signo, info);
		else if (lb_syscall4(__NR_rt_tgsigqueueinfo, lb_self.local_pid, thread->local_tid, info->si_signo,
				 info) < 0)
			lb_syscall3(__NR_tgkill, lb_self.local_pid, thread->local_tid, info->si_signo);
		of_threads.signals[i].home_tid = 0;
	}
}

/* Its registers are set by the restorer, from the image's header, or when it is made (threads.c). */
static void note_thread(struct lb_thread *thread)
{
	thread->robust_head = 0;
	lb_syscall3(__NR_get_robust_list, 0, &thread->robust_head, &thread->robust_size);
	thread->clear_child_tid = 0;
	lb_syscall5(__NR_prctl, PR_GET_TID_ADDRESS, &thread->clear_child_tid, 0, 0, 0);
	lb_syscall2(__NR_arch_prctl, ARCH_GET_FS, &thread->fs_base);
	lb_syscall2(__NR_arch_prctl, ARCH_GET_GS, &thread->gs_base);
	lb_syscall5(__NR_prctl, PR_GET_NAME, thread->comm, 0, 0, 0);
	lb_attributes_take_thread(thread);
	lb_cpu_time_note_thread(thread);
}

static void give_thread(const struct lb_thread *thread)
{
	if (thread->robust_size)
		lb_syscall2(__NR_set_robust_list, thread->robust_head, thread->robust_size);
	lb_syscall1(__NR_set_tid_address, thread->clear_child_tid);
	lb_rseq_give();
	lb_attributes_give_thread(thread);
}

int lb_thread_take(struct lb_thread *thread)
{
	int error = lb_self.away ? 0 : lb_rseq_take();
	if (!error)
		error = lb_scheduling_take(thread);
	if (!error)
		error = take_own_signals(thread);
	note_thread(thread);
	return error;
}

int lb_thread_give(struct lb_thread *thread, bool at_home)
{
	give_thread(thread);
	lb_syscall5(__NR_prctl, PR_SET_NAME, thread->comm, 0, 0, 0);
	lb_syscall2(__NR_arch_prctl, ARCH_SET_GS, thread->gs_base);
	lb_cpu_time_give_thread(thread, at_home);
	return at_home ? 0 : lb_scheduling_give(thread);
}

int lb_freeze(void)
{
	if (frozen.armed)
		return -LB_E_UNSUPPORTED;
	int error = lb_scheduling_take(lb_thread());
	if (!error && !lb_self.away)
		error = lb_rseq_take();
	if (error)
		return error;
	frozen.was_away = lb_self.away;
	frozen.pending_count = 0;
	error = lb_timers_look();
	if (!error)
		lb_timers_note_overruns();
	if (!error && lb_is_threaded)
		error = take_own_signals(lb_thread());
	/* First: an interval timer whose signal waits goes on, in step, only when that is taken. */
	if (!error)
		error = take_pending(ALL_SIGNALS, LB_PENDING_SIGNALS_MAX);
	disarm_timers();
	if (!error)
		error = take_all();
	if (error) {
		lb_thread_give_signals(lb_thread());
		give_pending();
		rearm_timers();
		lb_timers_go_on();
		return error;
	}
	for (int i = 0; i < RLIM_NLIMITS; i++)
		lb_limit_get((uint32_t)i, frozen.limits[i]);
	note_thread(lb_thread());
	lb_attributes_take();
	frozen.monotonic_ns = lb_program_monotonic_ns();
	lb_cpu_time_note();
	frozen.armed = 1;
	return 0;
}

void lb_frozen_forget(void)
{
	frozen.pending_count = 0;
	memset(frozen.timers, 0, sizeof frozen.timers);
	frozen.alarm_ns = 0;
	lb_timers_forget();
	lb_cpu_time_forget();
	lb_attributes_note_new_memory(0); /* mlockall(2): a child inherits no locks */
}

void lb_unfreeze(void)
{
	if (!frozen.armed)
		return;
	frozen.armed = 0;
	lb_thread_give_signals(lb_thread());
	give_pending();
	rearm_timers();
	lb_timers_go_on();
}

int lb_frozen_fits(void)
{
	return lb_limits_fit(frozen.limits);
}

void lb_thaw(bool at_home, bool is_thread)
{
	lb_cpu_time_give(at_home);
	if (is_thread) {
		lb_cpu_time_give_thread(lb_thread(), at_home);
		give_thread(lb_thread());
		lb_thread_give_signals(lb_thread());
	}
	lb_attributes_give();
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		/* NOFILE and FSIZE stay with the descriptors at home; NPROC and NICE are the node's affair.
		 * A hard limit that was higher there cannot be raised here: then the soft one is what fits. */
		if (i == RLIMIT_NOFILE || i == RLIMIT_FSIZE || i == RLIMIT_NPROC || i == RLIMIT_NICE)
			continue;
		if (lb_limit_set((uint32_t)i, frozen.limits[i]) < 0 && !at_home) {
			uint64_t here[2];
			lb_syscall4(__NR_prlimit64, 0, i, 0, here);
			here[0] = frozen.limits[i][0] < here[1] ? frozen.limits[i][0] : here[1];
			lb_syscall4(__NR_prlimit64, 0, i, here, 0);
		}
	}
	frozen.armed = 0;
	give_pending();
	rearm_timers();
	lb_timers_go_on();
}
