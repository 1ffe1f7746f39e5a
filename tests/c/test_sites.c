/* test_sites.c - Patched sites. Their code, what calls at them change and keep, signals and faults that come
 * meanwhile.
 * Units: c/library/patch/sites.c c/library/patch/deferred.c c/library/patch/site_entry.S c/library/patch/site_calls.S
 * c/library/entry/signal_entry.{c,S}
 * c/library/home_call/fast_copy.{c,S} c/library/process/handlers.c
 * c/library/image/maps.c c/library/mask/deliver.c c/library/process/self.c c/library/thread/threads.c
 * c/library/thread/lock.c c/base/mem.c
 */
#define _GNU_SOURCE /* REG_RIP */
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"
#define sched_param kernels_sched_param /* <pthread.h> has the C library's */
#include "library/mask/aside.h"
#include "library/patch/answers.h"
#include "library/calls/interrupted.h"
#include "library/image/kernel_state.h"
#include "library/image/mapped.h"
#include "library/process/own_memory.h"
#include "library/entry/signal_entry.h"
#include "library/patch/deferred.h"
#include "library/thread/lock.h"
#include "library/trap/stub.h"
#include "library/patch/sites.h"
#include "library/process/entries.h"
#include "library/process/handlers.h"
#include "library/process/limits.h"
#include "library/mask/mask.h"
#undef sched_param

#define PAGE 4096UL
#define TRAPS 4
#define NUMBER 39 /* getpid */
#define RESULT 0x123456789LL

/* ---- what the rest of the library is in this test ---- */

struct lb_mapping;

static int64_t (*answer)(uint32_t number, const uint64_t args[6]);
static uint64_t last_args[6];

int64_t lb_fast_call(uint32_t number, const uint64_t args[6])
{
	memcpy(last_args, args, sizeof last_args);
	return answer(number, args);
}

void lb_action_reset(int signal);
void lb_action_reset(int signal)
{
	lb_self.actions[signal].handler = 0;
	CHECK(syscall(SYS_rt_sigaction, signal, &lb_self.actions[signal], NULL, 8) == 0);
}

/* Neither SIGURG nor SIGSYS comes here, and no call waits in the library's stub. */
uint64_t lb_mask_believed(void)
{
	return 0;
}

void lb_mask_believe(uint64_t mask)
{
	(void)mask;
}

const uint64_t *lb_stub_mask(const struct ucontext *context)
{
	(void)context;
	return NULL;
}

void lb_stub_leave(struct ucontext *context)
{
	(void)context;
}

void lb_own_note(enum lb_own kind, uint64_t bytes)
{
	(void)kind;
	(void)bytes;
}

void lb_limits_follow(uint64_t coming)
{
	(void)coming;
}

int lb_mapped_fd(const struct lb_mapping *mapping)
{
	(void)mapping;
	return -1;
}

void lb_mapped_settle(const uint64_t *pages, uint32_t count)
{
	(void)pages;
	(void)count;
}

void lb_timer_delivered(int32_t id);
void lb_timer_delivered(int32_t id)
{
	(void)id;
}

uint64_t lb_mask_strip(uint64_t mask)
{
	return mask;
}

void lb_signal_put_back(const siginfo_t *info)
{
	CHECK(syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), info->si_signo, info) == 0);
}

void lb_resume_call(struct ucontext *context);
void lb_resume_call(struct ucontext *context)
{
	(void)context;
}

/* Only the slow ways end here; the fast ones are what is tested. */
int64_t lb_user_read(void *to, uint64_t from, size_t size);
int64_t lb_user_read(void *to, uint64_t from, size_t size)
{
	memcpy(to, (const void *)from, size);
	return 0;
}

int64_t lb_user_write(uint64_t to, const void *from, size_t size);
int64_t lb_user_write(uint64_t to, const void *from, size_t size)
{
	memcpy((void *)to, from, size);
	return 0;
}

void lb_test_return(void);
__asm__("lb_test_return: mov $15, %eax\n syscall\n"
	".globl lb_sigreturn\n.set lb_sigreturn, lb_test_return\n");

const struct lb_entries lb_entries = { .signal = lb_signal_entry };

/* ---- code with sites ---- */

static uint8_t *page;

