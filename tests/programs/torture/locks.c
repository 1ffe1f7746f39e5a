/* locks.c - Mutexes, conditions, barriers and semaphores that threads hold and wait for. */
#include "torture.h"

#include <time.h>

#define READERS 2
#define PHASED 4
#define DEEP 3

/* mutex: what a mutex knows of its owner, and a rival that wants it. */

static pthread_mutex_t checked, nested;
static sem_t rival_go, rival_done;
static pthread_t rival_thread;
static long nested_count;
static bool rival_ends;

static void make_mutex(pthread_mutex_t *mutex, int type)
{
	pthread_mutexattr_t attributes;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_settype(&attributes, type);
	GIVES(pthread_mutex_init(mutex, &attributes), 0);
}

static struct timespec in_us(int clock, long us)
{
	struct timespec now;

	clock_gettime(clock, &now);
	now.tv_nsec += us % 1000000 * 1000;
	now.tv_sec += us / 1000000 + now.tv_nsec / 1000000000;
	now.tv_nsec %= 1000000000;
	return now;
}

static void *rival(void *argument)
{
	for (;;) {
		AT("the rival's pause");
		wait_for(&rival_go);
		if (rival_ends)
			return argument;
		struct timespec soon = in_us(CLOCK_REALTIME, 500);
		GIVES(pthread_mutex_trylock(&checked), EBUSY);
		GIVES(pthread_mutex_unlock(&checked), EPERM);
		GIVES(pthread_mutex_timedlock(&checked, &soon), ETIMEDOUT);
		GIVES(pthread_mutex_trylock(&nested), EBUSY);
		GIVES(pthread_mutex_unlock(&nested), EPERM);
		sem_post(&rival_done);
		AT("a lock of the recursive mutex");
		GIVES(pthread_mutex_lock(&nested), 0);
		nested_count++;
		GIVES(pthread_mutex_unlock(&nested), 0);
		sem_post(&rival_done);
	}
}

static void set_up_mutex(void)
{
	make_mutex(&checked, PTHREAD_MUTEX_ERRORCHECK);
	make_mutex(&nested, PTHREAD_MUTEX_RECURSIVE);
	sem_init(&rival_go, 0, 0);
	sem_init(&rival_done, 0, 0);
	rival_thread = start(rival, NULL);
}

static uint64_t hold_mutexes(long round)
{
	AT("the locks");
	GIVES(pthread_mutex_lock(&checked), 0);
	for (int i = 0; i < DEEP; i++)
		GIVES(pthread_mutex_lock(&nested), 0);
	sem_post(&rival_go);
	wait_for(&rival_done);
	AT("a rest with both locked");
	rest_some();
	GIVES(pthread_mutex_lock(&checked), EDEADLK);
	GIVES(pthread_mutex_unlock(&checked), 0);
	GIVES(pthread_mutex_unlock(&checked), EPERM);
	long before = nested_count;
	for (int i = 0; i < DEEP; i++) {
		EXPECT(nested_count == before, "a recursive mutex was free %d unlocks too early", DEEP - i);
		GIVES(pthread_mutex_unlock(&nested), 0);
	}
	AT("the rival's lock");
	wait_for(&rival_done);
	EXPECT(nested_count == round + 1, "the rival had the lock %ld times, not %ld", nested_count, round + 1);
	return (uint64_t)nested_count;
}

static void end_mutex(void)
{
	rival_ends = true;
	sem_post(&rival_go);
	join(rival_thread, NULL);
}

const struct check check_mutex = { "mutex", false, set_up_mutex, hold_mutexes, end_mutex };

/* condvar: a queue of one place, waiters for a broadcast, and waits that time out. */

static pthread_mutex_t queue_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t queue_filled = PTHREAD_COND_INITIALIZER, queue_taken = PTHREAD_COND_INITIALIZER;
static pthread_cond_t called = PTHREAD_COND_INITIALIZER, never;
static uint64_t queue_value;
static bool queue_full;
static long call, answers;
static pthread_t producer_thread, answerers[READERS];

