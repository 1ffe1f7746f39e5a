/* process.c - identity, limits, priority, names, arguments, environment, threads' locks. */
#include "selfcheck.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const int limits[] = { RLIMIT_NOFILE, RLIMIT_FSIZE, RLIMIT_CORE, RLIMIT_STACK };

#define LIMITS (sizeof limits / sizeof *limits)

static struct {
	pid_t pid, tid, parent, group, session;
	uid_t user, effective;
	gid_t group_id;
	struct rlimit limits[LIMITS];
	struct utsname names;
	char executable[PATH_MAX];
	char arguments[4096];
	size_t arguments_size, environment_size;
	uint64_t environment_hash;
} start;

static pthread_mutex_t robust, checked;

static uint64_t hash_environment(size_t *size)
{
	uint64_t hash = 1;

	*size = 0;
	for (char **entry = environ; *entry; entry++)
		for (const char *c = *entry; *c; c++, ++*size)
			hash = hash * 31 + (unsigned char)*c;
	return hash;
}

static size_t read_file(const char *path, char *into, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t count = fd < 0 ? -1 : read(fd, into, size);

	CHECK(count >= 0, "cannot read %s: errno %d", path, errno);
	if (fd >= 0)
		close(fd);
	return count < 0 ? 0 : (size_t)count;
}

static void setup_mutexes(void)
{
	pthread_mutexattr_t kind;

	pthread_mutexattr_init(&kind);
	pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutex_init(&checked, &kind);
	pthread_mutexattr_setrobust(&kind, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&robust, &kind);
	pthread_mutex_lock(&robust);
	pthread_mutex_lock(&checked);
}

static void setup(void)
{
	prctl(PR_SET_NAME, "self check");
	start.pid = getpid();
	start.tid = gettid();
	start.parent = getppid();
	start.group = getpgrp();
	start.session = getsid(0);
	start.user = getuid();
	start.effective = geteuid();
	start.group_id = getgid();
	for (size_t i = 0; i < LIMITS; i++)
		getrlimit(limits[i], &start.limits[i]);
	uname(&start.names);
	if (readlink("/proc/self/exe", start.executable, sizeof start.executable - 1) < 0) {
		perror("selfcheck: /proc/self/exe");
		exit(2);
	}
	start.arguments_size = read_file("/proc/self/cmdline", start.arguments, sizeof start.arguments);
	start.environment_hash = hash_environment(&start.environment_size);
	setenv("SELFCHECK", "set at run time", 1);
	start.environment_hash = hash_environment(&start.environment_size);
	setup_mutexes();
}

static void check_identity(void)
{
	char text[64];

	CHECK(getpid() == start.pid, "getpid is %d, was %d", (int)getpid(), (int)start.pid);
	CHECK(gettid() == start.tid, "gettid is %d, was %d", (int)gettid(), (int)start.tid);
	CHECK(getppid() == start.parent, "getppid is %d, was %d", (int)getppid(), (int)start.parent);
	CHECK(getpgrp() == start.group && getsid(0) == start.session, "process group %d and session %d, were %d and %d",
		(int)getpgrp(), (int)getsid(0), (int)start.group, (int)start.session);
	CHECK(getuid() == start.user && geteuid() == start.effective && getgid() == start.group_id,
		"user or group changed");
	CHECK(kill(start.pid, 0) == 0, "kill of oneself: errno %d", errno);
	CHECK(getpgid(start.pid) == start.group, "getpgid of oneself: errno %d", errno);
	errno = 0;
	CHECK(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD, "wait gave errno %d", errno);
	snprintf(text, sizeof text, "/proc/%d/stat", (int)start.pid);
	CHECK(access(text, R_OK) == 0, "%s is not there", text);
}

static void check_names(void)
{
	char name[32] = { 0 }, path[PATH_MAX] = { 0 }, arguments[4096];
	struct utsname names;
	size_t size;

	CHECK(prctl(PR_GET_NAME, name) == 0 && strcmp(name, "self check") == 0, "the name is %s", name);
	size = read_file("/proc/self/comm", name, sizeof name - 1);
	CHECK(size == 11 && memcmp(name, "self check\n", 11) == 0, "/proc/self/comm is %.*s", (int)size, name);
	CHECK(readlink("/proc/self/exe", path, sizeof path - 1) > 0 && strcmp(path, start.executable) == 0,
		"/proc/self/exe is %s", path);
	size = read_file("/proc/self/cmdline", arguments, sizeof arguments);
	CHECK(size == start.arguments_size && memcmp(arguments, start.arguments, size) == 0,
		"/proc/self/cmdline changed");
	CHECK(saved_argv[0] == program_path && strcmp(saved_argv[0], program_path) == 0, "argv changed");
	CHECK(hash_environment(&size) == start.environment_hash && size == start.environment_size,
		"the environment changed");
	CHECK(strcmp(getenv("SELFCHECK"), "set at run time") == 0, "getenv is wrong");
	uname(&names);
	CHECK(strcmp(names.nodename, start.names.nodename) == 0, "uname's node is %s", names.nodename);
}

static void check_limits(void)
{
	struct rlimit now;

	for (size_t i = 0; i < LIMITS; i++)
		CHECK(getrlimit(limits[i], &now) == 0 && now.rlim_cur == start.limits[i].rlim_cur &&
				now.rlim_max == start.limits[i].rlim_max,
			"limit %d changed", limits[i]);
}

static void check_scheduling(void)
{
	cpu_set_t set;
	int cpu = sched_getcpu();

	CHECK(cpu >= 0 && cpu < CPU_SETSIZE, "sched_getcpu gave %d", cpu);
	CPU_ZERO(&set);
	CHECK(sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0, "sched_getaffinity: errno %d", errno);
	CHECK(cpu < 0 || CPU_ISSET(cpu, &set), "it runs on CPU %d, outside its affinity", cpu);
	CHECK(sched_yield() == 0, "sched_yield: errno %d", errno);
}

static void check_mutexes(void)
{
	CHECK(pthread_mutex_lock(&robust) == EDEADLK, "a held robust lock is not known as held");
	CHECK(pthread_mutex_unlock(&robust) == 0, "a robust lock cannot be unlocked");
	CHECK(pthread_mutex_lock(&robust) == 0, "a robust lock cannot be taken");
	CHECK(pthread_mutex_lock(&checked) == EDEADLK, "a held lock is not known as held");
	CHECK(pthread_mutex_unlock(&checked) == 0, "a lock cannot be unlocked");
	CHECK(pthread_mutex_lock(&checked) == 0, "a lock cannot be taken");
}

static void check_round(long round)
{
	check_identity();
	if (round % 2 == 0)
		check_names();
	check_limits();
	check_scheduling();
	check_mutexes();
}

const struct group group_process = { "process", setup, check_round };
