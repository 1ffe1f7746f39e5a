/* test_ffi_process.c - Starting, becoming and signalling programs. Units: c/ffi/
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "lb_ffi.h"

/* A block from a string literal whose strings are separated by \0; the literal's own NUL ends
 * the last. */
#define BLOCK(text) (const uint8_t *)(text), (uint32_t)sizeof(text)
#define NO_BLOCK NULL, 0

static char output[4096];

/* Reads all from a pipe into `output`. */
static void read_output(int fd)
{
	size_t size = 0;
	ssize_t got;

	while ((got = read(fd, output + size, sizeof output - 1 - size)) > 0)
		size += (size_t)got;
	output[size] = '\0';
}

/* Runs a shell script with these descriptors and reads what it prints; returns its wait status. */
static int run_shell(const char *script, const int32_t *fds, uint32_t count, uint32_t flags)
{
	char argv[1024];
	int size = snprintf(argv, sizeof argv, "sh%c-c%c%s", 0, 0, script) + 1;
	int ends[2];
	int status;
	int32_t pid;

	CHECK_EQUAL(pipe2(ends, O_CLOEXEC), 0);
	pid = lb_ffi_spawn("/bin/sh", -1, (uint8_t *)argv, (uint32_t)size, BLOCK("PATH=/usr/bin:/bin\0WORD=two words"),
		fds, count, ends[1], flags);
	close(ends[1]);
	CHECK(pid > 0);
	read_output(ends[0]);
	close(ends[0]);
	CHECK_EQUAL(waitpid(pid, &status, 0), pid);
	return status;
}

static void spawns_with_fds(void)
{
	int32_t fds[2];
	int a[2], b[2];
	int spare = open("/dev/null", O_RDONLY); /* not close-on-exec: must not leak */

	CHECK(spare >= 0);
	CHECK_EQUAL(pipe2(a, O_NONBLOCK), 0);
	CHECK_EQUAL(pipe(b), 0);
	CHECK_EQUAL(write(a[1], "from a", 6), 6);
	CHECK_EQUAL(write(b[1], "from b", 6), 6);
	close(a[1]);
	close(b[1]);
	/* Each wants the number that the other has. */
	if (dup2(a[0], 24) < 0 || dup2(b[0], 3) < 0 || dup2(24, 4) < 0)
		_exit(1);
	fds[0] = 4;
	fds[1] = 3;
	CHECK_EQUAL(run_shell("cat <&3; echo; cat <&4; echo; echo \"$WORD\"; ls -m /proc/$$/fd", fds, 2, 0), 0);
	CHECK_TEXT(output, "from a\nfrom b\ntwo words\n0, 1, 2, 3, 4\n");
	CHECK((fcntl(4, F_GETFL) & O_NONBLOCK) == 0);
	for (int fd = 3; fd < 32; fd++)
		close(fd);
}

static void spawns_clean(void)
{
	sigset_t set;

	/* What Deno, or a shell, may have left: none of it reaches the child. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	CHECK_EQUAL(run_shell("grep -E 'Sig(Blk|Ign)' /proc/self/status; readlink /proc/$$/fd/0;"
			      "set -- $(cat /proc/$$/stat); test $6 = $$ && echo leader",
			    NULL, 0, LB_FFI_SPAWN_SETSID),
		0);
	CHECK_TEXT(output,
		"SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n"
		"/dev/null\nleader\n");
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
}

static void reports_exec_errors(void)
{
	int32_t fds[LB_FFI_FDS_MAX + 1] = { 0 };
	int32_t closed = 999;

	CHECK_EQUAL(lb_ffi_spawn("/nowhere/program", -1, BLOCK("x"), NO_BLOCK, NULL, 0, -1, 0), -ENOENT);
	CHECK_EQUAL(lb_ffi_spawn("/etc/passwd", -1, BLOCK("x"), NO_BLOCK, NULL, 0, -1, 0), -EACCES);
	CHECK_EQUAL(waitpid(-1, NULL, WNOHANG), -1); /* neither left a zombie */
	CHECK_EQUAL(lb_ffi_spawn("/bin/true", -1, BLOCK("x"), NO_BLOCK, &closed, 1, -1, 0), -EBADF);
	CHECK_EQUAL(lb_ffi_spawn("/bin/true", -1, BLOCK("x"), NO_BLOCK, fds, LB_FFI_FDS_MAX + 1, -1, 0), -EINVAL);
	CHECK_EQUAL(lb_ffi_spawn("/bin/true", 5, BLOCK("x"), NO_BLOCK, NULL, 0, -1, 0), -EINVAL);
	CHECK_EQUAL(lb_ffi_spawn(NULL, -1, BLOCK("x"), NO_BLOCK, NULL, 0, -1, 0), -EINVAL);
	CHECK_EQUAL(lb_ffi_spawn("/bin/true", -1, BLOCK("x"), NO_BLOCK, NULL, 0, -1, 0x80), -EINVAL);
	/* Not NUL-terminated. */
	CHECK_EQUAL(lb_ffi_spawn("/bin/true", -1, (const uint8_t *)"xy", 2, NO_BLOCK, NULL, 0, -1, 0), -EINVAL);
}