static void *produce(void *argument)
{
	long round = 0;

	pthread_mutex_lock(&queue_lock);
	for (;; round++) {
		AT("a wait for room in the queue");
		while (queue_full && !is_over())
			GIVES(pthread_cond_wait(&queue_taken, &queue_lock), 0);
		if (is_over())
			break;
		queue_value = value_of(round, 0);
		queue_full = true;
		GIVES(pthread_cond_signal(&queue_filled), 0);
	}
	pthread_mutex_unlock(&queue_lock);
	return argument;
}

static void *answer(void *argument)
{
	long seen = 0;

	pthread_mutex_lock(&queue_lock);
	while (!is_over()) {
		AT("a wait for a broadcast");
		while (seen == call && !is_over())
			GIVES(pthread_cond_wait(&called, &queue_lock), 0);
		if (is_over())
			break;
		seen++;
		answers++;
		GIVES(pthread_cond_signal(&queue_filled), 0);
	}
	pthread_mutex_unlock(&queue_lock);
	return argument;
}

static void set_up_condvar(void)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	GIVES(pthread_cond_init(&never, &attributes), 0);
	producer_thread = start(produce, NULL);
	for (int i = 0; i < READERS; i++)
		answerers[i] = start(answer, NULL);
}

static void time_out(void)
{
	long us = (long)draw(8000);
	int64_t from = now_us();
	struct timespec soon = in_us(CLOCK_MONOTONIC, us);

	AT("a timed wait for a condition");
	GIVES(pthread_cond_timedwait(&never, &queue_lock, &soon), ETIMEDOUT);
	EXPECT(now_us() - from >= us, "a timed wait of %ld us lasted %ld us", us, (long)(now_us() - from));
}

static uint64_t take(long round)
{
	GIVES(pthread_mutex_lock(&queue_lock), 0);
	AT("a wait for the queue");
	while (!queue_full)
		GIVES(pthread_cond_wait(&queue_filled, &queue_lock), 0);
	uint64_t value = queue_value;
	EXPECT(value == value_of(round, 0), "the queue gave %016lx", value);
	queue_full = false;
	GIVES(pthread_cond_signal(&queue_taken), 0);
	time_out();
	answers = 0;
	call++;
	GIVES(pthread_cond_broadcast(&called), 0);
	AT("a wait for all answers");
	while (answers < READERS)
		GIVES(pthread_cond_wait(&queue_filled, &queue_lock), 0);
	EXPECT(answers == READERS, "%ld answers to one call", answers);
	GIVES(pthread_mutex_unlock(&queue_lock), 0);
	return value;
}

static void end_condvar(void)
{
	pthread_mutex_lock(&queue_lock);
	pthread_cond_broadcast(&queue_taken);
	pthread_cond_broadcast(&called);
	pthread_mutex_unlock(&queue_lock);
	join(producer_thread, NULL);
	for (int i = 0; i < READERS; i++)
		join(answerers[i], NULL);
}

const struct check check_condvar = { "condvar", false, set_up_condvar, take, end_condvar };

/* rwlock: readers that never see half of what is written. */

static pthread_rwlock_t page_lock = PTHREAD_RWLOCK_INITIALIZER;
static volatile uint64_t page, page_copy;
static pthread_t reader_threads[READERS];

static void *read_pages(void *argument)
{
	while (!is_over()) {
		AT("a lock for reading");
		GIVES(pthread_rwlock_rdlock(&page_lock), 0);
		uint64_t value = page;
		GIVES(pthread_rwlock_trywrlock(&page_lock), EBUSY);
		rest_up_to(1500);
		EXPECT(value == page && value == page_copy, "a page changed while it was locked for reading");
		GIVES(pthread_rwlock_unlock(&page_lock), 0);
		rest_up_to(3000);
	}
	return argument;
}

static void set_up_rwlock(void)
{
	for (int i = 0; i < READERS; i++)
		reader_threads[i] = start(read_pages, NULL);
}

