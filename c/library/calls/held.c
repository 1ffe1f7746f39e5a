/* held.c - Signals that wait at home for a signalfd(2).
 *
 * Runs in:  the SIGSYS handler, all signals blocked.
 * A signalfd reads the signals that wait for the process that reads, and all descriptors are at home. So what comes
 * to the home PID waits there, in the shadow; what comes to the guest itself (its timers, what it had before) is sent
 * home before a call that may look at a signalfd, and ends one that waits, so that this may be done. Everything else
 * is the kernel's own at home: what is read, in which order, and who is woken. A signal that the program lets through
 * again, or takes by itself, comes to the guest first.
 */
#include "action.h"
#include "calls/held.h"

#include <linux/signal.h>
#include <asm/unistd.h>

#include "syscall.h"

#include "home_call/request.h"
#include "mask/deliver.h"
#include "thread/lock.h"
#include "process/own_memory.h"
#include "process/process.h"
#include "trap/frame.h"

#define BATCH LB_PENDING_SIGNALS_MAX

#define come ((siginfo_t *)lb_areas()->signals)
_Static_assert(sizeof(lb_areas()->signals) == BATCH * sizeof(siginfo_t), "as many as an image has");

void lb_held_hear(const struct lb_link_serve *serve)
{
	lb_self.signalfds |= serve->signalfds;
	lb_self.held = serve->held;
	lb_self.program_is_home = serve->has_program != 0;
	if (!(lb_self.signalfds & LB_NEVER_HELD) || lb_thread()->has_child)
		return;
	/* It got one that cannot be right here: as if home had asked for it. */
	lb_come_home = true;
	lb_syscall3(__NR_tgkill, lb_self.local_pid, lb_thread()->local_tid, SIGURG);
}

/* Home holds this set from now on; the first `count` signals in `come` go there. */
static void hold(uint64_t set, unsigned count, bool before)
{
	struct lb_request request = { .number = LB_HOME_HOLD };
	struct lb_link_serve serve = { .held = set, .has_program = lb_self.program_is_home };

	lb_request_value(&request, 0, set);
	lb_request_value(&request, 1, 0);
	if (count > 0)
		lb_request_memory(&request, 1, LB_ARG_IN, (uint64_t)come, count * sizeof(come[0]));
	lb_request_value(&request, 2, before);
	lb_request_memory(&request, 3, LB_ARG_OUT, (uint64_t)&serve.signalfds, sizeof(serve.signalfds));
	if (lb_request_run(&request) == 0)
		lb_held_hear(&serve);
}

static void send_home(uint64_t set, bool before)
{
	const int64_t now[2] = { 0, 0 };
	uint64_t pending = 0;
	unsigned count;

	lb_syscall2(__NR_rt_sigpending, &pending, LB_SIGSET_SIZE);
	while (pending & set) {
		for (count = 0; count < BATCH; count++)
			if (lb_syscall4(__NR_rt_sigtimedwait, &set, &come[count], now, LB_SIGSET_SIZE) > 0)
				lb_signal_unwrap(&come[count]);
			else
				break;
		if (count > 0)
			hold(lb_self.held, count, before);
		if (count < BATCH)
			break;
	}
}

/* What no thread lets through: each has told its mask with its last call. */
static uint64_t all_block(uint64_t mask)
{
	lb_thread()->held_mask = mask;
	for (unsigned i = 0; i < LB_THREAD_SLOTS && lb_is_threaded; i++)
		if (lb_threads[i].local_tid != 0)
			mask &= lb_threads[i].held_mask;
	return mask;
}

void lb_held_update(uint64_t mask)
{
	uint64_t wanted = lb_self.signalfds & all_block(mask) & ~(LB_NEVER_HELD | LB_BIT(SIGKILL) | LB_BIT(SIGSTOP));
	uint64_t new = wanted & ~lb_self.held;

	if (lb_thread()->has_child || lb_self.signalfds == 0)
		return;
	if (wanted != lb_self.held)
		hold(wanted, 0, false);
	if (new != 0) /* all that home has passed on is here: it is older than what has come there since */
		send_home(new, true);
	send_home(wanted, false);
}

void lb_held_release(uint64_t set)
{
	if (!lb_thread()->has_child && (lb_self.held & set))
		hold(lb_self.held & ~set, 0, false);
}

void lb_held_after(uint64_t mask)
{
	if (lb_thread()->has_child || !(lb_thread()->reply_flags & LB_REPLY_SIGNALFD))
		return;
	hold(lb_self.held, 0, false); /* tells what there is now */
	lb_held_update(mask);
}
