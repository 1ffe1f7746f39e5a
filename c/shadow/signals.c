/* signals.c - Relays signals to the home PID to the guest.
 *
 * Recorded by handlers, passed on over the link.
 *
 * All signals are blocked except where this process waits. Handlers run with all blocked, record the siginfo and
 * set lb_interrupted; where the interrupted code stands right before a blocking call, they move it past it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "action.h"
#include "links.h"
#include "signals.h"
#include "state.h"
#include "syscall.h"
#include "worker.h"

#define DESCRIPTORS_MAX 65536 /* no descriptor of ours has a higher number: c/library/image/become_shadow.c */
#define BIT(signal) (UINT64_C(1) << ((signal) - 1))
#define STOPPING (BIT(SIGTSTP) | BIT(SIGTTIN) | BIT(SIGTTOU))
/* Default action: nothing. signal(7) */
#define HARMLESS (BIT(SIGCHLD) | BIT(SIGWINCH) | BIT(SIGURG) | BIT(SIGCONT))
#define UNCATCHABLE (BIT(SIGKILL) | BIT(SIGSTOP))
#define CAUSED (BIT(SIGPIPE) | BIT(SIGXFSZ)) /* by a call, to the thread that makes it */
#define FAULTS (BIT(SIGSEGV) | BIT(SIGBUS) | BIT(SIGFPE) | BIT(SIGILL) | BIT(SIGTRAP))

void lb_signal_return(void);

__asm__(".pushsection .text\n"
	".globl lb_signal_return\n"
	".type lb_signal_return, @function\n"
	"lb_signal_return:\n"
	"	mov $15, %eax\n"
	"	syscall\n"
	".size lb_signal_return, . - lb_signal_return\n"
	".popsection\n");

/* When it is full the rest stays where it is: the kernel refuses more to their senders, as it always does. The last
 * place is for a SIGIO of the program's, as our own must go on coming. */
static struct told {
	siginfo_t info;
	uint32_t thread; /* of the guest, that it is for; 0: the process */
} recorded[LB_PENDING_SIGNALS_MAX];
#define RECORDED_FULL (LB_PENDING_SIGNALS_MAX - 1)
static volatile unsigned recorded_count;
/* The last ones that were told, by their number: a link may end before they arrive. */
static struct told last_told[LB_PENDING_SIGNALS_MAX];
static volatile uint64_t stop_pending; /* signals that stop the guest by default */

static uint64_t default_set(void)
{
	return ~(lb_shadow.state.actions.ignored | lb_shadow.state.actions.caught);
}

/* Does anything happen to the guest when this signal comes? */
static bool is_wanted(int signal)
{
	if (lb_shadow.state.actions.ignored & BIT(signal))
		return false;
	return !(HARMLESS & BIT(signal) & default_set() & ~lb_shadow.state.actions.blocked);
}

/* Descriptors that we have watched: of one that is closed since a signal may still be on its way, and SIGIO would
 * end a guest that has no handler for it. */
static uint64_t watched[DESCRIPTORS_MAX / 64];

static bool is_watch_signal(const siginfo_t *info)
{
	if (info->si_signo != SIGIO)
		return false;
	if (info->si_code == SI_TIMER)
		return true; /* our own wake-up (main.c): the program's timers are not here */
	if (info->si_code <= 0)
		return false;
	return info->si_fd >= 0 && info->si_fd < DESCRIPTORS_MAX &&
		(watched[info->si_fd / 64] & BIT(info->si_fd % 64 + 1));
}

static void keep(const siginfo_t *info, uint32_t thread)
{
	memcpy(&recorded[recorded_count].info, info, sizeof *info);
	recorded[recorded_count++].thread = thread;
}

static void record(const siginfo_t *info, uint32_t thread)
{
	int signal = info->si_signo;

	if (is_watch_signal(info) || !is_wanted(signal))
		return;
	if (STOPPING & BIT(signal) & default_set()) {
		stop_pending |= BIT(signal);
		return;
	}
	if (recorded_count < LB_PENDING_SIGNALS_MAX)
		keep(info, thread);
}

/* The guest's thread that one to this thread is for. */
static uint32_t thread_of(const siginfo_t *info)
{
	return lb_shadow.threads > 0 && info->si_code == SI_TKILL ? (uint32_t)gettid() : 0;
}

/* Has a call of this process caused it? send_sig(sig, current, 0), Linux 6.12. */
static bool is_caused(const siginfo_t *info)
{
	return (CAUSED & BIT(info->si_signo)) && info->si_code == SI_USER && info->si_pid == getpid();
}

static LB_BARE void on_signal(int signal, siginfo_t *info, void *context)
{
	struct lb_worker *worker = lb_worker_self();
	ucontext_t *uc = context;

	if ((FAULTS & BIT(signal)) && info->si_code > 0) {
		/* A bug of this program, not a signal to the guest: die of it, as soon as it happens again. */
		struct lb_action none = { .flags = LB_SA_RESTORER, .restorer = (uint64_t)lb_signal_return };

		lb_syscall4(SYS_rt_sigaction, signal, &none, NULL, LB_SIGSET_SIZE);
		return;
	}
	lb_block_stop(uc);
	if (worker != NULL) {
		lb_worker_signalled(worker, info, uc);
		return;
	}
	lb_interrupted = 1;
	record(info, thread_of(info));
	*(uint64_t *)&uc->uc_sigmask |= lb_signals_wait_mask();
}

