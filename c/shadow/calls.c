/* calls.c - CALLs of the guest, and their replies.
 *
 * The main thread executes them one after the other. While the guest has several threads, those that may wait for long
 * are made by workers, each for one thread of the guest; and those of a thread in whose place a child runs, by the
 * child. Replies come in the order in which calls end. The last one of each thread is kept: a CALL that comes again
 * over a new link is answered by it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "backlog.h"
#include "calls.h"
#include "execute.h"
#include "links.h"
#include "signals.h"

#define NUMBERS 512

/* Of the guest's first thread. Output is in its page where the program has it (transfers.c). */
static uint8_t first_output[LB_PAGE + LB_LINK_DATA_SIZE_MAX + LB_PAGE] LB_LATER __attribute__((aligned(LB_PAGE)));
_Static_assert(LB_REPLY_HEAD <= LB_PAGE, "it is in front of the output");
static unsigned timed; /* threads that have a deadline */

/* ---- where a call is made ---- */

/* Is it about the thread that makes it, or what of it the kernel keeps for each thread? */
static bool is_of_thread(uint32_t number)
{
	switch (number) {
	case SYS_prctl:
	case SYS_getpriority:
	case SYS_setpriority:
	case SYS_ioprio_get:
	case SYS_ioprio_set:
	case SYS_sched_getaffinity:
	case SYS_sched_setaffinity:
	case SYS_sched_getattr:
	case SYS_sched_setattr:
	case SYS_sched_getparam:
	case SYS_sched_setparam:
	case SYS_sched_getscheduler:
	case SYS_sched_setscheduler:
	case SYS_capget:
	case SYS_personality:
		return true;
	default:
		return false;
	}
}

/* May it give its thread another identity, of which the calls of others know nothing? setuid(2) of a libc is one of
 * each thread. */
static bool is_of_identity(uint32_t number)
{
	switch (number) {
	case SYS_setuid:
	case SYS_setgid:
	case SYS_setreuid:
	case SYS_setregid:
	case SYS_setresuid:
	case SYS_setresgid:
	case SYS_setfsuid:
	case SYS_setfsgid:
	case SYS_setgroups:
	case SYS_capset:
	case SYS_unshare:
	case SYS_setns:
	case SYS_keyctl:
	case SYS_add_key:
	case SYS_request_key:
		return true;
	default:
		return false;
	}
}

/* Is there something to do here besides, or does it not depend on an identity? */
static bool is_made_here(uint32_t number)
{
	switch (number) {
	case SYS_getdents:
	case SYS_getdents64:
	case SYS_setrlimit:
	case SYS_prlimit64:
	case SYS_dup2:
	case SYS_dup3:
	case SYS_close:
	case SYS_lseek:
		return true;
	default:
		return false;
	}
}

static bool goes_to_worker(const struct lb_guest_thread *thread, const struct lb_link_call *call)
{
	bool is_first = thread == lb_guest_thread_first();

	if (lb_shadow.threads == 0 || call->number >= NUMBERS)
		return false;
	if (is_of_thread(call->number) || is_of_identity(call->number))
		return !is_first;
	if (lb_shadow.apart && !is_first && !is_made_here(call->number))
		return true;
	return (call->flags & LB_CALL_MAY_BLOCK) && lb_transfer_waits(call);
}

/* Where the output of a call goes; NULL: there is no memory. */
static uint8_t *output_of(struct lb_guest_thread *thread, const struct lb_link_call *call)
{
	size_t size = call->out_size > call->in_size ? call->out_size : call->in_size; /* transfers.c */
	uint8_t *at = first_output;

	if (thread != lb_guest_thread_first())
		at = lb_area_make(&thread->output, 2 * (size_t)LB_PAGE + size) ? thread->output.at : NULL;
	return at == NULL ? NULL : at + LB_PAGE + lb_transfer_offset(call);
}

/* ---- replies ---- */

static void send_reply(const struct lb_guest_thread *thread)
{
	if (lb_shadow.live == NULL)
		return; /* kept: the guest asks again over its next link */
	if (!lb_link_write(lb_shadow.live, thread->reply, thread->reply_size, false))
		lb_link_lost();
}

/* The call has been executed: its reply is in thread->execution. */
static void finish(struct lb_guest_thread *thread, uint64_t seq)
{
	const struct lb_link_reply *reply = &thread->execution.reply;
	struct lb_link_header header = { .type = LB_LINK_REPLY, .seq = seq };
	uint8_t *out = thread->execution.out;

	thread->executing_seq = 0;
	thread->last_seq = seq;
	header.size = (uint32_t)(sizeof *reply + reply->out_size);
	thread->reply = out != NULL ? out - LB_REPLY_HEAD : thread->short_reply;
	thread->reply_size = LB_REPLY_HEAD + reply->out_size;
	memcpy(thread->reply, &header, sizeof header);
	memcpy(thread->reply + sizeof header, reply, sizeof *reply);
	lb_guest_thread_settle(thread);
	/* What the call caused comes before its result: SIGPIPE, a signal to its own group. */
	lb_signals_collect(lb_shadow.threads > 0 ? thread->tid : 0);
	lb_signals_relay();
	send_reply(thread);
}

