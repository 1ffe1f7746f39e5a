/* identity.c - Numbers, names, processors and priorities of threads. */
#include "torture.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SETTLED 3
#define SLACK_NS 71000

/* tids: each thread keeps its number, and it is listed. */

struct settled {
	pthread_t thread;
	_Atomic pid_t tid;
};

static struct settled settled[SETTLED];
static pid_t process;

/* Looks more than once: the kernel ends the list where a thread ends just then (fs/proc/base.c, next_tid). */
static bool is_listed(pid_t tid)
{
	bool found = false;

	for (int tries = 0; tries < 50 && !found; tries++) {
		DIR *tasks = opendir("/proc/self/task");
		struct dirent *entry;

		if (!EXPECT(tasks != NULL, "/proc/self/task cannot be opened: %s", strerrorname_np(errno)))
			return false;
		while ((entry = readdir(tasks)) != NULL)
			found |= atoi(entry->d_name) == tid;
		closedir(tasks);
	}
	return found;
}

static void check_tid(pid_t tid)
{
	char link[64] = "", wanted[64], path[64];

	EXPECT(gettid() == tid && syscall(SYS_gettid) == tid, "thread %d is %d now", (int)tid, (int)gettid());
	EXPECT(getpid() == process && syscall(SYS_getpid) == process, "process %d is %d now", (int)process,
		(int)getpid());
	RETURNS(tgkill(process, tid, 0), 0);
	snprintf(path, sizeof path, "/proc/self/task/%d", (int)tid);
	RETURNS(access(path, F_OK), 0);
	ssize_t size = readlink("/proc/thread-self", link, sizeof link - 1);
	snprintf(wanted, sizeof wanted, "%d/task/%d", (int)process, (int)tid);
	EXPECT(size > 0 && strcmp(link, wanted) == 0, "/proc/thread-self leads to \"%s\", not \"%s\"", link, wanted);
}

static void *settle(void *argument)
{
	struct settled *self = argument;

	self->tid = gettid();
	while (!is_over()) {
		check_tid(self->tid);
		rest_up_to(9000);
	}
	return NULL;
}

static void set_up_tids(void)
{
	process = getpid();
	for (int i = 0; i < SETTLED; i++)
		settled[i].thread = start(settle, &settled[i]);
	for (int i = 0; i < SETTLED; i++)
		while (settled[i].tid == 0)
			rest_us(100);
}

static void *tell_tid(void *argument)
{
	*(pid_t *)argument = gettid();
	EXPECT(is_listed(gettid()), "a new thread is not listed");
	return NULL;
}

static uint64_t check_tids_now(long round)
{
	pid_t fresh = 0;

	check_tid(gettid());
	for (int i = 0; i < SETTLED; i++) {
		RETURNS(tgkill(process, settled[i].tid, 0), 0);
		EXPECT(is_listed(settled[i].tid), "thread %d is not listed", (int)settled[i].tid);
	}
	join(start(tell_tid, &fresh), NULL);
	for (int i = 0; i < SETTLED; i++)
		EXPECT(fresh != settled[i].tid, "two threads are %d", (int)fresh);
	AT("the end of a thread that was joined");
	while (tgkill(process, fresh, 0) == 0)
		rest_us(200); /* join comes back a moment before it is gone */
	EXPECT(errno == ESRCH, "a signal to a thread that has ended: %s", strerrorname_np(errno));
	return (uint64_t)round;
}

static void end_tids(void)
{
	for (int i = 0; i < SETTLED; i++)
		join(settled[i].thread, NULL);
}

const struct check check_tids = { "tids", false, set_up_tids, check_tids_now, end_tids };

/* names: its own, and that of another. */

static struct settled named;
static sem_t named_go, named_done;

