/* crowd.c - Computes in some threads while others sleep.
 *
 *   crowd COMPUTING SLEEPING SECONDS        the main thread sleeps as well
 *
 * Prints "ready" when all threads are there, and "done"; exit status 0.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "compute.h"

#define STACK_SIZE 65536 /* so that some hundred threads fit under any limit */

static double seconds;

static void *work(void *unused)
{
	compute(seconds);
	return unused;
}

static void *doze(void *unused)
{
	for (;;)
		pause();
	return unused;
}

static void start(void *(*run)(void *), int count)
{
	pthread_attr_t attributes;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	for (int i = 0; i < count; i++) {
		pthread_t thread;
		int error = pthread_create(&thread, &attributes, run, NULL);

		if (error != 0) {
			fprintf(stderr, "crowd: cannot start thread %d: error %d\n", i, error);
			exit(99);
		}
	}
	pthread_attr_destroy(&attributes);
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: crowd COMPUTING SLEEPING SECONDS\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	seconds = atof(argv[3]);
	start(doze, atoi(argv[2]));
	start(work, atoi(argv[1]));
	printf("ready\n");
	sleep((unsigned)seconds);
	printf("done\n");
	return 0;
}
