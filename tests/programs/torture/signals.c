/* signals.c - Signals for one thread and for all, masks and stacks of each. */
#include "torture.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#define BURST 5
#define STACKS 3
#define STACK_SIZE 65536
#define PAGE 4096

/* kill: queued signals for one thread, each handled there, in order. */

struct target {
	pthread_t thread;
	_Atomic pid_t tid;
	_Atomic long count;
};

static struct target killed;

static void on_kill(int number, siginfo_t *info, void *context)
{
	int before = errno;

	(void)context;
	EXPECT(gettid() == killed.tid, "signal %d for thread %d is handled by %d", number, (int)killed.tid,
		(int)gettid());
	EXPECT(info->si_code == SI_QUEUE && info->si_pid == getpid() && info->si_uid == getuid(),
		"signal %d comes from %d, code %d", number, (int)info->si_pid, info->si_code);
	EXPECT(info->si_value.sival_int == (int)killed.count, "signal %d has value %d, not %ld", number,
		info->si_value.sival_int, (long)killed.count);
	killed.count++;
	errno = before;
}

static void *be_killed(void *argument)
{
	killed.tid = gettid();
	let_through(SIGNAL_KILL, true);
	while (!is_over()) {
		AT("a poll that signals end");
		poll(NULL, 0, 20);
	}
	return argument;
}

static void set_up_kill(void)
{
	handle(SIGNAL_KILL, on_kill, SA_RESTART);
	killed.thread = start(be_killed, NULL);
	while (killed.tid == 0)
		rest_us(100);
}

static uint64_t kill_other(long round)
{
	long wanted = (round + 1) * BURST;

	for (int i = 0; i < BURST; i++) {
		union sigval value = { .sival_int = (int)(round * BURST + i) };

		GIVES(pthread_sigqueue(killed.thread, SIGNAL_KILL, value), 0);
	}
	GIVES(pthread_kill(killed.thread, 0), 0);
	AT("signals that are on their way");
	while (killed.count < wanted)
		rest_us(300);
	EXPECT(killed.count == wanted, "%ld signals arrived, not %ld", (long)killed.count, wanted);
	return (uint64_t)killed.count;
}

static void end_kill(void)
{
	join(killed.thread, NULL);
}

const struct check check_kill = { "kill", false, set_up_kill, kill_other, end_kill };

/* sigwait: a thread that takes them without a handler. */

static struct target waiter;
static sem_t waiter_took;
static _Atomic int waiter_value;

static void *wait_for_signals(void *argument)
{
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGNAL_WAIT);
	waiter.tid = gettid();
	for (;;) {
		AT("sigwaitinfo");
		RETURNS(sigwaitinfo(&set, &info), SIGNAL_WAIT);
		EXPECT(info.si_code == SI_QUEUE && info.si_pid == getpid(), "a signal that was waited for has code %d",
			info.si_code);
		waiter_value = info.si_value.sival_int;
		sem_post(&waiter_took);
		if (is_over())
			return argument;
	}
}

static void set_up_sigwait(void)
{
	sem_init(&waiter_took, 0, 0);
	waiter.thread = start(wait_for_signals, NULL);
}

static void send_to_waiter(int number)
{
	union sigval value = { .sival_int = number };

	/* To the thread and to the process in turn: nobody else takes it. */
	if (number % 2 == 0)
		GIVES(pthread_sigqueue(waiter.thread, SIGNAL_WAIT, value), 0);
	else
		RETURNS(sigqueue(getpid(), SIGNAL_WAIT, value), 0);
	AT("an answer to a signal");
	wait_for(&waiter_took);
	EXPECT(waiter_value == number, "value %d was waited for, not %d", (int)waiter_value, number);
}

static uint64_t send_one(long round)
{
	send_to_waiter((int)round);
	return (uint64_t)waiter_value;
}

static void end_sigwait(void)
{
	send_to_waiter(0);
	join(waiter.thread, NULL);
}

const struct check check_sigwait = { "sigwait", false, set_up_sigwait, send_one, end_sigwait };

/* pending: signals that wait for a thread which blocks all that can be blocked. */

static struct target blocker;
static sem_t blocker_go, blocker_done;
static long blocker_round;

static int value_of_signal(long round, int index)
{
	return (int)(value_of(round, (unsigned)index) & 0x7fffffff);
}

