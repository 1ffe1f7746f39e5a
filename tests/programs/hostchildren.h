/* hostchildren.h - Watches by a descriptor for children that end. */
#ifndef HOSTCHILDREN_H
#define HOSTCHILDREN_H

#include <signal.h>
#include <stdbool.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* Blocks SIGCHLD. Returns a descriptor that is readable when a child has ended, or -1. */
static inline int children_watch(void)
{
	sigset_t children;

	sigemptyset(&children);
	sigaddset(&children, SIGCHLD);
	sigprocmask(SIG_BLOCK, &children, NULL);
	return signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Reads all that children_watch() has to say. */
static inline void children_read(int fd)
{
	struct signalfd_siginfo info;

	while (read(fd, &info, sizeof info) == (ssize_t)sizeof info)
		;
}

#endif
