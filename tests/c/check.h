/* check.h - Checks and a runner of cases for the C tests.
 *
 * A check that fails says where.
 */
#ifndef CHECK_H
#define CHECK_H

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <unistd.h>

#define CASE_SECONDS_MAX 60 /* a case that hangs ends the program by SIGALRM */

#define CHECK(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
			_exit(1); \
		} \
	} while (0)

#define CHECK_EQUAL(actual, wanted) \
	do { \
		long long actual_ = (long long)(actual), wanted_ = (long long)(wanted); \
		if (actual_ != wanted_) { \
			fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #actual, actual_, \
				wanted_); \
			_exit(1); \
		} \
	} while (0)

#define CHECK_TEXT(actual, wanted) \
	do { \
		if (strcmp(actual, wanted) != 0) { \
			fprintf(stderr, "%s:%d: %s is \"%s\", not \"%s\"\n", __FILE__, __LINE__, #actual, actual, \
				wanted); \
			_exit(1); \
		} \
	} while (0)

/* fork(2) whose child never outlives the test: it would hold the runner's pipes open. */
static inline pid_t fork_child(void)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

/* Runs one case. The name is a sentence: what holds. */
static inline void run_case(const char *name, void (*run)(void))
{
	fprintf(stderr, "case: %s\n", name);
	alarm(CASE_SECONDS_MAX);
	run();
	alarm(0);
	printf("ok %s\n", name);
	fflush(stdout);
}

#endif
