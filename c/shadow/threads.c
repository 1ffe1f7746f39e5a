/* threads.c - Keeps what home has for each of the guest's threads.
 *
 * Each has a worker here, whose tid is its own for the program; but for the first, in whose place the main thread is.
 * When there are others the first has a worker as well, for calls that may wait: its tid is nobody's.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "held.h"
#include "park.h"
#include "threads.h"

#define KEPT_SIZE_MAX 65536u /* of an area that is not in use: larger ones are given back */

static struct lb_guest_thread threads[LB_WORKERS_MAX]; /* the first one first */
static unsigned used;                                  /* places that have been in use */

bool lb_area_make(struct lb_area *area, size_t size)
{
	if (area->at != NULL && area->size >= size && (area->size <= KEPT_SIZE_MAX || size > KEPT_SIZE_MAX))
		return true;
	free(area->at);
	area->size = (size + LB_PAGE - 1) / LB_PAGE * LB_PAGE;
	area->at = aligned_alloc(LB_PAGE, area->size);
	return area->at != NULL;
}

static void drop(struct lb_area *area)
{
	free(area->at);
	*area = (struct lb_area){ NULL, 0 };
}

struct lb_guest_thread *lb_guest_thread_first(void)
{
	if (used == 0) {
		threads[0].tid = (uint32_t)gettid();
		used = 1;
	}
	return &threads[0];
}

static struct lb_guest_thread *find(uint64_t tid)
{
	for (unsigned i = 1; i < used; i++) {
		if (threads[i].tid == tid)
			return &threads[i];
	}
	return NULL;
}

struct lb_guest_thread *lb_guest_thread_of(uint64_t tid)
{
	struct lb_guest_thread *first = lb_guest_thread_first(), *thread;

	if (used == 1 || tid == first->tid || tid == 0)
		return first;
	thread = find(tid);
	for (unsigned i = 1; thread == NULL && i < used; i++) {
		if (threads[i].child_fd != NULL && (uint64_t)threads[i].child_pid == tid)
			return &threads[i];
	}
	return thread != NULL ? thread : first;
}

void lb_guest_threads_each(void (*each)(struct lb_guest_thread *thread))
{
	for (unsigned i = 0; i < used; i++) {
		if (threads[i].tid != 0)
			each(&threads[i]);
	}
}

bool lb_guest_thread_prepare(struct lb_guest_thread *thread)
{
	if (thread->worker == NULL)
		thread->worker = lb_worker_make(thread);
	return thread->worker != NULL;
}

static void end_worker(struct lb_guest_thread *thread)
{
	if (thread->worker != NULL)
		lb_worker_end(thread->worker);
	thread->worker = NULL;
}

void lb_guest_thread_changed(struct lb_guest_thread *first)
{
	end_worker(first);
	lb_shadow.apart = true;
}

/* A free place, or that of the one that has ended longest ago. */
static struct lb_guest_thread *take_place(void)
{
	struct lb_guest_thread *place = NULL;

	for (unsigned i = 1; i < LB_WORKERS_MAX; i++) {
		if (threads[i].tid == 0) {
			used = i < used ? used : i + 1;
			return &threads[i];
		}
		if (threads[i].ended && (place == NULL || threads[i].last_seq < place->last_seq))
			place = &threads[i];
	}
	return place;
}

/* named: what the program knows it by; 0: by its tid here. */
static int64_t begin(uint64_t named)
{
	struct lb_guest_thread *first = lb_guest_thread_first(), *thread = NULL, *old;

	if (named != 0 && (named > INT32_MAX || named == first->tid || find(named) != NULL))
		return -EINVAL;
	if (lb_guest_thread_prepare(first))
		thread = take_place();
	if (thread != NULL)
		*thread = (struct lb_guest_thread){ 0 };
	if (thread == NULL || !lb_guest_thread_prepare(thread)) {
		lb_guest_thread_settle(first);
		return -EAGAIN;
	}
	if (lb_shadow.threads == 0)
		lb_held_share();
	named = named != 0 ? named : thread->worker->tid;
	old = find(named); /* it has ended, and the kernel gives its tid again */
	if (old != NULL)
		old->tid = 0;
	thread->tid = (uint32_t)named;
	lb_shadow.threads++;
	return thread->tid;
}