/* mov $number, %eax; syscall; ret. xor %eax, %eax; syscall; cmp; ret */
static const uint8_t moved[] = { 0x90, 0xb8, NUMBER, 0, 0, 0, 0x0f, 0x05, 0xc3 };
static const uint8_t xored[] = { 0x90, 0x31, 0xc0, 0x0f, 0x05, 0x48, 0x3d, 0, 0xf0, 0xff, 0xff, 0xc3 };
/* mov $number, %eax; nop; syscall; ret */
static const uint8_t distant[] = { 0xb8, NUMBER, 0, 0, 0, 0x90, 0x0f, 0x05, 0xc3 };
/* Not of the first kinds: another register (mov $number, %r8d; xor %r8d, %r8d), another number; and a jump of the
 * third would land on the page itself. */
static const uint8_t others[][12] = {
	{ 0x41, 0xb8, NUMBER, 0, 0, 0, 0x0f, 0x05, 0, 0, 0 },
	{ 0x90, 0xb8, NUMBER + 1, 0, 0, 0, 0x0f, 0x05, 0, 0, 0 },
	{ 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x0f, 0x05, 0, 0, 0 },
	{ 0x90, 0x45, 0x31, 0xc0, 0x0f, 0x05, 0, 0, 0, 0, 0, 0 },
};
static const uint8_t plain[] = { 0x90, 0xb8, NUMBER, 0, 0, 0, 0x0f, 0x05, 0, 0, 0 };