static uint64_t write_page(long round)
{
	AT("a lock for writing");
	GIVES(pthread_rwlock_wrlock(&page_lock), 0);
	page = value_of(round, 0);
	GIVES(pthread_rwlock_tryrdlock(&page_lock), EBUSY);
	GIVES(pthread_rwlock_rdlock(&page_lock), EDEADLK);
	rest_some();
	page_copy = page;
	GIVES(pthread_rwlock_unlock(&page_lock), 0);
	return page_copy;
}

static void end_rwlock(void)
{
	for (int i = 0; i < READERS; i++)
		join(reader_threads[i], NULL);
}

const struct check check_rwlock = { "rwlock", false, set_up_rwlock, write_page, end_rwlock };

/* barrier: phases that all begin together. */

static pthread_barrier_t barrier;
static uint64_t parts[PHASED];
static _Atomic long serials;
static bool phases_end;
static pthread_t phased[PHASED];

static uint64_t go_through_phase(unsigned index, long round)
{
	uint64_t sum = 0;

	parts[index] = value_of(round, index);
	AT("the first barrier");
	int result = pthread_barrier_wait(&barrier);
	EXPECT(result == 0 || result == PTHREAD_BARRIER_SERIAL_THREAD, "pthread_barrier_wait gives %d", result);
	serials += result == PTHREAD_BARRIER_SERIAL_THREAD;
	for (int i = 0; i < PHASED; i++) {
		EXPECT(parts[i] == value_of(round, (unsigned)i), "thread %d is not in phase %ld", i, round);
		sum += parts[i];
	}
	AT("the second barrier");
	serials += pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD;
	return sum;
}

static void *go_through_phases(void *argument)
{
	for (long round = 0;; round++) {
		if (round % 3 == 0)
			rest_up_to(1000);
		AT("the barrier between two rounds");
		pthread_barrier_wait(&barrier);
		if (phases_end)
			return argument;
		go_through_phase((unsigned)(uintptr_t)argument, round);
	}
}

static void set_up_barrier(void)
{
	pthread_barrier_init(&barrier, NULL, PHASED);
	for (uintptr_t i = 1; i < PHASED; i++)
		phased[i] = start(go_through_phases, (void *)i);
}

static uint64_t lead_phase(long round)
{
	AT("the barrier between two rounds");
	pthread_barrier_wait(&barrier);
	uint64_t sum = go_through_phase(0, round);

	/* Those of this round have passed the second barrier, though perhaps not counted it yet. */
	EXPECT(serials >= 2 * round + 1 && serials <= 2 * round + 2, "%ld serial threads in %ld rounds", serials,
		round + 1);
	return sum;
}

static void end_barrier(void)
{
	phases_end = true;
	pthread_barrier_wait(&barrier);
	for (uintptr_t i = 1; i < PHASED; i++)
		join(phased[i], (void *)i);
}

const struct check check_barrier = { "barrier", false, set_up_barrier, lead_phase, end_barrier };

/* semaphore: waits that time out, and posts from another thread. */

static sem_t empty, ping, pong;
static pthread_t poster;

static void *post_back(void *argument)
{
	for (;;) {
		AT("a wait for a post");
		wait_for(&ping);
		if (is_over())
			return argument;
		sem_post(&pong);
	}
}

static void set_up_semaphore(void)
{
	sem_init(&empty, 0, 0);
	sem_init(&ping, 0, 0);
	sem_init(&pong, 0, 0);
	poster = start(post_back, NULL);
}

static uint64_t wait_for_semaphores(long round)
{
	long us = (long)draw(6000);
	struct timespec soon = in_us(CLOCK_MONOTONIC, us), later;
	int64_t from = now_us();
	int value = -1;

	AT("sem_clockwait of nothing");
	FAILS(sem_clockwait(&empty, CLOCK_MONOTONIC, &soon), ETIMEDOUT);
	EXPECT(now_us() - from >= us, "sem_clockwait of %ld us lasted %ld us", us, (long)(now_us() - from));
	FAILS(sem_trywait(&empty), EAGAIN);
	sem_post(&ping);
	AT("sem_timedwait of a post");
	later = in_us(CLOCK_REALTIME, 100000000);
	RETURNS(sem_timedwait(&pong, &later), 0);
	sem_getvalue(&pong, &value);
	EXPECT(value == 0, "the value of a semaphore is %d", value);
	return (uint64_t)round;
}

