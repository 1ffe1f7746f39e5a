/* main.c - Checks that nothing it sees of itself changes.
 *
 * Over and over: registers, memory, files, signals, identity, clocks.
 *
 *   selfcheck SECONDS [--skip GROUP]... [--only GROUP]
 *
 * It ends after SECONDS, or when the file named by $SELFCHECK_STOP exists.
 *
 * One line for each failure and exit status 1, else a final "OK N checks". Its files are made in the
 * working directory and removed.
 */
#include "selfcheck.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const struct group *const groups[] = {
	&group_cpu,
	&group_memory,
	&group_files,
	&group_channels,
	&group_waiting,
	&group_signals,
	&group_process,
	&group_time,
};

#define GROUP_COUNT (sizeof groups / sizeof *groups)
#define PLACES_MAX 200

char **saved_argv;
char *program_path;

static long checks, failures;
static long round_now;
static sigjmp_buf long_ago; /* set before the first round, jumped to after any number of moves */

void check_at(const char *file, int line, bool holds, const char *format, ...)
{
	static struct {
		const char *file;
		int line;
	} seen[PLACES_MAX];
	static int seen_count;
	const char *base = strrchr(file, '/');
	va_list arguments;

	checks++;
	if (holds)
		return;
	failures++;
	for (int i = 0; i < seen_count; i++)
		if (seen[i].line == line && strcmp(seen[i].file, file) == 0)
			return;
	if (seen_count == PLACES_MAX)
		return;
	seen[seen_count].file = file;
	seen[seen_count++].line = line;
	printf("FAILED %s:%d round %ld: ", base ? base + 1 : file, line, round_now);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	fflush(stdout);
}

uint64_t pattern_of(uint64_t number)
{
	uint64_t z = (number + 1) * 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

double seconds_of(int clock)
{
	struct timespec now;

	clock_gettime((clockid_t)clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* True when the file that stops us has been made; looked for now and then only. */
static bool told_to_stop(void)
{
	const char *path = getenv("SELFCHECK_STOP");

	return path && round_now % 4 == 0 && access(path, F_OK) == 0;
}

static bool skipped[GROUP_COUNT];

static void select_group(const char *option, const char *name)
{
	bool found = false;

	for (size_t i = 0; i < GROUP_COUNT; i++) {
		bool same = strcmp(groups[i]->name, name) == 0;

		found |= same;
		if (strcmp(option, "--skip") == 0 && same)
			skipped[i] = true;
		if (strcmp(option, "--only") == 0 && !same)
			skipped[i] = true;
	}
	if (!found) {
		fprintf(stderr, "selfcheck: no such group: %s\n", name);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	volatile double seconds = 0; /* volatile: must survive siglongjmp */
	volatile double end;
	volatile int jumps = 0;

	saved_argv = argv;
	program_path = argv[0];
	for (int i = 1; i < argc; i++) {
		if (i + 1 < argc && argv[i][0] == '-') {
			select_group(argv[i], argv[i + 1]);
			i++;
		} else {
			seconds = atof(argv[i]);
		}
	}
	if (seconds <= 0) {
		fprintf(stderr, "usage: selfcheck SECONDS [--skip GROUP]... [--only GROUP]\n");
		return 2;
	}
	for (size_t i = 0; i < GROUP_COUNT; i++)
		if (!skipped[i])
			groups[i]->setup();
	end = seconds_of(CLOCK_REALTIME) + seconds;
	if (sigsetjmp(long_ago, 1) != 0)
		jumps++;
	while (seconds_of(CLOCK_REALTIME) < end && !told_to_stop()) {
		round_now++;
		for (size_t i = 0; i < GROUP_COUNT; i++)
			if (!skipped[i])
				groups[i]->round(round_now);
		if (round_now % 8 == 0)
			siglongjmp(long_ago, 1);
	}
	CHECK(jumps == round_now / 8, "%d long jumps arrived of %ld", jumps, round_now / 8);
	if (failures > 0) {
		printf("%ld of %ld checks failed in %ld rounds\n", failures, checks, round_now);
		return 1;
	}
	printf("OK %ld checks\n", checks);
	return 0;
}
