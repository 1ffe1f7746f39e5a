/* forker.c - Computes alone, then beside a forked child, alone again.
 *
 *   forker BEFORE CHILD AFTER        seconds of each part
 *
 * Prints "alone", "forked PID", "child PID of PPID", "reaped STATUS", and "done"; the child's exit
 * status is 5 and the parent's 6.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compute.h"

int main(int argc, char **argv)
{
	int status = 0;
	pid_t child;

	if (argc != 4) {
		fprintf(stderr, "usage: forker BEFORE CHILD AFTER\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("alone\n");
	compute(atof(argv[1]));
	fflush(stdout);
	child = fork();
	if (child < 0) {
		perror("forker: fork");
		return 99;
	}
	if (child == 0) {
		printf("child %d of %d\n", (int)getpid(), (int)getppid());
		compute(atof(argv[2]));
		exit(5);
	}
	printf("forked %d\n", (int)child);
	if (waitpid(child, &status, 0) != child) {
		perror("forker: waitpid");
		return 98;
	}
	printf("reaped %d\n", WEXITSTATUS(status));
	compute(atof(argv[3]));
	printf("done\n");
	return 6;
}