static void spawns_open_files(void)
{
	int fd = open("/bin/sh", O_PATH | O_CLOEXEC);
	int32_t status = -EAGAIN;
	int32_t pid;

	CHECK(fd >= 0);
	pid = lb_ffi_spawn(NULL, fd, BLOCK("sh\0-c\0exit 9"), NO_BLOCK, NULL, 0, -1, 0);
	CHECK(pid > 0);
	for (int i = 0; i < 500 && status == -EAGAIN; i++) {
		usleep(10000);
		status = lb_ffi_reap((uint32_t)pid);
	}
	CHECK_EQUAL(status, 9 << 8);
	CHECK_EQUAL(lb_ffi_reap((uint32_t)pid), -ECHILD);
	CHECK_EQUAL(lb_ffi_reap(0), -EINVAL);
	CHECK_EQUAL(lb_ffi_reap(UINT32_MAX), -EINVAL);
	close(fd);
}

/* Of a child, as only root gets a lower value back. */
static void lowers_priorities(void)
{
	int32_t pid = lb_ffi_spawn("/bin/sleep", -1,
		BLOCK("sleep\0"
		      "60"),
		NO_BLOCK, NULL, 0, -1, 0);

	CHECK(pid > 0);
	CHECK_EQUAL(lb_ffi_set_nice((uint32_t)pid, 19), 0);
	CHECK_EQUAL(getpriority(PRIO_PROCESS, (id_t)pid), 19);
	CHECK_EQUAL(lb_ffi_set_nice(0, 19), -EINVAL);
	CHECK_EQUAL(lb_ffi_set_nice(UINT32_MAX, 19), -EINVAL);
	kill(pid, SIGKILL);
	CHECK_EQUAL(waitpid(pid, NULL, 0), pid);
	CHECK_EQUAL(lb_ffi_set_nice((uint32_t)pid, 19), -ESRCH);
}

/* As Deno is when it becomes a program: SIGPIPE ignored by itself, HUP by whoever ran nohup. */
static void execs_in_place(void)
{
	static const char script[] = "sh\0-c\0grep SigIgn /proc/self/status; echo $#$WORD; exit 5\0"
				     "x\0\0three";
	const int64_t ignore[4] = { 1, 0, 0, 0 };
	int ends[2];
	int status;
	pid_t pid;

	CHECK_EQUAL(pipe2(ends, O_CLOEXEC), 0);
	pid = fork_child();
	if (pid == 0) {
		dup2(ends[1], 1);
		signal(SIGPIPE, SIG_IGN);
		signal(SIGHUP, SIG_IGN);
		syscall(SYS_rt_sigaction, 32, ignore, NULL, 8);
		CHECK_EQUAL(lb_ffi_exec("/nowhere", BLOCK("x"), NO_BLOCK), -ENOENT);
		CHECK(signal(SIGPIPE, SIG_DFL) == SIG_IGN);
		lb_ffi_exec("/bin/sh", BLOCK(script), BLOCK("WORD=!\0PATH=/usr/bin:/bin"));
		_exit(99);
	}
	close(ends[1]);
	read_output(ends[0]);
	close(ends[0]);
	CHECK_EQUAL(waitpid(pid, &status, 0), pid);
	CHECK_EQUAL(status, 5 << 8);
	CHECK_TEXT(output, "SigIgn:\t0000000000000001\n2!\n");
}