/* A page within reach of the stubs, at each call another. */
static uint8_t *code_page(const void *code, size_t size, size_t at)
{
	static uintptr_t next;
	uint8_t *fresh = MAP_FAILED;

	if (next == 0)
		next = ((uintptr_t)lb_site_stubs & ~(PAGE - 1)) - (1UL << 24);
	while (fresh == MAP_FAILED) {
		next -= 16 * PAGE;
		fresh = mmap((void *)next, 2 * PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	}
	memset(fresh, 0x90, 2 * PAGE);
	memcpy(fresh + at, code, size);
	CHECK(mprotect(fresh, 2 * PAGE, PROT_READ | PROT_EXEC) == 0);
	return fresh;
}

static void trap(uint32_t number, const uint8_t *after)
{
	for (int i = 0; i < TRAPS; i++)
		lb_sites_trapped(number, (uint64_t)after);
}

static int64_t give_result(uint32_t number, const uint64_t args[6])
{
	(void)args;
	CHECK_EQUAL(number, NUMBER);
	CHECK_EQUAL(lb_thread()->answering, 1);
	return RESULT;
}

static int64_t give_nothing(uint32_t number, const uint64_t args[6])
{
	(void)number;
	(void)args;
	return LB_SLOW;
}

/* Calls the site with values in all registers; what it keeps comes back in `out`: the arguments' registers, the
 * others that are to be kept, and a word of the red zone. */
static int64_t call(const uint8_t *at, uint64_t out[12])
{
	int64_t result;

	__asm__ volatile(
		"push %%rbp\n push %%rbx\n push %%r12\n push %%r13\n push %%r14\n push %%r15\n"
		"push %[out]\n"
		"mov %[at], %%rax\n"
		"mov $1, %%edi\n mov $2, %%esi\n mov $3, %%edx\n mov $4, %%r10d\n mov $5, %%r8d\n mov $6, %%r9d\n"
		"mov $7, %%ebx\n mov $8, %%ebp\n mov $9, %%r12d\n mov $10, %%r13d\n mov $11, %%r14d\n"
		"mov $12, %%r15d\n"
		"movq $77, -136(%%rsp)\n" /* the lowest word of the red zone of what is called */
		"call *%%rax\n"
		"mov (%%rsp), %%rcx\n"
		"mov %%rdi, (%%rcx)\n mov %%rsi, 8(%%rcx)\n mov %%rdx, 16(%%rcx)\n mov %%r10, 24(%%rcx)\n"
		"mov %%r8, 32(%%rcx)\n mov %%r9, 40(%%rcx)\n mov %%rbx, 48(%%rcx)\n mov %%rbp, 56(%%rcx)\n"
		"add %%r12, %%r13\n add %%r14, %%r15\n mov %%r13, 64(%%rcx)\n mov %%r15, 72(%%rcx)\n"
		"mov -136(%%rsp), %%rdi\n mov %%rdi, 80(%%rcx)\n"
		"add $8, %%rsp\n"
		"pop %%r15\n pop %%r14\n pop %%r13\n pop %%r12\n pop %%rbx\n pop %%rbp\n"
		: "=&a"(result)
		: [at] "c"(at), [out] "d"(out)
		: "rdi", "rsi", "r8", "r9", "r10", "r11", "memory", "cc");
	return result;
}

static void check_kept(const uint64_t out[12])
{
	static const uint64_t kept[] = { 1, 2, 3, 4, 5, 6, 7, 8, 19, 23, 77 };

	for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
		CHECK_EQUAL(out[i], kept[i]);
}

static void site_keeps_registers(void)
{
	uint64_t out[12];
	const uint8_t *after = page + 8;

	answer = give_result;
	CHECK_EQUAL(call(page, out), getpid()); /* not patched: the kernel's */
	trap(NUMBER, after);
	CHECK_EQUAL(page[1], 0xe9);
	CHECK_EQUAL(page[6], 0x0f);
	CHECK_EQUAL(call(page, out), RESULT);
	check_kept(out);
	for (uint64_t i = 0; i < 6; i++)
		CHECK_EQUAL(last_args[i], i + 1);
	CHECK_EQUAL(lb_thread()->answering, 0);
}

static void slow_call_reaches_kernel(void)
{
	uint64_t out[12];

	answer = give_nothing;
	CHECK_EQUAL(call(page, out), getpid());
	check_kept(out);
	answer = give_result;
	lb_self.away = false; /* what waited in a stub makes its call at home */
	CHECK_EQUAL(call(page, out), getpid());
	lb_self.away = true;
}

static void undone_site_is_as_before(void)
{
	uint64_t range[6] = { (uint64_t)page, 1, PROT_READ | PROT_EXEC };
	uint64_t out[12];

	lb_sites_undo();
	CHECK(memcmp(page, moved, sizeof moved) == 0);
	trap(NUMBER, page + 8);
	CHECK_EQUAL(call(page, out), RESULT);
	lb_sites_before_call(SYS_brk, range);
	CHECK_EQUAL(page[1], 0xe9);
	lb_sites_before_call(SYS_mprotect, range);
	CHECK(memcmp(page, moved, sizeof moved) == 0);
	trap(NUMBER, page + 8);
	range[0] += PAGE;
	lb_sites_before_call(SYS_munmap, range); /* beside it */
	CHECK_EQUAL(page[1], 0xe9);
	range[3] = MAP_FIXED;
	range[0] -= PAGE;
	lb_sites_before_call(SYS_mmap, range);
	CHECK(memcmp(page, moved, sizeof moved) == 0);
}

static uint64_t landing_of(const uint8_t *jump)
{
	int32_t distance;

	CHECK_EQUAL(jump[0], 0xe9);
	memcpy(&distance, jump + 1, sizeof distance);
	return (uint64_t)(jump + 5) + (uint64_t)(int64_t)distance;
}

static void read_sites_land_on_a_page(void)
{
	uint8_t *code = code_page(xored, sizeof xored, 16) + 16;
	uint64_t out[12], landing;

	answer = give_nothing; /* then the kernel's read(1, 2, 3): an error */
	int64_t wanted = call(code, out);
	CHECK(wanted < 0);
	trap(0, code + 5);
	CHECK_EQUAL(code[1], 0xe9);
	CHECK(memcmp(code + 3, xored + 3, sizeof xored - 3) == 0);
	CHECK_EQUAL(call(code, out), wanted);
	check_kept(out);
	landing = landing_of(code + 1);
	CHECK_EQUAL(lb_sites_settled(landing), (uint64_t)(code + 1));
	CHECK_EQUAL(lb_sites_settled(landing + 1), landing + 1);
	lb_sites_undo();
	CHECK(memcmp(code, xored, sizeof xored) == 0);
	CHECK(msync((void *)(landing & ~(PAGE - 1)), PAGE, MS_ASYNC) != 0 && errno == ENOMEM);
}

static void any_site_passes_any_number(void)
{
	uint8_t *code = code_page(distant, sizeof distant, 16) + 16;
	uint64_t out[12];

	trap(NUMBER, code + 8);
	CHECK(memcmp(code, distant, 6) == 0 && memcmp(code + 8, distant + 8, 1) == 0);
	CHECK_EQUAL(lb_sites_settled(landing_of(code + 6)), (uint64_t)(code + 6));
	answer = give_result;
	CHECK_EQUAL(call(code, out), RESULT);
	check_kept(out);
	answer = give_nothing; /* then it is made at a `syscall` of ours, which is not trapped in this test */
	CHECK_EQUAL(call(code, out), getpid());
	check_kept(out);
	for (uint64_t at = (uint64_t)lb_site_traps; at < (uint64_t)lb_site_traps + LB_SITES * LB_STUB_SIZE;
		at += LB_STUB_SIZE)
		if (lb_sites_origin(at + 2) == (uint64_t)(code + 8))
			out[0] = at;
	CHECK(out[0] >= (uint64_t)lb_site_traps);
	CHECK_EQUAL(lb_sites_origin((uint64_t)code), (uint64_t)code);
	lb_sites_undo();
	CHECK(memcmp(code, distant, sizeof distant) == 0);
	CHECK_EQUAL(call(code, out), getpid());
}

static void other_code_is_left_alone(void)
{
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		uint8_t *code = code_page(others[i], sizeof others[i], 16) + 16;

		trap(i == 3 ? 0 : NUMBER, code + (i == 3 ? 6 : 8));
		CHECK(memcmp(code, others[i], sizeof others[i]) == 0);
	}
	uint8_t *across = code_page(plain, sizeof plain, PAGE - 3); /* one site over two pages */
	trap(NUMBER, across + PAGE - 3 + 8);
	CHECK(memcmp(across + PAGE - 3, plain, sizeof plain) == 0);
	uint8_t *writable = code_page(moved, sizeof moved, 0);
	CHECK(mprotect(writable, PAGE, PROT_READ | PROT_WRITE) == 0);
	trap(NUMBER, writable + 8);
	CHECK(memcmp(writable, moved, sizeof moved) == 0);
}

