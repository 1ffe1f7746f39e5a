/* lives.c - Beginnings and ends of threads, and what each has for itself. */
#include "torture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define CHILDREN 3
#define LINKS 6
#define KEEPERS 3
#define STACK_SIZE 16384
#define WORDS 200

/* join: threads that start threads, and what they return. */

static void *return_mixed(void *argument)
{
	return (void *)(uintptr_t)mix((uintptr_t)argument, 7);
}

static void *start_another(void *argument)
{
	uint64_t value = (uintptr_t)argument;
	void *result = NULL;
	pthread_t thread;

	GIVES(pthread_create(&thread, NULL, return_mixed, argument), 0);
	rest_us(value % 3000);
	GIVES(pthread_join(thread, &result), 0);
	return (void *)(uintptr_t)mix((uintptr_t)result, 9);
}

static uint64_t create_and_join(long round)
{
	pthread_t threads[CHILDREN];
	uint64_t sum = 0;

	for (unsigned i = 0; i < CHILDREN; i++)
		threads[i] = start(start_another, (void *)(uintptr_t)value_of(round, i));
	for (unsigned i = 0; i < CHILDREN; i++) {
		uint64_t value = mix(mix(value_of(round, i), 7), 9);

		AT("a join");
		join(threads[i], (void *)(uintptr_t)value);
		sum += value;
	}
	return sum;
}

const struct check check_join = { "join", false, NULL, create_and_join, NULL };

/* detached: nobody waits for them but by what they leave when their keys are destroyed. */

static pthread_key_t last_words;
static sem_t detached_ended;
static _Atomic uint64_t detached_sum;

static void say_last_words(void *value)
{
	detached_sum += (uintptr_t)value;
	sem_post(&detached_ended);
}

static void *live_detached(void *argument)
{
	GIVES(pthread_setspecific(last_words, argument), 0);
	rest_us((uintptr_t)argument % 2000);
	return NULL;
}

static void set_up_detached(void)
{
	GIVES(pthread_key_create(&last_words, say_last_words), 0);
	sem_init(&detached_ended, 0, 0);
}

static uint64_t let_detached_end(long round)
{
	pthread_attr_t attributes;
	uint64_t sum = 0;

	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	detached_sum = 0;
	for (unsigned i = 0; i < CHILDREN; i++) {
		uint64_t value = value_of(round, i) | 1;
		pthread_t thread;

		GIVES(pthread_create(&thread, &attributes, live_detached, (void *)(uintptr_t)value), 0);
		sum += value;
	}
	AT("the end of detached threads");
	for (int i = 0; i < CHILDREN; i++)
		wait_for(&detached_ended);
	EXPECT(detached_sum == sum, "detached threads left %016lx, not %016lx", (uint64_t)detached_sum, sum);
	return sum;
}

const struct check check_detached = { "detached", false, set_up_detached, let_detached_end, NULL };

/* chain: each starts the next and ends, so that at every moment one is born or dies. */

static sem_t chain_ended;
static _Atomic long chain_links;

static void *add_link(void *argument)
{
	intptr_t left = (intptr_t)argument;
	pthread_t next;

	pthread_detach(pthread_self());
	chain_links++;
	if (left == 1)
		sem_post(&chain_ended);
	else
		GIVES(pthread_create(&next, NULL, add_link, (void *)(left - 1)), 0);
	return NULL;
}

static void set_up_chain(void)
{
	sem_init(&chain_ended, 0, 0);
}

static uint64_t make_chain(long round)
{
	pthread_t thread;

	GIVES(pthread_create(&thread, NULL, add_link, (void *)LINKS), 0);
	AT("the end of a chain of threads");
	wait_for(&chain_ended);
	EXPECT(chain_links == LINKS * (round + 1), "%ld links", (long)chain_links);
	return (uint64_t)chain_links;
}

const struct check check_chain = { "chain", false, set_up_chain, make_chain, NULL };

/* cancel: in pause, in a read, in a wait for a condition, in a loop. */

static pthread_mutex_t cancel_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cancel_never = PTHREAD_COND_INITIALIZER;
static sem_t cancel_ready;
static int cancel_pipe[2];
static _Atomic long cleanups;
static volatile uint64_t cancel_loops;

static void clean_up(void *argument)
{
	cleanups += (intptr_t)argument;
}

static void unlock(void *argument)
{
	GIVES(pthread_mutex_unlock(argument), 0);
	cleanups++;
}

