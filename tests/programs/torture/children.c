/* children.c - Processes that threads beside the first one start. */
#include "torture.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAUSE_US 120000 /* a process with children at home does not move meanwhile */

static void expect_status(pid_t child, int wanted)
{
	int status = 0;

	AT("waitpid");
	RETURNS(waitpid(child, &status, 0), child);
	EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == wanted, "a child ended with status %x, not %d", status,
		wanted);
}

static void expect_words(int fd, const char *wanted)
{
	char words[64] = "";
	size_t size = 0;
	ssize_t done;

	AT("what a child writes");
	while ((done = read(fd, words + size, sizeof words - 1 - size)) > 0)
		size += (size_t)done;
	EXPECT(done == 0 && strcmp(words, wanted) == 0, "a child writes \"%s\", not \"%s\"", words, wanted);
	close(fd);
}

/* fork: the child has the thread that forked, alone. */

static void be_child(int fd, long round)
{
	char words[64];
	int size = snprintf(words, sizeof words, "child %ld %s", round, gettid() == getpid() ? "alone" : "with others");

	if (write(fd, words, (size_t)size) != size)
		_exit(99);
	_exit((int)(round % 50));
}

static uint64_t fork_one(long round)
{
	char wanted[64];
	int fds[2];

	rest_us(PAUSE_US);
	must("pipe", pipe2(fds, O_CLOEXEC));
	AT("fork");
	pid_t child = fork();
	if (child == 0)
		be_child(fds[1], round);
	EXPECT(child > 0, "fork: %s", strerrorname_np(errno));
	close(fds[1]);
	snprintf(wanted, sizeof wanted, "child %ld alone", round);
	if (child > 0) {
		expect_words(fds[0], wanted);
		expect_status(child, (int)(round % 50));
	}
	return (uint64_t)round;
}

const struct check check_fork = { "fork", false, NULL, fork_one, NULL };

/* spawn: posix_spawn, whose child has its parent's memory until it executes. */

static uint64_t spawn_one(long round)
{
	char wanted[64], number[24];
	char *argv[] = { "sh", "-c", "printf 'spawned %s' $0; exit 7", number, NULL };
	posix_spawn_file_actions_t actions;
	pid_t child = 0;
	int fds[2];

	rest_us(PAUSE_US);
	must("pipe", pipe2(fds, O_CLOEXEC));
	snprintf(number, sizeof number, "%ld", round);
	snprintf(wanted, sizeof wanted, "spawned %ld", round);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fds[1], 1);
	AT("posix_spawn");
	GIVES(posix_spawn(&child, "/bin/sh", &actions, NULL, argv, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	expect_words(fds[0], wanted);
	if (child > 0)
		expect_status(child, 7);
	return (uint64_t)round;
}

const struct check check_spawn = { "spawn", false, NULL, spawn_one, NULL };
