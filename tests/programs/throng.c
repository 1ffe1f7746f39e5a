/* throng.c - Threads of one kind that answer together.
 *
 *   throng KIND THREADS [STACK_BYTES]
 *
 * Prints "ready", and for each line of input, when each thread has said that it lives, "all N"; at the end of its
 * input it joins them, prints "end" and ends with status 6. In "seats" each thread has said it by its own number, so
 * that none can answer twice. Kinds:
 *
 *   sleeping    wait for a futex
 *   computing   burn processor time
 *   churning    besides, others are created and end as fast as it goes
 *   raw         besides, they send each other signal 33, for which the program has a handler of its own
 *   blocking    the last one blocks all signals, and 32 and 33, until a line begins with "o"
 *   closing     besides, descriptors from 3 on are closed again and again, whoever owns them
 *   forking     the last one waits by vfork for a child that sleeps until a line begins with "o"
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS_MAX 1024
#define RAW_SIGNAL 33 /* the C library's own, which it does not let sigaction(3) have */
#define KERNEL_SET_SIZE 8
#define SA_RESTORER 0x04000000
#define CLOSED_MAX 256
#define CHURNED_MAX 8
#define SLEEP_LIMIT "600" /* seconds, for what somebody lets go on before */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t asked = PTHREAD_COND_INITIALIZER, answered = PTHREAD_COND_INITIALIZER;
static long question, seats[THREADS_MAX];
static int count, answers;
static const char *kind;
static _Atomic bool over, open_again, quiet;
static _Atomic long sent, handled, created;
static pid_t tids[THREADS_MAX];
static pid_t sleeping_child;

static void die(const char *what, int error)
{
	printf("FAILED %s: %s\n", what, strerrorname_np(error));
	fflush(stdout);
	_exit(1);
}

static bool is(const char *name)
{
	return strcmp(kind, name) == 0;
}

/* What the kernel takes for a handler. */
struct raw_action {
	void (*handler)(int);
	unsigned long flags;
	void (*restorer)(void);
	unsigned long mask;
};

void return_from_signal(void);
__asm__(".text\n.globl return_from_signal\nreturn_from_signal:\n\tmov $15, %eax\n\tsyscall\n");

static void on_raw(int number)
{
	(void)number;
	handled++;
}

static void *end_at_once(void *argument)
{
	created++;
	return argument;
}

static void handle_raw(void)
{
	struct raw_action action = { on_raw, SA_RESTORER | SA_RESTART, return_from_signal, 0 };
	pthread_t first;

	/* With its first thread the C library takes the signal. */
	pthread_create(&first, NULL, end_at_once, NULL);
	pthread_join(first, NULL);
	if (syscall(SYS_rt_sigaction, RAW_SIGNAL, &action, NULL, KERNEL_SET_SIZE) < 0)
		die("rt_sigaction", errno);
}

static void block_raw(int how)
{
	unsigned long all = ~0ul;

	if (syscall(SYS_rt_sigprocmask, how, &all, NULL, KERNEL_SET_SIZE) < 0)
		die("rt_sigprocmask", errno);
}

/* Waits for the next question, and answers it. */
static void answer(int index)
{
	seats[index]++;
	answers++;
	pthread_cond_signal(&answered);
}

static void burn(int index)
{
	volatile unsigned long value = (unsigned long)index;

	while (!over) {
		for (int i = 0; i < 100000; i++)
			value = value * 31 + 1;
		pthread_mutex_lock(&lock);
		if (seats[index] < question)
			answer(index);
		pthread_mutex_unlock(&lock);
	}
}

static void send_raw(int index)
{
	pid_t to = tids[(index + 1) % count];

	if (to == 0 || quiet)
		return;
	if (syscall(SYS_tgkill, getpid(), to, RAW_SIGNAL) < 0 && errno != EAGAIN)
		die("tgkill", errno);
	else
		sent++;
}

