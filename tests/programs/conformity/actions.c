/* actions.c - Every flag of sigaction(2), and masks.
 *
 * For the signals that lb uses for itself at home, one that it uses away from home, and an ordinary one: all must be
 * the same.
 */
#include "conformity.h"

#include <poll.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"        /* as old programs call them */
extern void (*bsd_signal(int signal, void (*handler)(int)))(int); /* not in the header of newer standards */

#define STACK_SIZE 65536
#define ROUNDS 40 /* of what a move may come into */

static char *stack_base;
static int number; /* the signal that is looked at */
static volatile sig_atomic_t depth, deepest, count, on_stack, within;
static volatile sig_atomic_t pipe_end = -1;
static sigset_t mask_then, mask_before;
static volatile siginfo_t last;

static int has(const sigset_t *set)
{
	return sigismember(set, SIGURG) + 10 * sigismember(set, SIGSYS) + 100 * sigismember(set, SIGUSR1) +
		1000 * sigismember(set, SIGUSR2);
}

static void look(void)
{
	char here;

	on_stack = &here >= stack_base && &here < stack_base + STACK_SIZE;
	sigprocmask(SIG_SETMASK, NULL, &mask_then);
}

static void on_plain(int signal)
{
	number = signal;
	count++;
	look();
}

static void on_informed(int signal, siginfo_t *info, void *context)
{
	number = signal;
	count++;
	memcpy((void *)&last, info, sizeof last);
	mask_before = ((ucontext_t *)context)->uc_sigmask;
	look();
}

/* Sends itself once more. */
static void on_nested(int signal)
{
	depth++;
	count++;
	if (depth > deepest)
		deepest = depth;
	if (count < 4)
		raise(signal);
	depth--;
}

static void on_tick(int signal)
{
	(void)signal;
	count++;
	if (pipe_end >= 0 && write(pipe_end, "x", 1) != 1)
		count += 1000;
}

/* With the given signal blocked meanwhile, which it sends. */
static void on_outer(int signal)
{
	within = 1;
	raise(number);
	look();
	on_stack = count;
	within = 0;
	(void)signal;
}

static void on_inner(int signal)
{
	(void)signal;
	count += within ? 100 : 1;
}

static void action(int signal, void *handler, int flags, int masked)
{
	struct sigaction wanted = { .sa_handler = (void (*)(int))handler, .sa_flags = flags };

	if (masked)
		sigaddset(&wanted.sa_mask, masked);
	count = depth = deepest = 0;
	on_stack = -1;
	must("sigaction", sigaction(signal, &wanted, NULL));
}

static sigset_t only(int signal)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signal);
	return set;
}

/* What sigaction(2) tells of an action; the C library sets SA_RESTORER. */
static void show_action(const char *name, int signal)
{
	struct sigaction back;

	memset(&back, 0x55, sizeof back);
	must("sigaction", sigaction(signal, NULL, &back));
	show(name, "%s flags %#x mask %d restorer %d",
		back.sa_handler == SIG_DFL           ? "default"
			: back.sa_handler == SIG_IGN ? "ignored"
						     : "a handler",
		(unsigned)back.sa_flags, has(&back.sa_mask), back.sa_restorer != NULL);
}

static void check_report(int signal)
{
	struct sigaction wanted = { .sa_handler = on_plain,
		.sa_flags = (int)(SA_RESETHAND | SA_NODEFER | SA_ONSTACK | SA_RESTART | SA_NOCLDSTOP | SA_NOCLDWAIT) };

	wanted.sa_flags |= 0x20000400; /* which the kernel does not know */
	sigfillset(&wanted.sa_mask);
	must("sigaction", sigaction(signal, &wanted, NULL));
	sigaction(signal, NULL, &wanted);
	show_action("all flags", signal);
	show("its mask", "%d %d %d", sigismember(&wanted.sa_mask, SIGKILL), sigismember(&wanted.sa_mask, SIGSTOP),
		sigismember(&wanted.sa_mask, SIGTERM));
	raise(signal);
	show_action("after SA_RESETHAND", signal);
	action(signal, on_informed, SA_SIGINFO, SIGUSR2);
	show_action("SA_SIGINFO", signal);
	action(signal, SIG_IGN, 0, 0);
	show_action("ignored", signal);
	CALL("raise of what is ignored", raise(signal));
	default_signal(signal);
	show_action("default", signal);
}