/* ---- signals ---- */

static volatile int came[8], came_count, busy_in_handler;

static void on_signal(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	came[came_count++ & 7] = info->si_value.sival_int;
	busy_in_handler |= (int)lb_thread()->answering;
}

static void install(int signal, void (*handler)(int, siginfo_t *, void *), uint64_t flags)
{
	struct lb_action action = { (uint64_t)handler, flags | 0x04000000u | SA_SIGINFO, (uint64_t)lb_test_return, 0 };

	lb_self.actions[signal] = action;
	CHECK(lb_signal_is_forwarded(signal, &action));
	CHECK_EQUAL(lb_signal_forward(signal, &action), 0);
}

static int64_t send_meanwhile(uint32_t number, const uint64_t args[6])
{
	union sigval value = { .sival_int = 1 };

	(void)number;
	(void)args;
	for (; value.sival_int <= 3; value.sival_int++)
		CHECK(sigqueue(getpid(), SIGRTMIN, value) == 0);
	CHECK_EQUAL(came_count, 0);
	CHECK_EQUAL(lb_thread()->deferred, 1);
	value.sival_int = 4;
	CHECK(sigqueue(getpid(), SIGUSR1, value) == 0);
	CHECK(sigqueue(getpid(), SIGSEGV, value) == 0); /* never blocked meanwhile */
	CHECK_EQUAL(came_count, 0);
	return RESULT;
}

static void signals_wait_until_a_call_is_over(void)
{
	uint64_t out[12];
	sigset_t mask;

	install(SIGRTMIN, on_signal, 0);
	install(SIGUSR1, on_signal, 0);
	install(SIGSEGV, on_signal, 0);
	trap(NUMBER, page + 8);
	answer = send_meanwhile;
	came_count = 0;
	CHECK_EQUAL(call(page, out), RESULT);
	check_kept(out);
	CHECK_EQUAL(came_count, 5);
	CHECK_EQUAL(busy_in_handler, 0);
	int next = 1, fours = 0;
	for (int i = 0; i < 5; i++) {
		fours += came[i] == 4;
		if (came[i] != 4)
			CHECK_EQUAL(came[i], next++);
	}
	CHECK_EQUAL(fours, 2);
	sigprocmask(SIG_SETMASK, NULL, &mask);
	for (int signal = 1; signal < 32; signal++)
		CHECK_EQUAL(sigismember(&mask, signal), 0);
	CHECK_EQUAL(lb_thread()->deferred, 0);
}

