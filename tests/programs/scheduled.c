/* scheduled.c - Chooses how it is scheduled, again and again.
 *
 * It tells what it and its children have.
 *
 * Prints "ready", then waits for the files "away", "home" and "again" in turn; at each it reports, chooses anew, and
 * reports once more, for itself and for a child. At "lock" it takes a PI futex, and it ends at "end". What it prints
 * does not depend on where it runs.
 */
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define IOPRIO_WHO_PROCESS 1
#define BEST_EFFORT (2 << 13)

struct attributes {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

static cpu_set_t all;
static uint32_t lock;

static void report(const char *who)
{
	struct attributes attributes = { 0 };
	cpu_set_t set;

	if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) < 0 ||
		sched_getaffinity(getpid(), sizeof set, &set) < 0)
		exit(1);
	printf("%s: policy %x %u, flags %lx, nice %d %d, io %lx, cpus %d first %d\n", who,
		(unsigned)sched_getscheduler(0), attributes.policy, (unsigned long)attributes.flags, attributes.nice,
		getpriority(PRIO_PROCESS, 0), syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0), CPU_COUNT(&set),
		CPU_ISSET(0, &set));
	fflush(stdout);
}

static void report_all(const char *who)
{
	int status;

	report(who);
	if (fork() == 0) {
		report("its child");
		_exit(0);
	}
	wait(&status);
}

/* The first or the last of the processors, or all of them. */
static void choose_cpus(int kind)
{
	cpu_set_t set;
	int last = 0;

	CPU_ZERO(&set);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &all))
			last = cpu;
	CPU_SET(kind == 0 ? 0 : last, &set);
	if (sched_setaffinity(0, sizeof set, kind == 2 ? &all : &set) < 0)
		printf("sched_setaffinity: %s\n", strerror(errno));
}

static void choose(int policy, uint64_t flags, int nice, int io, int cpus)
{
	struct attributes attributes = { .size = 48, .policy = (uint32_t)policy, .flags = flags, .nice = nice };

	if (syscall(SYS_sched_setattr, 0, &attributes, 0) < 0)
		printf("sched_setattr: %s\n", strerror(errno));
	if (syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, BEST_EFFORT | io) < 0)
		printf("ioprio_set: %s\n", strerror(errno));
	choose_cpus(cpus);
}

static void wait_for(const char *file)
{
	while (access(file, F_OK) < 0)
		usleep(20000);
	report(file);
}

int main(void)
{
	if (sched_getaffinity(0, sizeof all, &all) < 0)
		return 1;
	choose(SCHED_BATCH, 1, 2, 5, 0);
	printf("ready\n");
	fflush(stdout);
	wait_for("away");
	choose(SCHED_OTHER, 1, 3, 6, 1);
	if (setpriority(PRIO_PROCESS, 0, 4) < 0)
		printf("setpriority: %s\n", strerror(errno));
	report_all("chosen away");
	wait_for("home");
	choose(SCHED_BATCH, 1, 5, 7, 0);
	report_all("chosen at home");
	wait_for("again");
	choose_cpus(2);
	report_all("all processors");
	wait_for("lock");
	if (syscall(SYS_futex, &lock, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0) < 0)
		printf("futex: %s\n", strerror(errno));
	wait_for("end");
	return 0;
}