static void wait_in(unsigned kind)
{
	int before;
	char byte;

	if (kind == 0) {
		pause();
	} else if (kind == 1) {
		EXPECT(read(cancel_pipe[0], &byte, 1) < 0, "a read from an empty pipe ended");
	} else if (kind == 2) {
		pthread_mutex_lock(&cancel_lock);
		pthread_cleanup_push(unlock, &cancel_lock);
		pthread_cond_wait(&cancel_never, &cancel_lock);
		pthread_cleanup_pop(0);
	} else {
		pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &before);
		for (;;)
			cancel_loops++;
	}
}

static void *wait_for_ever(void *argument)
{
	pthread_cleanup_push(clean_up, (void *)10);
	sem_post(&cancel_ready);
	wait_in((unsigned)(uintptr_t)argument);
	EXPECT(false, "a thread that waits in way %u went on", (unsigned)(uintptr_t)argument);
	pthread_cleanup_pop(0);
	return NULL;
}

static void set_up_cancel(void)
{
	sem_init(&cancel_ready, 0, 0);
	must("pipe", pipe2(cancel_pipe, O_CLOEXEC));
}

static uint64_t cancel_one(long round)
{
	long before = cleanups, wanted = round % 4 == 2 ? 11 : 10;
	pthread_t thread;
	void *result = NULL;

	GIVES(pthread_create(&thread, NULL, wait_for_ever, (void *)(round % 4)), 0);
	wait_for(&cancel_ready);
	if (round % 4 == 3)
		rest_us(1000); /* it uses a processor */
	else
		rest_some();
	GIVES(pthread_tryjoin_np(thread, NULL), EBUSY);
	AT("pthread_cancel");
	GIVES(pthread_cancel(thread), 0);
	AT("the join of a thread that was cancelled");
	GIVES(pthread_join(thread, &result), 0);
	EXPECT(result == PTHREAD_CANCELED, "a cancelled thread gives %p", result);
	EXPECT(cleanups == before + wanted, "cleanup handlers left %ld, not %ld", cleanups - before, wanted);
	return (uint64_t)cleanups;
}

const struct check check_cancel = { "cancel", false, set_up_cancel, cancel_one, NULL };

/* tls: what each has for itself. */

static __thread uint64_t own_words[WORDS];
static __thread uint64_t own_number;
static pthread_key_t own_keys[KEEPERS];
static _Atomic long destroyed;
static pthread_t keepers[KEEPERS];

static void destroy(void *value)
{
	if (destroyed++ % 3 == 0)
		GIVES(pthread_setspecific(own_keys[0], value), 0); /* then it is called again */
}

static void fill_own(uint64_t number)
{
	own_number = number;
	for (unsigned i = 0; i < WORDS; i++)
		own_words[i] = mix(number, i);
	for (unsigned i = 0; i < KEEPERS; i++)
		GIVES(pthread_setspecific(own_keys[i], (void *)(uintptr_t)mix(number, 1000 + i)), 0);
}

static uint64_t check_own(uint64_t number)
{
	uint64_t sum = 0;

	errno = (int)(number % 100) + 1;
	EXPECT(own_number == number, "a thread's own variable is %016lx, not %016lx", own_number, number);
	for (unsigned i = 0; i < WORDS; i++)
		sum += own_words[i] ^ mix(number, i);
	EXPECT(sum == 0, "a thread's own array has changed");
	for (unsigned i = 0; i < KEEPERS; i++)
		EXPECT((uintptr_t)pthread_getspecific(own_keys[i]) == mix(number, 1000 + i), "key %u has changed", i);
	nanosleep(&(struct timespec){ 0, 500000 }, NULL);
	EXPECT(errno == (int)(number % 100) + 1, "a thread's errno is %d", errno);
	return own_number;
}

static void *keep_own(void *argument)
{
	fill_own((uintptr_t)argument);
	while (!is_over()) {
		AT("the check of its own variables");
		check_own((uintptr_t)argument);
		rest_up_to(5000);
	}
	return argument;
}

static void *keep_shortly(void *argument)
{
	for (unsigned i = 0; i < WORDS; i++)
		EXPECT(own_words[i] == 0, "a new thread's own array is not empty");
	fill_own((uintptr_t)argument);
	check_own((uintptr_t)argument);
	return argument;
}