static void be_stuck(void)
{
	if (is("blocking")) {
		block_raw(SIG_BLOCK);
		while (!open_again && !over)
			usleep(1000);
		block_raw(SIG_UNBLOCK);
	} else if (is("forking")) {
		char *const argv[] = { "sleep", SLEEP_LIMIT, NULL };
		int status;

		/* The child of vfork sleeps before it executes anything: its parent is in the kernel until then. */
		pid_t child = vfork();
		if (child == 0) {
			sleeping_child = (pid_t)syscall(SYS_getpid);
			syscall(SYS_pause);
			execv("/bin/false", argv);
			_exit(127);
		}
		if (waitpid(child, &status, 0) != child)
			die("waitpid", errno);
	}
}

static void *live(void *argument)
{
	int index = (int)(long)argument;

	tids[index] = gettid();
	if (index == count - 1)
		be_stuck();
	if (is("computing")) {
		burn(index);
		return argument;
	}
	pthread_mutex_lock(&lock);
	while (!over) {
		if (seats[index] < question) {
			answer(index);
			continue;
		}
		if (!is("raw")) {
			pthread_cond_wait(&asked, &lock);
			continue;
		}
		pthread_mutex_unlock(&lock);
		send_raw(index);
		usleep(2000);
		pthread_mutex_lock(&lock);
	}
	pthread_mutex_unlock(&lock);
	return argument;
}

/* Does what is done besides, in a thread of its own. */
static void *disturb(void *argument)
{
	long started = 0;

	while (!over) {
		pthread_t thread;

		if (is("churning")) {
			while (started - created > CHURNED_MAX)
				usleep(100); /* on a busy machine they would become ever more */
			started++;
			int error = pthread_create(&thread, NULL, end_at_once, NULL);
			if (error != 0)
				die("pthread_create", error);
			if (created % 2 == 0)
				pthread_join(thread, NULL);
			else
				pthread_detach(thread);
		} else {
			for (int fd = 3; fd < CLOSED_MAX; fd++)
				close(fd);
			close_range(CLOSED_MAX, ~0u, 0);
			usleep(5000);
		}
	}
	return argument;
}

static void ask(void)
{
	pthread_mutex_lock(&lock);
	answers = 0;
	question++;
	pthread_cond_broadcast(&asked);
	while (answers < count)
		pthread_cond_wait(&answered, &lock);
	for (int i = 0; i < count; i++)
		if (seats[i] != question)
			die("a thread that answers for another", 0);
	pthread_mutex_unlock(&lock);
	printf("all %d\n", count);
	fflush(stdout);
}

static void let_go(void)
{
	open_again = true;
	if (sleeping_child != 0)
		kill(sleeping_child, SIGKILL);
}

/* Waits until all that were sent have been handled, while their threads live. */
static void count_raw(void)
{
	quiet = true;
	usleep(100000);
	for (int tries = 0; handled < sent && tries < 5000; tries++)
		usleep(1000);
	if (handled == sent)
		return;
	printf("FAILED signals 33: %ld sent, %ld handled\n", (long)sent, (long)handled);
	exit(1);
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS_MAX], besides = 0;
	pthread_attr_t attributes;
	char line[64];

	if (argc < 3 || atoi(argv[2]) < 1 || atoi(argv[2]) > THREADS_MAX) {
		fprintf(stderr, "usage: throng KIND THREADS [STACK_BYTES]\n");
		return 2;
	}
	kind = argv[1];
	count = atoi(argv[2]);
	pthread_attr_init(&attributes);
	if (argc > 3 && pthread_attr_setstacksize(&attributes, (size_t)atol(argv[3])) != 0)
		die("pthread_attr_setstacksize", EINVAL);
	if (is("raw"))
		handle_raw();
	for (int i = 0; i < count; i++) {
		int error = pthread_create(&threads[i], &attributes, live, (void *)(long)i);
		if (error != 0)
			die("pthread_create", error);
	}
	if (is("churning") || is("closing"))
		pthread_create(&besides, NULL, disturb, NULL);
	while (tids[count - 1] == 0 || (is("forking") && sleeping_child == 0))
		usleep(1000);
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin) != NULL) {
		if (line[0] == 'o')
			let_go();
		ask();
	}
	if (is("raw"))
		count_raw();
	over = true;
	pthread_mutex_lock(&lock);
	pthread_cond_broadcast(&asked);
	pthread_mutex_unlock(&lock);
	for (int i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	if (besides != 0)
		pthread_join(besides, NULL);
	printf("end\n");
	return 6;
}
