/* stream.c - Whole messages over a socket, with a time limit.
 *
 * For the words of the commit.
 */
#include "image/stream.h"

#include <linux/errno.h>
#include <asm/unistd.h>

#include "read.h"
#include "socket.h"
#include "syscall.h"

void lb_stream_timeout(int fd, uint32_t timeout_ms)
{
	int64_t timeout[2] = { timeout_ms / 1000, timeout_ms % 1000 * 1000 };
	lb_syscall5(__NR_setsockopt, fd, LB_SOL_SOCKET, LB_SO_RCVTIMEO, timeout, sizeof timeout);
	lb_syscall5(__NR_setsockopt, fd, LB_SOL_SOCKET, LB_SO_SNDTIMEO, timeout, sizeof timeout);
}

static int send_all(int fd, const void *buffer, size_t size)
{
	const char *at = buffer;
	while (size > 0) {
		int64_t sent = lb_syscall6(__NR_sendto, fd, at, size, LB_MSG_NOSIGNAL, 0, 0);
		if (sent == -EINTR)
			continue;
		if (sent < 0)
			return sent == -EAGAIN ? -LB_E_PEER_LOST : (int)sent;
		at += sent;
		size -= (size_t)sent;
	}
	return 0;
}

int lb_stream_send(int fd, uint32_t type, const void *body, uint32_t size)
{
	struct lb_link_header header = { type, size, 0 };
	int error = send_all(fd, &header, sizeof header);
	return error || !size ? error : send_all(fd, body, size);
}

int lb_stream_read(int fd, void *buffer, size_t size)
{
	int error = lb_read_exactly(fd, buffer, size);

	return error == -EAGAIN ? -LB_E_PEER_LOST : error;
}

int lb_stream_expect(int fd, uint32_t type, void *body, uint32_t size)
{
	struct lb_link_header header;
	int error = lb_stream_read(fd, &header, sizeof header);
	if (error)
		return error;
	if (header.type == LB_LINK_FAILED && header.size == sizeof(struct lb_link_status)) {
		struct lb_link_status status;
		error = lb_stream_read(fd, &status, sizeof status);
		if (error)
			return error;
		return status.code < 0 && status.code > -8192 ? (int)status.code : -LB_E_WIRE;
	}
	if (header.type != type || header.size != size)
		return -LB_E_WIRE;
	return size ? lb_stream_read(fd, body, size) : 0;
}
