/* signalfds.c - the program's descriptors of signalfd(2): which signals they tell of.
 *
 * Such a descriptor reads the signals that wait for the process that reads, and here that is this one: so those
 * signals wait here (held.c). That one is closed need not be noticed: what waits here in vain goes to the
 * guest when the program lets it through.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "descriptors.h"
#include "message.h"
#include "signalfds.h"

#define TEXT_SIZE 512 /* /proc/self/fdinfo/N of a signalfd: five short lines */

static uint64_t known;

/* Signals that this one tells of; 0: it is another kind of descriptor. All, if no descriptor is free to look by. */
static uint64_t signals_of(int fd)
{
	char path[48], text[TEXT_SIZE];
	const char *at;
	ssize_t size;
	int info;

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	size = readlink(path, text, sizeof text - 1);
	text[size < 0 ? 0 : size] = '\0';
	if (strcmp(text, "anon_inode:[signalfd]") != 0)
		return 0;
	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
	lb_own_fds_begin();
	info = open(path, O_RDONLY | O_CLOEXEC);
	lb_own_fds_end();
	if (info < 0)
		return ~LB_NEVER_HELD;
	size = read(info, text, sizeof text - 1);
	close(info);
	text[size < 0 ? 0 : size] = '\0';
	at = strstr(text, "sigmask:");
	return at == NULL ? ~LB_NEVER_HELD : strtoull(at + strlen("sigmask:"), NULL, 16);
}

uint64_t lb_signalfds(void)
{
	return known;
}

void lb_signalfds_init(void)
{
	DIR *list = opendir("/proc/self/fd");
	struct dirent *entry;

	while (list != NULL && (entry = readdir(list)) != NULL) {
		if (entry->d_name[0] != '.')
			known |= signals_of(atoi(entry->d_name));
	}
	if (list != NULL)
		closedir(list);
}

static uint64_t received(struct msghdr *header)
{
	uint64_t signals = 0;

	for (struct cmsghdr *at = CMSG_FIRSTHDR(header); at != NULL; at = CMSG_NXTHDR(header, at)) {
		if (at->cmsg_level != SOL_SOCKET || at->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; CMSG_LEN(i + sizeof(int)) <= at->cmsg_len; i += sizeof(int)) {
			int fd;

			memcpy(&fd, CMSG_DATA(at) + i, sizeof fd);
			signals |= signals_of(fd);
		}
	}
	return signals;
}

bool lb_signalfds_came(const struct lb_link_call *call, struct lb_message *message, int64_t result)
{
	uint64_t signals = 0;

	if (result < 0)
		return false;
	if (call->number == SYS_recvmsg)
		signals = received(&message->header);
	else if (call->number == SYS_signalfd || call->number == SYS_signalfd4 || call->number == SYS_pidfd_getfd)
		signals = signals_of((int)result);
	known |= signals;
	return signals != 0;
}
