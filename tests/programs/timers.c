/*
 * timers: POSIX timers of every kind, each tick checked.
 *
 * Prints "ready", runs until the file "stop" is there, and prints "OK"; or one line that says what was wrong, and exit
 * status 1. Time goes on while a process moves: what is left of a timer tells that its moment is still the same.
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define TICK_NS 10000000
#define TOLERANCE 2 /* ticks: timers are looked at one after the other */
#define SECOND_NS 1000000000LL
#define HOUR 3600
#define ALARM_US 250000
#define MOMENT_NS 10000000    /* a move may shift one by some microseconds */
#define REALTIME_NS 700000000 /* and by its way over the network where it is not of the program's own clock */

enum { TICKS, GONE, BLOCKED, QUIET, THREAD, ONCE, HOURLY, DAILY, POINT, CPU, KINDS };
static const char *const names[KINDS] = { "ticks", "gone", "blocked", "quiet", "thread", "once", "hourly", "daily",
	"point", "cpu" };
static int ids[KINDS];
static volatile long counts[KINDS];
static int64_t point_ns, hour_ns, day_ns, alarm_ns;
static volatile long alarms;

static void die(const char *what, long value)
{
	printf("FAILED %s: %ld, errno %d\n", what, value, errno);
	fflush(stdout);
	_exit(1);
}

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * SECOND_NS + now.tv_nsec;
}

static int64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static void create(int kind, clockid_t clock, int notify, int number)
{
	struct sigevent event = { .sigev_notify = notify,
		.sigev_signo = number,
		.sigev_value.sival_ptr = (void *)(0x1111111100000000 + (unsigned)kind) };

	event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
	if (syscall(SYS_timer_create, clock, &event, &ids[kind]) < 0)
		die(names[kind], 0);
}

static void set(int kind, int flags, int64_t first_ns, int64_t interval_ns)
{
	struct itimerspec time = { { interval_ns / SECOND_NS, interval_ns % SECOND_NS },
		{ first_ns / SECOND_NS, first_ns % SECOND_NS } };

	if (syscall(SYS_timer_settime, ids[kind], flags, &time, NULL) < 0)
		die("timer_settime", kind);
}

static int64_t left(int kind, int64_t *interval_ns)
{
	struct itimerspec time;

	if (syscall(SYS_timer_gettime, ids[kind], &time) < 0)
		die("timer_gettime", kind);
	*interval_ns = time.it_interval.tv_sec * SECOND_NS + time.it_interval.tv_nsec;
	return time.it_value.tv_sec * SECOND_NS + time.it_value.tv_nsec;
}

static void on_signal(int number, siginfo_t *info, void *context)
{
	int kind = (int)(intptr_t)info->si_value.sival_ptr & 0xff;

	(void)context;
	if (number == SIGALRM && info->si_code == SI_KERNEL) {
		alarms++;
		return;
	}
	if (info->si_code != SI_TIMER)
		die("a signal that is no timer's", info->si_code);
	if (kind >= KINDS || (uintptr_t)info->si_value.sival_ptr >> 32 != 0x11111111)
		die("a value", kind);
	if (info->si_timerid != ids[kind])
		die("a timer's number", info->si_timerid);
	if (kind == POINT && now_ns() < point_ns)
		die("a point in time came early", (long)(point_ns - now_ns()));
	counts[kind] += 1 + info->si_overrun;
}

static void handle(int number)
{
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART };

	sigfillset(&action.sa_mask);
	sigdelset(&action.sa_mask, SIGURG);
	if (sigaction(number, &action, NULL) < 0)
		die("sigaction", number);
}

static void setup(sigset_t *blocked)
{
	int numbers[] = { SIGRTMIN, SIGRTMIN + 1, SIGUSR1, SIGUSR2, SIGALRM };

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		handle(numbers[i]);
	sigemptyset(blocked);
	sigaddset(blocked, SIGRTMIN + 1);
	sigprocmask(SIG_BLOCK, blocked, NULL);
	create(TICKS, CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGRTMIN);
	create(GONE, CLOCK_REALTIME, SIGEV_SIGNAL, SIGUSR1);
	create(BLOCKED, CLOCK_BOOTTIME, SIGEV_SIGNAL, SIGRTMIN + 1);
	create(QUIET, CLOCK_REALTIME, SIGEV_NONE, 0);
	create(THREAD, CLOCK_MONOTONIC, SIGEV_THREAD_ID, SIGUSR1);
	create(ONCE, CLOCK_REALTIME, SIGEV_SIGNAL, SIGUSR1);
	create(HOURLY, CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR2);
	create(DAILY, CLOCK_REALTIME, SIGEV_SIGNAL, SIGUSR2);
	create(POINT, CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR2);
	create(CPU, CLOCK_PROCESS_CPUTIME_ID, SIGEV_SIGNAL, SIGALRM);
	if (syscall(SYS_timer_delete, ids[GONE]) < 0)
		die("timer_delete", 0);
}

static void start(void)
{
	const struct itimerval every = { { 0, ALARM_US }, { 0, ALARM_US } };

	set(TICKS, 0, TICK_NS, TICK_NS);
	set(BLOCKED, 0, TICK_NS, TICK_NS);
	set(QUIET, 0, 7 * SECOND_NS, 7 * SECOND_NS);
	set(THREAD, 0, 3 * TICK_NS, 3 * TICK_NS);
	set(ONCE, 0, SECOND_NS / 2, 0);
	hour_ns = now_ns() + HOUR * SECOND_NS;
	set(HOURLY, TIMER_ABSTIME, hour_ns, HOUR * SECOND_NS);
	day_ns = clock_ns(CLOCK_REALTIME) + 24 * HOUR * SECOND_NS;
	set(DAILY, TIMER_ABSTIME, day_ns, 0);
	alarm_ns = now_ns();
	setitimer(ITIMER_REAL, &every, NULL);
}