static void take_pending(long round)
{
	struct timespec now = { 0, 0 };
	sigset_t mine, pending;
	siginfo_t info;

	sigemptyset(&mine);
	sigaddset(&mine, SIGUSR2);
	sigaddset(&mine, SIGNAL_PENDING);
	sigpending(&pending);
	EXPECT(sigismember(&pending, SIGNAL_PENDING) == 1 && sigismember(&pending, SIGUSR2) == 1,
		"a signal of a thread that blocks all is not pending");
	EXPECT(sigismember(&pending, SIGNAL_KILL) == 0, "another thread's signal is pending");
	RETURNS(sigtimedwait(&mine, &info, &now), SIGUSR2);
	/* As the C library has it: the kernel says SI_TKILL. */
	EXPECT(info.si_code == SI_USER && info.si_pid == getpid(), "SIGUSR2 has code %d", info.si_code);
	for (int i = 0; i < BURST; i++) {
		RETURNS(sigtimedwait(&mine, &info, &now), SIGNAL_PENDING);
		EXPECT(info.si_code == SI_QUEUE && info.si_value.sival_int == value_of_signal(round, i),
			"pending signal %d has value %d, not %d", i, info.si_value.sival_int,
			value_of_signal(round, i));
	}
	FAILS(sigtimedwait(&mine, &info, &now), EAGAIN);
}

static void *block_all(void *argument)
{
	sigset_t all, is;

	sigfillset(&all);
	GIVES(pthread_sigmask(SIG_SETMASK, &all, NULL), 0);
	for (;;) {
		AT("a wait with all signals blocked");
		wait_for(&blocker_go);
		if (is_over())
			return argument;
		pthread_sigmask(SIG_BLOCK, NULL, &is);
		EXPECT(sigismember(&is, SIGTERM) == 1 && sigismember(&is, SIGURG) == 1,
			"a thread that blocks all lets some through");
		take_pending(blocker_round);
		sem_post(&blocker_done);
	}
}

static void set_up_pending(void)
{
	sem_init(&blocker_go, 0, 0);
	sem_init(&blocker_done, 0, 0);
	blocker.thread = start(block_all, NULL);
}

static uint64_t leave_pending(long round)
{
	sigset_t pending;

	for (int i = 0; i < BURST; i++) {
		union sigval value = { .sival_int = value_of_signal(round, i) };

		GIVES(pthread_sigqueue(blocker.thread, SIGNAL_PENDING, value), 0);
	}
	GIVES(pthread_kill(blocker.thread, SIGUSR2), 0);
	AT("a rest while signals are pending");
	rest_up_to(40000);
	sigpending(&pending);
	EXPECT(sigismember(&pending, SIGNAL_PENDING) == 0, "a signal of another thread is pending here");
	blocker_round = round;
	sem_post(&blocker_go);
	AT("a thread that takes what is pending");
	wait_for(&blocker_done);
	return (uint64_t)value_of_signal(round, 0);
}

static void end_pending(void)
{
	sem_post(&blocker_go);
	join(blocker.thread, NULL);
}

const struct check check_pending = { "pending", false, set_up_pending, leave_pending, end_pending };

/* masks: each has its own mask and its own stack for handlers. */

static char alternate[STACKS][STACK_SIZE];
static __thread const char *own_stack;
static __thread volatile long own_handled;
static pthread_t masked[STACKS];

static void on_own(int number, siginfo_t *info, void *context)
{
	stack_t now;
	char here;

	(void)context;
	EXPECT(&here >= own_stack && &here < own_stack + STACK_SIZE, "a handler runs at %p, not on the stack at %p",
		&here, own_stack);
	sigaltstack(NULL, &now);
	EXPECT(now.ss_flags == SS_ONSTACK && now.ss_sp == own_stack, "the handler's stack has flags %d", now.ss_flags);
	EXPECT(number == SIGUSR1 && info->si_code == SI_TKILL, "signal %d has code %d", number, info->si_code);
	own_handled++;
}

static bool mask_is(unsigned index)
{
	sigset_t set;
	bool good = true;

	pthread_sigmask(SIG_BLOCK, NULL, &set);
	for (unsigned i = 0; i < STACKS; i++)
		good &= sigismember(&set, (int)(SIGRTMIN + 12 + i)) == (i == index);
	return good && sigismember(&set, SIGUSR1) == 0 && sigismember(&set, SIGUSR2) == 1;
}

