/* storm.c - Makes calls of every kind under a storm of signals.
 *
 * Each result is checked.
 *
 *   storm SECONDS
 *
 * An interval timer fires each 3 ms; its handler writes a record to a file. Real-time signals from outside are
 * counted. It sends itself SIGURG and SIGSYS, which lb uses too, whose handlers run on a stack of their own, nest, and
 * do not mind those that come from outside. Prints "ready", then "OK signals N", or one line that says what was wrong,
 * and exit status 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define TICK_US 3000
#define RECORD 16
#define BLOCK 64
#define BLOCKS 100

static volatile long ticks, counted, own, outside;
static volatile sig_atomic_t jump_wanted;
static sigjmp_buf jump_target;
static int log_fd, data_fd, pipe_fds[2];

static void die(const char *what)
{
	printf("FAILED %s: errno %d\n", what, errno);
	fflush(stdout);
	_exit(1);
}

static void on_tick(int number)
{
	int before = errno;

	(void)number;
	ticks++;
	if (write(log_fd, "a tick's record\n", RECORD) != RECORD)
		die("a write in a handler");
	if (jump_wanted && ticks % 7 == 0) {
		jump_wanted = 0;
		siglongjmp(jump_target, 1);
	}
	errno = before;
}

static void on_count(int number)
{
	(void)number;
	counted++;
}

static void on_own(int number)
{
	(void)number;
	own++;
}

static void handle(int number, void (*handler)(int), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	sigaddset(&action.sa_mask, SIGALRM); /* a jump out of the timer's handler must not skip another's */
	if (sigaction(number, &action, NULL) < 0)
		die("sigaction");
}

/* A blocking call: it must end with EINTR, and only because a handler has run. */
#define INTERRUPTED(call, what) \
	do { \
		long before_ = ticks + counted + outside; \
		if ((call) >= 0 || errno != EINTR) \
			die(what " was not interrupted"); \
		if (ticks + counted + outside == before_) \
			die(what " was interrupted, but by no handler"); \
	} while (0)

static ssize_t again(ssize_t (*call)(int, void *, size_t), int fd, void *data, size_t size)
{
	ssize_t done;

	do
		done = call(fd, data, size);
	while (done < 0 && errno == EINTR);
	return done;
}

static ssize_t do_write(int fd, void *data, size_t size)
{
	return write(fd, data, size);
}

static void check_data(long round)
{
	char out[BLOCK], in[BLOCK];
	off_t at = round % BLOCKS * BLOCK;
	long number = 0;
	ssize_t done;

	memset(out, 'a' + (int)(round % 26), sizeof out);
	do
		done = pwrite(data_fd, out, sizeof out, at);
	while (done < 0 && errno == EINTR);
	if (done != BLOCK)
		die("pwrite");
	do
		done = pread(data_fd, in, sizeof in, at);
	while (done < 0 && errno == EINTR);
	if (done != BLOCK || memcmp(in, out, sizeof in) != 0)
		die("pread");
	if (again(do_write, pipe_fds[1], &round, sizeof round) != sizeof round)
		die("a write to a pipe");
	if (again(read, pipe_fds[0], &number, sizeof number) != sizeof number || number != round)
		die("a read from a pipe");
}

static void check_pselect(void)
{
	struct timespec second = { 1, 0 };
	sigset_t none, timer, before, now;
	fd_set set;

	sigemptyset(&none);
	sigemptyset(&timer);
	sigaddset(&timer, SIGALRM);
	sigprocmask(SIG_BLOCK, &timer, &before);
	FD_ZERO(&set);
	FD_SET(pipe_fds[0], &set);
	INTERRUPTED(pselect(pipe_fds[0] + 1, &set, NULL, NULL, &second, &none), "pselect");
	sigprocmask(SIG_SETMASK, &before, &now);
	if (!sigismember(&now, SIGALRM))
		die("pselect did not give the mask back");
}

static void check_jump(void)
{
	char byte;

	if (sigsetjmp(jump_target, 1) != 0)
		return;
	jump_wanted = 1;
	for (;;)
		if (read(pipe_fds[0], &byte, 1) >= 0)
			die("a read from an empty pipe");
}