static bool end(uint64_t tid, struct lb_link_reply *reply)
{
	struct lb_guest_thread *thread = find(tid);

	reply->result = thread != NULL && !thread->ended ? 0 : -ESRCH;
	if (reply->result < 0)
		return true;
	if ((thread->executing_seq != 0 && thread != lb_shadow.caller) || thread->child_fd != NULL)
		return false;
	end_worker(thread);
	thread->ended = true;
	lb_shadow.threads--;
	if (lb_shadow.caller != thread)
		lb_guest_thread_settle(thread);
	return true;
}

void lb_guest_thread_settle(struct lb_guest_thread *thread)
{
	/* A guest of one thread is as it was. */
	if (lb_shadow.threads == 0 && threads[0].executing_seq == 0)
		end_worker(&threads[0]);
	if (!thread->ended)
		return;
	if (lb_shadow.caller != thread) {
		thread->tid = 0;
		thread->reply_size = 0;
	} else if (thread->reply_size > 0) {
		thread->reply_size = LB_REPLY_HEAD;
		memcpy(thread->short_reply, thread->reply, LB_REPLY_HEAD);
		thread->reply = thread->short_reply;
	}
	drop(&thread->output);
	drop(&thread->input);
}

static void drop_notice(void)
{
	if (lb_shadow.workers_fd >= 0)
		close(lb_shadow.workers_fd);
	lb_shadow.workers_fd = -1;
}

/* The one that has waited in this slot, or a new one. */
static struct lb_guest_thread *owner_of(const struct lb_parked *slot)
{
	struct lb_guest_thread *thread;

	for (unsigned i = 1; i < used; i++) {
		if (threads[i].tid != 0 && threads[i].slot == slot)
			return &threads[i];
	}
	thread = take_place();
	if (thread != NULL) {
		*thread = (struct lb_guest_thread){ .tid = slot->tid };
		lb_shadow.threads++;
	}
	return thread;
}

bool lb_guest_threads_adopt(void)
{
	if (lb_parked_count == 0)
		return true;
	lb_guest_thread_first();
	for (uint32_t i = 0; i < lb_parked_count; i++) {
		struct lb_guest_thread *thread = owner_of(&lb_parked[i]);

		if (thread == NULL)
			return false;
		thread->slot = NULL;
		thread->worker = lb_worker_adopt(&lb_parked[i], thread);
		if (thread->worker == NULL)
			return false;
	}
	for (unsigned i = 1; i < used; i++) {
		if (threads[i].worker != NULL)
			lb_worker_wait_begun(threads[i].worker);
	}
	lb_parked_count = 0;
	return lb_guest_thread_prepare(&threads[0]);
}

void lb_guest_threads_park(void)
{
	if (used == 0)
		return;
	end_worker(&threads[0]);
	drop(&threads[0].input);
	threads[0].reply_size = 0; /* its memory is lent */
	for (unsigned i = 1; i < used; i++) {
		struct lb_guest_thread *thread = &threads[i];

		if (thread->worker != NULL) {
			thread->slot = &lb_parked[lb_parked_count++];
			lb_worker_park(thread->worker, thread->slot);
		}
		thread->worker = NULL;
		thread->reply_size = 0;
		drop(&thread->output);
		drop(&thread->input);
	}
	while (__atomic_load_n(&lb_shadow.notifying, __ATOMIC_SEQ_CST) != 0)
		sched_yield();
	drop_notice();
}

void lb_guest_threads_forget(void)
{
	lb_shadow.threads = lb_shadow.children = lb_shadow.outstanding = 0;
	drop_notice();
}

bool lb_guest_threads_call(const struct lb_link_call *call, const int64_t *arguments, struct lb_link_reply *reply)
{
	if (lb_shadow.is_child)
		return false;
	switch (call->number) {
	case LB_HOME_THREAD:
		reply->result = begin((uint64_t)arguments[0]);
		return true;
	case LB_HOME_THREAD_END:
		return end((uint64_t)arguments[0], reply);
	default:
		return false;
	}
}