static void end_semaphore(void)
{
	sem_post(&ping);
	join(poster, NULL);
}

const struct check check_semaphore = { "semaphore", false, set_up_semaphore, wait_for_semaphores, end_semaphore };

/* robust: an owner ends with the lock. */

static pthread_mutex_t robust;
static uint64_t guarded;
static sem_t robust_held, robust_end;

static void make_robust(void)
{
	pthread_mutexattr_t attributes;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	GIVES(pthread_mutex_init(&robust, &attributes), 0);
}

static void set_up_robust(void)
{
	make_robust();
	sem_init(&robust_held, 0, 0);
	sem_init(&robust_end, 0, 0);
}

static void *end_as_owner(void *argument)
{
	AT("a lock of the robust mutex");
	GIVES(pthread_mutex_lock(&robust), 0);
	guarded = (uintptr_t)argument;
	sem_post(&robust_held);
	AT("a rest with the robust mutex");
	wait_for(&robust_end);
	rest_some();
	return argument;
}

static uint64_t find_owner_dead(long round)
{
	void *value = (void *)(uintptr_t)value_of(round, 0);
	pthread_t owner = start(end_as_owner, value);

	wait_for(&robust_held);
	GIVES(pthread_mutex_trylock(&robust), EBUSY);
	sem_post(&robust_end);
	if (round % 2 == 0)
		join(owner, value);
	AT("a lock whose owner ends");
	GIVES(pthread_mutex_lock(&robust), EOWNERDEAD);
	EXPECT(guarded == (uintptr_t)value, "what the mutex guards is %016lx", guarded);
	if (round % 4 != 3)
		GIVES(pthread_mutex_consistent(&robust), 0);
	GIVES(pthread_mutex_unlock(&robust), 0);
	if (round % 4 == 3) {
		GIVES(pthread_mutex_lock(&robust), ENOTRECOVERABLE);
		GIVES(pthread_mutex_destroy(&robust), 0);
		make_robust();
	} else {
		GIVES(pthread_mutex_lock(&robust), 0);
		GIVES(pthread_mutex_unlock(&robust), 0);
	}
	AT("the join of an owner that ended");
	if (round % 2 != 0)
		join(owner, value);
	return guarded;
}

const struct check check_robust = { "robust", false, set_up_robust, find_owner_dead, NULL };

/* inherit: a mutex with priority inheritance, which the kernel itself hands on; at home. */

static pthread_mutex_t inherited;
static volatile long inherited_count, inherited_copy;
static pthread_t inheritor;

static void add_inherited(void)
{
	AT("a lock of the PI mutex");
	GIVES(pthread_mutex_lock(&inherited), 0);
	long before = inherited_count;

	rest_up_to(2000);
	EXPECT(before == inherited_count && before == inherited_copy, "two threads own one PI mutex");
	inherited_count = before + 1;
	inherited_copy = before + 1;
	GIVES(pthread_mutex_unlock(&inherited), 0);
}

static void *inherit(void *argument)
{
	while (!is_over()) {
		add_inherited();
		rest_up_to(1000);
	}
	return argument;
}

static void set_up_inherit(void)
{
	pthread_mutexattr_t attributes;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
	GIVES(pthread_mutex_init(&inherited, &attributes), 0);
	inheritor = start(inherit, NULL);
}

static uint64_t inherit_here(long round)
{
	add_inherited();
	return (uint64_t)round;
}

static void end_inherit(void)
{
	join(inheritor, NULL);
}

const struct check check_inherit = { "inherit", true, set_up_inherit, inherit_here, end_inherit };