static void check_flags(int signal)
{
	stack_t stack = { .ss_sp = stack_base, .ss_size = STACK_SIZE }, off = { .ss_flags = SS_DISABLE };
	struct sigaction back;

	must("sigaltstack", sigaltstack(&stack, NULL));
	action(signal, on_plain, 0, 0);
	raise(signal);
	show("no flag", "%d on the stack %d mask %d", count, on_stack, has(&mask_then));
	action(signal, on_plain, SA_ONSTACK, SIGUSR2);
	raise(signal);
	show("SA_ONSTACK", "%d on the stack %d mask %d", count, on_stack, has(&mask_then));
	action(signal, on_plain, SA_NODEFER, 0);
	raise(signal);
	show("SA_NODEFER", "%d on the stack %d mask %d", count, on_stack, has(&mask_then));
	action(signal, on_plain, SA_NODEFER, signal);
	raise(signal);
	show("SA_NODEFER and the mask", "%d mask %d", count, has(&mask_then));
	action(signal, on_nested, SA_ONSTACK, 0);
	raise(signal);
	show("nested", "%d deep %d", count, deepest);
	action(signal, on_nested, SA_ONSTACK | SA_NODEFER, 0);
	raise(signal);
	show("nested with SA_NODEFER", "%d deep %d", count, deepest);
	action(signal, on_informed, (int)(SA_RESETHAND | SA_SIGINFO | SA_NODEFER | SA_ONSTACK), 0);
	CALL("kill", kill(getpid(), signal));
	sigaction(signal, NULL, &back);
	show("SA_RESETHAND", "%d default %d code %d mask %d", count, back.sa_handler == SIG_DFL, last.si_code,
		has(&mask_then));
	action(signal, on_informed, (int)(SA_RESETHAND | SA_SIGINFO), 0);
	CALL("sigqueue", sigqueue(getpid(), signal, (union sigval){ .sival_ptr = (void *)0x123456789 }));
	show("its details", "%d code %d value %p by itself %d mask %d", count, last.si_code, last.si_value.sival_ptr,
		last.si_pid == getpid(), has(&mask_then));
	sigaltstack(&off, NULL);
	default_signal(signal);
}

static void check_old_functions(int signal)
{
	void (*before)(int);
	struct sigaction back;
	sigset_t set = only(signal);

	count = 0;
	before = sysv_signal(signal, on_plain);
	show_action("sysv_signal", signal);
	raise(signal);
	show("it", "%d was default %d mask %d", count, before == SIG_DFL, has(&mask_then));
	siginterrupt(signal, 1);
	signal == SIGURG ? (void)bsd_signal(signal, on_plain) : (void)ssignal(signal, on_plain);
	show_action("signal after siginterrupt", signal);
	siginterrupt(signal, 0);
	show_action("siginterrupt", signal);
	sigset(signal, SIG_HOLD);
	sigprocmask(SIG_SETMASK, NULL, &mask_then);
	show("sigset", "held %d", has(&mask_then));
	before = sigset(signal, on_plain);
	sigaction(signal, NULL, &back);
	show("sigset back", "%d flags %#x", before == SIG_HOLD, (unsigned)back.sa_flags);
	sigignore(signal);
	show_action("sigignore", signal);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	default_signal(signal);
}

