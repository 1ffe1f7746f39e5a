/* spawner.c - Starts children that share memory with it.
 *
 * In all the ways that do (system, popen, posix_spawn, vfork); it prints what comes of it; no line depends on the PID
 * or on the node.
 *
 *   spawner ROUNDS        prints "ready", waits for a line on standard input, works ROUNDS times, prints "done",
 *                         waits for the end of standard input
 *   spawner hold          the same, but its work is a child of vfork that prints its PID and waits for a line
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static volatile sig_atomic_t hits, usr1_hits;
static volatile pid_t hit_pid;
static volatile int hit_code;

static void on_child(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	hits++;
	hit_pid = info->si_pid;
	hit_code = info->si_code;
}

static void on_usr1(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	usr1_hits++;
	hit_pid = info->si_pid;
}

static void show_status(const char *what, int status)
{
	if (WIFSIGNALED(status))
		printf("%s: signal %d\n", what, WTERMSIG(status));
	else
		printf("%s: exit %d\n", what, WEXITSTATUS(status));
	fflush(stdout);
}

static void reap(const char *what, pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR) {
			printf("%s: waitpid %s\n", what, strerror(errno));
			return;
		}
	}
	show_status(what, status);
}

static void try_system(void)
{
	show_status("system", system("echo by system; exit 3"));
	show_status("system fails", system("/nonexistent/program 2>/dev/null"));
	show_status("system killed", system("kill -TERM $$"));
	printf("system(NULL): %d\n", system(NULL) != 0);
	fflush(stdout);
}

static void try_popen(void)
{
	char line[200];
	FILE *pipe = popen("echo one; echo two; exit 4", "r");

	while (fgets(line, sizeof line, pipe) != NULL)
		printf("popen r: %s", line);
	show_status("popen r", pclose(pipe));
	pipe = popen("tr a-z A-Z", "w");
	fputs("by popen\n", pipe);
	show_status("popen w", pclose(pipe));
}

static void spawn(const char *what, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
	char *const *argv)
{
	pid_t pid = -1;
	int error = posix_spawnp(&pid, argv[0], actions, attributes, argv, environ);

	if (error != 0)
		printf("%s: %s\n", what, strerror(error));
	else
		reap(what, pid);
	fflush(stdout);
}

static void try_spawn(void)
{
	char *shell[] = { "sh", "-c", "pwd; cat <&7; umask; ls /proc/self/fd | tr '\\n' ' '; echo", NULL };
	char *nothing[] = { "no-such-program", NULL };
	char *directory[] = { "/", NULL };
	char *masks[] = { "grep", "-E", "Sig(Blk|Ign|Pnd)", "/proc/self/status", NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t set;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 7, "spawner.in", O_RDONLY, 0);
	posix_spawn_file_actions_addclose(&actions, 5);
	posix_spawn_file_actions_addchdir_np(&actions, "/usr");
	spawn("spawn", &actions, NULL, shell);
	posix_spawn_file_actions_destroy(&actions);
	spawn("spawn nothing", NULL, NULL, nothing);
	spawn("spawn directory", NULL, NULL, directory);
	posix_spawnattr_init(&attributes);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGTERM);
	posix_spawnattr_setsigmask(&attributes, &set);
	sigaddset(&set, SIGPIPE);
	posix_spawnattr_setsigdefault(&attributes, &set);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	spawn("spawn masks", NULL, &attributes, masks);
	signal(SIGHUP, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	posix_spawnattr_destroy(&attributes);
}

static void try_vfork(void)
{
	static volatile int shared;
	static volatile pid_t self, parent;
	char cwd[1000], cwd_after[1000];
	pid_t me = getpid();
	pid_t pid;

	shared = 1;
	if (getcwd(cwd, sizeof cwd) == NULL)
		return;
	pid = vfork();
	if (pid == 0) {
		shared = 2;
		self = getpid();
		parent = getppid();
		if (chdir("/") < 0)
			_exit(99);
		dup2(2, 1);
		close(0);
		umask(0777);
		setsid();
		_exit(7);
	}
	if (getcwd(cwd_after, sizeof cwd_after) == NULL)
		return;
	printf("vfork: shared %d, own PID %d, parent %d, same directory %d\n", shared, self == pid && self != me,
		parent == me && getpid() == me, strcmp(cwd, cwd_after) == 0);
	fflush(stdout);
	reap("vfork", pid);
	pid = vfork();
	if (pid == 0) {
		execl("/nonexistent", "x", (char *)NULL);
		if (errno == ENOENT)
			execl("/bin/sh", "sh", "-c", "echo second try; exit 11", (char *)NULL);
		_exit(98);
	}
	reap("vfork exec", pid);
	pid = vfork();
	if (pid == 0) {
		kill(getpid(), SIGKILL);
		_exit(97);
	}
	reap("vfork killed", pid);
	pid = vfork();
	if (pid == 0) {
		raise(SIGTERM);
		_exit(96);
	}
	reap("vfork raises", pid);
}

static int on_own_stack(void *argument)
{
	*(int *)argument = 3;
	dprintf(1, "child on a stack of its own, directory %d\n", chdir("/usr") == 0);
	_exit(8);
}

/* As posix_spawn(3) does it, with a descriptor for the child. */
static void try_clone(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	int shared = 0, pidfd = -1;
	siginfo_t info = { 0 };
	pid_t pid = clone(
		on_own_stack, stack + sizeof stack, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &shared, &pidfd);
	int result = waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED);

	printf("clone: shared %d, descriptor %d, waitid %d, its PID %d, status %d\n", shared, pidfd, result,
		info.si_pid == pid, info.si_status);
	close(pidfd);
	fflush(stdout);
}

