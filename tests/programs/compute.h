/* compute.h - Computes for some seconds. */
#ifndef COMPUTE_H
#define COMPUTE_H

#include <time.h>

static inline void compute(double seconds)
{
	struct timespec from, now;

	clock_gettime(CLOCK_REALTIME, &from);
	do {
		for (volatile int i = 0; i < 100000; i++)
			;
		clock_gettime(CLOCK_REALTIME, &now);
	} while ((double)(now.tv_sec - from.tv_sec) + (double)(now.tv_nsec - from.tv_nsec) / 1e9 < seconds);
}

#endif
