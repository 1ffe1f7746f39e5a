/* posix_timers.c - saves and makes again the timers of timer_create(2).
 *
 * /proc/self/timers tells which there are (proc_pid_timers(5)). A process of another node gets timers with the same
 * numbers: by PR_TIMER_CREATE_RESTORE_IDS (Linux 6.16), or by making and deleting timers until the number comes. Home's
 * PID has counted its timers before, and counts on through every exec: there only the first way is one.
 *
 * Runs in:  the trigger's and the SIGSYS handler, all signals blocked; the restored process before it goes on.
 */
#include "image/posix_timers.h"

#include <linux/errno.h>
#include <linux/time.h>
#include <asm/unistd.h>
#include <linux/fcntl.h>

#include "kernel.h"
#include "mem.h"
#include "syscall.h"
#include "text.h"

#include "process/clock.h"
#include "process/cpu_clock.h"
#include "process/process.h"

#define TEXT_SIZE 32768  /* LB_TIMERS_MAX times the four lines of one */
#define ID_MAX (1 << 20) /* a higher number takes an older kernel too long to come to: a second for this one */
#define SECOND_NS 1000000000LL
#define DUE_TRIES 100
#define LOOKS 5 /* until one is not interrupted, as it is late by as much */
#define LOOK_NS 20000

struct sigevent_of_kernel { /* struct sigevent, include/uapi/asm-generic/siginfo.h, Linux 6.12 */
	uint64_t value;
	int32_t signal, notify, tid;
	uint8_t rest[44];
};
_Static_assert(sizeof(struct sigevent_of_kernel) == 64, "SIGEV_MAX_SIZE is 64");

static struct lb_timer timers[LB_TIMERS_MAX];
static int64_t left_ns[LB_TIMERS_MAX]; /* at lb_timers_note() */
static int count;
static bool stopped;
static uint64_t due;       /* signals of timers that have gone off already when they go on */
static bool home_restores; /* noted before it leaves */

struct lb_timer *lb_timer_find(int32_t id)
{
	for (int i = 0; i < count; i++)
		if (timers[i].id == id)
			return &timers[i];
	return NULL;
}

struct lb_timer *lb_timer_add(int32_t id, int32_t clock)
{
	if (count == LB_TIMERS_MAX)
		return NULL;
	timers[count] = (struct lb_timer){ .id = id, .clock = clock };
	return &timers[count++];
}

bool lb_timers_full(void)
{
	return !home_restores || count == LB_TIMERS_MAX;
}

void lb_timer_remove(int32_t id)
{
	struct lb_timer *timer = lb_timer_find(id);
	if (timer)
		*timer = timers[--count];
}

void lb_timers_forget(void)
{
	count = 0;
	stopped = false;
}

const struct lb_timer *lb_timer_at(int place)
{
	return &timers[place];
}

/* ---- which there are */

static bool skip(const char **at, const char *text)
{
	const char *here = *at;
	for (; *text; here++, text++)
		if (*here != *text)
			return false;
	*at = here;
	return true;
}

static int64_t decimal(const char **at)
{
	bool negative = skip(at, "-");
	int64_t value = 0;
	for (; **at >= '0' && **at <= '9'; (*at)++)
		value = value * 10 + (**at - '0');
	return negative ? -value : value;
}

/* The thread that has this number here; 0: it has ended. */
static uint32_t home_tid_of(int64_t local_tid)
{
	const struct lb_thread *thread = local_tid > 0 ? lb_thread_of_local((uint32_t)local_tid) : 0;
	return thread ? thread->home_tid : 0;
}

/* "notify: signal/tid.1234": what happens, and which thread gets it. */
static bool parse_notify(const char **at, struct lb_timer *timer)
{
	if (skip(at, "notify: signal/"))
		timer->notify = SIGEV_SIGNAL;
	else if (skip(at, "notify: none/"))
		timer->notify = SIGEV_NONE;
	else if (skip(at, "notify: thread/"))
		timer->notify = SIGEV_THREAD;
	else
		return false;
	if (skip(at, "pid.")) {
		decimal(at);
		return skip(at, "\n");
	}
	if (!skip(at, "tid."))
		return false;
	timer->thread = home_tid_of(decimal(at));
	timer->notify |= SIGEV_THREAD_ID;
	return timer->thread && skip(at, "\n");
}