static void check_pending(int signal)
{
	sigset_t set = only(signal), old, pending, none;
	struct timespec now = { 0, 0 }, limit = { 0, 20000000 };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = signal };
	struct itimerspec soon = { { 0, 0 }, { 0, 10000000 } };
	timer_t timer;
	siginfo_t info;

	sigemptyset(&none);
	action(signal, on_informed, SA_SIGINFO, 0);
	sigprocmask(SIG_BLOCK, &set, &old);
	CALL("sigtimedwait of none", sigtimedwait(&set, &info, &now));
	raise(signal);
	kill(getpid(), signal);
	kill(getpid(), signal);
	sigpending(&pending);
	sigprocmask(SIG_SETMASK, NULL, &mask_then);
	show("blocked", "%d mask %d pending %d", count, has(&mask_then), has(&pending));
	for (int i = 0; i < 3; i++) {
		info.si_code = 99;
		CALL("sigtimedwait", sigtimedwait(&set, &info, &limit));
		show("its details", "code %d by itself %d", info.si_code, i == 2 || info.si_pid == getpid());
	}
	event.sigev_value.sival_int = 77;
	must("timer_create", timer_create(CLOCK_MONOTONIC, &event, &timer));
	timer_settime(timer, 0, &soon, NULL);
	CALL("sigwaitinfo", sigwaitinfo(&set, &info));
	show("its details", "code %d value %d", info.si_code, info.si_value.sival_int);
	raise(signal);
	CALL("sigsuspend", sigsuspend(&none));
	show("it", "%d mask %d before %d", count, has(&mask_then), has(&mask_before));
	timer_settime(timer, 0, &soon, NULL);
	CALL("sigsuspend that waits", sigsuspend(&none));
	timer_settime(timer, 0, &soon, NULL);
	CALL("ppoll", ppoll(NULL, 0, NULL, &none));
	kill(getpid(), signal);
	CALL("ppoll with one that waits", ppoll(NULL, 0, NULL, &none));
	show("they", "%d mask %d before %d", count, has(&mask_then), has(&mask_before));
	timer_delete(timer);
	raise(signal);
	sigprocmask(SIG_SETMASK, &old, NULL);
	sigprocmask(SIG_SETMASK, NULL, &mask_then);
	show("let through", "%d mask %d", count, has(&mask_then));
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(signal);
	action(signal, SIG_IGN, 0, 0);
	sigpending(&pending);
	show("ignored", "pending %d", has(&pending));
	sigprocmask(SIG_SETMASK, &old, NULL);
	default_signal(signal);
}

static void check_masked(int signal)
{
	int other = signal == SIGUSR1 ? SIGUSR2 : SIGUSR1;
	sigset_t set = only(signal), other_set = only(other), old;
	sigjmp_buf target;
	volatile int jumps = 0;

	number = signal;
	action(signal, on_inner, 0, 0);
	action(other, on_outer, 0, signal);
	raise(other);
	sigprocmask(SIG_SETMASK, NULL, &old);
	show("masked in another's handler", "%d there %d mask %d then %d", count, on_stack, has(&mask_then), has(&old));
	/* Both wait, and the first one's handler masks the second. */
	number = 0;
	sigaddset(&other_set, signal);
	for (int i = 0; i < ROUNDS; i++) {
		sigprocmask(SIG_BLOCK, &other_set, &old);
		raise(signal);
		raise(other);
		sigprocmask(SIG_SETMASK, &old, NULL);
	}
	show("of two that wait", "%d", count);
	default_signal(other);
	action(signal, on_informed, SA_SIGINFO, 0);
	if (sigsetjmp(target, 1) < 3) {
		jumps++;
		sigprocmask(SIG_BLOCK, &set, NULL);
		siglongjmp(target, jumps);
	}
	sigprocmask(SIG_SETMASK, NULL, &mask_then);
	show("after siglongjmp", "%d mask %d", jumps, has(&mask_then));
	default_signal(signal);
}

static void interrupted(const char *name, int signal, int flags)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = signal };
	struct itimerspec each = { { 1, 0 }, { 0, 15000000 } }, off = { { 0, 0 }, { 0, 0 } };
	struct timespec limit = { 5, 0 }; /* where it moves, the first tick may come before it waits */
	timer_t timer;
	char byte;
	int ends[2];

	must("pipe", pipe(ends));
	action(signal, on_tick, flags, 0);
	must("timer_create", timer_create(CLOCK_MONOTONIC, &event, &timer));
	pipe_end = flags & SA_RESTART ? ends[1] : -1;
	timer_settime(timer, 0, &each, NULL);
	CALL(name, read(ends[0], &byte, 1));
	timer_settime(timer, 0, &each, NULL);
	CALL("nanosleep", nanosleep(&limit, NULL));
	timer_settime(timer, 0, &off, NULL);
	pipe_end = -1;
	timer_delete(timer);
	close(ends[0]);
	close(ends[1]);
	default_signal(signal);
}

static void run_actions(void)
{
	static const int signals[] = { SIGURG, SIGTSTP, SIGSYS, SIGUSR1 };

	stack_base = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
		show("signal", "%d", signals[i]);
		show_action("at first", signals[i]);
		check_report(signals[i]);
		check_flags(signals[i]);
		check_old_functions(signals[i]);
		check_pending(signals[i]);
		check_masked(signals[i]);
		interrupted("read", signals[i], 0);
		interrupted("read with SA_RESTART", signals[i], SA_RESTART);
	}
	munmap(stack_base, STACK_SIZE);
}

const struct part part_actions = { "actions", run_actions };