static void install(int signal)
{
	struct lb_action action = { .handler = (uint64_t)on_signal,
		.flags = SA_SIGINFO | LB_SA_RESTORER,
		.restorer = (uint64_t)lb_signal_return,
		.mask = ~UINT64_C(0) };
	struct lb_action now = { 0 };

	if (UNCATCHABLE & BIT(signal))
		return;
	if (signal == SIGCHLD) /* no zombies, no news of stops: the kernel's to do, here where the children are */
		action.flags |= lb_shadow.state.actions.child_flags & (SA_NOCLDSTOP | SA_NOCLDWAIT);
	/* Really ignored, so that exec and the terminal see what they would have seen: SIGTTOU, say. Not once more:
	 * that would throw away what waits, as it is blocked. */
	if ((lb_shadow.state.actions.ignored & BIT(signal)) && signal != LB_CANCEL_SIGNAL) {
		if (syscall(SYS_rt_sigaction, signal, NULL, &now, LB_SIGSET_SIZE) == 0 &&
			now.handler == (uint64_t)SIG_IGN)
			return;
		action.handler = (uint64_t)SIG_IGN;
	}
	syscall(SYS_rt_sigaction, signal, &action, NULL, LB_SIGSET_SIZE);
}

void lb_signals_set(const struct lb_link_actions *actions)
{
	uint64_t changed = lb_shadow.state.actions.ignored ^ actions->ignored;

	if (lb_shadow.state.actions.child_flags != actions->child_flags)
		changed |= BIT(SIGCHLD);

	lb_shadow.state.actions = *actions;
	for (int signal = 1; signal <= LB_SIGNALS; signal++) {
		if (changed & BIT(signal))
			install(signal);
	}
}

static void set_mask(uint64_t mask)
{
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, LB_SIGSET_SIZE);
}

void lb_signals_block(void)
{
	set_mask(~UINT64_C(0));
}

uint64_t lb_signals_worker_mask(void)
{
	return ~(STOPPING | CAUSED) | lb_shadow.state.held;
}

uint64_t lb_signals_wait_mask(void)
{
	return recorded_count < RECORDED_FULL ? lb_shadow.state.held : ~BIT(SIGIO);
}

void lb_signals_unblock(void)
{
	set_mask(lb_signals_wait_mask());
}

void lb_signals_init(void)
{
	lb_signals_block();
	for (int signal = 1; signal <= LB_SIGNALS; signal++)
		install(signal);
}

void lb_signals_collect(uint32_t thread)
{
	const struct timespec now = { 0, 0 };
	uint64_t set = ~lb_shadow.state.actions.ignored & ~UNCATCHABLE & ~lb_shadow.state.held;
	siginfo_t info;

	while (recorded_count < RECORDED_FULL && syscall(SYS_rt_sigtimedwait, &set, &info, &now, LB_SIGSET_SIZE) > 0)
		record(&info, is_caused(&info) ? thread : thread_of(&info));
}

void lb_signals_came(const siginfo_t *info, uint32_t thread, uint32_t stops)
{
	if ((STOPPING & BIT(info->si_signo)) && stops != lb_worker_stops)
		return; /* SIGCONT has taken it back */
	if (recorded_count >= RECORDED_FULL)
		lb_signal_queue(info, 0);
	else
		record(info, is_caused(info) || info->si_code == SI_TKILL ? thread : 0);
}

/* Stops this process as the guest would have been stopped, so that the shell sees it. */
static void stop(int signal)
{
	struct lb_action dfl = { .flags = LB_SA_RESTORER, .restorer = (uint64_t)lb_signal_return };
	bool told = lb_shadow.live != NULL && lb_link_tell(lb_shadow.live, LB_LINK_STOP, NULL, 0, true);

	syscall(SYS_rt_sigaction, signal, &dfl, NULL, LB_SIGSET_SIZE);
	syscall(SYS_tgkill, getpid(), gettid(), signal);
	set_mask(~BIT(signal)); /* stops here, until SIGCONT; not at all in an orphaned group */
	lb_signals_block();
	lb_worker_stops++;
	install(signal);
	if (told && lb_shadow.live != NULL)
		lb_link_tell(lb_shadow.live, LB_LINK_CONTINUE, NULL, 0, true);
}