static void execs_with_fds(void)
{
	int ends[2];
	int status;
	pid_t pid;

	CHECK_EQUAL(pipe2(ends, O_CLOEXEC), 0);
	pid = fork_child();
	if (pid == 0) {
		int data[2];
		int32_t fds[1];
		char byte;

		dup2(ends[1], 1);
		CHECK_EQUAL(pipe(data), 0);
		CHECK_EQUAL(write(data[1], "image", 5), 5);
		close(data[1]);
		dup2(ends[1], 3);
		fds[0] = data[0];
		/* A failure leaves the caller's own descriptor 3 as it was. */
		CHECK_EQUAL(lb_ffi_exec_fds("/nowhere", -1, BLOCK("x"), NO_BLOCK, fds, 1), -ENOENT);
		CHECK_EQUAL(write(3, ".", 1), 1);
		CHECK_EQUAL(read(data[0], &byte, 1), 1);
		lb_ffi_exec_fds("/bin/sh", -1, BLOCK("sh\0-c\0cat <&3; ls -m /proc/$$/fd"), BLOCK("PATH=/usr/bin:/bin"),
			fds, 1);
		_exit(99);
	}
	close(ends[1]);
	read_output(ends[0]);
	close(ends[0]);
	CHECK_EQUAL(waitpid(pid, &status, 0), pid);
	CHECK_EQUAL(status, 0);
	CHECK_TEXT(output, ".mage0, 1, 2, 3\n");
}

static void queues_orders(void)
{
	const uint64_t value = 0xfedcba9876543210;
	uint64_t started;
	sigset_t set;
	int status;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGURG);
	sigprocmask(SIG_BLOCK, &set, NULL);
	pid = fork_child();
	if (pid == 0) {
		siginfo_t info;

		if (sigwaitinfo(&set, &info) != SIGURG)
			_exit(1);
		if (info.si_code != SI_QUEUE || info.si_pid != getppid() || info.si_uid != getuid())
			_exit(2);
		_exit((uint64_t)(uintptr_t)info.si_value.sival_ptr == value ? 0 : 3);
	}
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	started = (uint64_t)lb_ffi_start_ticks((uint32_t)pid);
	CHECK_EQUAL(lb_ffi_queue_order((uint32_t)pid, started + 1, SIGURG, 1), -ESRCH);
	CHECK_EQUAL(lb_ffi_queue_order((uint32_t)pid, started, 65, 1), -EINVAL);
	CHECK_EQUAL(lb_ffi_queue_order((uint32_t)pid, started, SIGURG, value), 0);
	usleep(20000);
	/* A zombie by now: it is gone as far as orders go. */
	CHECK_EQUAL(lb_ffi_queue_order((uint32_t)pid, started, SIGURG, value), -ESRCH);
	CHECK_EQUAL(waitpid(pid, &status, 0), pid);
	CHECK_EQUAL(status, 0);
	CHECK_EQUAL(lb_ffi_queue_order((uint32_t)pid, started, SIGURG, value), -ESRCH);
	CHECK_EQUAL(lb_ffi_start_ticks((uint32_t)pid), -ESRCH);
}

/* A name that looks like the fields behind it must not move them. */
static void reads_start_times(void)
{
	uint64_t before = (uint64_t)lb_ffi_start_ticks((uint32_t)getpid());

	CHECK_EQUAL(prctl(PR_SET_NAME, "a) Z 1 (2) ", 0, 0, 0), 0);
	CHECK_EQUAL(lb_ffi_start_ticks((uint32_t)getpid()), before);
	CHECK(before > 0);
	CHECK(lb_ffi_start_ticks(1) >= 0);
}

