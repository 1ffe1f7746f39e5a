/* time.c - clocks, interval timers, sleeps, CPU time. */
#include "selfcheck.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

/* A round takes some 50 ms; a move may freeze it, a busy machine may delay it, but not so long. */
#define JUMP_SECONDS_MAX 20.0
#define TICK_MS 50
#define SLACK_NS 50000

static volatile sig_atomic_t ticks;
static double started, last_monotonic, last_boot, last_cpu, last_usage;
static clock_t last_times;

static void on_tick(int number)
{
	(void)number;
	ticks++;
}

static double usage_seconds(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void check_end(void)
{
	double elapsed = seconds_of(CLOCK_REALTIME) - started, whole = elapsed * 1000 / TICK_MS;

	/* Ticks merge while a process is frozen or has no CPU, but there are never more than time. */
	CHECK(ticks <= whole * 1.02 + 2, "%d ticks in %.2f s are more than %.0f", ticks, elapsed, whole);
	CHECK(ticks >= whole * 0.3 - 2, "only %d ticks in %.2f s, of %.0f", ticks, elapsed, whole);
}

static void setup(void)
{
	struct sigaction action = { .sa_handler = on_tick, .sa_flags = SA_RESTART };
	struct itimerval timer = { { 0, TICK_MS * 1000 }, { 0, TICK_MS * 1000 } };

	started = seconds_of(CLOCK_REALTIME);
	last_monotonic = seconds_of(CLOCK_MONOTONIC);
	last_boot = seconds_of(CLOCK_BOOTTIME);
	sigaction(SIGALRM, &action, NULL);
	if (setitimer(ITIMER_REAL, &timer, NULL) < 0) {
		perror("selfcheck: setitimer");
		exit(2);
	}
}

static void check_clock(const char *name, int clock, double *last)
{
	double now = seconds_of(clock);

	CHECK(now >= *last, "%s went back by %.6f s", name, *last - now);
	CHECK(now <= *last + JUMP_SECONDS_MAX, "%s jumped by %.1f s", name, now - *last);
	*last = now;
}

static void check_vdso(void)
{
	struct timespec through_call;
	double before, called, after;

	before = seconds_of(CLOCK_MONOTONIC);
	syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &through_call);
	after = seconds_of(CLOCK_MONOTONIC);
	called = (double)through_call.tv_sec + (double)through_call.tv_nsec / 1e9;
	CHECK(called >= before - 1e-3 && called <= after + 1e-3,
		"the vdso and the system call disagree: %.6f, %.6f, %.6f", before, called, after);
}

static void check_cpu_time(void)
{
	double cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID), usage = usage_seconds();
	struct tms buffer;
	clock_t user;

	times(&buffer);
	user = buffer.tms_utime + buffer.tms_stime;
	CHECK(cpu >= last_cpu, "the CPU clock went back from %.3f to %.3f s", last_cpu, cpu);
	CHECK(usage >= last_usage, "getrusage went back from %.3f to %.3f s", last_usage, usage);
	CHECK(user >= last_times, "times went back from %ld to %ld", (long)last_times, (long)user);
	last_cpu = cpu;
	last_usage = usage;
	last_times = user;
}

static void check_sleep(void)
{
	struct timespec rest = { 0, 3000000 };
	struct itimerval timer;
	double before = seconds_of(CLOCK_MONOTONIC), slept;

	/* The kernel counts the timer's slack to what remains: prctl(2), PR_SET_TIMERSLACK. */
	while (nanosleep(&rest, &rest) < 0)
		CHECK(errno == EINTR && rest.tv_nsec <= 3000000 + SLACK_NS, "nanosleep: errno %d, %ld ns remain", errno,
			rest.tv_nsec);
	slept = seconds_of(CLOCK_MONOTONIC) - before;
	CHECK(slept >= 0.0029, "a sleep of 3 ms took %.6f s", slept);
	CHECK(getitimer(ITIMER_REAL, &timer) == 0 && timer.it_interval.tv_usec == TICK_MS * 1000 &&
			timer.it_value.tv_sec == 0 && timer.it_value.tv_usec <= TICK_MS * 1000,
		"the interval timer changed");
}

/* A deadline counts by this program's clock, whatever the clock of the node says. */
static void check_deadline(void)
{
	struct timespec until;
	double before = seconds_of(CLOCK_REALTIME), took;
	int error;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += 3000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	do
		error = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
	while (error == EINTR);
	took = seconds_of(CLOCK_REALTIME) - before;
	CHECK(error == 0 && took < JUMP_SECONDS_MAX, "a deadline in 3 ms: errno %d after %.3f s", error, took);
}

static void check_round(long round)
{
	check_clock("CLOCK_MONOTONIC", CLOCK_MONOTONIC, &last_monotonic);
	check_clock("CLOCK_BOOTTIME", CLOCK_BOOTTIME, &last_boot);
	check_vdso();
	check_cpu_time();
	check_sleep();
	check_deadline();
	if (round % 16 == 0)
		check_end();
}

const struct group group_time = { "time", setup, check_round };
