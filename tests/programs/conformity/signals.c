/* signals.c - masks, handlers, values, stacks; and signals that the processor causes. */
#include "conformity.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int order[16], order_count;

static void on_ordered(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	order[order_count++ % 16] = info->si_value.sival_int;
}

static sigset_t set_of(int first, int second)
{
	sigset_t set;

	sigemptyset(&set);
	if (first)
		sigaddset(&set, first);
	if (second)
		sigaddset(&set, second);
	return set;
}

static void check_masks(void)
{
	sigset_t set = set_of(SIGUSR1, SIGRTMIN), old, pending;
	struct sigaction action = { .sa_sigaction = on_ordered, .sa_flags = SA_SIGINFO };

	sigaction(SIGRTMIN, &action, NULL);
	catch_signal(SIGUSR1, 0);
	CALL("sigprocmask", sigprocmask(SIG_BLOCK, &set, &old));
	CALL("sigprocmask of something unknown", sigprocmask(99, &set, NULL));
	raise(SIGUSR1);
	raise(SIGUSR1);
	for (int i = 1; i <= 3; i++)
		sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = i * 11 });
	sigpending(&pending);
	show("pending", "%d %d %d", sigismember(&pending, SIGUSR1), sigismember(&pending, SIGRTMIN),
		sigismember(&pending, SIGUSR2));
	show("caught while blocked", "%d %d", (int)caught, order_count);
	sigprocmask(SIG_SETMASK, &old, &set);
	show("blocked before", "%d %d", sigismember(&set, SIGUSR1), sigismember(&set, SIGKILL));
	show("caught then", "%d %d: %d %d %d", (int)caught, order_count, order[0], order[1], order[2]);
	sigfillset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	sigprocmask(SIG_SETMASK, NULL, &set);
	show("all blocked", "%d %d %d %d", sigismember(&set, SIGURG), sigismember(&set, SIGSYS),
		sigismember(&set, SIGKILL), sigismember(&set, SIGSTOP));
	sigprocmask(SIG_SETMASK, &old, NULL);
	default_signal(SIGRTMIN);
	default_signal(SIGUSR1);
}

static void check_actions(void)
{
	struct sigaction action = { .sa_handler = SIG_IGN, .sa_flags = SA_RESTART | SA_NODEFER }, back;

	sigaddset(&action.sa_mask, SIGUSR2);
	CALL("sigaction", sigaction(SIGUSR1, &action, NULL));
	CALL("sigaction that reads", sigaction(SIGUSR1, NULL, &back));
	show("it", "%d %#x %d", back.sa_handler == SIG_IGN, back.sa_flags & ~0x04000000,
		sigismember(&back.sa_mask, SIGUSR2));
	CALL("sigaction of SIGKILL", syscall(SYS_rt_sigaction, SIGKILL, &action, NULL, 8));
	CALL("sigaction of signal 65", syscall(SYS_rt_sigaction, 65, &action, NULL, 8));
	CALL("sigaction with a short mask", syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 4));
	CALL("kill of an ignored signal", kill(getpid(), SIGUSR1));
	catch_signal(SIGUSR1, (int)SA_RESETHAND);
	raise(SIGUSR1);
	sigaction(SIGUSR1, NULL, &back);
	show("SA_RESETHAND", "%d %d", (int)caught, back.sa_handler == SIG_DFL);
	catch_signal(SIGUSR1, 0);
	CALL("kill", kill(getpid(), SIGUSR1));
	show("its details", "%d code %d %d %d", (int)caught, caught_info.si_code, caught_info.si_pid == getpid(),
		caught_info.si_uid == getuid());
	CALL("tgkill", syscall(SYS_tgkill, getpid(), getpid(), SIGUSR1));
	show("its details", "%d code %d %d", (int)caught, caught_info.si_code, caught_info.si_pid == getpid());
	CALL("tkill", syscall(SYS_tkill, getpid(), SIGUSR1));
	CALL("sigqueue", sigqueue(getpid(), SIGUSR1, (union sigval){ .sival_int = 4711 }));
	show("its details", "%d code %d value %d", (int)caught, caught_info.si_code, caught_info.si_value.sival_int);
	CALL("kill with no signal", kill(getpid(), 0));
	CALL("kill of a bad signal", kill(getpid(), 65));
	CALL("kill of nobody", kill(99999999, SIGUSR1));
	CALL("kill of this group with no signal", kill(0, 0));
	CALL("tgkill of nobody", syscall(SYS_tgkill, 99999999, 99999999, SIGUSR1));
	CALL("tgkill of -1", syscall(SYS_tgkill, -1, getpid(), SIGUSR1));
	CALL("rt_sigqueueinfo that pretends",
		syscall(SYS_rt_sigqueueinfo, 1, SIGUSR1, &(siginfo_t){ .si_code = SI_USER, .si_signo = SIGUSR1 }));
	default_signal(SIGUSR1);
}

