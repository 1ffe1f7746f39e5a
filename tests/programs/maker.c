/* maker.c - Makes threads, and looks at what each is given.
 *
 * Once the file `go` is there; in the middle it waits for `on`.
 *
 *   maker COUNT [LAST]       so many in a row; LAST: how it ends: exit, pthread_exit or the first thread's return
 *
 * Says "ready", then what held, one line each; the same wherever it runs. Exit status 7.
 */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOOKED_AT 10 /* of them, each by all of /proc, which is slow */
#define SECOND_NS 1000000000L

extern char **environ;

static void say(const char *what, bool held)
{
	printf("%s: %s\n", what, held ? "yes" : "NO");
}

static pid_t own_tid(void)
{
	return (pid_t)syscall(SYS_gettid);
}

static pthread_t start(void *(*function)(void *), void *argument)
{
	pthread_t thread;
	int error = pthread_create(&thread, NULL, function, argument);

	if (error != 0) {
		printf("pthread_create: %s\n", strerror(error));
		exit(1);
	}
	return thread;
}

static void *result_of(pthread_t thread)
{
	void *result = NULL;

	pthread_join(thread, &result);
	return result;
}

/* ---- many ---- */

static bool is_listed(pid_t tid)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	bool found = false;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		found = found || atoi(entry->d_name) == tid;
	if (dir != NULL)
		closedir(dir);
	return found;
}

static bool begins_with(const char *path, pid_t number)
{
	FILE *file = fopen(path, "r");
	int first = 0;
	bool same = file != NULL && fscanf(file, "%d", &first) == 1 && first == number;

	if (file != NULL)
		fclose(file);
	return same;
}

static bool has_line(const char *path, const char *name, long number)
{
	char line[256];
	FILE *file = fopen(path, "r");
	bool found = false;

	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		found = found || (strncmp(line, name, strlen(name)) == 0 && atol(line + strlen(name)) == number);
	if (file != NULL)
		fclose(file);
	return found;
}

static bool looks_right(void)
{
	char path[64];
	pid_t tid = own_tid();
	struct timespec time;
	clockid_t clock;

	if (!is_listed(tid) || is_listed(tid + 100000) || !begins_with("/proc/thread-self/stat", tid))
		return false;
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	if (!begins_with(path, tid))
		return false;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", getpid(), tid);
	if (!has_line(path, "Pid:", tid) || !has_line(path, "Tgid:", getpid()))
		return false;
	return syscall(SYS_tgkill, getpid(), tid, 0) == 0 && syscall(SYS_tkill, tid, 0) == 0 &&
		pthread_getcpuclockid(pthread_self(), &clock) == 0 && clock_gettime(clock, &time) == 0 &&
		sched_getscheduler(tid) == 0;
}

static int looked;
static __thread int of_this_thread = 5;

static void *one_of_many(void *argument)
{
	pid_t *tid = argument;
	bool right = of_this_thread++ == 5 && getpid() != own_tid();

	*tid = own_tid();
	if (looked++ < LOOKED_AT)
		right = right && looks_right();
	return (void *)(intptr_t)right;
}

static int by_number(const void *a, const void *b)
{
	return *(const pid_t *)a - *(const pid_t *)b;
}

static void make_many(int count)
{
	pid_t *tids = calloc((size_t)count, sizeof(*tids));
	int right = 0;
	bool distinct = true;
	int i;

	for (i = 0; i < count; i++)
		right += result_of(start(one_of_many, &tids[i])) != NULL;
	qsort(tids, (size_t)count, sizeof(*tids), by_number);
	for (i = 1; i < count; i++)
		distinct = distinct && tids[i] != tids[i - 1];
	printf("%d of %d threads are what they should be\n", right, count);
	say("their numbers are their own", distinct && tids[0] > 0);
	say("none is left", syscall(SYS_tgkill, getpid(), tids[count - 1], 0) < 0 && errno == ESRCH);
	free(tids);
}

static sem_t ended;

static void *detached(void *argument)
{
	(void)argument;
	pthread_detach(pthread_self());
	sem_post(&ended);
	return NULL;
}

static void make_detached(int count)
{
	int i;

	sem_init(&ended, 0, 0);
	for (i = 0; i < count; i++)
		start(detached, NULL);
	for (i = 0; i < count; i++)
		sem_wait(&ended);
	printf("%d detached threads have run\n", count);
}

