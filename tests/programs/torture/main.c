/* main.c - Threads that check each other while their process moves.
 *
 *   torture [--seed N] [--rounds N] [--seconds N] [--patience N] [--input] [--leader-ends] [--tell]
 *           [--skip NAME]... [--only NAME]... [--with NAME]... [--list]
 *
 * Prints "ready" when all threads run. It ends after --seconds, or with --input when a line can be read, but not
 * before each check has made --rounds rounds; --patience is how many seconds a round may take. --leader-ends: the
 * first thread ends by pthread_exit and the others go on.
 *
 * Prints "ok HASH", where HASH is the same for each run with that seed, those rounds and those checks, and " signals N"
 * behind it if SIGNAL_OUTSIDE came; or one line for each place that failed, and exit status 1; or, when a check does
 * not go on, where its threads are, and exit status 3. Its files, torture.*, are made in the working directory.
 */
#include "torture.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static const struct check *const checks[] = { &check_mutex, &check_condvar, &check_rwlock, &check_barrier,
	&check_semaphore, &check_robust, &check_inherit, &check_join, &check_detached, &check_chain, &check_cancel,
	&check_tls, &check_smallstack, &check_attributes, &check_kill, &check_sigwait, &check_pending, &check_masks,
	&check_process, &check_fault, &check_owner, &check_outside, &check_timer, &check_callback, &check_clocks,
	&check_sleep, &check_tids, &check_names, &check_affinity, &check_nice, &check_setid, &check_append,
	&check_files, &check_shared, &check_flock, &check_visible, &check_pipe, &check_sockets, &check_events,
	&check_fork, &check_spawn, &check_compute, &check_memory };

#define CHECKS (sizeof checks / sizeof *checks)
#define PLACES_MAX 64
#define HELPERS_MAX 512
#define REST_US 10000
#define PACE 4 /* times as long a rest leaves room for others on a small machine */
#define LONG_REST_US 60000
#define REPORT_SIZE 600
#define FAR_US (INT64_MAX / 2)

/* A check that runs. */
struct run {
	const struct check *check;
	pthread_t thread;
	bool wanted;
	_Atomic bool over;
	_Atomic long rounds;
	_Atomic int64_t since_us; /* when its round began */
	_Atomic uint64_t draws;
	uint64_t digest;
};

/* A thread that was started, and where it is. */
struct helper {
	_Atomic pid_t tid;
	struct run *run;
	const char *volatile at;
	void *(*body)(void *);
	void *argument;
};

static struct run runs[CHECKS];
static struct helper helpers[HELPERS_MAX];
static __thread struct helper *self;
static uint64_t seed = 1;
static long rounds_least = 10, seconds_most = 5, patience = 60;
static bool tell, input, leader_ends;
static _Atomic bool stopping;
bool handlers_run;
static _Atomic long failures;
static pthread_t first;

static const char *name_of_check(void)
{
	return self == NULL ? "torture" : self->run->check->name;
}

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
	char line[REPORT_SIZE];
	va_list list;

	va_start(list, format);
	int size = vsnprintf(line, sizeof line, format, list);
	va_end(list);
	if (write(1, line, size < (int)sizeof line ? (size_t)size : sizeof line) < 0)
		_exit(4);
}

bool expect_at(const char *file, int line, bool holds, const char *format, ...)
{
	static _Atomic long seen[PLACES_MAX];
	const char *base = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;
	long place = (long)(hash_bytes(base, strlen(base)) << 16 | (uint64_t)line);
	char text[REPORT_SIZE - 200];
	int error = errno;
	va_list list;

	if (holds)
		return true;
	failures++;
	for (int i = 0; i < PLACES_MAX; i++) {
		long none = 0;

		if (atomic_compare_exchange_strong(&seen[i], &none, place))
			break;
		if (none == place)
			return false;
	}
	va_start(list, format);
	vsnprintf(text, sizeof text, format, list);
	va_end(list);
	say("FAILED %s round %ld thread %d %s:%d: %s\n", name_of_check(), self == NULL ? 0 : self->run->rounds,
		(int)gettid(), base, line, text);
	errno = error;
	return false;
}

long must(const char *what, long result)
{
	if (result >= 0)
		return result;
	say("FAILED %s: cannot go on: %s: %s\n", name_of_check(), what, strerror(errno));
	_exit(1);
}

const char *at_place(const char *place)
{
	const char *before = self == NULL ? NULL : self->at;

	if (self != NULL)
		self->at = place;
	return before;
}