/* A clock of CPU time carries the PID or TID that is right here: clock_getcpuclockid(3), pthread_getcpuclockid(3). That
 * of "the calling thread" does not say which one called (docs/LIMITS.md). */
static bool parse_clock(const char **at, struct lb_timer *timer)
{
	if (!skip(at, "ClockID: "))
		return false;
	int32_t clock = (int32_t)decimal(at);
	if (clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM) /* these wake the machine */
		return false;
	if (clock < 0) {
		uint32_t id = (uint32_t)~(clock >> 3);
		if (id != 0 && (clock & LB_CLOCK_OF_THREAD))
			timer->clock_thread = home_tid_of(id);
		if (id != 0 && id != lb_self.local_pid && !timer->clock_thread)
			return false;
		clock = (int32_t)(~0u << 3) | (clock & 7);
	}
	timer->clock = clock;
	return skip(at, "\n");
}

static bool parse_timer(const char **at, struct lb_timer *timer)
{
	if (!skip(at, "ID: "))
		return false;
	timer->id = (int32_t)decimal(at);
	if (timer->id > ID_MAX || !skip(at, "\nsignal: "))
		return false;
	timer->signal = (int32_t)decimal(at);
	if (!skip(at, "/"))
		return false;
	timer->value = lb_parse_hex(at);
	return skip(at, "\n") && parse_notify(at, timer) && parse_clock(at, timer);
}

/* Returns the size of the text, 0: no timers, or a negative error. */
static int64_t read_text(char *text)
{
	int64_t fd = lb_syscall4(__NR_openat, AT_FDCWD, "/proc/self/timers", 0, 0);
	int64_t size = 0;
	if (fd == -ENOENT)
		return 0; /* a kernel without CONFIG_CHECKPOINT_RESTORE: docs/LIMITS.md */
	if (fd < 0)
		return fd;
	while (size < TEXT_SIZE) {
		int64_t got = lb_syscall3(__NR_read, fd, text + size, TEXT_SIZE - size);
		if (got <= 0)
			break;
		size += got;
	}
	lb_syscall1(__NR_close, fd);
	return size < TEXT_SIZE ? size : -LB_E_UNSUPPORTED;
}

int lb_timers_look(void)
{
	static char text[TEXT_SIZE + 1];
	int64_t size = read_text(text);
	const char *at = text;
	static struct lb_timer seen[LB_TIMERS_MAX];
	int number = 0;
	if (size < 0)
		return (int)size;
	text[size] = '\0';
	while (*at) {
		if (number == LB_TIMERS_MAX)
			return -LB_E_UNSUPPORTED;
		memset(&seen[number], 0, sizeof seen[number]);
		if (!parse_timer(&at, &seen[number]))
			return -LB_E_UNSUPPORTED;
		const struct lb_timer *before = lb_self.away ? lb_timer_find(seen[number].id) : NULL;
		if (before) {
			if (!seen[number].clock_thread) /* where the calling thread's was meant */
				seen[number].clock_thread = before->clock_thread;
			seen[number].overrun = before->overrun;
			seen[number].overrun_until_ns = before->overrun_until_ns;
		}
		number++;
	}
	if (!lb_self.away)
		home_restores = lb_syscall5(__NR_prctl, PR_TIMER_CREATE_RESTORE_IDS, PR_TIMER_CREATE_RESTORE_IDS_GET, 0,
					0, 0) >= 0;
	if (number > 0 && !home_restores)
		return -LB_E_UNSUPPORTED;
	memcpy(timers, seen, sizeof seen[0] * (size_t)number);
	count = number;
	return 0;
}

/* ---- stopping them */

static int64_t in_ns(const int64_t time[2])
{
	return time[0] * SECOND_NS + time[1];
}

