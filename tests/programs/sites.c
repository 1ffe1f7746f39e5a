/*
 * sites: what patched system call sites must not change. Reads commands from standard input, one a line, and
 * answers each with one line that begins with its name.
 *
 *   calls          400 getpid, gettid, read, write: their results, then which of their code is as on disk
 *   speed CALLS    ns a call of getpid
 *   traps CALLS    ns a call of getpid made by an instruction that is never patched
 *   protect        mprotect of the C library's code: is the code as on disk afterwards?
 *   fault          read and write of memory that is not there
 *   handler        a fault of the program's own, and SIGSEGV sent by kill
 *   ignored        SIGSEGV and SIGBUS sent by kill while they are ignored
 *   reset          SA_RESETHAND
 *   stack          calls on a small stack of a signal's, and out of it by siglongjmp
 *   code           code that the program has made itself, changed and put elsewhere
 *   futex          futexes that nobody waits for, and such as do not wait: their results
 *   wait           waits that signals end: restarted, EINTR, left by siglongjmp
 *   hold           waits without a limit until SIGUSR1 comes; until: the same with a limit that is far
 *   trace CALLS    whether handlers that interrupt getpid can be followed back to who called it
 *   null, kill     ends by SIGSEGV: of a fault of its own, or sent
 */
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096UL
#define CALLS 400

static sigjmp_buf back;
static volatile siginfo_t seen;
static volatile int count;
static pid_t own;
static int zero_fd, file_fd;
static char *const missing = (char *)0x10000;

static void handler(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	memcpy((void *)&seen, info, sizeof seen);
	count++;
}

static void jumper(int number, siginfo_t *info, void *context)
{
	handler(number, info, context);
	for (int i = 0; i < CALLS; i++)
		if (getpid() != own)
			_exit(97);
	siglongjmp(back, 1);
}

static void on(int number, void (*function)(int, siginfo_t *, void *), int flags)
{
	struct sigaction action = { .sa_sigaction = function, .sa_flags = flags | SA_SIGINFO };

	sigaction(number, &action, NULL);
}

/* Whether the code of a function, up to its first call of the kernel, jumps elsewhere. */
static const char *state(const void *function)
{
	const uint8_t *code = function;

	for (int i = 5; i < 48; i++)
		if (code[i] == 0x0f && code[i + 1] == 0x05)
			return code[i - 5] == 0xe9 || code[i - 2] == 0xe9 ? "patched" : "plain";
	return "unknown";
}

static void calls(void)
{
	char byte = 1;

	for (int i = 0; i < CALLS; i++) {
		if (getpid() != own || gettid() != own || read(zero_fd, &byte, 1) != 1 || byte != 0 ||
			write(file_fd, &byte, 1) != 1) {
			printf("calls: a wrong result\n");
			return;
		}
	}
	printf("calls: getpid %s gettid %s read %s write %s\n", state(getpid), state(gettid), state(read),
		state(write));
}

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void speed(long number)
{
	double from = now_ns();

	for (long i = 0; i < number; i++)
		getpid();
	printf("speed: %.1f\n", (now_ns() - from) / (double)number);
}

static void traps(long number)
{
	double from = now_ns();

	for (long i = 0; i < number; i++)
		syscall(SYS_getpid);
	printf("traps: %.1f\n", (now_ns() - from) / (double)number);
}

