/* signals.c - handlers, masks, pending signals, the alternate stack, jumps out of handlers. */
#include "selfcheck.h"

#include <errno.h>
#include <fenv.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define QUEUED 3

static volatile sig_atomic_t caught[NSIG];
static volatile int value_seen, code_seen;
static volatile pid_t sender_seen;
static volatile bool on_alternate;
static void *volatile fault_address;
static volatile int values[QUEUED], value_count;
static sigjmp_buf from_handler;
static char *alternate;
static size_t alternate_size;
static int queued_rounds; /* rounds for which QUEUED signals have been pending */

static int held(void)
{
	return SIGRTMIN + 3;
}

static void on_plain(int number)
{
	caught[number]++;
}

static void on_info(int number, siginfo_t *info, void *context)
{
	char here;

	(void)context;
	caught[number]++;
	value_seen = info->si_value.sival_int;
	code_seen = info->si_code;
	sender_seen = info->si_pid;
	on_alternate = &here >= alternate && &here < alternate + alternate_size;
}

static void on_held(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	if (value_count < QUEUED)
		values[value_count] = info->si_value.sival_int;
	value_count++;
}

static void on_fault(int number, siginfo_t *info, void *context)
{
	(void)context;
	caught[number]++;
	fault_address = info->si_addr;
	siglongjmp(from_handler, number);
}

static void install(int number, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction action = { .sa_flags = SA_SIGINFO | flags };

	action.sa_sigaction = handler;
	sigaddset(&action.sa_mask, SIGWINCH);
	if (sigaction(number, &action, NULL) < 0) {
		perror("selfcheck: sigaction");
		exit(2);
	}
}

static void setup(void)
{
	struct sigaction plain = { .sa_handler = on_plain };
	stack_t stack = { 0 };
	sigset_t set;

	alternate_size = 256 * 1024;
	alternate = mmap(NULL, alternate_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	stack.ss_sp = alternate;
	stack.ss_size = alternate_size;
	if (alternate == MAP_FAILED || sigaltstack(&stack, NULL) < 0) {
		perror("selfcheck: sigaltstack");
		exit(2);
	}
	sigaction(SIGUSR2, &plain, NULL);
	plain.sa_flags = SA_RESTART;
	sigaction(SIGUSR1, &plain, NULL);
	sigaction(SIGURG, &plain, NULL);
	install(SIGRTMIN + 1, on_info, SA_ONSTACK | SA_RESTART);
	install(held(), on_held, SA_RESTART);
	install(SIGSEGV, on_fault, SA_ONSTACK);
	install(SIGFPE, on_fault, SA_ONSTACK);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, held());
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static void check_handlers(void)
{
	int one = caught[SIGUSR1], two = caught[SIGUSR2], urgent = caught[SIGURG];
	int info = caught[SIGRTMIN + 1];
	union sigval value = { .sival_int = (int)pattern_of((uint64_t)info) };

	raise(SIGUSR1);
	kill(getpid(), SIGUSR2);
	raise(SIGURG);
	CHECK(caught[SIGUSR1] == one + 1, "raise(SIGUSR1) did not arrive");
	CHECK(caught[SIGUSR2] == two + 1, "kill(getpid(), SIGUSR2) did not arrive");
	CHECK(caught[SIGURG] == urgent + 1, "raise(SIGURG) did not arrive");
	CHECK(sigqueue(getpid(), SIGRTMIN + 1, value) == 0, "sigqueue: errno %d", errno);
	CHECK(caught[SIGRTMIN + 1] == info + 1 && value_seen == value.sival_int && code_seen == SI_QUEUE &&
			sender_seen == getpid(),
		"a queued signal came with value %d of %d, code %d, from %d", value_seen, value.sival_int, code_seen,
		(int)sender_seen);
	CHECK(on_alternate, "the handler did not run on the alternate stack");
	CHECK(syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1) == 0 && caught[SIGUSR1] == one + 2,
		"tgkill of oneself did not arrive: errno %d", errno);
}

static void check_queue(void)
{
	sigset_t set, pending;

	sigemptyset(&set);
	sigaddset(&set, held());
	if (queued_rounds == 0) {
		for (int i = 0; i < QUEUED; i++) {
			union sigval value = { .sival_int = 100 + i };

			CHECK(sigqueue(getpid(), held(), value) == 0, "sigqueue: errno %d", errno);
		}
	}
	sigpending(&pending);
	CHECK(sigismember(&pending, held()) == 1, "a pending signal was lost");
	CHECK(value_count == 0, "a blocked signal was delivered");
	if (++queued_rounds < 5)
		return;
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	sigprocmask(SIG_BLOCK, &set, NULL);
	CHECK(value_count == QUEUED, "%d pending signals of %d came", value_count, QUEUED);
	CHECK(values[0] == 100 && values[1] == 101 && values[2] == 102, "pending signals came in order %d %d %d",
		values[0], values[1], values[2]);
	value_count = 0;
	queued_rounds = 0;
}