uint64_t pattern_of(uint64_t number)
{
	uint64_t z = (number + 1) * 0x9e3779b97f4a7c15u; /* splitmix64 */

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

uint64_t mix(uint64_t digest, uint64_t value)
{
	return pattern_of(digest * 31 + value);
}

uint64_t hash_bytes(const void *bytes, size_t size)
{
	uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3u;
	return hash;
}

uint64_t value_of(long round, unsigned index)
{
	return mix(mix(seed, hash_bytes(name_of_check(), strlen(name_of_check()))), (uint64_t)round << 16 | index);
}

unsigned draw(unsigned limit)
{
	uint64_t count = self->run->draws++;

	return (unsigned)(mix(seed, mix(hash_bytes(name_of_check(), strlen(name_of_check())), count)) % limit);
}

int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void rest_us(long us)
{
	struct timespec wanted = { us / 1000000, us % 1000000 * 1000 };
	int64_t from = now_us();

	while (nanosleep(&wanted, &wanted) < 0)
		EXPECT(errno == EINTR && handlers_run, "nanosleep gives %s, though no handler has run",
			strerrorname_np(errno));
	EXPECT(now_us() - from >= us, "nanosleep of %ld us lasted %ld us", us, (long)(now_us() - from));
}

void rest_up_to(unsigned us)
{
	rest_us((long)draw(us * PACE));
}

void rest_some(void)
{
	rest_us((long)draw(draw(12) == 0 ? LONG_REST_US : REST_US));
}

void wait_for(sem_t *semaphore)
{
	while (sem_wait(semaphore) < 0)
		EXPECT(false, "sem_wait gives %s, though no handler has run", strerrorname_np(errno));
}

int open_own(const char *name, int flags)
{
	return (int)must(name, open(name, flags | O_CLOEXEC, 0600));
}

void let_through(int number, bool through)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	GIVES(pthread_sigmask(through ? SIG_UNBLOCK : SIG_BLOCK, &set, NULL), 0);
}

void handle(int number, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = flags | SA_SIGINFO };

	must("sigaction", sigaction(number, &action, NULL));
}

static void *begin(void *argument)
{
	self = argument;
	self->tid = gettid();
	void *result = self->body(self->argument);
	self->at = NULL;
	self->tid = 0;
	return result;
}

static pthread_t start_for(struct run *run, void *(*body)(void *), void *argument)
{
	struct helper *helper = helpers;
	pid_t none = 0;
	pthread_t thread;

	while (!atomic_compare_exchange_strong(&helper->tid, &none, -1)) {
		none = 0;
		if (++helper == helpers + HELPERS_MAX)
			must("a place for a thread", -1);
	}
	helper->run = run;
	helper->body = body;
	helper->argument = argument;
	helper->at = "its start";
	errno = pthread_create(&thread, NULL, begin, helper);
	must("pthread_create", errno == 0 ? 0 : -1);
	return thread;
}

pthread_t start(void *(*body)(void *), void *argument)
{
	return start_for(self->run, body, argument);
}

bool is_over(void)
{
	return self->run->over;
}

void join(pthread_t thread, void *wanted)
{
	void *result = NULL;

	GIVES(pthread_join(thread, &result), 0);
	EXPECT(result == wanted, "a joined thread gives %p, not %p", result, wanted);
}

/* The thread of one check. */
static void *drive(void *argument)
{
	struct run *run = argument;

	pthread_setname_np(pthread_self(), run->check->name);
	for (long round = 0; round < rounds_least || !stopping; round++) {
		uint64_t value = run->check->round(round);

		if (round < rounds_least)
			run->digest = mix(run->digest, value);
		run->rounds = round + 1;
		run->since_us = now_us();
		AT("between two rounds");
		rest_some();
	}
	run->over = true;
	AT("its end");
	if (run->check->end != NULL)
		run->check->end();
	run->since_us = FAR_US;
	return NULL;
}

static void show_line(const char *path, char *line, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t done = fd < 0 ? -1 : read(fd, line, size - 1);

	line[done < 0 ? 0 : done] = 0;
	line[strcspn(line, "\n")] = 0;
	if (fd >= 0)
		close(fd);
}

/* Says where the threads of a check are that does not go on. */
static void show_stuck(const struct run *run)
{
	char path[64], call[120], where[80];

	say("HANGS %s in round %ld\n", run->check->name, run->rounds);
	for (struct helper *helper = helpers; helper < helpers + HELPERS_MAX; helper++) {
		pid_t tid = helper->tid;

		if (tid == 0 || helper->run != run)
			continue;
		snprintf(path, sizeof path, "/proc/self/task/%d/syscall", (int)tid);
		show_line(path, call, sizeof call);
		snprintf(path, sizeof path, "/proc/self/task/%d/wchan", (int)tid);
		show_line(path, where, sizeof where);
		say("  thread %d at %s; syscall %s; wchan %s\n", (int)tid, helper->at ? helper->at : "its end", call,
			where);
	}
}

static bool all_go_on(void)
{
	bool good = true;

	for (struct run *run = runs; run < runs + CHECKS; run++) {
		if (!run->wanted || now_us() - run->since_us < patience * 1000000)
			continue;
		show_stuck(run);
		good = false;
	}
	return good;
}

static void *wait_for_input(void *argument)
{
	char byte;

	(void)argument;
	AT("a read of standard input");
	ssize_t done = read(0, &byte, 1);
	EXPECT(done >= 0, "a read of standard input fails: %s", strerrorname_np(errno));
	stopping = true;
	return NULL;
}