static int64_t send_one(uint32_t number, const uint64_t args[6])
{
	(void)number;
	(void)args;
	CHECK(kill(getpid(), SIGUSR2) == 0);
	return RESULT;
}

static void reset_is_applied_once_delivered(void)
{
	uint64_t out[12], now[4];

	install(SIGUSR2, on_signal, SA_RESETHAND);
	answer = send_one;
	came_count = 0;
	lb_signal_was_reset();
	CHECK_EQUAL(call(page, out), RESULT);
	CHECK_EQUAL(came_count, 1);
	CHECK_EQUAL(lb_self.actions[SIGUSR2].handler, 0);
	CHECK(lb_signal_was_reset() && !lb_signal_was_reset());
	CHECK(syscall(SYS_rt_sigaction, SIGUSR2, NULL, now, 8) == 0);
	CHECK_EQUAL(now[0], 0);
}

/* ---- faults ---- */

static char *missing;

static int64_t copy_missing(uint32_t number, const uint64_t args[6])
{
	static const size_t sizes[] = { 1, 7, 8, 9, 64, 255, 256, 257, 4000 };
	static char from[4096], to[4096];

	(void)number;
	(void)args;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		size_t size = sizes[i];

		memset(to, 0, sizeof to);
		memset(from, (int)i + 1, sizeof from);
		CHECK(lb_fast_read(to, (uint64_t)from, size));
		CHECK(memcmp(to, from, size) == 0 && to[size] == 0);
		CHECK(lb_fast_write((uint64_t)to, from, size));
		/* wholly missing, and from its last byte on */
		CHECK(!lb_fast_read(to, (uint64_t)missing, size));
		CHECK(!lb_fast_write((uint64_t)missing, from, size));
		CHECK(!lb_fast_read(to, (uint64_t)missing - size + 1, size));
		CHECK(!lb_fast_write((uint64_t)missing - size + 1, from, size));
		CHECK(lb_fast_read(to, (uint64_t)missing - size, size));
	}
	CHECK(lb_fast_read(to, (uint64_t)missing, 0));
	return LB_SLOW;
}

static void missing_memory_is_found(void)
{
	uint64_t out[12];
	char *two = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(two != MAP_FAILED && mprotect(two + PAGE, PAGE, PROT_NONE) == 0);
	missing = two + PAGE;
	answer = copy_missing;
	came_count = 0;
	CHECK_EQUAL(call(page, out), getpid());
	check_kept(out);
	CHECK_EQUAL(came_count, 0);
}

