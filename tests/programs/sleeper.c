/* sleeper.c - Sleeps or computes for a while, ends with a status.
 *
 *   sleeper SECONDS [--busy] [--megabytes N] [--status N]
 *
 * With --busy it uses a core for SECONDS of CPU time; --megabytes touches that much memory first,
 * with a pattern that is checked at the end.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double seconds_of(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static uint64_t pattern(size_t index)
{
	return (uint64_t)index * 0x9e3779b97f4a7c15u + 1;
}

int main(int argc, char **argv)
{
	double seconds = 0;
	size_t words = 0, bad = 0;
	int busy = 0, status = 0;

	for (int i = 1; i < argc; i++) {
		int more = i + 1 < argc;

		if (strcmp(argv[i], "--busy") == 0)
			busy = 1;
		else if (strcmp(argv[i], "--megabytes") == 0 && more)
			words = (size_t)atol(argv[++i]) * (1 << 20) / sizeof(uint64_t);
		else if (strcmp(argv[i], "--status") == 0 && more)
			status = atoi(argv[++i]);
		else
			seconds = atof(argv[i]);
	}
	uint64_t *memory = calloc(words + 1, sizeof *memory);

	if (!memory) {
		perror("sleeper: cannot allocate");
		return 99;
	}
	for (size_t i = 0; i < words; i++)
		memory[i] = pattern(i);
	if (busy) {
		double end = seconds_of(CLOCK_PROCESS_CPUTIME_ID) + seconds;

		while (seconds_of(CLOCK_PROCESS_CPUTIME_ID) < end)
			for (volatile int i = 0; i < 100000; i++)
				;
	} else {
		struct timespec rest = { (time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9) };

		while (nanosleep(&rest, &rest) < 0)
			;
	}
	for (size_t i = 0; i < words; i++)
		bad += memory[i] != pattern(i);
	if (bad != 0) {
		fprintf(stderr, "sleeper: %zu words of memory changed\n", bad);
		return 97;
	}
	return status;
}