static uint64_t check_masks_of(unsigned index)
{
	stack_t now;
	long before = own_handled;

	EXPECT(mask_is(index), "the mask of thread %u has changed", index);
	sigaltstack(NULL, &now);
	EXPECT(now.ss_sp == own_stack && now.ss_size == STACK_SIZE && now.ss_flags == 0,
		"the alternate stack of thread %u is at %p, flags %d", index, now.ss_sp, now.ss_flags);
	GIVES(pthread_kill(pthread_self(), SIGUSR1), 0);
	EXPECT(own_handled == before + 1, "%ld handlers ran at pthread_kill of itself", own_handled - before);
	return (uint64_t)own_handled;
}

static void take_mask(unsigned index)
{
	stack_t stack = { .ss_sp = alternate[index], .ss_size = STACK_SIZE };

	own_stack = alternate[index];
	must("sigaltstack", sigaltstack(&stack, NULL));
	let_through(SIGUSR1, true);
	let_through((int)(SIGRTMIN + 12 + index), false);
}

static void *keep_mask(void *argument)
{
	take_mask((unsigned)(uintptr_t)argument);
	while (!is_over()) {
		check_masks_of((unsigned)(uintptr_t)argument);
		rest_up_to(4000);
	}
	return argument;
}

static void set_up_masks(void)
{
	handle(SIGUSR1, on_own, SA_ONSTACK);
	for (uintptr_t i = 1; i < STACKS; i++)
		masked[i] = start(keep_mask, (void *)i);
}

static uint64_t keep_mask_here(long round)
{
	if (round == 0)
		take_mask(0);
	return check_masks_of(0);
}

static void end_masks(void)
{
	for (uintptr_t i = 1; i < STACKS; i++)
		join(masked[i], (void *)i);
}

const struct check check_masks = { "masks", false, set_up_masks, keep_mask_here, end_masks };

/* process: signals for the process go to the one thread that lets them through. */

static _Atomic long process_count, alarms;
static struct target receiver;

static void on_process(int number, siginfo_t *info, void *context)
{
	(void)info;
	(void)context;
	EXPECT(gettid() == receiver.tid, "signal %d is handled by thread %d, which blocks it", number, (int)gettid());
	if (number == SIGALRM)
		alarms++;
	else
		process_count++;
}

static void *receive(void *argument)
{
	receiver.tid = gettid();
	let_through(SIGNAL_PROCESS, true);
	let_through(SIGALRM, true);
	while (!is_over())
		usleep(2000); /* a handler may end it */
	return argument;
}

static void set_up_process(void)
{
	handle(SIGNAL_PROCESS, on_process, SA_RESTART);
	handle(SIGALRM, on_process, SA_RESTART);
	receiver.thread = start(receive, NULL);
	while (receiver.tid == 0)
		rest_us(100);
}

static uint64_t send_to_process(long round)
{
	struct itimerval timer = { { 0, 0 }, { 0, 1500 } };
	union sigval value = { .sival_int = 1 };

	RETURNS(kill(getpid(), SIGNAL_PROCESS), 0);
	RETURNS(sigqueue(getpid(), SIGNAL_PROCESS, value), 0);
	RETURNS(setitimer(ITIMER_REAL, &timer, NULL), 0);
	AT("signals to the process");
	while (process_count < (round + 1) * 2)
		rest_us(300);
	AT("an alarm");
	while (alarms <= round)
		rest_us(300);
	EXPECT(process_count == (round + 1) * 2 && alarms == round + 1, "%ld signals and %ld alarms in %ld rounds",
		(long)process_count, (long)alarms, round + 1);
	return (uint64_t)process_count;
}

static void end_process(void)
{
	join(receiver.thread, NULL);
}

const struct check check_process = { "process", false, set_up_process, send_to_process, end_process };

/* fault: SIGSEGV, by which runtimes stop their threads, is handled by the thread that made it. */

static char *pages;
static pthread_t faulting;
static __thread sigjmp_buf fault_target;
static __thread char *fault_page;
static __thread volatile long faults;

static void on_fault(int number, siginfo_t *info, void *context)
{
	(void)context;
	if (info->si_addr != fault_page + 8) {
		EXPECT(false, "a fault at %p, not at %p", info->si_addr, fault_page + 8);
		signal(number, SIG_DFL);
		return;
	}
	if (++faults % 2 == 0)
		siglongjmp(fault_target, 1);
	mprotect(fault_page, PAGE, PROT_READ | PROT_WRITE);
}

