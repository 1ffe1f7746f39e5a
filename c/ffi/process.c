/* process.c - becoming another program, and starting one with chosen descriptors. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "action.h"
#include "internal.h"

#define FD_FIRST 3 /* where the first handed-over descriptor goes */
#define FD_PARK 64 /* from here on descriptors wait while they are put in order */
_Static_assert(FD_FIRST + LB_FFI_FDS_MAX <= FD_PARK, "parked descriptors are never in the way");
#define SIGNALS 64

struct program {          /* what to exec; strings point into the caller's blocks */
	const char *path; /* or NULL: fd */
	int fd;
	char **argv; /* owned */
	char **env;  /* owned */
};

/* Makes the pointer list for a block of strings. Returns NULL with errno set. */
static char **block_strings(const uint8_t *block, uint32_t size)
{
	const char *text = (const char *)block;
	char **list;
	size_t count = 0;

	if (size != 0 && (block == NULL || block[size - 1] != 0)) {
		errno = EINVAL;
		return NULL;
	}
	for (uint32_t i = 0; i < size; i++)
		count += block[i] == 0;
	list = calloc(count + 1, sizeof *list);
	if (list == NULL)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		list[i] = (char *)(uintptr_t)text;
		text += strlen(text) + 1;
	}
	return list;
}

static void program_free(struct program *program)
{
	free(program->argv);
	free(program->env);
}

static int32_t program_make(struct program *program, const char *path, int fd, const uint8_t *argv_block,
	uint32_t argv_size, const uint8_t *env_block, uint32_t env_size)
{
	if ((path == NULL) == (fd < 0))
		return -EINVAL;
	program->path = path;
	program->fd = fd;
	program->argv = block_strings(argv_block, argv_size);
	program->env = program->argv == NULL ? NULL : block_strings(env_block, env_size);
	if (program->env == NULL) {
		int32_t error = -errno;

		free(program->argv);
		return error;
	}
	return 0;
}

/* Returns only on error, as -errno. Async-signal-safe. */
static int32_t program_exec(const struct program *program)
{
	if (program->path != NULL)
		execve(program->path, program->argv, program->env);
	else
		syscall(SYS_execveat, program->fd, "", program->argv, program->env, AT_EMPTY_PATH);
	return -errno;
}

/* Undoes what Deno itself changed: Rust's start-up ignores SIGPIPE, and posix_spawn leaves 32
 * and 33 ignored in a program that Deno.Command started. */
static void signals_as_inherited(void)
{
	lb_signal_default(SIGPIPE);
	lb_signal_default(32);
	lb_signal_default(33);
}

int32_t lb_ffi_exec(
	const char *path, const uint8_t *argv_block, uint32_t argv_size, const uint8_t *env_block, uint32_t env_size)
{
	struct program program;
	int32_t rv = program_make(&program, path, -1, argv_block, argv_size, env_block, env_size);

	if (rv < 0)
		return rv;
	signals_as_inherited();
	rv = program_exec(&program);
	signal(SIGPIPE, SIG_IGN);
	program_free(&program);
	return rv;
}

/* Duplicates fds above FD_PARK, close-on-exec. Returns 0, or a negative error and closes what it
 * made. */
static int32_t park(const int32_t *fds, uint32_t count, int *parked)
{
	for (uint32_t i = 0; i < count; i++) {
		parked[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, FD_PARK);
		if (parked[i] < 0) {
			int32_t error = -errno;

			while (i-- > 0)
				close(parked[i]);
			return error;
		}
	}
	return 0;
}

/* Puts descriptors at FD_FIRST.., open across an exec, and marks every later one close-on-exec.
 * Async-signal-safe. */