static void set_deadline(struct lb_guest_thread *thread, int64_t ns)
{
	timed -= thread->deadline_ns != 0;
	timed += ns != 0;
	thread->deadline_ns = ns;
}

/* ---- by a worker ---- */

static void work(struct lb_guest_thread *thread)
{
	lb_worker_start(thread->worker, thread->execution.arguments, lb_signals_worker_mask());
}

/* A call that was cancelled before it was made: at home one that need not wait would be over before a signal came. */
static void work_once(struct lb_guest_thread *thread)
{
	thread->tries++;
	work(thread);
	set_deadline(thread, lb_now_ns() + LB_ONCE_NS);
}

static void cancel(struct lb_guest_thread *thread)
{
	set_deadline(thread, lb_worker_cancel(thread->worker) ? 0 : lb_now_ns() + LB_ONCE_NS);
}

/* Returns whether it is to be made again: then it is. */
static bool goes_on(struct lb_guest_thread *thread, int64_t *result, bool interrupted)
{
	if (thread->tries > 0) {
		if (*result == LB_NOT_MADE && thread->tries < LB_ONCE_TRIES) {
			work_once(thread);
			return true;
		}
		*result = *result == LB_NOT_MADE ? -EINTR : *result;
		return false;
	}
	if (!lb_wait_goes_on(&thread->execution.wait, *result, interrupted))
		return false;
	if (!thread->cancelled) {
		work(thread);
		return true;
	}
	if (*result == LB_NOT_MADE) {
		work_once(thread);
		return true;
	}
	*result = -EINTR;
	return false;
}

static void worker_done(struct lb_worker *worker)
{
	struct lb_guest_thread *thread = worker->owner;
	struct lb_execution *execution = &thread->execution;
	int64_t result = worker->result;

	set_deadline(thread, 0);
	if (worker->info.si_signo != 0)
		lb_signals_came(&worker->info, lb_shadow.threads > 0 ? thread->tid : 0, worker->stops);
	lb_signals_relay();
	if (goes_on(thread, &result, worker->stop != 0))
		return;
	lb_execute_end(execution, lb_wait_end(&execution->wait, result));
	lb_shadow.outstanding--;
	lb_shadow.caller = thread;
	finish(thread, thread->executing_seq);
	lb_shadow.caller = NULL;
}

/* The CALL's own copy, as the link goes on; its data starts on a page as there. NULL: there is no memory. */
static const struct lb_link_call *copy_call(struct lb_guest_thread *thread, const struct lb_link_call *call)
{
	uint8_t *at;

	if (!lb_area_make(&thread->input, LB_PAGE + call->in_size))
		return NULL;
	at = thread->input.at + LB_PAGE - sizeof *call;
	return memcpy(at, call, sizeof *call + call->in_size);
}

static bool give_to_worker(struct lb_guest_thread *thread, const struct lb_link_header *header)
{
	struct lb_execution *execution = &thread->execution;
	const uint64_t seq = header->seq;

	execution->call = copy_call(thread, (const void *)(header + 1));
	if (execution->call == NULL || !lb_guest_thread_prepare(thread)) {
		execution->reply = (struct lb_link_reply){ .result = -ENOMEM };
		finish(thread, seq);
		return true;
	}
	switch (lb_execute_begin(execution, (const uint8_t *)(execution->call + 1))) {
	case LB_BEGUN_MALFORMED:
		return false;
	case LB_BEGUN_DONE:
		finish(thread, seq);
		return true;
	default:
		break;
	}
	lb_shadow.apart |= is_of_identity(execution->call->number);
	thread->executing_seq = seq;
	thread->cancelled = false;
	thread->tries = 0;
	lb_shadow.outstanding++;
	lb_wait_begin(&execution->wait, execution->call, execution->arguments);
	work(thread);
	return true;
}

/* ---- by a child ---- */

static void child_gone(struct lb_guest_thread *thread, uint64_t seq)
{
	lb_child_gone(thread);
	thread->execution.reply = (struct lb_link_reply){ .flags = LB_REPLY_CHILD_ENDED };
	finish(thread, seq);
}

static void give_to_child(struct lb_guest_thread *thread, const struct lb_link_header *header)
{
	const struct lb_link_call *call = (const void *)(header + 1);
	const uint64_t seq = header->seq;

	if (!lb_child_send(thread, call, (const uint8_t *)(call + 1))) {
		child_gone(thread, seq);
		return;
	}
	thread->execution.room = call->out_size;
	thread->executing_seq = seq;
	lb_shadow.outstanding++;
}

static bool waits_for_child(const struct lb_guest_thread *thread)
{
	return thread->child_fd != NULL && thread->executing_seq != 0;
}

static void serve_child(struct lb_guest_thread *thread)
{
	struct lb_execution *execution = &thread->execution;
	uint64_t seq = thread->executing_seq;

	if (!waits_for_child(thread) || !lb_child_has_answered(thread))
		return;
	lb_shadow.outstanding--;
	if (lb_child_receive(thread, &execution->reply, execution->out, execution->room))
		finish(thread, seq);
	else
		child_gone(thread, seq);
}

