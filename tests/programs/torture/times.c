/* times.c - Timers that tick for one thread, clocks of threads, and sleeps. */
#include "torture.h"

#include <linux/futex.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define INTERVAL_NS 3000000
#define TICKS 2
#define BURNERS 2

static long ns_of(const struct timespec *time)
{
	return time->tv_sec * 1000000000 + time->tv_nsec;
}

/* timer: SIGEV_THREAD_ID, by the clock and by the thread's own processor time. */

static timer_t ticking, burning;
static _Atomic long ticks, burns;
static _Atomic pid_t ticked;
static pthread_t ticked_thread;

static void on_tick(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	EXPECT(gettid() == ticked, "a timer of thread %d ticks in thread %d", (int)ticked, (int)gettid());
	EXPECT(info->si_code == SI_TIMER, "a tick has code %d", info->si_code);
	if (info->si_value.sival_ptr == &ticking)
		ticks++;
	else if (info->si_value.sival_ptr == &burning)
		burns++;
	else
		EXPECT(false, "a tick has value %p", info->si_value.sival_ptr);
}

static void make_timer(timer_t *timer, clockid_t clock, long interval_ns)
{
	struct itimerspec times = { { 0, interval_ns }, { 0, interval_ns } };
	struct sigevent event = {
		.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGNAL_TIMER, .sigev_value.sival_ptr = timer
	};

	event._sigev_un._tid = gettid();
	must("timer_create", timer_create(clock, &event, timer));
	must("timer_settime", timer_settime(*timer, 0, &times, NULL));
}

static void *be_ticked(void *argument)
{
	struct itimerspec left;
	long before;

	ticked = gettid();
	let_through(SIGNAL_TIMER, true);
	make_timer(&ticking, CLOCK_MONOTONIC, INTERVAL_NS);
	make_timer(&burning, CLOCK_THREAD_CPUTIME_ID, INTERVAL_NS);
	while (!is_over()) {
		AT("a sleep that ticks end");
		usleep(20000);
		AT("a loop until its processor time ticks");
		before = burns;
		while (burns == before)
			;
		RETURNS(timer_gettime(ticking, &left), 0);
		EXPECT(ns_of(&left.it_interval) == INTERVAL_NS && ns_of(&left.it_value) <= INTERVAL_NS,
			"a timer of %d ns has %ld ns left of %ld", INTERVAL_NS, ns_of(&left.it_value),
			ns_of(&left.it_interval));
	}
	RETURNS(timer_delete(ticking), 0);
	RETURNS(timer_delete(burning), 0);
	return argument;
}

static void set_up_timer(void)
{
	handle(SIGNAL_TIMER, on_tick, SA_RESTART);
	ticked_thread = start(be_ticked, NULL);
}

static uint64_t wait_for_ticks(long round)
{
	long before = ticks;

	AT("ticks of another thread's timer");
	while (ticks < before + TICKS)
		rest_us(1000);
	return (uint64_t)round;
}

static void end_timer(void)
{
	join(ticked_thread, NULL);
}

const struct check check_timer = { "timer", false, set_up_timer, wait_for_ticks, end_timer };

/* callback: SIGEV_THREAD, for which the C library has a thread of its own that blocks nearly all signals. */

static timer_t calling_back;
static _Atomic long callbacks;
static int calling_back_value;

static void call_back(union sigval value)
{
	if (value.sival_ptr != &calling_back_value)
		EXPECT(false, "a callback has value %p", value.sival_ptr);
	callbacks++;
}

static uint64_t wait_for_callbacks(long round)
{
	struct itimerspec times = { { 0, 2 * INTERVAL_NS }, { 0, INTERVAL_NS } };
	struct sigevent event = { .sigev_notify = SIGEV_THREAD,
		.sigev_notify_function = call_back,
		.sigev_value.sival_ptr = &calling_back_value };

	if (round % 8 == 0) {
		RETURNS(timer_create(CLOCK_MONOTONIC, &event, &calling_back), 0);
		RETURNS(timer_settime(calling_back, 0, &times, NULL), 0);
	}
	long before = callbacks;
	AT("a timer's callback");
	while (callbacks < before + TICKS)
		rest_us(1000);
	if (round % 8 == 7)
		RETURNS(timer_delete(calling_back), 0);
	return (uint64_t)round;
}

const struct check check_callback = { "callback", false, NULL, wait_for_callbacks, NULL };

/* clocks: each thread's processor time, seen by itself and by another, never goes back. */

struct burner {
	pthread_t thread;
	_Atomic long own_ns; /* as it has seen it itself */
	long seen_ns;        /* as another has */
};

static struct burner burners[BURNERS];
static volatile uint64_t burnt;

