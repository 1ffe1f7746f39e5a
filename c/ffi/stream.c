/* stream.c - Takes TCP sockets out of Deno for the C parts. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "internal.h"

struct end { /* one end of a connection; IPv4 as IPv4-mapped IPv6 */
	uint8_t address[16];
	uint32_t port;
};

int32_t lb_fd_make_blocking(int32_t fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -errno;
	if ((flags & O_NONBLOCK) != 0 && fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

static void end_from_ipv4(struct end *end, const struct in_addr *address)
{
	memset(end->address, 0, 10);
	memset(end->address + 10, 0xff, 2);
	memcpy(end->address + 12, address, 4);
}

static bool end_parse(struct end *end, const char *ip, uint32_t port)
{
	struct in_addr ipv4;

	if (ip == NULL || port > 65535)
		return false;
	end->port = port;
	if (inet_pton(AF_INET, ip, &ipv4) == 1) {
		end_from_ipv4(end, &ipv4);
		return true;
	}
	return inet_pton(AF_INET6, ip, end->address) == 1;
}

static bool end_from_socket(struct end *end, const struct sockaddr_storage *from)
{
	if (from->ss_family == AF_INET) {
		const struct sockaddr_in *ipv4 = (const void *)from;

		end_from_ipv4(end, &ipv4->sin_addr);
		end->port = ntohs(ipv4->sin_port);
		return true;
	}
	if (from->ss_family == AF_INET6) {
		const struct sockaddr_in6 *ipv6 = (const void *)from;

		memcpy(end->address, &ipv6->sin6_addr, sizeof end->address);
		end->port = ntohs(ipv6->sin6_port);
		return true;
	}
	return false;
}

static bool end_same(const struct end *a, const struct end *b)
{
	return a->port == b->port && memcmp(a->address, b->address, sizeof a->address) == 0;
}

static bool socket_matches(int fd, const struct end *local, const struct end *remote)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof address;
	struct end end;
	int protocol = 0;

	if (getsockname(fd, (struct sockaddr *)&address, &size) < 0)
		return false;
	if (!end_from_socket(&end, &address) || !end_same(&end, local))
		return false;
	size = sizeof address;
	if (getpeername(fd, (struct sockaddr *)&address, &size) < 0)
		return false;
	if (!end_from_socket(&end, &address) || !end_same(&end, remote))
		return false;
	size = sizeof protocol;
	return getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == 0 && protocol == IPPROTO_TCP;
}

/* Takes `fd` out of every epoll set of this process and puts an unconnected socket in its place, in
 * the sets too. Deno's runtime shuts a stream down when it closes it (tokio, OwnedWriteHalf's drop),
 * which would cut the duplicate as well; and an epoll set goes on reporting a file whose number is
 * gone for as long as a duplicate of it lives (epoll(7), Q6), to an owner that is no more. */
static int32_t replace_socket(int fd)
{
	int dummy = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int sets[LB_FFI_FDS_MAX];
	struct dirent *entry;
	int32_t rv = 0;
	int count = 0;
	DIR *directory;

	if (dummy < 0)
		return -errno;
	directory = opendir("/proc/self/fd");
	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		int set = atoi(entry->d_name);

		/* EINVAL: not an epoll set; ENOENT: one that has never seen it. */
		if (entry->d_name[0] == '.' || count == (int)LB_FFI_FDS_MAX ||
			epoll_ctl(set, EPOLL_CTL_DEL, fd, NULL) < 0)
			continue;
		sets[count++] = set;
	}
	if (directory == NULL || dup3(dummy, fd, O_CLOEXEC) < 0)
		rv = -errno;
	/* Whoever takes it out again must find it there. */
	for (int i = 0; i < count && rv == 0; i++) {
		struct epoll_event nothing = { .events = 0 };

		epoll_ctl(sets[i], EPOLL_CTL_ADD, fd, &nothing);
	}
	if (directory != NULL)
		closedir(directory);
	close(dummy);
	return rv;
}

int32_t lb_ffi_find_socket(const char *local_ip, uint32_t local_port, const char *remote_ip, uint32_t remote_port)
{
	struct end local;
	struct end remote;
	struct dirent *entry;
	int32_t rv = -ENOENT;
	DIR *directory;

	if (!end_parse(&local, local_ip, local_port) || !end_parse(&remote, remote_ip, remote_port))
		return -EINVAL;
	directory = opendir("/proc/self/fd");
	if (directory == NULL)
		return -errno;
	while (rv == -ENOENT && (entry = readdir(directory)) != NULL) {
		int fd = atoi(entry->d_name);

		if (entry->d_name[0] != '.' && socket_matches(fd, &local, &remote))
			rv = fd;
	}
	closedir(directory);
	return rv;
}

int32_t lb_ffi_take_socket(const char *local_ip, uint32_t local_port, const char *remote_ip, uint32_t remote_port)
{
	int32_t found = lb_ffi_find_socket(local_ip, local_port, remote_ip, remote_port);
	int32_t error;
	int fd;

	if (found < 0)
		return found;
	fd = fcntl(found, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return -errno;
	error = lb_fd_make_blocking(fd);
	if (error == 0)
		error = replace_socket(found);
	if (error < 0) {
		close(fd);
		return error;
	}
	return fd;
}

static int32_t set_option(int fd, int level, int name, uint32_t value)
{
	return setsockopt(fd, level, name, &value, sizeof value) < 0 ? -errno : 0;
}

int32_t lb_ffi_tune_stream(int32_t fd, uint32_t user_timeout_ms)
{
	/* A silent peer is probed from half the timeout on. TCP_USER_TIMEOUT, where set, also
	 * bounds the probes (tcp(7)): their number matters only when user_timeout_ms is 0. */
	uint32_t idle_s = user_timeout_ms == 0 ? LB_IO_TIMEOUT_MS / 2000 : user_timeout_ms / 2000;
	uint32_t interval_s = idle_s / 3;
	int32_t rv = set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);

	if (rv == 0)
		rv = set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	if (rv == 0)
		rv = set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, idle_s == 0 ? 1 : idle_s);
	if (rv == 0)
		rv = set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, interval_s == 0 ? 1 : interval_s);
	if (rv == 0)
		rv = set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
	if (rv == 0 && user_timeout_ms != 0)
		rv = set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, user_timeout_ms);
	return rv;
}