void lb_signals_relay(void)
{
	while (stop_pending != 0) {
		int signal = __builtin_ctzll(stop_pending) + 1;

		stop_pending &= ~BIT(signal);
		stop(signal);
	}
	/* Kept until there is a link; and while a copy is on its way, as its source is frozen and would take what
	 * comes now to its grave; and while the guest is a child of its own, as they are the parent's: all of it, if
	 * it has one thread. */
	if (lb_shadow.live == NULL || lb_shadow.prepared_ticket != 0 ||
		(lb_shadow.children > 0 && lb_shadow.threads == 0))
		return;
	for (unsigned i = 0; i < recorded_count; i++) {
		if (!lb_link_tell_seq(lb_shadow.live, LB_LINK_SIGNAL, recorded[i].thread, &recorded[i].info,
			    sizeof recorded[i].info, true)) {
			/* The first ones may have arrived; those that did not are told over the next link. */
			memmove((void *)recorded, (void *)(recorded + i), (recorded_count - i) * sizeof recorded[0]);
			recorded_count -= i;
			lb_link_lost();
			return;
		}
		memcpy(&last_told[lb_shadow.state.signals_told++ % LB_PENDING_SIGNALS_MAX], &recorded[i],
			sizeof last_told[0]);
	}
	recorded_count = 0;
}

void lb_signals_again(uint64_t had)
{
	uint64_t *count = &lb_shadow.state.signals_told;
	uint64_t room = LB_PENDING_SIGNALS_MAX - recorded_count;
	uint64_t first = *count < room ? 0 : *count - room; /* further ones would be more than can wait anywhere */

	if (had >= *count)
		return;
	first = had > first ? had : first;
	memmove((void *)(recorded + (*count - first)), (void *)recorded, recorded_count * sizeof recorded[0]);
	for (uint64_t i = first; i < *count; i++)
		memcpy((void *)&recorded[i - first], &last_told[i % LB_PENDING_SIGNALS_MAX], sizeof recorded[0]);
	recorded_count += (unsigned)(*count - first);
	*count = had;
	lb_interrupted = 1; /* a call that is about to block passes them on first */
}

void lb_signals_release(uint64_t set)
{
	const struct timespec now = { 0, 0 };
	siginfo_t info;

	while (set != 0) {
		if (recorded_count >= RECORDED_FULL)
			lb_signals_relay();
		if (recorded_count >= RECORDED_FULL ||
			syscall(SYS_rt_sigtimedwait, &set, &info, &now, LB_SIGSET_SIZE) <= 0)
			break;
		keep(&info, thread_of(&info));
	}
}

void lb_signal_queue(const siginfo_t *info, uint32_t thread)
{
	pid_t pid = getpid();
	long failed = thread != 0 ? syscall(SYS_rt_tgsigqueueinfo, pid, thread, info->si_signo, info)
				  : syscall(SYS_rt_sigqueueinfo, pid, info->si_signo, info);

	if (failed != 0)
		kill(pid, info->si_signo); /* RLIMIT_SIGPENDING: without its data, as the kernel has it then */
}

void lb_signals_drop_pipe(void)
{
	const struct timespec now = { 0, 0 };
	const uint64_t set = BIT(SIGPIPE);

	syscall(SYS_rt_sigtimedwait, &set, NULL, &now, LB_SIGSET_SIZE);
}

void lb_signals_drop_child(pid_t pid)
{
	const struct timespec now = { 0, 0 };
	const uint64_t set = BIT(SIGCHLD);
	siginfo_t others[2]; /* this thread's and this process's: each has one at most */
	int count = 0;

	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		;
	while (count < 2 && syscall(SYS_rt_sigtimedwait, &set, &others[count], &now, LB_SIGSET_SIZE) > 0)
		count += others[count].si_pid != pid;
	for (int i = 0; i < count; i++) {
		if (lb_shadow.state.held & set)
			lb_signal_queue(&others[i], 0);
		else
			record(&others[i], 0);
	}
}

void lb_signals_leave(uint64_t ignored)
{
	struct lb_action action = { .flags = LB_SA_RESTORER, .restorer = (uint64_t)lb_signal_return };

	recorded_count = 0;
	stop_pending = 0;
	for (int signal = 1; signal <= LB_SIGNALS; signal++) {
		action.handler = (uint64_t)(ignored & BIT(signal) ? SIG_IGN : SIG_DFL);
		syscall(SYS_rt_sigaction, signal, &action, NULL, LB_SIGSET_SIZE);
	}
}

void lb_signals_give_back(void)
{
	lb_signals_collect(0);
	/* To this thread: what comes to the process meanwhile is younger, and is taken after it. */
	for (unsigned i = 0; i < recorded_count; i++)
		syscall(SYS_rt_tgsigqueueinfo, getpid(), recorded[i].thread != 0 ? (pid_t)recorded[i].thread : gettid(),
			recorded[i].info.si_signo, &recorded[i].info);
	for (int signal = 1; signal <= LB_SIGNALS; signal++) {
		if (stop_pending & BIT(signal))
			syscall(SYS_tgkill, getpid(), gettid(), signal);
	}
	recorded_count = 0;
	stop_pending = 0;
}

void lb_signals_watch(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);

	if (on && (flags & O_ASYNC))
		return;
	if (on) {
		if (fd < DESCRIPTORS_MAX)
			watched[fd / 64] |= BIT(fd % 64 + 1);
		fcntl(fd, F_SETSIG, SIGIO); /* names the descriptor in si_fd */
		fcntl(fd, F_SETOWN, getpid());
	}
	fcntl(fd, F_SETFL, on ? flags | O_ASYNC : flags & ~O_ASYNC);
}
