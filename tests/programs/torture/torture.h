/* torture.h - what the parts of the threads' torture share: see main.c. */
#ifndef TORTURE_H
#define TORTURE_H

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

/* One thing that threads do, over and over, in a thread of its own and the helpers that it starts. */
struct check {
	const char *name;
	bool asked;                    /* only if --with names it: it brings a process home */
	void (*setup)(void);           /* before "ready", in the first thread; may be NULL */
	uint64_t (*round)(long round); /* returns what it found, the same in each run with that seed */
	void (*end)(void);             /* helpers end; may be NULL */
};

extern const struct check check_mutex, check_condvar, check_rwlock, check_barrier, check_semaphore, check_robust,
	check_inherit;
extern const struct check check_join, check_detached, check_chain, check_cancel, check_tls, check_smallstack,
	check_attributes;
extern const struct check check_kill, check_sigwait, check_pending, check_masks, check_process, check_fault,
	check_owner, check_outside;
extern const struct check check_timer, check_callback, check_clocks, check_sleep;
extern const struct check check_tids, check_names, check_affinity, check_nice, check_setid;
extern const struct check check_append, check_files, check_shared, check_flock, check_visible;
extern const struct check check_pipe, check_sockets, check_events;
extern const struct check check_fork, check_spawn;
extern const struct check check_compute, check_memory;

/* When it does not hold, prints the check's name, its round, the thread and what failed, once a place; goes on. */
#define EXPECT(holds, ...) expect_at(__FILE__, __LINE__, (holds), __VA_ARGS__)
bool expect_at(const char *file, int line, bool holds, const char *format, ...) __attribute__((format(printf, 4, 5)));

/* A call that returns 0 or the number of an error, as those of pthreads do. */
#define GIVES(call, wanted) \
	do { \
		int got_ = (call); \
		EXPECT(got_ == (wanted), "%s gives %s, not %s", #call, strerrorname_np(got_), \
			strerrorname_np(wanted)); \
	} while (0)
/* A call that returns -1 and sets errno, or a result that is as wanted. */
#define RETURNS(call, wanted) \
	do { \
		errno = 0; \
		long got_ = (long)(call), wanted_ = (long)(wanted); \
		EXPECT(got_ == wanted_, "%s gives %ld (%s), not %ld", #call, got_, strerrorname_np(errno), wanted_); \
	} while (0)
#define FAILS(call, wanted) \
	do { \
		errno = 0; \
		long got_ = (long)(call); \
		EXPECT(got_ == -1 && errno == (wanted), "%s gives %ld (%s), not %s", #call, got_, \
			strerrorname_np(errno), strerrorname_np(wanted)); \
	} while (0)

/* Ends the program: what a check needs could not be set up. */
long must(const char *what, long result);

/* Where a thread is, for who asks why nothing goes on. */
#define AT(place) (void)at_place(place)
const char *at_place(const char *place);

/* Starts a thread that belongs to this check, with all of the program's signals blocked. */
pthread_t start(void *(*run)(void *), void *argument);
/* True when the helpers of this check are to end. */
bool is_over(void);
/* Waits for its end and expects its result. */
void join(pthread_t thread, void *wanted);
void wait_for(sem_t *semaphore); /* no handler runs in who waits: EINTR is a failure */

uint64_t pattern_of(uint64_t number);
uint64_t mix(uint64_t digest, uint64_t value);
uint64_t hash_bytes(const void *bytes, size_t size);
/* A number that follows from the seed, the check, its round and an index. */
uint64_t value_of(long round, unsigned index);
/* A number below `limit` that depends on when the check's threads draw, too: for pauses. */
unsigned draw(unsigned limit);

/* Set by a check that interrupts all others by handlers. */
extern bool handlers_run;

/* Sleeps so long; no handler may run meanwhile. */
void rest_us(long us);
void rest_up_to(unsigned us);
/* Mostly short, at times long enough for a move to come between. */
void rest_some(void);
int64_t now_us(void); /* of CLOCK_MONOTONIC */

int open_own(const char *name, int flags);

/* Signals that the program uses, all blocked but in the threads that handle them. */
#define SIGNAL_KILL (SIGRTMIN + 1)
#define SIGNAL_WAIT (SIGRTMIN + 2)
#define SIGNAL_PENDING (SIGRTMIN + 3)
#define SIGNAL_TIMER (SIGRTMIN + 4)
#define SIGNAL_OWNER (SIGRTMIN + 5)
#define SIGNAL_PROCESS (SIGRTMIN + 6)
#define SIGNAL_OUTSIDE (SIGRTMIN + 8) /* 42 to kill(1): anybody may send it, and each is counted */
void let_through(int number, bool through);
void handle(int number, void (*handler)(int, siginfo_t *, void *), int flags);

extern _Atomic long outside; /* of SIGNAL_OUTSIDE */

#endif