static long clock_ns(clockid_t clock)
{
	struct timespec now = { 0, 0 };

	RETURNS(clock_gettime(clock, &now), 0);
	return ns_of(&now);
}

static long usage_us(int who)
{
	struct rusage usage;

	RETURNS(getrusage(who, &usage), 0);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 + usage.ru_utime.tv_usec +
		usage.ru_stime.tv_usec;
}

static void burn_us(long us)
{
	long end = clock_ns(CLOCK_THREAD_CPUTIME_ID) + us * 1000;

	while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < end)
		for (int i = 0; i < 2000; i++)
			burnt = burnt * 31 + 1;
}

static void *burn(void *argument)
{
	struct burner *burner = argument;
	long usage = 0;

	while (!is_over()) {
		AT("a loop that burns processor time");
		burn_us(300);
		long now = clock_ns(CLOCK_THREAD_CPUTIME_ID);
		EXPECT(now >= burner->own_ns, "a thread's clock went back from %ld to %ld ns", (long)burner->own_ns,
			now);
		burner->own_ns = now;
		long used = usage_us(RUSAGE_THREAD);
		EXPECT(used >= usage, "RUSAGE_THREAD went back from %ld to %ld us", usage, used);
		usage = used;
		rest_up_to(3000);
	}
	return NULL;
}

static void set_up_clocks(void)
{
	for (int i = 0; i < BURNERS; i++)
		burners[i].thread = start(burn, &burners[i]);
}

static void check_burner(struct burner *burner)
{
	long own = burner->own_ns;
	clockid_t clock;

	GIVES(pthread_getcpuclockid(burner->thread, &clock), 0);
	long seen = clock_ns(clock);
	EXPECT(seen >= burner->seen_ns, "another thread's clock went back from %ld to %ld ns", burner->seen_ns, seen);
	EXPECT(seen >= own, "another thread's clock is at %ld ns, and it has seen %ld itself", seen, own);
	burner->seen_ns = seen;
}

static uint64_t check_clocks_now(long round)
{
	static long process, usage, real_us;
	long now = clock_ns(CLOCK_PROCESS_CPUTIME_ID), used = usage_us(RUSAGE_SELF), sum = 0;

	for (int i = 0; i < BURNERS; i++) {
		check_burner(&burners[i]);
		sum += burners[i].seen_ns;
	}
	EXPECT(now >= process, "the process's clock went back from %ld to %ld ns", process, now);
	EXPECT(used >= usage, "RUSAGE_SELF went back from %ld to %ld us", usage, used);
	process = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	usage = used;
	EXPECT(process >= sum, "the process's clock is at %ld ns, and two of its threads' at %ld", process, sum);
	EXPECT(now_us() >= real_us, "CLOCK_MONOTONIC went back");
	real_us = now_us();
	return (uint64_t)round;
}

static void end_clocks(void)
{
	for (int i = 0; i < BURNERS; i++)
		join(burners[i].thread, NULL);
}

const struct check check_clocks = { "clocks", false, set_up_clocks, check_clocks_now, end_clocks };

/* sleep: all that ends by time only lasts as long as was asked, and is not interrupted. */

static void lasts(const char *what, long result, int64_t from_us, long wanted_us)
{
	EXPECT(result >= 0, "%s is interrupted: %s", what, strerrorname_np(errno));
	EXPECT(now_us() - from_us >= wanted_us, "%s of %ld us lasted %ld us", what, wanted_us,
		(long)(now_us() - from_us));
}

static void sleep_until(long us)
{
	struct timespec end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_nsec += us * 1000;
	end.tv_sec += end.tv_nsec / 1000000000;
	end.tv_nsec %= 1000000000;
	AT("clock_nanosleep until a time");
	GIVES(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL), 0);
}

static uint64_t sleep_in_turn(long round)
{
	static int word;
	long ms = 1 + (long)draw(round % 5 == 0 ? 40 : 6);
	struct timeval interval = { 0, ms * 1000 };
	struct timespec limit = { 0, ms * 1000000 };
	int64_t from = now_us();

	if (round % 4 == 0) {
		AT("a poll of nothing");
		lasts("poll", poll(NULL, 0, (int)ms), from, ms * 1000);
	} else if (round % 4 == 1) {
		AT("a select of nothing");
		lasts("select", select(0, NULL, NULL, NULL, &interval), from, ms * 1000);
	} else if (round % 4 == 2) {
		AT("a futex with a limit");
		FAILS(syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &limit, NULL, 0), ETIMEDOUT);
		lasts("futex", 0, from, ms * 1000);
	} else {
		sleep_until(ms * 1000);
		lasts("clock_nanosleep", 0, from, ms * 1000);
	}
	return (uint64_t)round;
}

const struct check check_sleep = { "sleep", false, NULL, sleep_in_turn, NULL };
