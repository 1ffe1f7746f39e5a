/* restartable.c - Checks restartable sequences, rseq(2).
 *
 * With an area that the program has registered itself, or the C library's if that has one
 * (GLIBC_TUNABLES=glibc.pthread.rseq=0: it has none).
 *
 *   restartable
 *
 * Spins in a sequence that only its abort ends, and has a timer's signal abort it. Each time the area must be
 * registered, and tell the processor that the program runs on. Prints "ready", then, when there is a file "stop", "OK"
 * and whose area it was, or one line that says what was wrong.
 */
#include <errno.h>
#include <linux/rseq.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#define SIGNATURE 0x53053053
#define SIZE 32
#define TICK_US 2000
#define TICKS_MAX 2000 /* without an abort: it will not come any more */
#define LOOKS_MAX 1000 /* the processor may change between two looks */

extern const ptrdiff_t libc_offset __asm__("__rseq_offset") __attribute__((weak));
extern const unsigned int libc_size __asm__("__rseq_size") __attribute__((weak));

/* Not in thread-local storage, where it would be found by looking around. */
static struct {
	struct rseq area;
} own __attribute__((aligned(64)));
static volatile struct rseq *area = &own.area;
static volatile long ticks, aborts;

static void die(const char *what, long a, long b)
{
	printf("FAILED %s: %ld %ld errno %d\n", what, a, b, errno);
	fflush(stdout);
	_exit(1);
}

static void on_tick(int number)
{
	(void)number;
	if (++ticks > TICKS_MAX)
		die("a sequence that is never aborted", aborts, ticks);
}

static void spin(void)
{
	__asm__ volatile(".pushsection .data.rseq, \"aw\"\n"
			 ".balign 32\n"
			 "1:	.long 0, 0\n"
			 "	.quad 2f, 3f - 2f, 4f\n"
			 ".popsection\n"
			 "	lea 1b(%%rip), %%rax\n"
			 "	mov %%rax, %0\n"
			 "2:	pause\n"
			 "	jmp 2b\n"
			 "3:	ud2\n"
			 "	.byte 0x0f, 0xb9, 0x3d\n"
			 "	.long %c1\n"
			 "4:\n"
		: "=m"(area->rseq_cs)
		: "i"(SIGNATURE)
		: "rax", "memory", "cc");
	aborts++;
	ticks = 0;
}

static void look(void)
{
	unsigned int cpu = 0;

	errno = 0;
	if (syscall(SYS_rseq, area, SIZE, 0, SIGNATURE) == 0 || errno != EBUSY)
		die("the area is not registered", area->cpu_id, 0);
	for (int i = 0; i < LOOKS_MAX; i++) {
		if (syscall(SYS_getcpu, &cpu, NULL, NULL) == 0 && cpu == area->cpu_id && cpu == area->cpu_id_start)
			return;
	}
	die("another processor than it tells of", area->cpu_id, cpu);
}

/* From one processor to the next, as far as it may. */
static void move_over(const cpu_set_t *allowed)
{
	static int next;
	cpu_set_t one;

	do
		next = (next + 1) % CPU_SETSIZE;
	while (!CPU_ISSET(next, allowed));
	CPU_ZERO(&one);
	CPU_SET(next, &one);
	sched_setaffinity(0, sizeof one, &one);
	look();
	sched_setaffinity(0, sizeof *allowed, allowed);
}

int main(void)
{
	struct itimerval timer = { { 0, TICK_US }, { 0, TICK_US } };
	struct sigaction action = { .sa_handler = on_tick, .sa_flags = SA_RESTART };
	cpu_set_t allowed;

	if (&libc_size != NULL && libc_size != 0)
		area = (struct rseq *)((char *)__builtin_thread_pointer() + libc_offset);
	else if (syscall(SYS_rseq, area, SIZE, 0, SIGNATURE) < 0)
		die("rseq", 0, 0);
	sched_getaffinity(0, sizeof allowed, &allowed);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	printf("ready\n");
	fflush(stdout);
	while (access("stop", F_OK) < 0) {
		for (int i = 0; i < 20; i++)
			spin();
		look();
		move_over(&allowed);
	}
	printf("OK %s\n", area == &own.area ? "its own" : "the C library's");
	return 0;
}
