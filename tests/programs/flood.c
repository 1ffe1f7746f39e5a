/* flood.c - Makes calls under a flood of signals.
 *
 * getpid, gettid, read and write as fast as they go under some 2000 signals a second, each result checked.
 *
 *   flood SECONDS             checks itself; prints "ready", then "OK ..." or one line that says what was wrong
 *   flood send PID SECONDS    sends it signals meanwhile
 *
 * A timer's handler runs on a stack of its own, writes records and at times jumps out of whatever it interrupted.
 * The sender's signals: RT + 3 with values 1, 2, 3, ... that must come in order; RT + 5 (SA_NODEFER) that must all
 * come; SIGSEGV, which may be merged; at its end RT + 6 and RT + 7 with the numbers of the first two. A timer of its
 * own CPU time sends SIGVTALRM (SA_RESETHAND, taken again by its handler): one that another process sends just while
 * the kernel calls the handler ends a program anywhere, as the action is the default one before the mask is.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define TICK_US 1000
#define RESET_US 5000
#define PERIOD_NS 1000000L
#define RECORDS 4096
#define TICKS_A_RECORD 16
#define TICKS_A_JUMP 29
#define BURST 64

#define ORDERED (SIGRTMIN + 3)
#define OWN (SIGRTMIN + 4)
#define NESTED (SIGRTMIN + 5)
#define ORDERED_TOTAL (SIGRTMIN + 6)
#define NESTED_TOTAL (SIGRTMIN + 7)

struct record {
	uint64_t number, check;
};

static volatile long ticks, tick_records, ordered, nested, nested_sum, resets, faults, own_signals, jumps;
static volatile long ordered_total = -1, nested_total = -1;
static volatile sig_atomic_t may_jump;
static sigjmp_buf jump_target;
static pid_t own;
static int log_fd, tick_fd, in_fd;
static const void *const missing = (void *)0x10000;

static void die(const char *what, long a, long b)
{
	printf("FAILED %s: %ld %ld errno %d\n", what, a, b, errno);
	fflush(stdout);
	_exit(1);
}

static void append(int fd, uint64_t number)
{
	struct record record = { number, ~number };
	ssize_t done = write(fd, &record, sizeof record);

	if (done != (ssize_t)sizeof record)
		die("write", done, (long)number);
}

static void on_tick(int number)
{
	int before = errno;

	(void)number;
	ticks++;
	if (getpid() != own || gettid() != own)
		die("getpid in a handler", 0, 0);
	if (ticks % TICKS_A_RECORD == 0)
		append(tick_fd, (uint64_t)++tick_records);
	errno = before;
	if (may_jump && ticks % TICKS_A_JUMP == 0) {
		may_jump = 0;
		jumps++;
		siglongjmp(jump_target, 1);
	}
}

static void on_queued(int number, siginfo_t *info, void *context)
{
	long value = info->si_value.sival_int;
	int before = errno;

	(void)context;
	if (info->si_signo != number || info->si_code != SI_QUEUE)
		die("a queued signal's origin", number, info->si_code);
	if (getpid() != own)
		die("getpid in a handler", 0, 0);
	if (number == ORDERED) {
		if (value != ordered + 1)
			die("order of queued signals", value, ordered + 1);
		ordered = value;
	} else if (number == NESTED) {
		nested++;
		nested_sum += value;
	} else if (number == OWN) {
		own_signals = value;
	} else if (number == ORDERED_TOTAL) {
		ordered_total = value;
	} else {
		nested_total = value;
	}
	errno = before;
}

static void handle(int number, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = flags | SA_SIGINFO | SA_RESTART };

	sigaddset(&action.sa_mask, SIGALRM); /* a jump out of the timer's handler must not skip another's */
	if (sigaction(number, &action, NULL) < 0)
		die("sigaction", number, 0);
}

static void on_reset(int number, siginfo_t *info, void *context)
{
	struct sigaction action;
	int before = errno;

	(void)info;
	(void)context;
	resets++;
	if (sigaction(number, NULL, &action) < 0 || action.sa_handler != SIG_DFL)
		die("SA_RESETHAND", number, 0);
	handle(number, on_reset, SA_RESETHAND | SA_ONSTACK);
	errno = before;
}

static void on_fault(int number, siginfo_t *info, void *context)
{
	(void)context;
	if (info->si_code > 0)
		die("a fault that should be EFAULT", number, info->si_code);
	faults++;
}

/* Whatever was jumped out of has happened, or it has not. */
static uint64_t settle_log(uint64_t written)
{
	struct stat status;

	if (fstat(log_fd, &status) < 0)
		die("fstat", 0, 0);
	uint64_t there = (uint64_t)status.st_size / sizeof(struct record);
	if (status.st_size % (off_t)sizeof(struct record) != 0 || there < written || there > written + 1)
		die("the log's length after a jump", (long)status.st_size, (long)written);
	return there;
}

static uint64_t settle_input(uint64_t at)
{
	off_t position = lseek(in_fd, 0, SEEK_CUR);

	if (position != (off_t)(at * sizeof(struct record)) && position != (off_t)((at + 1) * sizeof(struct record)))
		die("the input's position after a jump", (long)position, (long)at);
	return (uint64_t)position / sizeof(struct record);
}

static void check_rare(long round)
{
	union sigval value = { .sival_int = (int)round };
	struct stat status;

	if (sigqueue(own, OWN, value) < 0 || own_signals != round)
		die("a signal to itself", own_signals, round);
	if (write(log_fd, missing, sizeof(struct record)) != -1 || errno != EFAULT)
		die("write of missing memory", 0, 0);
	if (fstat(in_fd, &status) < 0 || status.st_size != RECORDS * (off_t)sizeof(struct record))
		die("fstat", 0, 0);
}