/* One after the other, points in time: they mean the program's clock wherever it runs. */
static void next_point(void)
{
	static long wanted;

	if (counts[POINT] < wanted)
		return;
	wanted++;
	point_ns = now_ns() + 5 * TICK_NS;
	set(POINT, TIMER_ABSTIME, point_ns, 0);
}

static int64_t ran_ns(void)
{
	int64_t interval_ns, left_ns = left(HOURLY, &interval_ns);

	if (interval_ns != HOUR * SECOND_NS || left_ns <= 0 || left_ns > HOUR * SECOND_NS)
		die("what is left of an hour", (long)(left_ns / 1000000));
	return HOUR * SECOND_NS - left_ns;
}

/* The moment that a timer goes off has not changed, whatever has happened to the process. */
static void check_moment(int kind, clockid_t clock, int64_t moment_ns, int64_t tolerance_ns)
{
	int64_t interval_ns, from_ns = clock_ns(clock), left_ns = left(kind, &interval_ns);

	if (left_ns + from_ns > moment_ns + tolerance_ns)
		die("a moment is late, microseconds", (long)((left_ns + from_ns - moment_ns) / 1000));
	if (left_ns + clock_ns(clock) < moment_ns - tolerance_ns)
		die("a moment is early", kind);
}

static void check_alarm(void)
{
	const struct itimerval off = { { 0, 0 }, { 0, 0 } };
	const int64_t interval_ns = ALARM_US * 1000LL;
	struct itimerval time;
	int64_t from_ns = now_ns(), phase_ns;

	setitimer(ITIMER_REAL, &off, &time);
	phase_ns = (from_ns + time.it_value.tv_usec * 1000LL - alarm_ns) % interval_ns;
	if (time.it_interval.tv_usec != ALARM_US || time.it_value.tv_usec > ALARM_US)
		die("the alarm's interval", (long)time.it_interval.tv_usec);
	/* Between the two looks time has passed. */
	if (phase_ns < interval_ns - MOMENT_NS - (now_ns() - from_ns) && phase_ns > MOMENT_NS)
		die("the alarm's phase, microseconds", (long)(phase_ns / 1000));
	if (alarms < 1 || alarms > (from_ns - alarm_ns) / interval_ns)
		die("alarms", alarms);
}

/* As many ticks as fit into the time that the timers have run. */
static void check_ticks(int kind, int64_t interval_ns, int64_t least_ns, int64_t most_ns)
{
	if (counts[kind] < least_ns / interval_ns - TOLERANCE)
		die(names[kind], counts[kind] - (long)(least_ns / interval_ns));
	if (counts[kind] > most_ns / interval_ns + TOLERANCE)
		die(names[kind], counts[kind] - (long)(most_ns / interval_ns));
}

static void check_end(const sigset_t *blocked)
{
	int64_t interval_ns, rest_ns, least_ns = ran_ns(), most_ns;
	sigset_t all;

	sigprocmask(SIG_UNBLOCK, blocked, NULL);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	most_ns = ran_ns();
	check_moment(HOURLY, CLOCK_MONOTONIC, hour_ns, MOMENT_NS);
	check_moment(DAILY, CLOCK_REALTIME, day_ns, REALTIME_NS);
	check_alarm();
	check_ticks(TICKS, TICK_NS, least_ns, most_ns);
	check_ticks(BLOCKED, TICK_NS, least_ns, most_ns);
	check_ticks(THREAD, 3 * TICK_NS, least_ns, most_ns);
	sigprocmask(SIG_UNBLOCK, &all, NULL);
	if (counts[ONCE] != 1)
		die("a timer that goes off once did", counts[ONCE]);
	if (counts[POINT] < 3)
		die("points in time", counts[POINT]);
	if (counts[HOURLY] != 0 || counts[DAILY] != 0 || counts[GONE] != 0)
		die("a timer that goes off later did", counts[HOURLY] + counts[DAILY] + counts[GONE]);
	rest_ns = left(QUIET, &interval_ns);
	if (interval_ns != 7 * SECOND_NS || rest_ns <= 0 || rest_ns > 7 * SECOND_NS)
		die("what is left of a quiet timer", (long)rest_ns);
	set(CPU, 0, TICK_NS, 0);
	for (int64_t end = now_ns() + 20 * SECOND_NS; counts[CPU] == 0 && now_ns() < end;)
		;
	if (counts[CPU] != 1)
		die("CPU time", counts[CPU]);
	for (int kind = 0; kind < KINDS; kind++)
		if ((syscall(SYS_timer_delete, ids[kind]) == 0) != (kind != GONE))
			die("timer_delete", kind);
	if (syscall(SYS_timer_gettime, ids[TICKS], &rest_ns) >= 0 || errno != EINVAL)
		die("timer_gettime of a timer that is gone", 0);
}

int main(void)
{
	struct timespec moment = { 0, 3000000 };
	sigset_t blocked;

	setup(&blocked);
	start();
	printf("ready\n");
	fflush(stdout);
	while (access("stop", F_OK) < 0) {
		next_point();
		nanosleep(&moment, NULL);
	}
	check_end(&blocked);
	printf("OK\n");
	return 0;
}
