/* selfcheck.h - what the parts of the self-checking program share. */
#ifndef SELFCHECK_H
#define SELFCHECK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Counts one check; when it does not hold, prints what failed (a printf format), once a place. */
#define CHECK(holds, ...) check_at(__FILE__, __LINE__, (holds), __VA_ARGS__)

void check_at(const char *file, int line, bool holds, const char *format, ...) __attribute__((format(printf, 4, 5)));

/* A family of checks: set up once, then checked each round. */
struct group {
	const char *name;
	void (*setup)(void);
	void (*round)(long round);
};

extern const struct group group_cpu, group_memory, group_files, group_channels, group_waiting, group_signals,
	group_process, group_time;

extern char **saved_argv;
extern char *program_path;

/* splitmix64 of a number: the patterns that memory and files are filled with. */
uint64_t pattern_of(uint64_t number);

/* Seconds of a clock. */
double seconds_of(int clock);

/* Spins in one place with every general register holding a pattern; false when one changed. */
bool spin_general(uint64_t count, uint64_t seed);

#endif
