/* conformity.h - what the parts of the conformity program share: see main.c. */
#ifndef CONFORMITY_H
#define CONFORMITY_H

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* One check of a call: prints its result, or the name of its error. */
#define CALL(name, expression) \
	do { \
		errno = 0; \
		long result_ = (long)(expression); \
		show_result(name, result_, errno); \
	} while (0)
/* The same for a call whose good result depends on the run: an address, a count of bytes that are free. */
#define WORKS(name, expression) \
	do { \
		errno = 0; \
		long result_ = (long)(expression); \
		show_result(name, result_ == -1 ? -1 : 0, errno); \
	} while (0)

/* One check of values: they must not depend on where or when the program runs. */
void show(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));
void show_result(const char *name, long result, int error);
/* Ends the program: what a check needs could not be set up. */
int must(const char *what, long result);

/* A file with this content, opened for reading and writing. */
int make_file(const char *name, const char *content);

/* Counts signals; the last one's details. */
extern volatile sig_atomic_t caught;
extern volatile siginfo_t caught_info;
void catch_signal(int number, int flags);
void default_signal(int number);

/* SIGALRM after this many milliseconds, its handler with these flags; 0: none. */
void alarm_in(long ms, int flags);
int64_t now_ms(void);
void lasts_from_here(void);  /* the point in time that the next LASTS waits for is taken from now on */
int64_t lasts_from_ms(void); /* that, or when the alarm was set, if one is; else now */
void alarm_is_over(void);
/* Prints the result of a call that a signal or a limit ends, and whether it lasted as long as it must. */
#define LASTS(name, ms, expression) \
	do { \
		int64_t from_ = lasts_from_ms(); \
		errno = 0; \
		long lasts_ = (long)(expression); \
		int error_ = errno; \
		alarm_is_over(); \
		show_lasting(name, lasts_, error_, now_ms() - from_, ms); \
	} while (0)
void show_lasting(const char *name, long result, int error, int64_t lasted_ms, int64_t least_ms);

/* Never mapped, and not NULL. */
#define BAD ((void *)(uintptr_t)bad_address)
extern volatile uintptr_t bad_address;

struct part {
	const char *name;
	void (*run)(void);
};
extern const struct part part_files, part_transfer, part_direct, part_disk, part_names, part_attributes,
	part_descriptors, part_locks, part_pipes, part_events, part_sockets, part_internet, part_signals, part_actions,
	part_faults, part_interrupted, part_limits, part_clocks, part_identity, part_memory, part_bad_memory,
	part_terminal, part_queues, part_signalfds, part_program, part_children, part_others;

#endif