static void set_up_tls(void)
{
	for (int i = 0; i < KEEPERS; i++)
		GIVES(pthread_key_create(&own_keys[i], i == 0 ? destroy : NULL), 0);
	for (uintptr_t i = 0; i < KEEPERS; i++)
		keepers[i] = start(keep_own, (void *)(i + 1));
}

static uint64_t keep_one(long round)
{
	void *value = (void *)(uintptr_t)value_of(round, 0);
	long before = destroyed;

	AT("a thread with keys");
	join(start(keep_shortly, value), value);
	long calls = destroyed - before;
	EXPECT(calls == 1 + (before % 3 == 0), "the destructor of a key was called %ld times after %ld", calls, before);
	return (uintptr_t)value + (uint64_t)destroyed;
}

static void end_tls(void)
{
	for (uintptr_t i = 0; i < KEEPERS; i++)
		join(keepers[i], (void *)(i + 1));
}

const struct check check_tls = { "tls", false, set_up_tls, keep_one, end_tls };

/* smallstack: the smallest stack that there is. */

static pthread_t small;
static _Atomic long small_rounds;
static _Atomic bool small_ends;

static void *live_small(void *argument)
{
	volatile uint64_t words[64];
	int fd = open_own("torture.small", O_RDWR | O_CREAT | O_TRUNC);

	for (unsigned i = 0; i < 64; i++)
		words[i] = pattern_of(i);
	while (!small_ends) {
		struct timespec rest = { 0, 2000000 };

		for (unsigned i = 0; i < 64; i++)
			EXPECT(words[i] == pattern_of(i), "a word on the small stack has changed");
		RETURNS(pwrite(fd, (const void *)(uintptr_t)words, sizeof words, 0), sizeof words);
		RETURNS(nanosleep(&rest, NULL), 0);
		small_rounds++;
	}
	close(fd);
	return argument;
}

static pthread_t start_small(void *(*body)(void *))
{
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	GIVES(pthread_attr_setstacksize(&attributes, STACK_SIZE), 0);
	errno = pthread_create(&thread, &attributes, body, NULL);
	must("a thread with a small stack", errno == 0 ? 0 : -1);
	return thread;
}

static void set_up_smallstack(void)
{
	small = start_small(live_small);
}

static void *return_at_once(void *argument)
{
	return argument;
}

static uint64_t start_small_one(long round)
{
	long before = small_rounds;

	AT("the join of a small thread");
	join(start_small(return_at_once), NULL);
	AT("the small thread's next round");
	while (small_rounds == before)
		rest_us(500);
	return (uint64_t)round;
}

static void end_smallstack(void)
{
	small_ends = true;
	join(small, NULL);
}

const struct check check_smallstack = { "smallstack", false, set_up_smallstack, start_small_one, end_smallstack };

/* attributes: what pthread_getattr_np tells of itself and of another. */

struct place {
	pthread_t thread;
	void *stack;
	size_t size;
	void *local;
};

static struct place other_place;
static sem_t place_known;

static void look(pthread_t thread, struct place *place)
{
	pthread_attr_t attributes;

	GIVES(pthread_getattr_np(thread, &attributes), 0);
	GIVES(pthread_attr_getstack(&attributes, &place->stack, &place->size), 0);
	pthread_attr_destroy(&attributes);
}

static bool is_in(const struct place *place, const void *local)
{
	return local >= place->stack && (const char *)local < (const char *)place->stack + place->size;
}

static void *stay_in_place(void *argument)
{
	char local;

	other_place.local = &local;
	look(pthread_self(), &other_place);
	sem_post(&place_known);
	while (!is_over())
		rest_us(3000);
	return argument;
}

static void set_up_attributes(void)
{
	sem_init(&place_known, 0, 0);
	other_place.thread = start(stay_in_place, NULL);
	wait_for(&place_known);
}

static uint64_t look_at_places(long round)
{
	struct place own, other;
	char local;

	look(pthread_self(), &own);
	EXPECT(is_in(&own, &local), "its own stack is %p, %zu bytes, and %p is on it", own.stack, own.size, &local);
	look(other_place.thread, &other);
	EXPECT(is_in(&other, other_place.local) && other.stack == other_place.stack && other.size == other_place.size,
		"another's stack is %p, %zu bytes, and was %p, %zu", other.stack, other.size, other_place.stack,
		other_place.size);
	return (uint64_t)round;
}

static void end_attributes(void)
{
	join(other_place.thread, NULL);
}

const struct check check_attributes = { "attributes", false, set_up_attributes, look_at_places, end_attributes };