static void expect_name(pthread_t thread, pid_t tid, const char *wanted)
{
	char name[32] = "", path[64], line[32] = "";

	GIVES(pthread_getname_np(thread, name, sizeof name), 0);
	EXPECT(strcmp(name, wanted) == 0, "thread %d is called \"%s\", not \"%s\"", (int)tid, name, wanted);
	snprintf(path, sizeof path, "/proc/self/task/%d/comm", (int)tid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	EXPECT(fd >= 0, "%s cannot be opened: %s", path, strerrorname_np(errno));
	if (fd < 0)
		return;
	EXPECT(read(fd, line, sizeof line - 1) > 0, "%s cannot be read: %s", path, strerrorname_np(errno));
	line[strcspn(line, "\n")] = 0;
	EXPECT(strcmp(line, wanted) == 0, "%s says \"%s\", not \"%s\"", path, line, wanted);
	close(fd);
}

static void *be_named(void *argument)
{
	char name[16];
	long round = 0;

	named.tid = gettid();
	for (;; round++) {
		AT("a wait for a name");
		wait_for(&named_go);
		if (is_over())
			return argument;
		snprintf(name, sizeof name, "other%ld", round % 1000);
		expect_name(pthread_self(), named.tid, name);
		snprintf(name, sizeof name, "own%ld", round % 1000);
		GIVES(pthread_setname_np(pthread_self(), name), 0);
		sem_post(&named_done);
	}
}

static void set_up_names(void)
{
	sem_init(&named_go, 0, 0);
	sem_init(&named_done, 0, 0);
	named.thread = start(be_named, NULL);
	while (named.tid == 0)
		rest_us(100);
}

static uint64_t give_names(long round)
{
	char name[16];

	snprintf(name, sizeof name, "other%ld", round % 1000);
	GIVES(pthread_setname_np(named.thread, name), 0);
	rest_up_to(2000);
	sem_post(&named_go);
	AT("another thread that names itself");
	wait_for(&named_done);
	snprintf(name, sizeof name, "own%ld", round % 1000);
	expect_name(named.thread, named.tid, name);
	expect_name(pthread_self(), gettid(), "names");
	return (uint64_t)round;
}

static void end_names(void)
{
	sem_post(&named_go);
	join(named.thread, NULL);
}

const struct check check_names = { "names", false, set_up_names, give_names, end_names };

/* affinity: the processors that a thread may use, set by itself and by another, and the one that it is on. */

static struct settled tied;
static cpu_set_t allowed;

static int nth_cpu(unsigned index)
{
	int cpu = -1;

	for (unsigned left = index % (unsigned)CPU_COUNT(&allowed) + 1; left > 0; left--)
		do
			cpu++;
		while (!CPU_ISSET(cpu, &allowed));
	return cpu;
}

static void *be_tied(void *argument)
{
	tied.tid = gettid();
	while (!is_over())
		rest_us(2000);
	return argument;
}

static void set_up_affinity(void)
{
	must("sched_getaffinity", sched_getaffinity(0, sizeof allowed, &allowed));
	tied.thread = start(be_tied, NULL);
	while (tied.tid == 0)
		rest_us(100);
}

static void expect_cpu(pthread_t thread, int cpu)
{
	cpu_set_t is;

	CPU_ZERO(&is);
	GIVES(pthread_getaffinity_np(thread, sizeof is, &is), 0);
	EXPECT(CPU_COUNT(&is) == 1 && CPU_ISSET(cpu, &is), "a thread may use %d processors, not number %d alone",
		CPU_COUNT(&is), cpu);
}

static uint64_t tie(long round)
{
	int own = nth_cpu((unsigned)round), other = nth_cpu((unsigned)round + 1);
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(own, &set);
	GIVES(pthread_setaffinity_np(pthread_self(), sizeof set, &set), 0);
	CPU_ZERO(&set);
	CPU_SET(other, &set);
	GIVES(pthread_setaffinity_np(tied.thread, sizeof set, &set), 0);
	rest_up_to(10000);
	EXPECT(sched_getcpu() == own, "a thread that may use processor %d is on %d", own, sched_getcpu());
	expect_cpu(pthread_self(), own);
	expect_cpu(tied.thread, other);
	RETURNS(sched_getaffinity(tied.tid, sizeof set, &set) >= 0 && CPU_ISSET(other, &set), 1);
	return (uint64_t)round;
}

static void end_affinity(void)
{
	join(tied.thread, NULL);
}

const struct check check_affinity = { "affinity", false, set_up_affinity, tie, end_affinity };

/* nice: priority, policy and timer slack of each. */

static sem_t nice_set, nice_seen;
static _Atomic pid_t nice_tid;

static void *be_nice(void *argument)
{
	int by = (int)(intptr_t)argument;

	nice_tid = gettid();
	RETURNS(setpriority(PRIO_PROCESS, (id_t)gettid(), by), 0);
	RETURNS(sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){ 0 }), 0);
	RETURNS(prctl(PR_SET_TIMERSLACK, SLACK_NS, 0, 0, 0), 0);
	sem_post(&nice_set);
	wait_for(&nice_seen);
	RETURNS(getpriority(PRIO_PROCESS, 0), by);
	RETURNS(sched_getscheduler(0), SCHED_BATCH);
	RETURNS(prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0), SLACK_NS);
	return argument;
}

static uint64_t look_at_nice(long round)
{
	static int before = -100;
	static int slack;
	int by = 5 + (int)(round % 10);

	if (before == -100) {
		before = getpriority(PRIO_PROCESS, 0);
		slack = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
	}
	pthread_t thread = start(be_nice, (void *)(intptr_t)(before + by > 19 ? 19 : before + by));
	wait_for(&nice_set);
	rest_up_to(5000);
	RETURNS(getpriority(PRIO_PROCESS, (id_t)nice_tid), before + by > 19 ? 19 : before + by);
	RETURNS(sched_getscheduler(nice_tid), SCHED_BATCH);
	RETURNS(getpriority(PRIO_PROCESS, 0), before);
	RETURNS(sched_getscheduler(0), SCHED_OTHER);
	RETURNS(prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0), slack);
	sem_post(&nice_seen);
	AT("the join of a nice thread");
	join(thread, (void *)(intptr_t)(before + by > 19 ? 19 : before + by));
	return (uint64_t)round;
}

static void set_up_nice(void)
{
	sem_init(&nice_set, 0, 0);
	sem_init(&nice_seen, 0, 0);
}

const struct check check_nice = { "nice", false, set_up_nice, look_at_nice, NULL };

/* setid: the C library has each thread change its user by a handler of a signal of its own, 33; at home. */

static void set_up_setid(void)
{
	handlers_run = true;
}

static uint64_t set_ids(long round)
{
	AT("setresuid");
	RETURNS(setresuid(getuid(), getuid(), getuid()), 0);
	RETURNS(setresgid(getgid(), getgid(), getgid()), 0);
	return (uint64_t)round;
}

const struct check check_setid = { "setid", true, set_up_setid, set_ids, NULL };