/* ---- locks whose owner ends ---- */

static pthread_mutex_t robust;
static sem_t locked, go_on;

static void *dies_with_it(void *argument)
{
	(void)argument;
	pthread_mutex_lock(&robust);
	sem_post(&locked);
	sem_wait(&go_on);
	return NULL;
}

static void *wants_it(void *argument)
{
	int error;

	(void)argument;
	sem_post(&locked);
	error = pthread_mutex_lock(&robust);
	if (error == EOWNERDEAD)
		pthread_mutex_consistent(&robust);
	pthread_mutex_unlock(&robust);
	return (void *)(intptr_t)error;
}

static void lose_a_lock(bool waited_for)
{
	pthread_mutexattr_t attributes;
	pthread_t owner, waiter;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&robust, &attributes);
	sem_init(&locked, 0, 0);
	sem_init(&go_on, 0, 0);
	owner = start(dies_with_it, NULL);
	sem_wait(&locked);
	if (waited_for) {
		waiter = start(wants_it, NULL);
		sem_wait(&locked);
		usleep(50000);
		sem_post(&go_on);
		say("who waits for a lock hears that its owner has died", (intptr_t)result_of(waiter) == EOWNERDEAD);
		result_of(owner);
		return;
	}
	sem_post(&go_on);
	result_of(owner);
	say("who takes a lock hears that its owner has died", (intptr_t)wants_it(NULL) == EOWNERDEAD);
}

/* ---- signals ---- */

static volatile sig_atomic_t handled_by, sent_by, sent_how;

static void on_signal(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	sent_by = info->si_pid;
	sent_how = info->si_code;
	handled_by = own_tid();
}

static pid_t sleeper_tid;

static void *sleeps(void *argument)
{
	(void)argument;
	sleeper_tid = own_tid();
	sem_post(&locked);
	while (handled_by == 0)
		usleep(1000);
	return NULL;
}

static void *takes(void *argument)
{
	siginfo_t info;
	sigset_t set;

	(void)argument;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sem_post(&locked);
	/* The C library's changes the code. */
	if (syscall(SYS_rt_sigtimedwait, &set, &info, NULL, 8) != SIGUSR2)
		return NULL;
	return (void *)(intptr_t)(info.si_pid == getpid() && info.si_code == SI_TKILL && info.si_uid == getuid());
}

static void *sends_to_all(void *argument)
{
	(void)argument;
	kill(getpid(), SIGUSR1);
	return NULL;
}

static void *paused(void *argument)
{
	(void)argument;
	for (;;)
		pause();
	return NULL;
}

static void signal_each_other(void)
{
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
	sigset_t set;
	pthread_t thread;

	sigaction(SIGUSR1, &action, NULL);
	sem_init(&locked, 0, 0);
	thread = start(sleeps, NULL);
	sem_wait(&locked);
	pthread_kill(thread, SIGUSR1);
	result_of(thread);
	say("a signal comes to the thread that it is for", handled_by == sleeper_tid);
	say("and says who has sent it", sent_by == getpid() && sent_how == SI_TKILL);
	handled_by = 0;
	result_of(start(sends_to_all, NULL));
	while (handled_by == 0)
		usleep(1000);
	say("one to all says so, too", sent_by == getpid() && sent_how == SI_USER);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	thread = start(takes, NULL);
	sem_wait(&locked);
	usleep(20000);
	pthread_kill(thread, SIGUSR2);
	say("one is taken by who waits for it", result_of(thread) != NULL);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	thread = start(paused, NULL);
	pthread_cancel(thread);
	say("a thread is cancelled", result_of(thread) == PTHREAD_CANCELED);
}

/* ---- what is said of another thread ---- */

static void *waits(void *argument)
{
	char *name = argument;

	sleeper_tid = own_tid();
	sem_post(&locked);
	sem_wait(&go_on);
	prctl(PR_GET_NAME, name);
	return (void *)(intptr_t)(10 + getpriority(PRIO_PROCESS, 0));
}

static bool has_cpus(pid_t tid, const cpu_set_t *wanted)
{
	cpu_set_t now;

	return sched_getaffinity(tid, sizeof(now), &now) == 0 && CPU_EQUAL(&now, wanted);
}

