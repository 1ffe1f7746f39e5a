/* clocks.c - Looks at its clocks until SIGTERM.
 *
 * It tells whether one has gone back or jumped.
 *
 * It computes all the time, so that between two looks CPU time grows by little, and is in a clock function at
 * nearly every moment. Exit status 0: all were right; 3: the lines on standard output tell what was not.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

/* A move costs some milliseconds of CPU time; a second of it counted twice is far more. */
#define CPU_JUMP_MAX 0.5
/* A move may freeze the program, a busy machine may delay it. */
#define TIME_JUMP_MAX 20.0
#define TICKS_PER_SECOND 100.0 /* of times(2) */
#define WRONG_MAX 20

enum { CPU_CLOCK, OF_PROCESS, OF_THREAD, USAGE, THREAD_USAGE, TIMES, MONOTONIC, CLOCKS };

static const char *const names[CLOCKS] = { "the CPU clock", "the CPU clock by PID", "the CPU clock by TID", "getrusage",
	"getrusage of the thread", "times", "CLOCK_MONOTONIC" };
static clockid_t of_process, of_thread;
static volatile sig_atomic_t ended;

static void on_term(int number)
{
	(void)number;
	ended = 1;
}

static double seconds_of(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double used_by(int who)
{
	struct rusage usage;

	getrusage(who, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static double look(int clock)
{
	struct tms ticks;

	switch (clock) {
	case CPU_CLOCK:
		return seconds_of(CLOCK_PROCESS_CPUTIME_ID);
	case OF_PROCESS:
		return clock_getcpuclockid(getpid(), &of_process) == 0 ? seconds_of(of_process) : -1;
	case OF_THREAD:
		return seconds_of(of_thread);
	case USAGE:
		return used_by(RUSAGE_SELF);
	case THREAD_USAGE:
		return used_by(RUSAGE_THREAD);
	case TIMES:
		times(&ticks);
		return (double)(ticks.tms_utime + ticks.tms_stime) / TICKS_PER_SECOND;
	default:
		return seconds_of(CLOCK_MONOTONIC);
	}
}

int main(void)
{
	double last[CLOCKS];
	int wrong = 0;

	signal(SIGTERM, on_term);
	if (clock_getcpuclockid(getpid(), &of_process) != 0 || pthread_getcpuclockid(pthread_self(), &of_thread) != 0)
		return 2;
	for (int clock = 0; clock < CLOCKS; clock++)
		last[clock] = look(clock);
	puts("looking");
	fflush(stdout);
	while (!ended && wrong < WRONG_MAX) {
		for (int clock = 0; clock < CLOCKS; clock++) {
			double now = look(clock), max = clock == MONOTONIC ? TIME_JUMP_MAX : CPU_JUMP_MAX;

			if (now < last[clock] || now > last[clock] + max) {
				printf("%s went from %.6f to %.6f\n", names[clock], last[clock], now);
				wrong++;
			}
			last[clock] = now;
		}
	}
	return wrong == 0 ? 0 : 3;
}
