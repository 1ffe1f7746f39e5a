/* held.c - Signals that wait here for a signalfd(2).
 *
 * They do not wait with the guest: it reads what waits for the process that reads. They stay blocked in this process
 * always; the rest is the kernel's. See c/library/calls/signalfd.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "action.h"
#include "held.h"
#include "signalfds.h"
#include "signals.h"
#include "state.h"

#define SIGNALS 64
#define BIT(signal) (UINT64_C(1) << ((signal) - 1))
#define UNCATCHABLE (BIT(SIGKILL) | BIT(SIGSTOP))

static struct {
	siginfo_t infos[LB_PENDING_SIGNALS_MAX];
	unsigned count;
} waiting;

static void take_waiting(uint64_t set)
{
	const struct timespec now = { 0, 0 };

	waiting.count = 0;
	while (set != 0 && waiting.count < LB_PENDING_SIGNALS_MAX &&
		syscall(SYS_rt_sigtimedwait, &set, &waiting.infos[waiting.count], &now, LB_SIGSET_SIZE) > 0)
		waiting.count++;
}

/* A timer has one signal waiting at most, which counts those that it stands for. Returns whether it has. */
static bool joins_tick(const siginfo_t *tick)
{
	for (unsigned i = 0; i < waiting.count && tick->si_code == SI_TIMER; i++) {
		siginfo_t *info = &waiting.infos[i];

		if (info->si_code != SI_TIMER || info->si_signo != tick->si_signo ||
			info->si_timerid != tick->si_timerid)
			continue;
		info->si_overrun += tick->si_overrun + 1;
		return true;
	}
	return false;
}

/* To the process, or to this thread, before what comes to the process. Workers that read a signalfd do not see what
 * waits for this one alone. */
static void queue(const siginfo_t *info, bool first)
{
	lb_signal_queue(info, first && lb_shadow.threads == 0 ? (uint32_t)gettid() : 0);
}

void lb_held_share(void)
{
	take_waiting(lb_shadow.state.held);
	for (unsigned i = 0; i < waiting.count; i++)
		lb_signal_queue(&waiting.infos[i], 0);
}

static int64_t hold(uint64_t set, const uint8_t *come, size_t count, bool before)
{
	static siginfo_t infos[LB_PENDING_SIGNALS_MAX];
	uint64_t released = lb_shadow.state.held & ~set, again = before ? set : 0;

	if ((set & (LB_NEVER_HELD | UNCATCHABLE)) || count > LB_PENDING_SIGNALS_MAX)
		return -EINVAL;
	if (count > 0)
		memcpy(infos, come, count * sizeof infos[0]);
	for (size_t i = 0; i < count; i++) {
		int signal = infos[i].si_signo;

		if (signal < 1 || signal > SIGNALS || !(set & BIT(signal)))
			return -EINVAL;
		again |= infos[i].si_code == SI_TIMER ? BIT(signal) : 0;
	}
	lb_shadow.state.held = set;
	lb_signals_release(released);
	/* What waits and must stay behind, or counts more ticks now, is queued once more: to this thread, before all
	 * that comes meanwhile. */
	take_waiting(again);
	for (size_t i = 0; i < count; i++) {
		if (joins_tick(&infos[i]))
			infos[i].si_signo = 0;
		else if (before)
			queue(&infos[i], true);
	}
	for (unsigned i = 0; i < waiting.count; i++)
		queue(&waiting.infos[i], true);
	for (size_t i = 0; i < count && !before; i++) {
		if (infos[i].si_signo != 0)
			queue(&infos[i], infos[i].si_code == SI_TKILL);
	}
	return 0;
}

bool lb_held_call(const struct lb_link_call *call, const int64_t *arguments, uint8_t *out, struct lb_link_reply *reply)
{
	size_t size = call->kinds[1] == LB_ARG_IN ? call->arg_sizes[1] : 0;
	uint64_t signals;

	if (call->number != LB_HOME_HOLD || call->out_size < sizeof signals || lb_shadow.is_child)
		return false;
	reply->result = hold((uint64_t)arguments[0], (const uint8_t *)(intptr_t)arguments[1], size / sizeof(siginfo_t),
		arguments[2] != 0);
	signals = lb_signalfds();
	memcpy(out, &signals, sizeof signals);
	reply->out_size = sizeof signals;
	return true;
}