static void rule_another(void)
{
	char name[16] = "", told[16] = "";
	cpu_set_t all, one;
	int i = 0;
	pthread_t thread;

	sem_init(&locked, 0, 0);
	sem_init(&go_on, 0, 0);
	sched_getaffinity(0, sizeof(all), &all);
	CPU_ZERO(&one);
	while (!CPU_ISSET(i, &all))
		i++;
	CPU_SET(i, &one);
	thread = start(waits, name);
	sem_wait(&locked);
	pthread_setname_np(thread, "another");
	pthread_getname_np(thread, told, sizeof(told));
	say("its processors are set", sched_setaffinity(sleeper_tid, sizeof(one), &one) == 0);
	say("and are its own", has_cpus(sleeper_tid, &one) && has_cpus(0, &all) && has_cpus(getpid(), &all));
	setpriority(PRIO_PROCESS, (id_t)sleeper_tid, 3);
	say("its nice value is its own",
		getpriority(PRIO_PROCESS, (id_t)sleeper_tid) == 3 && getpriority(PRIO_PROCESS, 0) == 0);
	sem_post(&go_on);
	say("and it knows", (intptr_t)result_of(thread) == 13);
	say("its name is what it was given", strcmp(name, "another") == 0 && strcmp(told, "another") == 0);
}

static sem_t ticks;

static void on_tick(union sigval value)
{
	(void)value;
	sem_post(&ticks);
}

static void tick(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD, .sigev_notify_function = on_tick };
	struct itimerspec every = { { 0, SECOND_NS / 100 }, { 0, SECOND_NS / 100 } };
	timer_t timer;
	int i;

	sem_init(&ticks, 0, 0);
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0) {
		say("a timer is made", false);
		return;
	}
	timer_settime(timer, 0, &every, NULL);
	for (i = 0; i < 5; i++)
		sem_wait(&ticks);
	timer_delete(timer);
	say("a timer makes threads", true);
}

/* ---- children of threads ---- */

static int status_of(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void *forks(void *argument)
{
	pid_t pid;

	(void)argument;
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		_exit(own_tid() == getpid() ? 3 : 4);
	return (void *)(intptr_t)status_of(pid);
}

static void *spawns(void *argument)
{
	char *const arguments[] = { "sh", "-c", "exit 5", NULL };
	pid_t pid = -1;
	pid_t before = own_tid();

	(void)argument;
	if (posix_spawn(&pid, "/bin/sh", NULL, NULL, arguments, environ) != 0 || own_tid() != before)
		return NULL;
	return (void *)(intptr_t)status_of(pid);
}

static volatile bool counting;

static void *counts(void *argument)
{
	pid_t tid = own_tid(), pid = getpid();
	bool right = true;

	(void)argument;
	while (counting)
		right = right && syscall(SYS_gettid) == tid && syscall(SYS_getpid) == pid;
	return (void *)(intptr_t)right;
}

static void have_children(void)
{
	pthread_t counter;

	counting = true;
	counter = start(counts, NULL);
	say("a thread forks", (intptr_t)result_of(start(forks, NULL)) == 3);
	say("a thread spawns", (intptr_t)result_of(start(spawns, NULL)) == 5);
	counting = false;
	say("meanwhile another is who it is", result_of(counter) != NULL);
}

/* ---- the end ---- */

static void *ends_all(void *argument)
{
	const char *how = argument;

	usleep(100000);
	if (strcmp(how, "exit") == 0)
		exit(7);
	syscall(SYS_exit, write(STDOUT_FILENO, "the last\n", 9) == 9 ? 7 : errno + 100);
	return NULL;
}

static void wait_for(const char *path)
{
	while (access(path, F_OK) != 0)
		usleep(10000);
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 300;
	const char *last = argc > 2 ? argv[2] : "return";

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("ready\n");
	wait_for("go");
	make_many(count);
	make_detached(20);
	wait_for("on");
	lose_a_lock(false);
	lose_a_lock(true);
	signal_each_other();
	rule_another();
	if (strcmp(last, "pthread_exit") != 0)
		tick(); /* the C library's thread for it stays */
	have_children();
	printf("done\n");
	if (strcmp(last, "return") == 0)
		return 7;
	start(ends_all, (void *)last);
	if (strcmp(last, "exit") == 0)
		pthread_exit(NULL);
	fflush(stdout);
	syscall(SYS_exit, 9); /* of no meaning: another one is the last */
}