/* Returns what is left of a timer and tells when that was, by the program's clock: no moment that is not. */
static int64_t look(int32_t id, int64_t *now_ns)
{
	int64_t time[4] = { 0, 0, 0, 0 };
	for (int tries = 0; tries < LOOKS; tries++) {
		int64_t before_ns = (int64_t)lb_program_monotonic_ns();
		lb_syscall2(__NR_timer_gettime, id, time);
		*now_ns = (int64_t)lb_program_monotonic_ns();
		if (*now_ns - before_ns < LOOK_NS)
			break;
	}
	return in_ns(time + 2);
}

void lb_timers_note(void)
{
	for (int i = 0; i < count; i++) {
		int64_t now_ns;
		left_ns[i] = look(timers[i].id, &now_ns);
		timers[i].due_ns = now_ns + left_ns[i];
	}
}

int lb_timers_stop(uint16_t lost[LB_TIMERS_MAX])
{
	static const int64_t off[4];
	int expired = 0;
	for (int i = 0; i < count; i++) {
		struct lb_timer *timer = &timers[i];
		/* interval and left lie as struct itimerspec has them */
		lb_syscall4(__NR_timer_settime, timer->id, 0, off, timer->interval);
		int64_t left = in_ns(timer->left);
		/* Less is left from moment to moment, until it expires. */
		if (left_ns[i] == 0 || (left != 0 && left <= left_ns[i]))
			continue;
		timer->due_ns += in_ns(timer->interval);
		if (timer->notify != SIGEV_NONE)
			lost[expired++] = (uint16_t)i;
	}
	stopped = true;
	return expired;
}

/* CPU time stands still while the process is frozen. */
static bool counts_cpu_time(int32_t clock)
{
	return clock < 0 || clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID;
}

/* A point in time in the past is one that the kernel makes up for: it expires at once, counts what it has missed, and
 * keeps its phase. One to come is told so where nobody sets the clock: the kernel does not tell whether the program
 * gave a point in time or a time from then on, and only points follow a clock that is set (timer_settime(2)). */
static void start(struct lb_timer *timer)
{
	int64_t now[2] = { 0, 0 };
	int64_t first_ns = in_ns(timer->left);
	int64_t is_point = 0;
	lb_syscall2(__NR_clock_gettime, CLOCK_MONOTONIC, now);
	timer->overrun_until_ns = in_ns(now) + first_ns;
	if (first_ns == 0)
		return;
	if (!counts_cpu_time(timer->clock)) {
		timer->overrun_until_ns = timer->due_ns - lb_self.monotonic_offset_ns;
		first_ns = timer->overrun_until_ns - in_ns(now);
		if (first_ns <= 0 || (timer->clock != CLOCK_REALTIME && timer->clock != CLOCK_TAI)) {
			is_point = TIMER_ABSTIME;
			lb_syscall2(__NR_clock_gettime, timer->clock, now);
			first_ns += in_ns(now);
		}
		if (first_ns <= 0) /* before this node's clock began */
			first_ns = 1;
		timer->left[0] = first_ns / SECOND_NS;
		timer->left[1] = first_ns % SECOND_NS;
	}
	/* interval and left lie as struct itimerspec has them */
	lb_syscall4(__NR_timer_settime, timer->id, is_point, timer->interval, 0);
}

bool lb_timer_due(int32_t id, int32_t overrun)
{
	struct lb_timer *timer = lb_timer_find(id);
	if (!timer || !stopped || counts_cpu_time(timer->clock))
		return false;
	bool is_on = timer->left[0] || timer->left[1];
	int64_t interval_ns = in_ns(timer->interval);
	if (is_on && !interval_ns)
		return false; /* set anew since */
	timer->due_ns = is_on ? timer->due_ns - interval_ns * (1 + (int64_t)overrun) : 0;
	timer->left[0] = 0;
	timer->left[1] = 1;
	due |= LB_BIT(timer->signal);
	return true;
}

