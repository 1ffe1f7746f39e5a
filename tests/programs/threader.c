/* threader.c - Computes in one thread, then two, then one.
 *
 *   threader BEFORE TWO AFTER        seconds of each part
 *
 * Prints "one", "two", "joined SUM" and "done"; exit status 6.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "compute.h"

static void *second(void *argument)
{
	compute(*(double *)argument);
	return (void *)(intptr_t)42;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	void *result;
	double two;
	int error;

	if (argc != 4) {
		fprintf(stderr, "usage: threader BEFORE TWO AFTER\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("one\n");
	compute(atof(argv[1]));
	two = atof(argv[2]);
	error = pthread_create(&thread, NULL, second, &two);
	if (error != 0) {
		fprintf(stderr, "threader: cannot start a thread: error %d\n", error);
		return 99;
	}
	printf("two\n");
	compute(two);
	pthread_join(thread, &result);
	printf("joined %ld\n", (long)(intptr_t)result);
	compute(atof(argv[3]));
	printf("done\n");
	return 6;
}