/* How a child ends that does `what` with SIGSEGV's disposition as given. */
static int ending(void (*what)(void), uint64_t handler)
{
	struct lb_action action = { handler, 0, 0, 0 };
	int status;
	pid_t child = fork_child();

	if (child == 0) {
		lb_self.local_pid = (uint32_t)getpid();
		lb_self.actions[SIGSEGV] = action;
		lb_signal_forward(SIGSEGV, &action);
		what();
		_exit(7);
	}
	CHECK(waitpid(child, &status, 0) == child);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void touch(void)
{
	*(volatile char *)missing = 1;
}

static void send_fault(void)
{
	kill(getpid(), SIGSEGV);
}

static void faults_without_handler_end_the_process(void)
{
	CHECK_EQUAL(ending(touch, 0), 128 + SIGSEGV);
	CHECK_EQUAL(ending(touch, 1), 128 + SIGSEGV); /* cannot be ignored */
	CHECK_EQUAL(ending(send_fault, 0), 128 + SIGSEGV);
	CHECK_EQUAL(ending(send_fault, 1), 7);
}

/* ---- calls that are made where no trap is ---- */

/* The same with the kernel's registers, and no others to be kept. */
static int64_t call_with(const uint8_t *at, uint64_t rax, const uint64_t args[6])
{
	register uint64_t r10 __asm__("r10") = args[3];
	register uint64_t r8 __asm__("r8") = args[4];
	register uint64_t r9 __asm__("r9") = args[5];
	int64_t result;

	__asm__ volatile("sub $128, %%rsp\n call *%[at]\n add $128, %%rsp"
		: "=a"(result)
		: "a"(rax), [at] "b"(at), "D"(args[0]), "S"(args[1]), "d"(args[2]), "r"(r10), "r"(r8), "r"(r9)
		: "rcx", "r11", "memory", "cc");
	return result;
}

#define FUTEX_NUMBER 202
static const uint8_t futex_moved[] = { 0x90, 0xb8, FUTEX_NUMBER, 0, 0, 0, 0x0f, 0x05, 0xc3 };
static const uint8_t yield_moved[] = { 0x90, 0xb8, 24, 0, 0, 0, 0x0f, 0x05, 0xc3 };

/* A site of futex(2), of both kinds, and what tells where its signals come. */
static struct futex_site {
	const uint8_t *code;
	uint64_t at, after;
} futex_sites[2];
static uint32_t word;
static int answers;

static int64_t count_answer(uint32_t number, const uint64_t args[6])
{
	(void)number;
	(void)args;
	answers++;
	return LB_SLOW;
}

static int64_t futex(
	const struct futex_site *site, uint32_t operation, uint32_t value, const struct timespec *limit, uint32_t bits)
{
	const uint64_t args[6] = { (uint64_t)&word, operation, value, (uint64_t)limit, 0, bits };

	return call_with(site->code, FUTEX_NUMBER, args);
}

static void make_futex_sites(void)
{
	const uint8_t *first = code_page(futex_moved, sizeof futex_moved, 16) + 16;
	const uint8_t *second = code_page(distant, sizeof distant, 16) + 16;

	answer = count_answer;
	answers = 0;
	futex_sites[0] = (struct futex_site){ first, (uint64_t)first + 1, (uint64_t)first + 8 };
	/* Its `mov` stays and is another number's: so it is entered behind that. */
	futex_sites[1] = (struct futex_site){ second + 5, (uint64_t)second + 6, (uint64_t)second + 8 };
	for (size_t i = 0; i < 2; i++) {
		trap(FUTEX_NUMBER, (const uint8_t *)futex_sites[i].after);
		CHECK_EQUAL(*(const uint8_t *)futex_sites[i].at, 0xe9);
	}
}

static void futexes_are_made_directly(void)
{
	uint8_t *yield = code_page(yield_moved, sizeof yield_moved, 16) + 16;
	const struct timespec past = { 1, 0 };
	uint64_t out[12];

	make_futex_sites();
	for (size_t i = 0; i < 2; i++) {
		const struct futex_site *site = &futex_sites[i];

		CHECK_EQUAL(futex(site, FUTEX_WAKE, 1, NULL, 0), 0);
		CHECK_EQUAL(futex(site, FUTEX_WAKE_PRIVATE, 1, NULL, 0), 0);
		CHECK_EQUAL(futex(site, FUTEX_WAIT_PRIVATE, 1, NULL, 0), -EAGAIN);
		CHECK_EQUAL(futex(site, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &past, UINT32_MAX), -ETIMEDOUT);
		CHECK_EQUAL(futex(site, FUTEX_WAKE_BITSET, 1, NULL, 0), -EINVAL);
		CHECK_EQUAL(futex(site, 99, 1, NULL, 0), -ENOSYS);
	}
	call(futex_sites[0].code, out); /* operation 2 */
	check_kept(out);
	trap(24, yield + 8);
	CHECK_EQUAL(call(yield, out), 0);
	check_kept(out);
	CHECK_EQUAL(answers, 0);
	trap(NUMBER, page + 8);
	CHECK_EQUAL(call_with(futex_sites[1].code, NUMBER, out), getpid()); /* of any other number it is asked still */
	CHECK_EQUAL(answers, 1);
}

/* ---- other threads ---- */

static volatile bool patching_ends;
static volatile uint64_t called;

static int64_t give_pid(uint32_t number, const uint64_t args[6])
{
	(void)args;
	CHECK_EQUAL(number, NUMBER);
	return getpid();
}

static void *call_always(void *code)
{
	uint64_t out[12];
	int64_t pid = getpid();

	lb_thread();
	while (!patching_ends) {
		CHECK_EQUAL(call(code, out), pid);
		check_kept(out);
		called++;
	}
	return NULL;
}

/* At every place that a site may have in what a processor fetches at once. */
static void sites_change_under_threads(void)
{
	lb_is_threaded = true;
	answer = give_pid;
	for (size_t at = 16; at < 32; at++) {
		uint8_t *code = code_page(moved, sizeof moved, at) + at;
		pthread_t thread;
		int patched = 0;

		patching_ends = false;
		called = 0;
		CHECK_EQUAL(pthread_create(&thread, NULL, call_always, code), 0);
		while (called == 0)
			sched_yield();
		for (int i = 0; i < 200; i++) {
			trap(NUMBER, code + 8);
			patched += code[1] == 0xe9;
			lb_sites_undo();
			CHECK(memcmp(code, moved, sizeof moved) == 0);
		}
		patching_ends = true;
		pthread_join(thread, NULL);
		CHECK_EQUAL(patched, (at + 1) % 16 == 15 ? 0 : 200);
	}
	lb_is_threaded = false;
}

/* What a signal saw of the call that it interrupted, before anything was put right. */
static volatile uint64_t seen_rip, seen_rax;
static volatile bool was_after;
static sigjmp_buf out_of_it;
static void (*volatile in_handler)(void);

static void look(int signal, siginfo_t *info, void *context)
{
	const ucontext_t *uc = context;

	(void)signal;
	(void)info;
	seen_rip = (uint64_t)uc->uc_mcontext.gregs[REG_RIP];
	seen_rax = (uint64_t)uc->uc_mcontext.gregs[REG_RAX];
	if (in_handler != NULL)
		in_handler();
}

static void change_word(void)
{
	word++;
}

static void jump_out(void)
{
	siglongjmp(out_of_it, 1);
}

static void send_soon(void)
{
	const struct itimerval soon = { { 0, 0 }, { 0, 20000 } };

	CHECK(setitimer(ITIMER_REAL, &soon, NULL) == 0);
}

static void leave_by_jump(const struct futex_site *site)
{
	if (sigsetjmp(out_of_it, 1) != 0)
		return;
	send_soon();
	futex(site, FUTEX_WAIT_PRIVATE, word, NULL, 0);
	CHECK(false);
}

static void program_signals_come_to_a_wait(void)
{
	const struct timespec never = { INT32_MAX, 0 };

	for (size_t i = 0; i < 2; i++) {
		const struct futex_site *site = &futex_sites[i];

		install(SIGALRM, look, SA_RESTART); /* made again, as the kernel has it: the word is another one then */
		in_handler = change_word;
		send_soon();
		CHECK_EQUAL(futex(site, FUTEX_WAIT_PRIVATE, word, NULL, 0), -EAGAIN);
		CHECK_EQUAL(seen_rip, site->at);
		CHECK_EQUAL(seen_rax, FUTEX_NUMBER);

		install(SIGALRM, look, 0);
		in_handler = NULL;
		send_soon();
		CHECK_EQUAL(futex(site, FUTEX_WAIT_PRIVATE, word, NULL, 0), -EINTR);
		CHECK_EQUAL(seen_rip, site->after);
		CHECK_EQUAL(seen_rax, (uint64_t)-EINTR);

		install(SIGALRM, look, SA_RESTART); /* which does not concern a call with a time limit */
		send_soon();
		CHECK_EQUAL(futex(site, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, word, &never, UINT32_MAX), -EINTR);
		CHECK_EQUAL(seen_rip, site->after);

		in_handler = jump_out;
		leave_by_jump(site);
		CHECK_EQUAL(futex(site, FUTEX_WAKE_PRIVATE, 1, NULL, 0), 0);
	}
	CHECK_EQUAL(answers, 1);
}

/* As the trigger's handler: what the program did not ask for is not seen by it. */
static void on_order(int signal, siginfo_t *info, void *context)
{
	greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
	uint32_t number = 0;

	look(signal, info, context);
	was_after = lb_sites_is_after(context, &number);
	if (was_after) {
		CHECK_EQUAL(number, FUTEX_NUMBER);
		registers[REG_RIP] -= 2;
		registers[REG_RAX] = number;
	}
	lb_sites_undo(); /* it is moved, and goes on elsewhere */
	lb_sites_leave(context);
	seen_rip = (uint64_t)registers[REG_RIP];
	word++;
}

static void an_order_moves_a_wait(void)
{
	const struct timespec never = { INT32_MAX, 0 };
	struct sigaction action = { .sa_sigaction = on_order, .sa_flags = SA_SIGINFO };

	in_handler = NULL;
	for (int i = 0; i < 4; i++) {
		const struct futex_site *site = &futex_sites[i / 2];
		bool limited = i % 2 != 0;

		make_futex_sites();
		action.sa_flags = SA_SIGINFO | (limited ? SA_RESTART : 0); /* no difference: it ends by EINTR */
		CHECK(sigaction(SIGALRM, &action, NULL) == 0);
		send_soon();
		CHECK_EQUAL(futex(site, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, word, limited ? &never : NULL,
				    UINT32_MAX),
			-EAGAIN);
		CHECK(was_after);
		CHECK_EQUAL(seen_rip, site->at);
	}
	make_futex_sites();
	action.sa_flags = SA_SIGINFO | SA_RESTART;
	CHECK(sigaction(SIGALRM, &action, NULL) == 0);
	send_soon(); /* the kernel makes it again itself */
	CHECK_EQUAL(futex(&futex_sites[0], FUTEX_WAIT_PRIVATE, word, NULL, 0), -EAGAIN);
	CHECK(!was_after);
}

/* What would be wrong if the kernel saw it as it is: it goes where it is trapped. */
static void other_futexes_are_trapped(void)
{
	static const struct {
		uint32_t operation;
		bool limited;
	} trapped[] = {
		{ FUTEX_WAIT_PRIVATE, true },
		{ FUTEX_WAIT_BITSET_PRIVATE, true },
		{ FUTEX_LOCK_PI_PRIVATE, false },
	};
	const struct timespec never = { INT32_MAX, 0 };
	struct sigaction action = { .sa_sigaction = look, .sa_flags = SA_SIGINFO };

	make_futex_sites();
	in_handler = NULL;
	CHECK(sigaction(SIGALRM, &action, NULL) == 0);
	for (size_t i = 0; i < 2 * sizeof trapped / sizeof trapped[0]; i++) {
		const struct futex_site *site = &futex_sites[i % 2];
		bool locks = trapped[i / 2].operation == FUTEX_LOCK_PI_PRIVATE;

		word = locks ? 1 : word; /* another thread's, which init is not */
		send_soon();
		int64_t result =
			futex(site, trapped[i / 2].operation, word, trapped[i / 2].limited ? &never : NULL, UINT32_MAX);
		CHECK_EQUAL(result, locks ? -EPERM : -EINTR);
		if (!locks)
			CHECK_EQUAL(lb_sites_origin(seen_rip), site->after);
		if (!locks)
			CHECK(seen_rip != site->after);
	}
	CHECK_EQUAL(answers, 0);
}

int main(void)
{
	lb_self.away = true;
	lb_fast_reset();
	lb_self.local_pid = (uint32_t)getpid();
	page = code_page(moved, sizeof moved, 0);
	run_case("a patched site answers and keeps every register", site_keeps_registers);
	run_case("what is not answered reaches the kernel", slow_call_reaches_kernel);
	run_case("an undone site is as it was before", undone_site_is_as_before);
	run_case("a read site lands on a page of its own", read_sites_land_on_a_page);
	run_case("any other site passes any number, and the kernel gets it", any_site_passes_any_number);
	run_case("code that only looks like a site is left alone", other_code_is_left_alone);
	run_case("signals wait until a call is over, in order", signals_wait_until_a_call_is_over);
	run_case("SA_RESETHAND counts once the handler runs", reset_is_applied_once_delivered);
	run_case("memory that is missing ends a copy", missing_memory_is_found);
	run_case("futexes are made where no trap is", futexes_are_made_directly);
	run_case("the program's signals come to a wait as to one of its own", program_signals_come_to_a_wait);
	run_case("a wait goes on at the site after an order", an_order_moves_a_wait);
	run_case("futexes that home or a clock concerns are trapped", other_futexes_are_trapped);
	run_case("a site changes while another thread calls it", sites_change_under_threads);
	run_case("faults without a handler end the process", faults_without_handler_end_the_process);
	return 0;
}