static void make_faults(unsigned index)
{
	long before = faults;

	fault_page = pages + index * PAGE;
	RETURNS(mprotect(fault_page, PAGE, PROT_NONE), 0);
	((volatile char *)fault_page)[8] = 1; /* made writable by the handler */
	EXPECT(faults == before + 1, "%ld faults where one is made", faults - before);
	RETURNS(mprotect(fault_page, PAGE, PROT_NONE), 0);
	if (sigsetjmp(fault_target, 1) == 0) {
		((volatile char *)fault_page)[8] = 1;
		EXPECT(false, "a write to a page that cannot be written");
	}
	EXPECT(faults == before + 2, "%ld faults where two are made", faults - before);
}

static void *fault_often(void *argument)
{
	while (!is_over()) {
		make_faults(1);
		rest_up_to(2000);
	}
	return argument;
}

static void set_up_fault(void)
{
	int kind = MAP_PRIVATE | MAP_ANONYMOUS;

	pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, kind, -1, 0);
	must("mmap", pages == MAP_FAILED ? -1 : 0);
	handle(SIGSEGV, on_fault, 0);
	faulting = start(fault_often, NULL);
}

static uint64_t fault_here(long round)
{
	(void)round;
	make_faults(0);
	return (uint64_t)faults;
}

static void end_fault(void)
{
	join(faulting, NULL);
}

const struct check check_fault = { "fault", false, set_up_fault, fault_here, end_fault };

/* owner: a descriptor that tells a thread by a signal (F_SETOWN_EX). */

static struct target reader;
static int told[2];
static _Atomic long told_count;

static void on_told(int number, siginfo_t *info, void *context)
{
	(void)context;
	EXPECT(gettid() == reader.tid, "signal %d of a descriptor is handled by thread %d, not %d", number,
		(int)gettid(), (int)reader.tid);
	EXPECT(info->si_fd == told[0], "a signal tells of descriptor %d, not %d", info->si_fd, told[0]);
	told_count++;
}

static void *be_told(void *argument)
{
	struct f_owner_ex owner = { F_OWNER_TID, gettid() }, is = { 0, 0 };

	reader.tid = gettid();
	let_through(SIGNAL_OWNER, true);
	must("F_SETOWN_EX", fcntl(told[0], F_SETOWN_EX, &owner));
	must("F_SETSIG", fcntl(told[0], F_SETSIG, SIGNAL_OWNER));
	must("O_ASYNC", fcntl(told[0], F_SETFL, O_ASYNC | O_NONBLOCK));
	told_count = 0;
	while (!is_over()) {
		usleep(3000);
		RETURNS(fcntl(told[0], F_GETOWN_EX, &is), 0);
		EXPECT(is.type == F_OWNER_TID && is.pid == owner.pid, "a descriptor tells %d, not %d", is.pid,
			owner.pid);
	}
	must("O_ASYNC", fcntl(told[0], F_SETFL, O_NONBLOCK));
	return argument;
}

static void set_up_owner(void)
{
	must("pipe", pipe2(told, O_CLOEXEC));
	handle(SIGNAL_OWNER, on_told, SA_RESTART);
	told_count = -1;
	reader.thread = start(be_told, NULL);
	while (told_count < 0)
		rest_us(100);
}

static uint64_t tell(long round)
{
	long before = told_count;
	char byte = (char)round;

	RETURNS(write(told[1], &byte, 1), 1);
	AT("a descriptor's signal");
	while (told_count == before)
		rest_us(300);
	RETURNS(read(told[0], &byte, 1), 1);
	return (uint64_t)byte;
}

static void end_owner(void)
{
	join(reader.thread, NULL);
}

const struct check check_owner = { "owner", false, set_up_owner, tell, end_owner };

/* outside: signals that anybody sends to the process; none is lost. */

_Atomic long outside;

static void on_outside(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)info;
	(void)context;
	outside++;
}

static void set_up_outside(void)
{
	handle(SIGNAL_OUTSIDE, on_outside, SA_RESTART);
}

static uint64_t listen_outside(long round)
{
	let_through(SIGNAL_OUTSIDE, true);
	AT("a sleep that signals end");
	usleep(5000);
	let_through(SIGNAL_OUTSIDE, false); /* or the rest between two rounds would be cut short */
	return (uint64_t)round;
}

static void end_outside(void)
{
	let_through(SIGNAL_OUTSIDE, true);
}

const struct check check_outside = { "outside", false, set_up_outside, listen_outside, end_outside };