static int32_t place(const int *parked, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (dup2(parked[i], FD_FIRST + (int)i) < 0)
			return -errno;
	if (syscall(SYS_close_range, FD_FIRST + count, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return -errno;
	return 0;
}

/* Checks and unblocks the descriptors to hand over. */
static int32_t fds_prepare(const int32_t *fds, uint32_t count)
{
	if (count > LB_FFI_FDS_MAX || (count != 0 && fds == NULL))
		return -EINVAL;
	for (uint32_t i = 0; i < count; i++) {
		int32_t rv = lb_fd_make_blocking(fds[i]);

		if (rv < 0)
			return rv;
	}
	return 0;
}

int32_t lb_ffi_exec_fds(const char *path, int32_t path_fd, const uint8_t *argv_block, uint32_t argv_size,
	const uint8_t *env_block, uint32_t env_size, const int32_t *fds, uint32_t fds_count)
{
	struct program program;
	int parked[LB_FFI_FDS_MAX];
	int saved[LB_FFI_FDS_MAX]; /* what was at FD_FIRST..: Deno goes on if the exec fails */
	int32_t rv = fds_prepare(fds, fds_count);

	if (rv < 0)
		return rv;
	rv = program_make(&program, path, path_fd, argv_block, argv_size, env_block, env_size);
	if (rv < 0)
		return rv;
	rv = park(fds, fds_count, parked);
	if (rv < 0)
		goto out_program;
	if (path_fd >= 0) {
		program.fd = fcntl(path_fd, F_DUPFD_CLOEXEC, FD_PARK);
		if (program.fd < 0) {
			rv = -errno;
			goto out_parked;
		}
	}
	for (uint32_t i = 0; i < fds_count; i++)
		saved[i] = fcntl(FD_FIRST + (int)i, F_DUPFD_CLOEXEC, FD_PARK);
	rv = place(parked, fds_count);
	if (rv == 0) {
		signals_as_inherited();
		rv = program_exec(&program);
		signal(SIGPIPE, SIG_IGN);
	}
	for (uint32_t i = 0; i < fds_count; i++) {
		if (saved[i] >= 0) {
			dup3(saved[i], FD_FIRST + (int)i, O_CLOEXEC);
			close(saved[i]);
		} else {
			close(FD_FIRST + (int)i);
		}
	}
	if (path_fd >= 0)
		close(program.fd);
out_parked:
	for (uint32_t i = 0; i < fds_count; i++)
		close(parked[i]);
out_program:
	program_free(&program);
	return rv;
}

struct child { /* all that the forked child needs */
	struct program program;
	int parked[LB_FFI_FDS_MAX];
	uint32_t fds_count;
	int null_fd; /* all of these are parked and close-on-exec */
	int log_fd;  /* -1: null_fd */
	int error_fd;
	uint32_t flags;
};

/* The forked child, with all signals blocked: async-signal-safe calls only, as other threads may
 * have held libc's locks at the fork. */
static _Noreturn void child_run(const struct child *child)
{
	int output = child->log_fd >= 0 ? child->log_fd : child->null_fd;
	sigset_t none;
	int32_t rv;

	for (int signal = 1; signal <= SIGNALS; signal++)
		lb_signal_default(signal);
	if (child->flags & LB_FFI_SPAWN_SETSID)
		setsid();
	if (dup2(child->null_fd, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0)
		rv = -errno;
	else
		rv = place(child->parked, child->fds_count);
	if (rv == 0) {
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		rv = program_exec(&child->program);
	}
	if (write(child->error_fd, &rv, sizeof rv) < 0)
		_exit(126); /* the caller then takes the end of file for a start, and reaps 126 */
	_exit(127);
}

static int park_one(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, FD_PARK);
}

/* Forks with all signals blocked, waits for the exec or the child's error. Returns the PID or
 * the error. */
static int32_t child_start(struct child *child)
{
	int ends[2];
	int32_t error = 0;
	int32_t rv;
	sigset_t all;
	sigset_t before;
	ssize_t got;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	child->error_fd = park_one(ends[1]);
	close(ends[1]);
	if (child->error_fd < 0) {
		rv = -errno;
		close(ends[0]);
		return rv;
	}
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before); /* no handler of Deno's may run in the child */
	pid = fork();
	if (pid == 0)
		child_run(child);
	rv = pid < 0 ? -errno : pid;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	close(child->error_fd);
	if (pid > 0) {
		do
			got = read(ends[0], &error, sizeof error);
		while (got < 0 && errno == EINTR);
		if (got == (ssize_t)sizeof error) {
			waitpid(pid, NULL, 0);
			rv = error;
		}
	}
	close(ends[0]);
	return rv;
}

/* Opens /dev/null. Returns -ENODEV where that is a file that somebody has put in its place, as a program does
 * that replaces its output: it may be written to, or not, and grows. */
static int null_open(void)
{
	struct stat status;
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	bool known = fd >= 0 ? fstat(fd, &status) == 0 : stat("/dev/null", &status) == 0;
	int32_t error = -errno;

	if (known && (!S_ISCHR(status.st_mode) || status.st_rdev != makedev(1, 3)))
		error = -ENODEV;
	else if (fd >= 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return error;
}

int32_t lb_ffi_spawn(const char *path, int32_t path_fd, const uint8_t *argv_block, uint32_t argv_size,
	const uint8_t *env_block, uint32_t env_size, const int32_t *fds, uint32_t fds_count, int32_t log_fd,
	uint32_t flags)
{
	struct child child = { .fds_count = fds_count, .flags = flags };
	int null_fd;
	int32_t rv;

	if ((flags & ~LB_FFI_SPAWN_SETSID) != 0)
		return -EINVAL;
	rv = fds_prepare(fds, fds_count);
	if (rv < 0)
		return rv;
	rv = program_make(&child.program, path, path_fd, argv_block, argv_size, env_block, env_size);
	if (rv < 0)
		return rv;
	rv = park(fds, fds_count, child.parked);
	if (rv < 0)
		goto out_program;
	null_fd = null_open();
	child.null_fd = null_fd < 0 ? -1 : park_one(null_fd);
	child.log_fd = log_fd < 0 ? -1 : park_one(log_fd);
	child.program.fd = path_fd < 0 ? -1 : park_one(path_fd);
	if (null_fd < 0)
		rv = null_fd;
	else if (child.null_fd < 0 || (log_fd >= 0 && child.log_fd < 0) || (path_fd >= 0 && child.program.fd < 0))
		rv = -errno;
	else
		rv = child_start(&child);
	for (uint32_t i = 0; i < fds_count; i++)
		close(child.parked[i]);
	if (null_fd >= 0)
		close(null_fd);
	if (child.null_fd >= 0)
		close(child.null_fd);
	if (child.log_fd >= 0)
		close(child.log_fd);
	if (child.program.fd >= 0)
		close(child.program.fd);
out_program:
	program_free(&child.program);
	return rv;
}

int32_t lb_ffi_reap(uint32_t pid)
{
	int status;
	pid_t rv;

	if (pid == 0 || pid > INT32_MAX)
		return -EINVAL; /* 0 and -1 would take anyone's child */
	rv = waitpid((pid_t)pid, &status, WNOHANG);
	if (rv < 0)
		return -errno;
	return rv == 0 ? -EAGAIN : status;
}

int32_t lb_ffi_sched_setaffinity(uint32_t pid, const uint8_t *mask, uint32_t mask_size)
{
	/* The raw call takes any size in bytes; libc's cpu_set_t would cut at 1024 CPUs. */
	return syscall(SYS_sched_setaffinity, (pid_t)pid, mask_size, mask) < 0 ? -errno : 0;
}

int32_t lb_ffi_sched_getaffinity(uint32_t pid, uint8_t *mask, uint32_t mask_size)
{
	long size = syscall(SYS_sched_getaffinity, (pid_t)pid, mask_size, mask);

	return size < 0 ? -errno : (int32_t)size;
}

int32_t lb_ffi_set_nice(uint32_t pid, int32_t nice)
{
	if (pid == 0 || pid > INT32_MAX)
		return -EINVAL; /* 0 is the caller */
	return setpriority(PRIO_PROCESS, pid, nice) < 0 ? -errno : 0;
}
