/* obstacle.c - obstacle KIND: makes one obstacle to moving, then waits. */
#include <fcntl.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SIZE 8192
#define TIMERS 257 /* one more than the library keeps */

/* Only to be read so far, but mprotect(2) may change that: the file is open for writing. */
static int may_write(void)
{
	int fd = open("obstacle.bin", O_RDWR | O_CREAT, 0600);
	if (fd < 0 || ftruncate(fd, SIZE) < 0)
		return -1;
	return mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : close(fd);
}

/* Not a child, but it has our memory, until we end. */
static int leave_orphan(void)
{
	int fds[2], status;
	char byte;

	if (pipe(fds) < 0)
		return -1;
	pid_t child = fork();
	if (child == 0) {
		close(fds[1]);
		if (fork() == 0)
			_exit(read(fds[0], &byte, 1) != 0);
		_exit(0);
	}
	close(fds[0]);
	return waitpid(child, &status, 0) == child ? 0 : -1;
}

static int shared_none(void)
{
	if (mmap(NULL, SIZE, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
		return -1;
	return leave_orphan();
}

static int sysv(void)
{
	int id = shmget(IPC_PRIVATE, SIZE, 0600);
	if (id < 0 || shmat(id, NULL, 0) == (void *)-1)
		return -1;
	return shmctl(id, IPC_RMID, NULL);
}

static int timers(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_NONE };
	timer_t id;
	for (int i = 0; i < TIMERS; i++)
		if (timer_create(CLOCK_MONOTONIC, &event, &id) < 0)
			return -1;
	return 0;
}

/* A shadow has this signal for itself. */
static int signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	return signalfd(-1, &set, 0);
}

static int io_uring(void)
{
	struct io_uring_params params = { 0 };
	return syscall(SYS_io_uring_setup, 4, &params) < 0 ? -1 : 0;
}

/* Strict mode: read, write and exit are all that is left. */
static int seccomp(void)
{
	return prctl(PR_SET_SECCOMP, 1);
}

/* Lives in our memory, beside us. */
static int live_on(void *argument)
{
	(void)argument;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
	return 0;
}

static int child(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	return clone(live_on, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL) < 0 ? -1 : 0;
}

static int huge_pages(void)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_HUGETLB;
	return mmap(NULL, 2 << 20, PROT_READ, flags, -1, 0) == MAP_FAILED ? -1 : 0;
}

static int time_stamps(void)
{
	return prctl(PR_SET_TSC, PR_TSC_SIGSEGV);
}

static int write_or_execute(void)
{
	return prctl(65 /* PR_SET_MDWE, Linux 6.3 */, 1, 0, 0, 0);
}

static const struct {
	const char *name;
	int (*make)(void);
} kinds[] = {
	{ "may-write", may_write },
	{ "shared-none", shared_none },
	{ "sysv", sysv },
	{ "signalfd", signals },
	{ "timers", timers },
	{ "io-uring", io_uring },
	{ "seccomp", seccomp },
	{ "child", child },
	{ "huge-pages", huge_pages },
	{ "tsc", time_stamps },
	{ "mdwe", write_or_execute },
};

int main(int argc, char **argv)
{
	char byte;
	for (size_t i = 0; argc == 2 && i < sizeof kinds / sizeof *kinds; i++) {
		if (strcmp(argv[1], kinds[i].name) != 0)
			continue;
		const char *said = kinds[i].make() < 0 ? "not here\n" : "ready\n";
		if (write(1, said, strlen(said)) < 0)
			return 1;
		return read(0, &byte, 1) < 0;
	}
	fprintf(stderr, "usage: obstacle KIND\n");
	return 2;
}
