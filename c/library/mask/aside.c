/* aside.c - The program's own SIGURG and SIGSYS, set aside while away.
 *
 * The kernel may never block them there: SIGURG carries orders and the link's doorbell, and a call that is trapped
 * while SIGSYS is blocked kills the process. So what the program blocks of them is noted here, and what comes
 * meanwhile is set aside: the program sees it as pending.
 *
 * Runs in:  the trigger's and the SIGSYS handler, lb_signal_arrived(); all signals blocked.
 */
#include "internal.h"
#include "trap/stub.h"

#define OURS (LB_BIT(LB_SIGURG) | LB_BIT(LB_SIGSYS))
#define QUEUES 2 /* the thread's, whose signals come first, and the process's: signal(7) */
#define THREAD 0
#define PROCESS 1

/* In the order in which the kernel delivers them: SYNCHRONOUS_MASK, kernel/signal.c, Linux 6.12. */
static const int numbers[LB_ASIDE_NUMBERS] = { LB_SIGSYS, LB_SIGURG };
static struct lb_aside_queue of_process;

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

bool lb_aside_blocks(int signal, const uint64_t *context)
{
	const uint64_t *waits_under = lb_stub_mask((const struct ucontext *)context);
	/* sigtimedwait(2) takes what it waits for, be it blocked or not. */
	return ((waits_under ? *waits_under : lb_thread()->believed) |
		       lb_stub_takes((const struct ucontext *)context)) &
		LB_BIT(signal);
}

void lb_aside_put(int signal, const struct lb_siginfo *info)
{
	struct lb_aside_queue *queue = queue_of(info->code == LB_SI_TKILL ? THREAD : PROCESS);
	int place = signal == LB_SIGURG;
	struct lb_siginfo *before = &queue->signals[place].info;
	if (queue->signals[place].waits) {
		if (info->code == LB_SI_TIMER && before->code == LB_SI_TIMER && before->timer.id == info->timer.id)
			before->timer.overrun += 1 + info->timer.overrun;
		return;
	}
	*before = *info;
	before->signo = signal;
	queue->signals[place].waits = true;
}

static bool take(int which, uint64_t set, struct lb_siginfo *info)
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

bool lb_aside_take(uint64_t set, struct lb_siginfo *info)
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
	struct lb_siginfo dropped;
	while (lb_aside_take(set, &dropped))
		;
}

void lb_aside_collect(void)
{
	uint64_t set = LB_BIT(LB_SIGURG);
	int64_t none[2] = { 0, 0 };
	/* What was put aside is to be taken; and it may have been a doorbell, or an order. */
	struct lb_siginfo info, bell = { .signo = LB_SIGURG, .code = LB_SI_TKILL };
	bool some = false;
	while (lb_syscall4(__NR_rt_sigtimedwait, &set, &info, none, sizeof set) == LB_SIGURG) {
		some = true;
		if (info.code == LB_SI_TIMER)
			lb_aside_put(LB_SIGURG, &info);
		else if (lb_is_order(&info))
			bell = info;
	}
	if (some)
		lb_syscall4(__NR_rt_tgsigqueueinfo, lb_self.local_pid, lb_self.local_pid, LB_SIGURG, &bell);
}

/* SIGURG only as a doorbell, whose handler takes it from here; SIGSYS itself (entry/sigsys.c). */
void lb_aside_let_through(uint64_t mask)
{
	int64_t pid = lb_self.local_pid;
	struct lb_siginfo info;
	while (take(THREAD, LB_BIT(LB_SIGSYS) & ~mask, &info))
		lb_syscall4(__NR_rt_tgsigqueueinfo, pid, pid, LB_SIGSYS, &info);
	while (take(PROCESS, LB_BIT(LB_SIGSYS) & ~mask, &info))
		lb_syscall3(__NR_rt_sigqueueinfo, pid, LB_SIGSYS, &info);
	if (lb_aside_waiting() & LB_BIT(LB_SIGURG) & ~mask)
		lb_syscall3(__NR_tgkill, pid, pid, LB_SIGURG);
}