static void check_waits(long round)
{
	struct pollfd list = { .fd = pipe_fds[0], .events = POLLIN };
	struct timespec second = { 1, 0 }, rest = { 5, 0 };
	sigset_t none;
	char byte;

	sigemptyset(&none);
	if (round % 20 == 0)
		INTERRUPTED(read(pipe_fds[0], &byte, 1), "read");
	if (round % 30 == 0)
		INTERRUPTED(poll(&list, 1, 1000), "poll");
	if (round % 31 == 0)
		check_pselect();
	if (round % 33 == 0) {
		INTERRUPTED(nanosleep(&second, &rest), "nanosleep");
		if (rest.tv_sec > 1) /* 1.00005 s is right: the timer's slack counts as time that is left */
			die("nanosleep did not say what was left");
	}
	if (round % 37 == 0)
		INTERRUPTED(sigsuspend(&none), "sigsuspend");
	if (round % 41 == 0)
		check_jump();
}

static void check_own(void)
{
	union sigval value = { .sival_int = 4711 };
	long before = own;

	if (kill(getpid(), SIGUSR1) < 0 || own != before + 1)
		die("kill(getpid()) did not run the handler before it returned");
	if (sigqueue(getpid(), SIGUSR1, value) < 0 || own != before + 2)
		die("sigqueue(getpid()) did not run the handler before it returned");
}

static char special_stack[65536];
static volatile long specials[2], nested_specials, off_stack;

/* Each of the program's own runs on the stack, and within itself, as it has SA_NODEFER. */
static void on_special(int number, siginfo_t *info, void *context)
{
	static volatile long depth;
	char here;

	(void)context;
	if (&here < special_stack || &here >= special_stack + sizeof special_stack)
		off_stack++;
	if (info->si_code != SI_TKILL) {
		outside++;
		return;
	}
	specials[number == SIGSYS]++;
	if (++depth == 1) {
		raise(SIGURG);
		raise(SIGSYS);
	} else {
		nested_specials++;
	}
	depth--;
}

static void set_up_special(void)
{
	stack_t stack = { .ss_sp = special_stack, .ss_size = sizeof special_stack };
	struct sigaction action = { .sa_sigaction = on_special,
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTART };

	sigaddset(&action.sa_mask, SIGALRM);
	if (sigaltstack(&stack, NULL) < 0 || sigaction(SIGURG, &action, NULL) < 0 ||
		sigaction(SIGSYS, &action, NULL) < 0)
		die("sigaltstack");
}

static void check_special(void)
{
	long urgent = specials[0], system = specials[1], nested = nested_specials;
	struct timespec now = { 0, 0 };
	sigset_t both, before, pending;
	siginfo_t info;

	raise(SIGURG);
	raise(SIGSYS);
	if (specials[0] != urgent + 3 || specials[1] != system + 3 || nested_specials != nested + 4 || off_stack != 0)
		die("handlers of SIGURG and SIGSYS that nest");
	sigemptyset(&both);
	sigaddset(&both, SIGURG);
	sigaddset(&both, SIGSYS);
	sigprocmask(SIG_BLOCK, &both, &before);
	raise(SIGURG);
	raise(SIGSYS);
	sigpending(&pending);
	if (!sigismember(&pending, SIGURG) || !sigismember(&pending, SIGSYS) || specials[0] != urgent + 3)
		die("SIGURG and SIGSYS that are blocked");
	sigdelset(&both, SIGURG);
	if (sigtimedwait(&both, &info, &now) != SIGSYS)
		die("sigtimedwait of SIGSYS");
	while (sigsuspend(&before) < 0 && specials[0] == urgent + 3)
		; /* another handler has ended it */
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (specials[0] != urgent + 5 || specials[1] != system + 4)
		die("SIGURG by sigsuspend");
}

int main(int argc, char **argv)
{
	struct itimerval timer = { { 0, TICK_US }, { 0, TICK_US } }, none = { { 0, 0 }, { 0, 0 } };
	time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 10);

	log_fd = open("storm.log", O_RDWR | O_CREAT | O_APPEND | O_TRUNC, 0600);
	data_fd = open("storm.data", O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (log_fd < 0 || data_fd < 0 || pipe(pipe_fds) < 0)
		die("setup");
	handle(SIGALRM, on_tick, 0);
	handle(SIGUSR1, on_own, SA_RESTART);
	handle(SIGRTMIN + 2, on_count, SA_RESTART);
	set_up_special();
	setitimer(ITIMER_REAL, &timer, NULL);
	printf("ready\n");
	fflush(stdout);
	for (long round = 1; time(NULL) < end; round++) {
		check_data(round);
		check_waits(round);
		if (round % 43 == 0)
			check_own();
		if (round % 19 == 0)
			check_special();
	}
	setitimer(ITIMER_REAL, &none, NULL);
	usleep(300000); /* what is on its way */
	if (lseek(log_fd, 0, SEEK_END) != ticks * RECORD)
		die("a record of a handler is missing");
	printf("OK signals %ld\n", counted);
	return 0;
}
