/*
 * burn: computes until it has used so much CPU time, and ends.
 *
 *   burn SECONDS [MIB]
 *
 * What the process used before it became this program does not count. MIB of memory are written
 * first, which does. One line on standard output tells what was used when it stopped.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Some tenths of a millisecond of computing between two looks at the clock, which is a system call. */
enum { STEPS = 100000 };

static double used_seconds(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	double from = used_seconds(), wanted = argc > 1 ? atof(argv[1]) : 0;
	size_t size = (size_t)(argc > 2 ? atol(argv[2]) : 0) << 20;
	char *memory = size > 0 ? malloc(size) : NULL;
	volatile unsigned state = 1;

	if (argc < 2 || argc > 3 || wanted < 0 || (size > 0 && memory == NULL)) {
		fputs("usage: burn SECONDS [MIB]\n", stderr);
		return 2;
	}
	/* No two pages alike, and none that is zero, or it would not travel. */
	for (size_t at = 0; at < size; at++)
		memory[at] = (char)(at * 2654435761u >> 24 | 1);
	while (used_seconds() - from < wanted)
		for (int i = 0; i < STEPS; i++)
			state = state * 1664525u + 1013904223u;
	printf("used %.6f\n", used_seconds() - from);
	free(memory);
	return 0;
}