/* They come by an interrupt, most likely before the next instruction; the program may look at once. */
static void wait_for_due(void)
{
	uint64_t pending = 0;
	for (int tries = 0; tries < DUE_TRIES && (due & ~pending); tries++) {
		lb_syscall0(__NR_sched_yield);
		lb_syscall2(__NR_rt_sigpending, &pending, sizeof pending);
	}
	due = 0;
}

void lb_timers_go_on(void)
{
	if (!stopped)
		return;
	stopped = false;
	for (int i = 0; i < count; i++)
		start(&timers[i]);
	wait_for_due();
}

/* ---- overruns: the kernel has counted those of signals that were delivered on another node for a timer there */

int32_t lb_timer_overrun(const struct lb_timer *timer)
{
	uint64_t pending = 0;
	if (timer->overrun == 0 || lb_monotonic_raw_ns() < timer->overrun_until_ns)
		return timer->overrun;
	/* It has expired since: was that signal delivered? */
	lb_syscall2(__NR_rt_sigpending, &pending, sizeof pending);
	return pending & LB_BIT(timer->signal) ? timer->overrun : 0;
}

void lb_timer_delivered(int32_t id)
{
	struct lb_timer *timer = lb_timer_find(id);
	if (timer)
		timer->overrun = 0;
}

void lb_timers_taken(uint64_t set)
{
	for (int i = 0; i < count; i++)
		if (set & LB_BIT(timers[i].signal))
			timers[i].overrun = 0;
}

void lb_timers_note_overruns(void)
{
	for (int i = 0; i < count; i++) {
		int32_t before = lb_self.away ? lb_timer_overrun(&timers[i]) : 0;
		int64_t overrun = before ? before : lb_syscall1(__NR_timer_getoverrun, timers[i].id);
		timers[i].overrun = overrun > 0 ? (int32_t)overrun : 0;
	}
}

/* ---- making them again */

static int64_t make(const struct lb_timer *timer, int32_t *id)
{
	struct sigevent_of_kernel event = { .value = timer->value, .signal = timer->signal, .notify = timer->notify };
	if (timer->notify & SIGEV_THREAD_ID)
		event.tid = (int32_t)lb_local_tid(timer->thread);
	int32_t clock = timer->clock;
	if (timer->clock_thread && clock < 0)
		clock = (int32_t)(~lb_local_tid(timer->clock_thread) << 3) | (clock & 7);
	return lb_syscall3(__NR_timer_create, clock, &event, id);
}

static int make_with_number(const struct lb_timer *timer)
{
	for (;;) {
		int32_t id = timer->id;
		int64_t error = make(timer, &id);
		if (error < 0)
			return (int)error;
		if (id == timer->id)
			return 0;
		lb_syscall1(__NR_timer_delete, id);
		if (id > timer->id)
			return -LB_E_UNSUPPORTED; /* it cannot come any more */
	}
}

static int by_number(int place)
{
	int32_t least = INT32_MAX;
	int32_t last = place < 0 ? -1 : timers[place].id;
	int next = -1;
	for (int i = 0; i < count; i++) {
		if (timers[i].id > last && timers[i].id < least) {
			least = timers[i].id;
			next = i;
		}
	}
	return next;
}

void lb_timers_delete(void)
{
	for (int i = 0; i < count; i++)
		lb_syscall1(__NR_timer_delete, timers[i].id);
}

int lb_timers_make(void)
{
	int error = 0;
	if (count == 0)
		return 0;
	/* Where the kernel does not know it, numbers come in ascending order. */
	lb_syscall5(__NR_prctl, PR_TIMER_CREATE_RESTORE_IDS, PR_TIMER_CREATE_RESTORE_IDS_ON, 0, 0, 0);
	for (int place = by_number(-1); place >= 0 && !error; place = by_number(place))
		error = make_with_number(&timers[place]);
	lb_syscall5(__NR_prctl, PR_TIMER_CREATE_RESTORE_IDS, PR_TIMER_CREATE_RESTORE_IDS_OFF, 0, 0, 0);
	return error;
}