/* ---- all of them ---- */

static bool execute_here(
	struct lb_guest_thread *thread, const struct lb_shadow_link *link, const struct lb_link_header *header)
{
	struct lb_execution *execution = &thread->execution;
	const uint64_t seq = header->seq;
	bool done;

	execution->call = (const void *)(header + 1);
	lb_backlog_applied(true);
	thread->executing_seq = seq;
	lb_shadow.executing_seq = seq;
	lb_shadow.executing_in = link;
	lb_shadow.cancelled = false;
	if (is_of_identity(execution->call->number) && lb_shadow.threads > 0)
		lb_guest_thread_changed(thread);
	done = lb_execute_all(execution, (const uint8_t *)(execution->call + 1));
	lb_shadow.executing_in = NULL;
	lb_shadow.executing_seq = 0;
	thread->executing_seq = 0;
	if (done)
		finish(thread, seq);
	return done;
}

bool lb_call(const struct lb_shadow_link *link, const struct lb_link_header *header)
{
	const struct lb_link_call *call = (const void *)(header + 1);
	struct lb_guest_thread *thread;
	bool well = true;

	if (header->size < sizeof *call || header->size - sizeof *call != call->in_size ||
		call->out_size > LB_LINK_DATA_SIZE_MAX)
		return false;
	thread = lb_guest_thread_of(call->thread);
	if (header->seq == thread->executing_seq)
		return true; /* sent again over a new link while it is being executed */
	if (thread->executing_seq != 0 || lb_shadow.executing_seq != 0 || header->seq < thread->last_seq ||
		header->seq == 0)
		return false;
	if (header->seq == thread->last_seq) {
		if (thread->reply_size == 0)
			return false; /* an earlier life's reply: the guest had it before it came home */
		lb_backlog_applied(true);
		lb_signals_relay();
		send_reply(thread);
		return true;
	}
	if (thread->ended)
		return false;
	lb_backlog_flush();
	thread->execution.out = output_of(thread, call);
	lb_shadow.caller = thread;
	if (thread->execution.out == NULL) {
		thread->execution.reply = (struct lb_link_reply){ .result = -ENOMEM };
		finish(thread, header->seq);
	} else if (thread->child_fd != NULL) {
		give_to_child(thread, header);
	} else if (goes_to_worker(thread, call)) {
		well = give_to_worker(thread, header);
	} else {
		well = execute_here(thread, link, header);
	}
	lb_shadow.caller = NULL;
	return well;
}

static uint64_t cancelled_seq;
static void cancel_one(struct lb_guest_thread *thread)
{
	if (thread->executing_seq != cancelled_seq || thread->child_fd != NULL)
		return; /* what comes meanwhile is the parent's */
	thread->cancelled = true;
	cancel(thread);
}

void lb_call_cancel(uint64_t seq)
{
	if (seq == 0)
		return;
	if (seq == lb_shadow.executing_seq) {
		lb_shadow.cancelled = true;
		return;
	}
	cancelled_seq = seq;
	lb_guest_threads_each(cancel_one);
}

static int64_t now_ns, next_ns;
static void check_deadline(struct lb_guest_thread *thread)
{
	if (thread->deadline_ns != 0 && thread->deadline_ns <= now_ns)
		cancel(thread);
	if (thread->deadline_ns != 0 && thread->deadline_ns < next_ns)
		next_ns = thread->deadline_ns;
}

void lb_calls_serve(void)
{
	struct lb_worker *worker;
	uint64_t count;

	if (lb_shadow.outstanding == 0 || lb_shadow.is_child)
		return;
	if (lb_shadow.workers_fd >= 0 && read(lb_shadow.workers_fd, &count, sizeof count) == sizeof count) {
		while ((worker = lb_worker_next_done()) != NULL)
			worker_done(worker);
	}
	if (lb_shadow.children > 0)
		lb_guest_threads_each(serve_child);
}

static struct pollfd *polled;
static void poll_child(struct lb_guest_thread *thread)
{
	if (waits_for_child(thread))
		*polled++ = (struct pollfd){ .fd = *thread->child_fd, .events = POLLIN };
}

nfds_t lb_calls_poll(struct pollfd *fds)
{
	polled = fds;
	if (lb_shadow.outstanding == 0)
		return 0;
	if (lb_shadow.workers_fd >= 0)
		*polled++ = (struct pollfd){ .fd = lb_shadow.workers_fd, .events = POLLIN };
	if (lb_shadow.children > 0)
		lb_guest_threads_each(poll_child);
	return (nfds_t)(polled - fds);
}

const struct timespec *lb_calls_limit(void)
{
	static struct timespec left;

	if (timed == 0)
		return NULL;
	now_ns = lb_now_ns();
	next_ns = INT64_MAX;
	lb_guest_threads_each(check_deadline);
	if (timed == 0)
		return NULL;
	next_ns = next_ns > now_ns ? next_ns - now_ns : 0;
	left = (struct timespec){ next_ns / 1000000000, next_ns % 1000000000 };
	return &left;
}