/* Signals of the child are not the parent's, nor the other way round. */
static void try_signals(void)
{
	struct sigaction action = { .sa_sigaction = on_usr1, .sa_flags = SA_SIGINFO | SA_RESTART };
	struct itimerval soon = { { 0, 0 }, { 0, 50000 } };
	struct sigaction now;
	sigset_t all, mask;
	pid_t pid;

	sigaction(SIGUSR1, &action, NULL);
	usr1_hits = 0;
	pid = vfork();
	if (pid == 0) {
		signal(SIGUSR1, SIG_IGN);
		sigfillset(&all);
		sigprocmask(SIG_SETMASK, &all, NULL);
		kill(getppid(), SIGUSR1);
		_exit(usr1_hits == 0 ? 0 : 95);
	}
	reap("vfork signals", pid);
	sigaction(SIGUSR1, NULL, &now);
	sigprocmask(SIG_BLOCK, NULL, &mask);
	printf("signals: %d hit from the child %d, handler kept %d, mask kept %d\n", (int)usr1_hits, hit_pid == pid,
		now.sa_sigaction == on_usr1, !sigismember(&mask, SIGTERM));
	fflush(stdout);
	pid = vfork();
	if (pid == 0) {
		setitimer(ITIMER_REAL, &soon, NULL);
		execlp("sleep", "sleep", "20", (char *)NULL);
		_exit(94);
	}
	reap("vfork alarm", pid);
	signal(SIGUSR1, SIG_DFL);
	action.sa_sigaction = on_child;
	sigaction(SIGCHLD, &action, NULL);
	hits = 0;
	pid = vfork();
	if (pid == 0)
		_exit(6);
	reap("SIGCHLD", pid);
	printf("SIGCHLD: %d hit, of the child %d, exited %d\n", (int)hits, hit_pid == pid, hit_code == CLD_EXITED);
	action.sa_flags = SA_SIGINFO | SA_NOCLDWAIT;
	sigaction(SIGCHLD, &action, NULL);
	hits = 0;
	pid = vfork();
	if (pid == 0)
		_exit(6);
	reap("SA_NOCLDWAIT", pid);
	printf("SA_NOCLDWAIT: %d hit\n", (int)hits);
	signal(SIGCHLD, SIG_IGN);
	pid = vfork();
	if (pid == 0)
		_exit(6);
	reap("SIGCHLD ignored", pid);
	signal(SIGCHLD, SIG_DFL);
}

static void try_sizes(void)
{
	enum { COUNT = 14, SIZE = 100000 };
	char *argv[COUNT + 5] = { "sh", "-c", "for a; do printf %s \"$a\"; done | wc -c", "sh" };
	char *text = malloc(200000);

	memset(text, 'x', 200000);
	text[SIZE] = 0;
	for (int i = 0; i < COUNT; i++)
		argv[4 + i] = text;
	spawn("long arguments", NULL, NULL, argv);
	text[SIZE] = 'x';
	text[199999] = 0;
	spawn("argument too long", NULL, NULL, argv);
	free(text);
}

static void try_limits(void)
{
	struct rlimit limit;
	char *argv[] = { "sh", "-c", "ulimit -c; ulimit -n; ulimit -s; nice", NULL };

	getrlimit(RLIMIT_CORE, &limit);
	limit.rlim_cur = 4096 * 512;
	if (limit.rlim_cur < limit.rlim_max)
		setrlimit(RLIMIT_CORE, &limit);
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = 200;
	setrlimit(RLIMIT_NOFILE, &limit);
	spawn("limits", NULL, NULL, argv);
}

/* A child that stays in its parent's place until it is let go. */
static void hold(void)
{
	struct sigaction action = { .sa_sigaction = on_usr1, .sa_flags = SA_SIGINFO | SA_RESTART };
	char byte;
	pid_t pid;

	sigaction(SIGUSR1, &action, NULL);
	pid = vfork();
	if (pid == 0) {
		dprintf(1, "child %d\n", (int)getpid());
		while (read(0, &byte, 1) == 1 && byte != '\n')
			;
		_exit(usr1_hits == 0 ? 9 : 10);
	}
	reap("held", pid);
	printf("hits %d\n", (int)usr1_hits);
}

int main(int argc, char **argv)
{
	char line[100];
	FILE *in = fopen("spawner.in", "w");

	setvbuf(stdin, NULL, _IONBF, 0);

	fputs("content of a file\n", in);
	fclose(in);
	umask(027);
	printf("ready\n");
	fflush(stdout);
	if (fgets(line, sizeof line, stdin) == NULL)
		return 1;
	if (argc > 1 && strcmp(argv[1], "hold") == 0) {
		hold();
		argc = 0;
	}
	for (int i = argc > 1 ? atoi(argv[1]) : 0; i > 0; i--) {
		try_system();
		try_popen();
		try_spawn();
		try_vfork();
		try_clone();
		try_signals();
		try_sizes();
		try_limits();
	}
	printf("done\n");
	fflush(stdout);
	return fgets(line, sizeof line, stdin) == NULL ? 5 : 6;
}