static void protect(void)
{
	void *page = (void *)((uintptr_t)getpid & ~(PAGE - 1));
	const char *before = state(getpid), *after, *again;

	if (mprotect(page, PAGE, PROT_READ | PROT_EXEC) < 0)
		perror("protect");
	after = state(getpid);
	for (int i = 0; i < CALLS; i++)
		getpid();
	again = state(getpid);
	mprotect(page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
	printf("protect: %s %s %s, then %s", before, after, again, state(getpid));
	mprotect(page, PAGE, PROT_READ | PROT_EXEC);
	printf(" %d\n", getpid() == own);
}

static void fault(void)
{
	char byte = 0;
	int first, second, third, fourth;

	on(SIGSEGV, handler, 0);
	count = 0;
	for (int i = 0; i < CALLS; i++) {
		first = read(zero_fd, missing, 100) < 0 ? errno : 0;
		second = write(file_fd, missing, 100) < 0 ? errno : 0;
		third = read(zero_fd, &byte, 1) < 0 ? errno : 0;
		fourth = write(file_fd, &byte, 1) < 0 ? errno : 0;
	}
	printf("fault: %d %d %d %d signals %d\n", first, second, third, fourth, count);
	signal(SIGSEGV, SIG_DFL);
}

static void fault_handler(void)
{
	on(SIGSEGV, jumper, 0);
	count = 0;
	if (sigsetjmp(back, 1) == 0)
		*(volatile char *)missing = 1;
	printf("handler: %d code %d at %p", count, seen.si_code, seen.si_addr);
	on(SIGSEGV, handler, 0);
	kill(own, SIGSEGV);
	printf(" then %d code %d from %d", count, seen.si_code, seen.si_pid == own);
	signal(SIGSEGV, SIG_DFL);
	sigset_t set;
	sigprocmask(SIG_SETMASK, NULL, &set);
	printf(" blocked %d\n", sigismember(&set, SIGSEGV));
}

static void ignored(void)
{
	signal(SIGSEGV, SIG_IGN);
	signal(SIGBUS, SIG_IGN);
	kill(own, SIGSEGV);
	raise(SIGBUS);
	signal(SIGSEGV, SIG_DFL);
	signal(SIGBUS, SIG_DFL);
	printf("ignored: yes\n");
}

static void reset(void)
{
	struct sigaction action;

	count = 0;
	on(SIGUSR1, handler, SA_RESETHAND);
	on(SIGSEGV, handler, SA_RESETHAND);
	sigaction(SIGUSR1, NULL, &action);
	printf("reset: %d", action.sa_sigaction == handler);
	raise(SIGUSR1);
	raise(SIGSEGV);
	sigaction(SIGUSR1, NULL, &action);
	printf(" %d", action.sa_handler == SIG_DFL);
	sigaction(SIGSEGV, NULL, &action);
	printf(" %d signals %d\n", action.sa_handler == SIG_DFL, count);
}

static void stack(void)
{
	size_t size = (size_t)sysconf(_SC_MINSIGSTKSZ) * 2;
	stack_t small = { .ss_sp = malloc(size), .ss_size = size };

	sigaltstack(&small, NULL);
	on(SIGUSR1, jumper, SA_ONSTACK);
	count = 0;
	for (volatile int i = 0; i < 10; i++)
		if (sigsetjmp(back, 1) == 0)
			raise(SIGUSR1);
	printf("stack: %d\n", count);
	signal(SIGUSR1, SIG_DFL);
}

/* Whether CALLS calls of the code on this page give `wanted`. */
static bool gives(const uint8_t *page, pid_t wanted)
{
	for (int i = 0; i < CALLS; i++)
		if (((pid_t (*)(void))(uintptr_t)page)() != wanted)
			return false;
	return true;
}

/* Lets the code on the page make another call. */
static void make_code(uint8_t *page, uint8_t number, bool second)
{
	const uint8_t code[] = { 0xb8, number, 0, 0, 0, 0x0f, 0x05, 0xc3 };

	if (second && mprotect(page, PAGE, PROT_READ | PROT_WRITE) < 0)
		perror("code");
	if (second && memcmp(page + 5, code + 5, 3) == 0 && page[0] != 0xb8)
		printf("code: a patch is seen\n");
	memcpy(page, code, sizeof code);
	mprotect(page, PAGE, PROT_READ | PROT_EXEC);
}

static void code(void)
{
	uint8_t *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t parent = getppid();
	bool right;

	make_code(page, SYS_getpid, false);
	right = gives(page, own);
	make_code(page, SYS_getppid, true);
	right = right && gives(page, parent);
	make_code(page, SYS_getpid, true);
	right = right && gives(page, own);
	munmap(page, PAGE);
	mmap(page, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	make_code(page, SYS_getppid, false);
	right = right && gives(page, parent);
	munmap(page, PAGE);
	printf("code: %d\n", right);
}

static uint32_t word;

static int futex(int operation, uint32_t value, const struct timespec *limit)
{
	return syscall(SYS_futex, &word, operation, value, limit, NULL, FUTEX_BITSET_MATCH_ANY) < 0 ? errno : 0;
}

static void futexes(void)
{
	const struct timespec past = { 1, 0 }, moment = { 0, 1 };
	int results[7] = { 0 }, last;
	sem_t nothing;

	sem_init(&nothing, 0, 0);
	for (int i = 0; i < CALLS; i++) {
		last = i == CALLS - 1;
		results[0] |= futex(FUTEX_WAKE_PRIVATE, 1, NULL);
		results[1] |= futex(FUTEX_WAIT_PRIVATE, word + 1, NULL);
		results[2] |= futex(FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, word, &past);
		results[3] |= sem_timedwait(&nothing, &past) < 0 ? errno : 0;
		results[4] |= last ? futex(FUTEX_WAIT_BITSET_PRIVATE, word, &past) : 0;
		results[5] |= last ? futex(FUTEX_WAIT_PRIVATE, word, &moment) : 0;
		results[6] |= sched_yield();
	}
	printf("futex:");
	for (int i = 0; i < 7; i++)
		printf(" %d", results[i]);
	printf("\n");
}

static void change_word(int number, siginfo_t *info, void *context)
{
	handler(number, info, context);
	word++;
}

static void jump_back(int number, siginfo_t *info, void *context)
{
	handler(number, info, context);
	siglongjmp(back, 1);
}

/* The result of a wait to which a signal comes soon. */
static int wait_for_alarm(void (*function)(int, siginfo_t *, void *), int flags, const struct timespec *limit)
{
	struct itimerval soon = { { 0, 0 }, { 0, 5000 } };

	on(SIGALRM, function, flags);
	setitimer(ITIMER_REAL, &soon, NULL);
	return futex(FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, word, limit);
}

static void waits(void)
{
	const struct timespec never = { INT32_MAX, 0 };
	int restarted, ended, limited;

	count = 0;
	restarted = wait_for_alarm(change_word, SA_RESTART, NULL);
	ended = wait_for_alarm(handler, 0, NULL);
	limited = wait_for_alarm(handler, SA_RESTART, &never);
	printf("wait: %d %d %d", restarted, ended, limited);
	if (sigsetjmp(back, 1) == 0)
		wait_for_alarm(jump_back, SA_RESTART, NULL);
	printf(" signals %d\n", count);
	signal(SIGALRM, SIG_IGN);
}

static void hold(const char *name, const struct timespec *limit)
{
	int result;

	on(SIGUSR1, change_word, SA_RESTART);
	count = 0;
	result = futex(FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, word, limit);
	printf("%s: %d signals %d\n", name, result, count);
	signal(SIGUSR1, SIG_DFL);
}

static volatile uintptr_t trace_start, trace_end;
static volatile int traced, lost;

static void on_trace(int number)
{
	void *frames[32];
	int depth = backtrace(frames, 32);

	(void)number;
	for (int i = 0; i < depth; i++) {
		if ((uintptr_t)frames[i] >= trace_start && (uintptr_t)frames[i] < trace_end) {
			traced++;
			return;
		}
	}
	lost++;
}

static __attribute__((noinline)) void trace(long number)
{
	struct itimerval timer = { { 0, 1000 }, { 0, 1000 } }, none = { { 0, 0 }, { 0, 0 } };

	traced = lost = 0;
	trace_start = (uintptr_t)trace;
	trace_end = trace_start + 512;
	signal(SIGALRM, on_trace);
	setitimer(ITIMER_REAL, &timer, NULL);
	while (traced + lost < number)
		getpid();
	setitimer(ITIMER_REAL, &none, NULL);
	signal(SIGALRM, SIG_IGN);
	printf("trace: %d of %d\n", traced, traced + lost);
}

int main(void)
{
	static char line[256];

	void *first[1];

	backtrace(first, 1); /* it loads a library at its first call */
	own = getpid();
	zero_fd = open("/dev/zero", O_RDONLY);
	file_fd = open("sites.out", O_WRONLY | O_CREAT | O_APPEND, 0600);
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("ready\n");
	while (fgets(line, sizeof line, stdin) != NULL) {
		long number = strchr(line, ' ') != NULL ? atol(strchr(line, ' ')) : 0;

		if (strncmp(line, "calls", 5) == 0)
			calls();
		else if (strncmp(line, "speed", 5) == 0)
			speed(number);
		else if (strncmp(line, "traps", 5) == 0)
			traps(number);
		else if (strncmp(line, "protect", 7) == 0)
			protect();
		else if (strncmp(line, "fault", 5) == 0)
			fault();
		else if (strncmp(line, "handler", 7) == 0)
			fault_handler();
		else if (strncmp(line, "ignored", 7) == 0)
			ignored();
		else if (strncmp(line, "reset", 5) == 0)
			reset();
		else if (strncmp(line, "stack", 5) == 0)
			stack();
		else if (strncmp(line, "code", 4) == 0)
			code();
		else if (strncmp(line, "futex", 5) == 0)
			futexes();
		else if (strncmp(line, "wait", 4) == 0)
			waits();
		else if (strncmp(line, "hold", 4) == 0)
			hold("hold", NULL);
		else if (strncmp(line, "until", 5) == 0)
			hold("until", &(const struct timespec){ INT32_MAX, 0 });
		else if (strncmp(line, "trace", 5) == 0)
			trace(number);
		else if (strncmp(line, "null", 4) == 0)
			*(volatile char *)missing = 1;
		else if (strncmp(line, "kill", 4) == 0)
			kill(own, SIGSEGV);
	}
	return 0;
}
