/* threads.c - Repeats what programs with threads do and times it.
 *
 * For `npm run bench -- threads`.
 *
 *   threads KIND COUNT          once; prints nanoseconds
 *   threads serve               for each line `KIND COUNT` of standard input the same
 *   threads sleeping THREADS    so many, its first included, of which all but that wait for a condition; says "ready",
 *                               and when its input ends "the end", once all have ended
 *   threads computing THREADS   so many besides its first, which compute; else the same
 *
 * KIND: barrier    an OpenMP barrier, of as many threads as it chooses
 *       crowded    the same of four threads
 *       condvar    to another thread and back, by a mutex and a condition variable, on one processor
 *       write64x8  a write of 64 bytes by each of eight threads to a file of its own, which are complete at its end
 *       create     a thread that ends at once, and is waited for
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CROWD 4
#define WRITERS 8
#define RECORD 64
#define THREADS_MAX 1024

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void must(int error, const char *what)
{
	if (error == 0)
		return;
	fprintf(stderr, "threads: %s: %s\n", what, strerror(error));
	exit(1);
}

static pthread_t start(void *(*function)(void *), void *argument)
{
	pthread_t thread;

	must(pthread_create(&thread, NULL, function, argument), "pthread_create");
	return thread;
}

/* ---- barriers ---- */

static void barriers(long count)
{
#pragma omp parallel
	for (long i = 0; i < count; i++) {
#pragma omp barrier
	}
}

static void crowded(long count)
{
#pragma omp parallel num_threads(CROWD)
	for (long i = 0; i < count; i++) {
#pragma omp barrier
	}
}

/* ---- to another thread and back: whose turn it is ---- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turned = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t game;
static bool second_ones_turn;
static long turns;

static void take_turn(bool second_ones)
{
	pthread_mutex_lock(&mutex);
	while (second_ones_turn != second_ones)
		pthread_cond_wait(&turned, &mutex);
	second_ones_turn = !second_ones;
	pthread_cond_signal(&turned);
	pthread_mutex_unlock(&mutex);
}

static void *play(void *second_one)
{
	for (;;) {
		pthread_barrier_wait(&game);
		for (long i = 0; i < turns; i++)
			take_turn(second_one != NULL);
		pthread_barrier_wait(&game);
	}
	return NULL;
}

/* On one processor: whether the scheduler chooses one or two decides more than anything else. */
static void start_players(void)
{
	cpu_set_t allowed, one;
	int cpu = 0;

	must(pthread_barrier_init(&game, NULL, 3), "pthread_barrier_init");
	must(pthread_getaffinity_np(pthread_self(), sizeof allowed, &allowed), "pthread_getaffinity_np");
	while (!CPU_ISSET(cpu, &allowed))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	for (intptr_t second_one = 0; second_one < 2; second_one++) {
		pthread_t player = start(play, (void *)second_one);

		must(pthread_setaffinity_np(player, sizeof one, &one), "pthread_setaffinity_np");
		pthread_detach(player);
	}
}

static void condvar(long count)
{
	static bool started;

	if (!started)
		start_players();
	started = true;
	turns = count;
	pthread_barrier_wait(&game);
	pthread_barrier_wait(&game);
}

/* ---- writes ---- */

static struct writer {
	int number, fd;
} writers[WRITERS];
static pthread_barrier_t begin, end;
static long writes;

static void write_all(const struct writer *writer)
{
	char record[RECORD], last[RECORD];
	struct stat status;

	memset(record, 'a' + writer->number, sizeof record);
	for (long i = 0; i < writes; i++)
		if (write(writer->fd, record, sizeof record) != (ssize_t)sizeof record)
			die("threads: write");
	if (fsync(writer->fd) < 0 || fstat(writer->fd, &status) < 0)
		die("threads: fsync");
	if (status.st_size != writes * RECORD ||
		pread(writer->fd, last, sizeof last, status.st_size - RECORD) != RECORD ||
		memcmp(last, record, sizeof last) != 0) {
		fprintf(stderr, "threads: file %d has %ld bytes, or others than were written\n", writer->number,
			(long)status.st_size);
		exit(1);
	}
}

static void *writer_thread(void *argument)
{
	for (;;) {
		pthread_barrier_wait(&begin);
		write_all(argument);
		pthread_barrier_wait(&end);
	}
	return NULL;
}