static const struct check check_input = { .name = "input" }, check_watch = { .name = "watch" };
static struct run input_run = { .check = &check_input }, watch_run = { .check = &check_watch };

/* Watches the checks until they end, and tells how it went. */
static void *watch(void *argument)
{
	int64_t end = now_us() + seconds_most * 1000000;
	pthread_t reader = 0;
	uint64_t digest = seed;

	(void)argument;
	if (leader_ends)
		join(first, NULL);
	if (input)
		reader = start_for(&input_run, wait_for_input, NULL);
	say("ready\n");
	while (now_us() < end && !stopping) {
		rest_us(50000);
		if (!all_go_on())
			_exit(3);
	}
	stopping = true;
	for (struct run *run = runs; run < runs + CHECKS; run++) {
		while (run->wanted && pthread_tryjoin_np(run->thread, NULL) != 0) {
			rest_us(10000);
			if (!all_go_on())
				_exit(3);
		}
		digest = mix(digest, run->digest);
		if (tell && run->wanted)
			dprintf(2, "%s: %ld rounds, %016lx\n", run->check->name, run->rounds, run->digest);
	}
	if (input) {
		GIVES(pthread_cancel(reader), 0);
		GIVES(pthread_join(reader, NULL), 0);
	}
	if (failures == 0 && outside > 0)
		say("ok %016lx signals %ld\n", digest, (long)outside);
	else if (failures == 0)
		say("ok %016lx\n", digest);
	else
		say("%ld failures\n", (long)failures);
	exit(failures != 0);
}

static struct run *find_run(const char *name)
{
	for (size_t i = 0; i < CHECKS; i++)
		if (strcmp(checks[i]->name, name) == 0)
			return &runs[i];
	fprintf(stderr, "torture: no such check: %s\n", name);
	exit(2);
}

static void choose(const char *option, const char *name)
{
	static bool only;
	struct run *run = find_run(name);

	if (strcmp(option, "--only") == 0 && !only) {
		only = true;
		for (size_t i = 0; i < CHECKS; i++)
			runs[i].wanted = false;
	}
	run->wanted = strcmp(option, "--skip") != 0;
}

static bool take_option(const char *option, const char *value)
{
	static const struct {
		const char *name;
		long *number;
	} numbers[] = { { "--rounds", &rounds_least }, { "--seconds", &seconds_most }, { "--patience", &patience },
		{ "--seed", (long *)&seed } };

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		if (strcmp(option, numbers[i].name) != 0)
			continue;
		*numbers[i].number = atol(value);
		return true;
	}
	if (strcmp(option, "--skip") != 0 && strcmp(option, "--only") != 0 && strcmp(option, "--with") != 0)
		return false;
	choose(option, value);
	return true;
}

static bool take_flag(const char *option)
{
	if (strcmp(option, "--input") == 0)
		input = true;
	else if (strcmp(option, "--leader-ends") == 0)
		leader_ends = true;
	else if (strcmp(option, "--tell") == 0)
		tell = true;
	else
		return false;
	return true;
}

static void list_checks(void)
{
	for (size_t i = 0; i < CHECKS; i++)
		printf("%s%s\n", checks[i]->name, checks[i]->asked ? " (only --with)" : "");
	exit(0);
}

static void block_signals(void)
{
	/* SIGCHLD: where the thread that waits for a child blocks it for a moment, as posix_spawn does, it is not
	 * ignored but wakes another thread, and ends its sigwaitinfo. */
	static const int used[] = { SIGUSR1, SIGUSR2, SIGALRM, SIGCHLD };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof used / sizeof *used; i++)
		sigaddset(&set, used[i]);
	for (int number = SIGNAL_KILL; number <= SIGNAL_OUTSIDE; number++)
		sigaddset(&set, number);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

int main(int argc, char **argv)
{
	static struct helper leader;

	for (size_t i = 0; i < CHECKS; i++) {
		runs[i].check = checks[i];
		runs[i].wanted = !checks[i]->asked;
	}
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--list") == 0)
			list_checks();
		if (take_flag(argv[i]))
			continue;
		if (i + 1 == argc || !take_option(argv[i], argv[i + 1])) {
			fprintf(stderr, "torture: unknown option: %s\n", argv[i]);
			return 2;
		}
		i++;
	}
	block_signals();
	self = &leader;
	for (struct run *run = runs; run < runs + CHECKS; run++) {
		run->since_us = FAR_US;
		leader.run = run;
		if (run->wanted && run->check->setup != NULL)
			run->check->setup();
	}
	for (struct run *run = runs; run < runs + CHECKS; run++) {
		if (!run->wanted)
			continue;
		run->since_us = now_us();
		run->thread = start_for(run, drive, run);
	}
	leader.run = &watch_run;
	if (!leader_ends)
		return watch(NULL) != NULL;
	first = pthread_self();
	pthread_detach(start_for(&watch_run, watch, NULL));
	pthread_exit(NULL);
}
