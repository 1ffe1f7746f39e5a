/* children.c - What brings a process home.
 *
 * Other processes and programs, and calls that no row carries.
 */
#include "conformity.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void show_status(const char *name, int status)
{
	show(name, "exited %d %d, signalled %d %d", WIFEXITED(status), WEXITSTATUS(status), WIFSIGNALED(status),
		WTERMSIG(status));
}

static void check_wait(void)
{
	siginfo_t info = { 0 };
	int status = 0, fds[2];
	char byte;
	pid_t child;

	catch_signal(SIGCHLD, SA_RESTART);
	child = must("fork", fork());
	if (child == 0)
		_exit(7);
	CALL("waitpid", waitpid(child, &status, 0) == child);
	show_status("status", status);
	show("SIGCHLD", "%d code %d %d status %d", (int)caught, caught_info.si_code, caught_info.si_pid == child,
		caught_info.si_status);
	must("pipe", pipe(fds));
	child = must("fork", fork());
	if (child == 0) {
		if (read(fds[0], &byte, 1) == 1)
			kill(getpid(), SIGKILL);
		_exit(1);
	}
	CALL("waitpid WNOHANG", waitpid(child, &status, WNOHANG));
	alarm_in(40, 0);
	LASTS("waitpid, interrupted", 39, waitpid(child, &status, 0));
	alarm_in(0, 0);
	write(fds[1], "x", 1);
	CALL("waitid WNOWAIT", waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT));
	show("it", "%d status %d", info.si_code, info.si_status);
	CALL("wait", wait(&status) == child);
	show_status("status", status);
	CALL("wait for no more", wait(&status));
	show("getppid in a child", "%d", 1);
	child = must("fork", fork());
	if (child == 0)
		_exit(getppid() > 1 && getpid() != getppid() ? 3 : 4);
	waitpid(child, &status, 0);
	show_status("status", status);
	default_signal(SIGCHLD);
	close(fds[0]);
	close(fds[1]);
}

static int run_program(char *const *argv)
{
	int status = -1;
	pid_t child = fork();

	if (child == 0) {
		execvp(argv[0], argv);
		_exit(errno == ENOENT ? 127 : 126);
	}
	waitpid(child, &status, 0);
	return status;
}

static void check_exec(void)
{
	char *none[] = { "no-such-program", NULL }, *script[] = { "./script", NULL }, *text[] = { "./text", NULL };
	char *true_argv[] = { "true", NULL }, *empty[] = { "x", NULL };
	extern char **environ;
	int fd = make_file("script", "#!/bin/sh\nexit 9\n"), status;
	pid_t child;

	CALL("execve of nothing", execve("none", empty, environ));
	CALL("execve of a folder", execve(".", empty, environ));
	CALL("execve of a file that is not executable", execve("script", empty, environ));
	CALL("execve through a file", execve("script/x", empty, environ));
	CALL("execve of bad memory", syscall(SYS_execve, BAD, empty, environ));
	fchmod(fd, 0755);
	close(fd);
	fd = make_file("text", "\001\002 no program");
	fchmod(fd, 0755);
	CALL("execve of a file that is open for writing", execve("text", empty, environ));
	close(fd);
	CALL("execve of no program", execve("text", empty, environ));
	show_status("a program by PATH", run_program(true_argv));
	show_status("no program by PATH", run_program(none));
	show_status("a script", run_program(script));
	show_status("a text", run_program(text));
	CALL("posix_spawnp", posix_spawnp(&child, "true", NULL, NULL, true_argv, environ));
	waitpid(child, &status, 0);
	show_status("it", status);
	CALL("system", system("exit 5"));
	FILE *stream = popen("echo from a pipe", "r");
	char line[32] = "";
	if (stream != NULL && fgets(line, sizeof line, stream) == NULL)
		line[0] = '\0';
	show("popen", "%s", strtok(line, "\n"));
	CALL("pclose", stream != NULL ? pclose(stream) : -1);
}

static void run_children(void)
{
	check_wait();
	check_exec();
}

static void check_segment(void)
{
	int segment = shmget(IPC_PRIVATE, 4096, 0600);
	char *memory = shmat(segment, NULL, 0);

	show("shmget, shmat", "%d %d %d", segment >= 0, memory != (void *)-1, memory[0]);
	CALL("shmdt", shmdt(memory));
	CALL("shmctl", shmctl(segment, IPC_RMID, NULL));
}

static void run_others(void)
{
	sigset_t set, old;
	int fd = make_file("shared", "shared text"), status;
	char text[16] = "";

	CALL("a call that does not exist", syscall(9999));
	CALL("a call that exists no longer", syscall(SYS_uselib, "x"));
	CALL("chroot", chroot("none"));
	CALL("mount", syscall(SYS_mount, "none", "none", "tmpfs", 0, NULL));
	CALL("reboot", syscall(SYS_reboot, 0, 0, 0, NULL));
	CALL("quotactl", syscall(SYS_quotactl, 0, NULL, 0, NULL));
	CALL("sysfs", syscall(SYS_sysfs, 99, 0, 0));
	CALL("an ioctl that does not exist", ioctl(fd, 0x12345678, text));
	check_segment();
	char *both = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fork() == 0) {
		memory[0] = 'S';
		both[0] = 'b';
		_exit(0);
	}
	wait(&status);
	pread(fd, text, 11, 0);
	show("shared memory", "%s %.6s %s", text, memory, both);
	munmap(memory, 4096);
	close(fd);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, &old);
	fd = must("signalfd", signalfd(-1, &set, SFD_NONBLOCK));
	struct signalfd_siginfo info;
	CALL("read of no signal", read(fd, &info, sizeof info));
	raise(SIGUSR1);
	CALL("read of a signal", read(fd, &info, sizeof info));
	show("it", "%u %d", info.ssi_signo, info.ssi_pid == (unsigned)getpid());
	sigprocmask(SIG_SETMASK, &old, NULL);
	close(fd);
}

const struct part part_children = { "children", run_children };
const struct part part_others = { "others", run_others };