static void start_writers(void)
{
	char path[32];

	must(pthread_barrier_init(&begin, NULL, WRITERS + 1), "pthread_barrier_init");
	must(pthread_barrier_init(&end, NULL, WRITERS + 1), "pthread_barrier_init");
	for (int i = 0; i < WRITERS; i++) {
		snprintf(path, sizeof path, "threads.%d.%d", (int)getpid(), i);
		writers[i] = (struct writer){ i, open(path, O_RDWR | O_CREAT | O_TRUNC, 0600) };
		if (writers[i].fd < 0 || unlink(path) < 0)
			die(path);
		pthread_detach(start(writer_thread, &writers[i]));
	}
}

static void empty_files(void)
{
	for (int i = 0; i < WRITERS; i++)
		if (ftruncate(writers[i].fd, 0) < 0 || lseek(writers[i].fd, 0, SEEK_SET) < 0)
			die("threads: ftruncate");
}

static void write64x8(long count)
{
	writes = count;
	pthread_barrier_wait(&begin);
	pthread_barrier_wait(&end);
}

/* ---- creation ---- */

static void *end_at_once(void *nothing)
{
	return nothing;
}

static void create(long count)
{
	for (long i = 0; i < count; i++)
		must(pthread_join(start(end_at_once, NULL), NULL), "pthread_join");
}

/* ---- one measurement ---- */

static const struct kind {
	const char *name;
	void (*repeat)(long count);
} kinds[] = {
	{ "barrier", barriers },
	{ "crowded", crowded },
	{ "condvar", condvar },
	{ "write64x8", write64x8 },
	{ "create", create },
};

static const struct kind *find(const char *name)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	fprintf(stderr, "threads: no such kind: %s\n", name);
	exit(2);
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* The threads that it needs are there before it begins. */
static void measure(const struct kind *kind, long count)
{
	int64_t from_ns;

	if (kind->repeat == write64x8) {
		if (writers[0].fd == 0)
			start_writers();
		empty_files();
	} else {
		kind->repeat(1);
	}
	from_ns = now_ns();
	kind->repeat(count);
	printf("%ld\n", (long)(now_ns() - from_ns));
}

static void serve(void)
{
	char name[32];
	long count;

	printf("ready\n");
	while (scanf("%31s %ld", name, &count) == 2)
		measure(find(name), count);
}

/* ---- threads that are there ---- */

static pthread_mutex_t over_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t over_changed = PTHREAD_COND_INITIALIZER;
static volatile bool over;

static void *wait_for_it(void *nothing)
{
	pthread_mutex_lock(&over_mutex);
	while (!over)
		pthread_cond_wait(&over_changed, &over_mutex);
	pthread_mutex_unlock(&over_mutex);
	return nothing;
}

static void *compute(void *nothing)
{
	while (!over)
		for (volatile int i = 0; i < 100000; i++)
			;
	return nothing;
}

static void keep(void *(*function)(void *), long count)
{
	static pthread_t threads[THREADS_MAX];

	for (long i = 0; i < count; i++)
		threads[i] = start(function, NULL);
	printf("ready\n");
	while (getchar() != EOF)
		;
	pthread_mutex_lock(&over_mutex);
	over = true;
	pthread_cond_broadcast(&over_changed);
	pthread_mutex_unlock(&over_mutex);
	for (long i = 0; i < count; i++)
		must(pthread_join(threads[i], NULL), "pthread_join");
	printf("the end\n");
}

int main(int argc, char **argv)
{
	long count = argc == 3 ? atol(argv[2]) : 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 2 && strcmp(argv[1], "serve") == 0) {
		serve();
	} else if (count < 1 || count > INT32_MAX) {
		fprintf(stderr, "usage: threads KIND COUNT, or threads serve|sleeping|computing ...\n");
		return 2;
	} else if (strcmp(argv[1], "sleeping") == 0) {
		keep(wait_for_it, count - 1 < THREADS_MAX ? count - 1 : THREADS_MAX);
	} else if (strcmp(argv[1], "computing") == 0) {
		keep(compute, count < THREADS_MAX ? count : THREADS_MAX);
	} else {
		measure(find(argv[1]), count);
	}
	return 0;
}
