/* listen.c - the control socket's file. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "internal.h"

#define BACKLOG 1024 /* a shell loop of `lb launch` must not wait; capped at somaxconn */

static int listen_bind(int fd, const struct sockaddr_un *address)
{
	if (bind(fd, (const struct sockaddr *)address, sizeof *address) < 0)
		return -1;
	return listen(fd, BACKLOG);
}

int32_t lb_control_listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int32_t rv;
	int fd;

	if (path == NULL || strlen(path) >= sizeof address.sun_path)
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (unlink(path) < 0 && errno != ENOENT)
		rv = -errno;
	/* bind(2) makes the file with the socket's own mode (unix_bind_bsd, net/unix/af_unix.c,
	 * v6.12), so it is never open to others, not even between two calls. */
	else if (fchmod(fd, 0600) < 0 || listen_bind(fd, &address) < 0)
		rv = -errno;
	else
		return fd;
	close(fd);
	return rv;
}