/* The figures of a process, and none of one that is not there. */
static void looks_at_many(void)
{
	struct lb_ffi_look looks[3] = { { .pid = (uint32_t)getpid() }, { .pid = 1u << 30 }, { .pid = 1 } };

	for (volatile int i = 0; i < 50000000; i++)
		;
	CHECK_EQUAL(lb_ffi_look((uint8_t *)looks, sizeof looks - 1), -EINVAL);
	CHECK_EQUAL(lb_ffi_look((uint8_t *)looks, sizeof looks), 3);
	CHECK_EQUAL(looks[0].error, 0);
	CHECK(looks[0].start_ticks == (uint64_t)lb_ffi_start_ticks((uint32_t)getpid()));
	CHECK(looks[0].threads == 1 && looks[0].state == 'R' && looks[0].rss_bytes > 0);
	CHECK(looks[0].cpu_ticks > 0);
	CHECK(looks[0].ran_ns > 0 && looks[0].at_ns / 10000000 >= looks[0].start_ticks);
	CHECK_EQUAL(looks[1].error, -ESRCH);
	CHECK_EQUAL(looks[2].error, 0);
}

static void *burn(void *unused)
{
	for (volatile int i = 0; i < 50000000; i++)
		;
	pause();
	return unused;
}

/* What threads have used beside the main one counts. */
static void looks_at_threads(void)
{
	struct lb_ffi_look alone = { .pid = (uint32_t)getpid() }, two = alone;
	pthread_t thread;

	lb_ffi_look((uint8_t *)&alone, sizeof alone);
	CHECK_EQUAL(pthread_create(&thread, NULL, burn, NULL), 0);
	for (int tries = 0; tries < 1000; tries++) {
		struct timespec pause = { .tv_nsec = 10000000 };

		nanosleep(&pause, NULL);
		lb_ffi_look((uint8_t *)&two, sizeof two);
		if (two.ran_ns > alone.ran_ns + 20000000)
			break;
	}
	CHECK_EQUAL(two.threads, 2);
	CHECK(two.ran_ns > alone.ran_ns + 20000000);
	CHECK(two.at_ns > alone.at_ns);
	pthread_cancel(thread);
	pthread_join(thread, NULL);
}

static void pins_to_cpus(void)
{
	uint8_t before[128] = { 0 };
	uint8_t one[128] = { 0 };
	uint8_t now[128] = { 0 };
	int32_t size = lb_ffi_sched_getaffinity(0, before, sizeof before);
	int cpu = 0;

	CHECK(size > 0);
	while ((before[cpu / 8] >> (cpu % 8) & 1) == 0)
		cpu++;
	one[cpu / 8] = (uint8_t)(1 << (cpu % 8));
	CHECK_EQUAL(lb_ffi_sched_setaffinity((uint32_t)getpid(), one, sizeof one), 0);
	CHECK_EQUAL(lb_ffi_sched_getaffinity((uint32_t)getpid(), now, sizeof now), size);
	CHECK(memcmp(one, now, sizeof one) == 0);
	CHECK_EQUAL(sched_getcpu(), cpu);
	CHECK_EQUAL(lb_ffi_sched_setaffinity(0, before, sizeof before), 0);
	memset(one, 0, sizeof one);
	CHECK_EQUAL(lb_ffi_sched_setaffinity(0, one, sizeof one), -EINVAL);
}

int main(void)
{
	run_case("lb_ffi_spawn() hands over descriptors in order and no others", spawns_with_fds);
	run_case("lb_ffi_spawn() gives default signals, /dev/null and a session", spawns_clean);
	run_case("lb_ffi_spawn() reports what failed, the exec included", reports_exec_errors);
	run_case("lb_ffi_spawn() runs an open file, and lb_ffi_reap() takes its status", spawns_open_files);
	run_case("lb_ffi_set_nice() lowers a process's priority, and refuses who does not exist", lowers_priorities);
	run_case("lb_ffi_exec() keeps what the caller's parent ignores, and only that", execs_in_place);
	run_case("lb_ffi_exec_fds() hands over descriptors, and undoes it on failure", execs_with_fds);
	run_case("lb_ffi_queue_order() reaches the process that is meant, with its value", queues_orders);
	run_case("lb_ffi_start_ticks() is not misled by a process's name", reads_start_times);
	run_case("lb_ffi_look() tells the figures of many processes", looks_at_many);
	run_case("lb_ffi_look() adds up what threads have used", looks_at_threads);
	run_case("lb_ffi_sched_setaffinity() pins a process", pins_to_cpus);
	return 0;
}