static void check_waits(void)
{
	sigset_t set = set_of(SIGUSR1, SIGUSR2), old, one = set_of(SIGUSR2, 0);
	struct timespec limit = { 0, 30000000 };
	siginfo_t info = { 0 };

	sigprocmask(SIG_BLOCK, &set, &old);
	LASTS("sigtimedwait of nothing", 29, sigtimedwait(&set, &info, &limit));
	sigqueue(getpid(), SIGUSR2, (union sigval){ .sival_int = 99 });
	kill(getpid(), SIGUSR1);
	CALL("sigtimedwait", sigtimedwait(&set, &info, &limit));
	show("its details", "%d code %d", info.si_signo, info.si_code);
	CALL("sigwaitinfo", sigwaitinfo(&set, &info));
	show("its details", "%d code %d value %d", info.si_signo, info.si_code, info.si_value.sival_int);
	limit.tv_nsec = -1;
	CALL("sigtimedwait with a bad limit", sigtimedwait(&set, &info, &limit));
	catch_signal(SIGALRM, 0);
	alarm_in(40, SA_RESTART);
	limit = (struct timespec){ 5, 0 };
	LASTS("sigtimedwait that is interrupted", 39, sigtimedwait(&one, &info, &limit));
	catch_signal(SIGUSR1, 0);
	kill(getpid(), SIGUSR1);
	CALL("sigsuspend", sigsuspend(&one));
	sigprocmask(SIG_SETMASK, NULL, &set);
	show("mask after it", "%d %d", sigismember(&set, SIGUSR1), (int)caught);
	alarm_in(40, SA_RESTART);
	LASTS("pause", 39, pause());
	alarm_in(0, 0);
	sigprocmask(SIG_SETMASK, &old, NULL);
	default_signal(SIGUSR1);
}

static char *alternate;
static volatile int on_alternate;

static void on_stack(int number)
{
	char here;
	stack_t stack;

	(void)number;
	sigaltstack(NULL, &stack);
	on_alternate = (&here >= alternate && &here < alternate + 65536) * 10 + (stack.ss_flags == SS_ONSTACK);
}

static void check_stack(void)
{
	stack_t stack = { .ss_size = 65536 }, back;
	struct sigaction action = { .sa_handler = on_stack, .sa_flags = SA_ONSTACK };

	stack.ss_sp = alternate = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CALL("sigaltstack", sigaltstack(&stack, &back));
	show("it was", "%d", back.ss_flags);
	sigaction(SIGUSR2, &action, NULL);
	raise(SIGUSR2);
	show("a handler on it", "%d", on_alternate);
	stack.ss_size = 100;
	CALL("sigaltstack that is too small", sigaltstack(&stack, NULL));
	stack.ss_flags = SS_DISABLE;
	CALL("sigaltstack that is switched off", sigaltstack(&stack, &back));
	show("size before", "%lu", (long)back.ss_size);
	munmap(alternate, 65536);
	default_signal(SIGUSR2);
}

static void run_signals(void)
{
	check_masks();
	check_actions();
	check_waits();
	check_stack();
}

static sigjmp_buf target;
static volatile int fault_signal, fault_code;
static void *volatile fault_address;

static void on_fault(int number, siginfo_t *info, void *context)
{
	(void)context;
	fault_signal = number;
	fault_code = info->si_code;
	fault_address = info->si_addr;
	siglongjmp(target, 1);
}

static void fault_with(const char *name, int number, void (*fault)(void))
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
	sigset_t mask;

	sigaction(number, &action, NULL);
	fault_signal = 0;
	if (sigsetjmp(target, 1) == 0)
		fault();
	sigprocmask(SIG_SETMASK, NULL, &mask);
	show(name, "signal %d code %d, blocked %d", fault_signal, fault_code, sigismember(&mask, number));
	default_signal(number);
}

static void bad_write(void)
{
	*(volatile char *)BAD = 1;
}

static void *page;

static void forbidden_write(void)
{
	*(volatile char *)page = 1;
}

static void bad_division(void)
{
	volatile int zero = 0, one = 1;

	one = one / zero;
}

static void bad_instruction(void)
{
	__asm__ volatile("ud2");
}

static void breakpoint(void)
{
	__asm__ volatile("int3");
}

static void privileged(void)
{
	__asm__ volatile("hlt");
}

static void own_sigsys(void)
{
	raise(SIGSYS);
}

static void own_abort(void)
{
	raise(SIGABRT);
}

static void run_faults(void)
{
	fault_with("a write to no memory", SIGSEGV, bad_write);
	show("its address", "%#lx", (long)fault_address);
	page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	fault_with("a write to memory for reading", SIGSEGV, forbidden_write);
	show("its address", "%d", fault_address == page);
	fault_with("a division by zero", SIGFPE, bad_division);
	fault_with("a bad instruction", SIGILL, bad_instruction);
	fault_with("a breakpoint", SIGTRAP, breakpoint);
	fault_with("a privileged instruction", SIGSEGV, privileged);
	fault_with("SIGSYS by raise", SIGSYS, own_sigsys);
	fault_with("SIGABRT by raise", SIGABRT, own_abort);
	catch_signal(SIGSYS, 0);
	CALL("kill by SIGSYS", kill(getpid(), SIGSYS));
	show("its details", "%d code %d", (int)caught, caught_info.si_code);
	signal(SIGSYS, SIG_IGN);
	CALL("SIGSYS that is ignored", raise(SIGSYS));
	default_signal(SIGSYS);
	catch_signal(SIGURG, 0);
	CALL("SIGURG", kill(getpid(), SIGURG));
	show("its details", "%d code %d", (int)caught, caught_info.si_code);
	default_signal(SIGURG);
	CALL("SIGURG without a handler", raise(SIGURG));
	munmap(page, 4096);
}

const struct part part_signals = { "signals", run_signals };
const struct part part_faults = { "faults", run_faults };