static void check_actions(void)
{
	struct sigaction found;
	stack_t stack;

	sigaction(SIGUSR1, NULL, &found);
	CHECK(found.sa_handler == on_plain && (found.sa_flags & ~0x04000000) == SA_RESTART,
		"the handler of SIGUSR1 is %p with flags %#x", (void *)found.sa_handler, found.sa_flags);
	sigaction(SIGRTMIN + 1, NULL, &found);
	CHECK(found.sa_sigaction == on_info && sigismember(&found.sa_mask, SIGWINCH) == 1 &&
			sigismember(&found.sa_mask, SIGUSR1) == 0,
		"a handler or its mask changed");
	sigaction(SIGPIPE, NULL, &found);
	CHECK(found.sa_handler == SIG_IGN, "an ignored signal is not ignored any more");
	sigaction(SIGTERM, NULL, &found);
	CHECK(found.sa_handler == SIG_DFL, "a default action is not the default any more");
	sigaction(SIGURG, NULL, &found);
	CHECK(found.sa_handler == on_plain, "the program's handler of SIGURG is not shown");
	sigaction(SIGSYS, NULL, &found);
	CHECK(found.sa_handler == SIG_DFL, "SIGSYS shows a handler that the program did not install");
	CHECK(sigaltstack(NULL, &stack) == 0 && stack.ss_sp == alternate && stack.ss_size == alternate_size &&
			stack.ss_flags == 0,
		"the alternate stack changed");
}

static void check_masks(void)
{
	sigset_t all, before, found;
	int fds[2];
	char byte = 'm';

	sigfillset(&all);
	CHECK(sigprocmask(SIG_SETMASK, &all, &before) == 0, "sigprocmask: errno %d", errno);
	for (int number = 1; number < NSIG; number++) {
		bool wanted = number == held() || number == SIGHUP;

		if (number != 32 && number != 33) /* the C library keeps these to itself */
			CHECK((sigismember(&before, number) == 1) == wanted, "signal %d is %sblocked", number,
				wanted ? "not " : "");
	}
	if (pipe(fds) == 0) {
		CHECK(write(fds[1], &byte, 1) == 1 && read(fds[0], &byte, 1) == 1,
			"a call with all signals blocked failed");
		close(fds[0]);
		close(fds[1]);
	}
	sigprocmask(SIG_SETMASK, NULL, &found);
	CHECK(sigismember(&found, SIGSYS) == 1 && sigismember(&found, SIGURG) == 1 && sigismember(&found, SIGTSTP) == 1,
		"the mask does not show what the program blocked");
	sigprocmask(SIG_SETMASK, &before, NULL);
}

static void check_waits(void)
{
	int before = caught[SIGUSR1], result;
	union sigval value = { .sival_int = 4711 };
	struct timespec second = { 1, 0 }, none = { 0, 0 };
	siginfo_t info = { 0 };
	sigset_t set, wait;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN + 5);
	sigprocmask(SIG_BLOCK, &set, &wait);
	raise(SIGUSR1);
	CHECK(caught[SIGUSR1] == before, "a blocked signal was delivered");
	sigaddset(&wait, SIGALRM); /* so that only SIGUSR1 can end the wait */
	errno = 0;
	result = sigsuspend(&wait);
	CHECK(result == -1 && errno == EINTR && caught[SIGUSR1] == before + 1, "sigsuspend is wrong");
	sigqueue(getpid(), SIGRTMIN + 5, value);
	sigdelset(&set, SIGUSR1);
	do
		result = sigtimedwait(&set, &info, &second);
	while (result < 0 && errno == EINTR);
	CHECK(result == SIGRTMIN + 5 && info.si_value.sival_int == 4711 && info.si_pid == getpid(),
		"sigtimedwait gave %d with value %d", result, info.si_value.sival_int);
	errno = 0;
	CHECK(sigtimedwait(&set, &info, &none) == -1 && errno == EAGAIN, "sigtimedwait found more");
	sigdelset(&wait, SIGALRM);
	sigprocmask(SIG_SETMASK, &wait, NULL);
}

static void check_faults(void)
{
	static volatile char *volatile nowhere = (char *)0x10;
	static volatile int zero;
	int segv = caught[SIGSEGV], fpe = caught[SIGFPE];
	fenv_t modes;

	/* A handler starts with default rounding and masks, and a jump out of it keeps those. */
	fegetenv(&modes);
	if (sigsetjmp(from_handler, 1) == 0)
		*nowhere = 1;
	CHECK(caught[SIGSEGV] == segv + 1 && fault_address == (void *)0x10, "a bad store gave address %p",
		fault_address);
	if (sigsetjmp(from_handler, 1) == 0)
		zero = 5 / zero;
	CHECK(caught[SIGFPE] == fpe + 1, "a division by zero gave no signal");
	fesetenv(&modes);
	errno = 0;
	CHECK(write(-1, "", 1) == -1 && errno == EBADF, "write to -1 gave errno %d", errno);
}

static void check_broken_pipe(void)
{
	int fds[2];

	if (pipe(fds) < 0)
		return;
	close(fds[0]);
	errno = 0;
	CHECK(write(fds[1], "x", 1) == -1 && errno == EPIPE, "a broken pipe gave errno %d", errno);
	close(fds[1]);
}

static void check_round(long round)
{
	check_masks();
	check_handlers();
	check_queue();
	check_actions();
	check_waits();
	if (round % 4 == 0) {
		check_faults();
		check_broken_pipe();
	}
}

const struct group group_signals = { "signals", setup, check_round };
