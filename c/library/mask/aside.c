/* aside.c - The program's own SIGURG and SIGSYS, set aside while away.
 *
 * The kernel may never block them there: SIGURG carries orders and the link's doorbell, and a call that is trapped
 * while SIGSYS is blocked kills the process. So what the program blocks of them is noted here, and what comes
 * meanwhile is set aside: the program sees it as pending.
 *
 * Runs in:  the trigger's and the SIGSYS handler, lb_signal_arrived(); all signals blocked.
 */
#include "mask/aside.h"

#include <asm/unistd.h>

#include "syscall.h"

#include "mask/deliver.h"
#include "process/process.h"
#include "thread/siginfo.h"
#include "thread/thread.h"
#include "trap/stub.h"

#define OURS (LB_BIT(SIGURG) | LB_BIT(SIGSYS))
#define QUEUES 2 /* the thread's, whose signals come first, and the process's: signal(7) */
#define THREAD 0
#define PROCESS 1

/* In the order in which the kernel delivers them: SYNCHRONOUS_MASK, kernel/signal.c, Linux 6.12. */
static const int numbers[LB_ASIDE_NUMBERS] = { SIGSYS, SIGURG };
static struct lb_aside_queue of_process;

static void put(struct lb_aside_queue *queue, int signal, const siginfo_t *info)
{
	int place = signal == SIGURG;
	siginfo_t *before = &queue->signals[place].info;
	if (queue->signals[place].waits) {
		if (info->si_code == SI_TIMER && before->si_code == SI_TIMER && before->si_tid == info->si_tid)
			before->si_overrun += 1 + info->si_overrun;
		return;
	}
	*before = *info;
	before->si_signo = signal;
	queue->signals[place].waits = true;
}

static struct lb_aside_queue *queue_of(int which)
{
	return which == THREAD ? &lb_thread()->aside : &of_process;
}

uint64_t lb_mask_believed(void)
{
	return lb_thread()->believed;
}

void lb_mask_believe(uint64_t mask)
{
	lb_thread()->believed = mask & OURS;
}

bool lb_aside_blocks(int signal, const struct ucontext *context)
{
	const uint64_t *waits_under = lb_stub_mask(context);
	/* sigtimedwait(2) takes what it waits for, be it blocked or not. */
	return ((waits_under ? *waits_under : lb_thread()->believed) | lb_stub_takes(context)) & LB_BIT(signal);
}

void lb_aside_put(int signal, const siginfo_t *info)
{
	put(queue_of(info->si_code == SI_TKILL ? THREAD : PROCESS), signal, info);
}

static void ring(const struct lb_thread *thread)
{
	lb_syscall3(__NR_tgkill, lb_self.local_pid, thread->local_tid, SIGURG);
}

void lb_aside_send(struct lb_thread *to, const siginfo_t *info)
{
	put(to ? &to->aside : &of_process, SIGURG, info);
	if (to) {
		ring(to);
		return;
	}
	/* Whoever lets it through, or waits for it, takes it; the rest is woken for nothing. */
	for (unsigned i = 0; i < LB_THREAD_SLOTS; i++)
		if (lb_threads[i].local_tid != 0)
			ring(&lb_threads[i]);
}

static bool take(int which, uint64_t set, siginfo_t *info)
{
	struct lb_aside_queue *queue = queue_of(which);
	for (int place = 0; place < LB_ASIDE_NUMBERS; place++) {
		if (!queue->signals[place].waits || !(set & LB_BIT(numbers[place])))
			continue;
		*info = queue->signals[place].info;
		queue->signals[place].waits = false;
		return true;
	}
	return false;
}

bool lb_aside_take(uint64_t set, siginfo_t *info)
{
	return take(THREAD, set, info) || take(PROCESS, set, info);
}

uint64_t lb_aside_waiting(void)
{
	uint64_t set = 0;
	for (int queue = 0; queue < QUEUES; queue++)
		for (int place = 0; place < LB_ASIDE_NUMBERS; place++)
			if (queue_of(queue)->signals[place].waits)
				set |= LB_BIT(numbers[place]);
	return set;
}

void lb_aside_drop(uint64_t set)
{
	siginfo_t dropped;
	while (lb_aside_take(set, &dropped))
		;
}

void lb_aside_collect(void)
{
	uint64_t set = LB_BIT(SIGURG);
	int64_t none[2] = { 0, 0 };
	/* What was put aside is to be taken; and it may have been a doorbell, or an order. */
	siginfo_t info, bell = { .si_signo = SIGURG, .si_code = SI_TKILL };
	bool some = false;
	while (lb_syscall4(__NR_rt_sigtimedwait, &set, &info, none, sizeof set) == SIGURG) {
		some = true;
		if (info.si_code == SI_TIMER)
			lb_aside_put(SIGURG, &info);
		else if (lb_is_order(&info))
			bell = info;
	}
	if (some)
		lb_signal_send(lb_thread(), SIGURG, &bell);
}

/* SIGURG only as a doorbell, whose handler takes it from here; SIGSYS itself (entry/sigsys.c). */
void lb_aside_let_through(uint64_t mask)
{
	siginfo_t info;
	while (take(THREAD, LB_BIT(SIGSYS) & ~mask, &info))
		lb_signal_send(lb_thread(), SIGSYS, &info);
	while (take(PROCESS, LB_BIT(SIGSYS) & ~mask, &info))
		lb_signal_send(0, SIGSYS, &info);
	if (lb_aside_waiting() & LB_BIT(SIGURG) & ~mask)
		ring(lb_thread());
}
