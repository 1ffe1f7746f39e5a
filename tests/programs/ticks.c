/* ticks.c - Timers whose signals are blocked.
 *
 * However long, one signal of each waits, and stands for all of its ticks.
 *
 * Two timers of timer_create(2), one with a real-time signal, and one of setitimer(2) go off at the same moments. Reads
 * commands from standard input, one a line, and answers each with one line:
 *
 *   take      takes what waits: "took 1 1 1, every tick" (how many signals of each), or what is wrong
 *   overrun   "overrun as before" if timer_getoverrun(2) tells what it told when the signals were taken
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define PERIOD_NS 200000000L
#define AFTER_NS 60000000L /* a tick: then the next one is not near */
#define TIMERS 2

static const int numbers[TIMERS + 1] = { 0 /* SIGRTMIN */, SIGUSR1, SIGALRM };
static int ids[TIMERS];
static long told[TIMERS], taken_at;
static int64_t start_ns;
static sigset_t set;

static int number(int kind)
{
	return kind == 0 ? SIGRTMIN : numbers[kind];
}

static int64_t since_start_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec - start_ns;
}

static void start(void)
{
	struct itimerspec each = { { 0, PERIOD_NS }, { 0, PERIOD_NS } };
	struct itimerval alarm = { { 0, PERIOD_NS / 1000 }, { 0, PERIOD_NS / 1000 } };

	sigemptyset(&set);
	for (int kind = 0; kind <= TIMERS; kind++)
		sigaddset(&set, number(kind));
	sigprocmask(SIG_BLOCK, &set, NULL);
	start_ns = since_start_ns();
	each.it_value.tv_sec = (start_ns + PERIOD_NS) / 1000000000;
	each.it_value.tv_nsec = (start_ns + PERIOD_NS) % 1000000000;
	for (int kind = 0; kind < TIMERS; kind++) {
		struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = number(kind) };

		syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &ids[kind]);
		syscall(SYS_timer_settime, ids[kind], TIMER_ABSTIME, &each, NULL);
	}
	setitimer(ITIMER_REAL, &alarm, NULL);
}

/* Between two ticks, so that none comes while it takes them. False: that was not quick enough. */
static int take(void)
{
	struct timespec rest, none = { 0, 0 };
	int counts[TIMERS + 1] = { 0 }, kind;
	long ticks[TIMERS + 1] = { 0 }, period;
	siginfo_t info;

	rest.tv_sec = 0;
	rest.tv_nsec = PERIOD_NS - since_start_ns() % PERIOD_NS + AFTER_NS;
	nanosleep(&rest, NULL);
	period = since_start_ns() / PERIOD_NS;
	while (sigtimedwait(&set, &info, &none) > 0) {
		for (kind = 0; number(kind) != info.si_signo; kind++)
			;
		counts[kind]++;
		ticks[kind] += 1 + (kind < TIMERS ? info.si_overrun : 0);
		if (kind < TIMERS)
			told[kind] = syscall(SYS_timer_getoverrun, ids[kind]);
		if (kind < TIMERS && told[kind] != info.si_overrun)
			printf("overrun %ld, not %d; ", told[kind], info.si_overrun);
	}
	if (since_start_ns() / PERIOD_NS != period)
		return 0;
	printf("took %d %d %d, ", counts[0], counts[1], counts[2]);
	period -= taken_at;
	taken_at += period;
	if (ticks[0] == period && ticks[1] == period)
		printf("every tick\n");
	else
		printf("%ld and %ld ticks of %ld\n", ticks[0], ticks[1], period);
	return 1;
}

int main(void)
{
	char line[64];

	start();
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin) != NULL) {
		if (strcmp(line, "take\n") == 0) {
			if (!take())
				printf("took too long\n");
		} else {
			for (int kind = 0; kind < TIMERS; kind++)
				if (syscall(SYS_timer_getoverrun, ids[kind]) != told[kind])
					printf("timer %d tells another ", kind);
			printf("overrun as before\n");
		}
		fflush(stdout);
	}
	return 0;
}