static volatile uint64_t written, at; /* records of the log; the input's position */
static volatile long calls;

static void one_round(void)
{
	struct record record;

	for (int i = 0; i < BURST; i++)
		if (getpid() != own || gettid() != own)
			die("getpid", 0, 0);
	append(log_fd, written + 1);
	written++;
	if (at == RECORDS) {
		if (lseek(in_fd, 0, SEEK_SET) != 0)
			die("lseek", 0, 0);
		at = 0;
	}
	ssize_t done = read(in_fd, &record, sizeof record);
	if (done != (ssize_t)sizeof record || record.number != at || record.check != ~at)
		die("read", done, (long)at);
	at++;
	calls += 2 * BURST + 2;
}

static void run(time_t end)
{
	for (volatile long round = 1; time(NULL) < end; round++) {
		if (sigsetjmp(jump_target, 1) != 0) {
			written = settle_log(written);
			/* Between the two statements that begin again at the front the position is 0. */
			if (at == RECORDS && lseek(in_fd, 0, SEEK_CUR) == 0)
				at = 0;
			at = settle_input(at);
		}
		may_jump = 1;
		for (int i = 0; i < 16; i++)
			one_round();
		may_jump = 0;
		if (round % 16 == 0)
			check_rare(round);
	}
	may_jump = 0;
}

static void check_file(int fd, uint64_t records, const char *what)
{
	static struct record all[1024];
	uint64_t number = 0;
	ssize_t done;

	if (lseek(fd, 0, SEEK_SET) != 0)
		die("lseek", 0, 0);
	while ((done = read(fd, all, sizeof all)) > 0)
		for (size_t i = 0; i < (size_t)done / sizeof all[0]; i++)
			if (all[i].number != ++number || all[i].check != ~number)
				die(what, (long)all[i].number, (long)number);
	if (done < 0 || number != records)
		die(what, (long)number, (long)records);
}

static void prepare(void)
{
	size_t size = 64 << 20; /* what waits of SA_NODEFER comes all at once, 4 to 12 KiB each */
	stack_t stack = { .ss_sp = malloc(size), .ss_size = size };
	struct sigaction tick = { .sa_handler = on_tick, .sa_flags = SA_ONSTACK | SA_RESTART };

	own = getpid();
	log_fd = open("flood.log", O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600);
	tick_fd = open("flood.ticks", O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600);
	in_fd = open("flood.in", O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (log_fd < 0 || tick_fd < 0 || in_fd < 0 || sigaltstack(&stack, NULL) < 0)
		die("setup", 0, 0);
	for (uint64_t i = 0; i < RECORDS; i++)
		append(in_fd, i);
	lseek(in_fd, 0, SEEK_SET);
	handle(ORDERED, on_queued, 0);
	handle(OWN, on_queued, 0);
	handle(NESTED, on_queued, SA_NODEFER | SA_ONSTACK);
	handle(ORDERED_TOTAL, on_queued, 0);
	handle(NESTED_TOTAL, on_queued, 0);
	handle(SIGVTALRM, on_reset, SA_RESETHAND | SA_ONSTACK);
	handle(SIGSEGV, on_fault, SA_ONSTACK);
	sigaction(SIGALRM, &tick, NULL);
}

static int flood(int seconds)
{
	struct itimerval timer = { { 0, TICK_US }, { 0, TICK_US } }, none = { { 0, 0 }, { 0, 0 } };
	struct itimerval reset = { { 0, RESET_US }, { 0, RESET_US } };
	struct timespec pause = { 0, 10000000 };

	prepare();
	setitimer(ITIMER_REAL, &timer, NULL);
	setitimer(ITIMER_VIRTUAL, &reset, NULL);
	printf("ready\n");
	fflush(stdout);
	run(time(NULL) + seconds);
	for (int i = 0; i < 3000 && (ordered_total != ordered || nested_total != nested); i++)
		nanosleep(&pause, NULL);
	setitimer(ITIMER_REAL, &none, NULL);
	if (ordered != ordered_total)
		die("signals in order", ordered, ordered_total);
	if (nested != nested_total || nested_sum != nested * (nested + 1) / 2)
		die("nested signals", nested, nested_total);
	if (resets == 0 || faults == 0 || ticks == 0)
		die("signals that may be merged", resets, faults);
	check_file(log_fd, written, "the log");
	check_file(tick_fd, (uint64_t)tick_records, "the log of ticks");
	printf("OK calls %ld ticks %ld ordered %ld nested %ld resets %ld faults %ld jumps %ld\n", calls, ticks, ordered,
		nested, resets, faults, jumps);
	return 0;
}

static void queue(pid_t pid, int number, int value)
{
	union sigval sent = { .sival_int = value };
	struct timespec pause = { 0, PERIOD_NS };

	while (sigqueue(pid, number, sent) < 0) {
		if (errno != EAGAIN) {
			perror("flood: sigqueue");
			exit(1);
		}
		nanosleep(&pause, NULL);
	}
}

static int send_signals(pid_t pid, int seconds)
{
	struct timespec pause = { 0, PERIOD_NS };
	time_t end = time(NULL) + seconds;
	int first = 0, second = 0;

	while (time(NULL) < end) {
		queue(pid, ORDERED, ++first);
		if (first % 3 == 0)
			queue(pid, NESTED, ++second);
		if (first % 50 == 0)
			kill(pid, SIGSEGV);
		nanosleep(&pause, NULL);
	}
	queue(pid, ORDERED_TOTAL, first);
	queue(pid, NESTED_TOTAL, second);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "send") == 0)
		return send_signals((pid_t)atoi(argv[2]), atoi(argv[3]));
	return flood(argc > 1 ? atoi(argv[1]) : 10);
}
