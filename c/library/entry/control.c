/* control.c - The library's end of the node's control socket.
 *
 * Connect, send one message, get the answer.
 */
#include "entry/control.h"

#include <linux/errno.h>
#include <linux/uio.h>
#include <linux/un.h>
#include <asm/unistd.h>

#include "mem.h"
#include "socket.h"
#include "syscall.h"
#include "text.h"

#include "process/process.h"

#define CONTROL_TIMEOUT_S 2 /* LB_ORDER_TIMEOUT_MS: by then the daemon has given the order up too */

int lb_control_connect(void)
{
	struct sockaddr_un address;
	int64_t timeout[2] = { CONTROL_TIMEOUT_S, 0 };

	if (lb_self.control_path[0] == 0)
		return -ENOENT;
	int64_t fd = lb_syscall3(__NR_socket, LB_AF_UNIX, LB_SOCK_SEQPACKET | LB_SOCK_CLOEXEC, 0);
	if (fd < 0)
		return (int)fd;
	lb_syscall5(__NR_setsockopt, fd, LB_SOL_SOCKET, LB_SO_RCVTIMEO, timeout, sizeof timeout);
	lb_syscall5(__NR_setsockopt, fd, LB_SOL_SOCKET, LB_SO_SNDTIMEO, timeout, sizeof timeout);
	memset(&address, 0, sizeof address);
	address.sun_family = LB_AF_UNIX;
	lb_text_copy(address.sun_path, lb_self.control_path, sizeof address.sun_path);
	int64_t error = lb_syscall3(__NR_connect, fd, &address, sizeof address);
	if (error < 0) {
		lb_syscall1(__NR_close, fd);
		return (int)error;
	}
	return (int)fd;
}

int lb_control_ask(int fd, const void *message, size_t size, void *answer, size_t answer_size, int *fds, int fds_max)
{
	int64_t rv = lb_syscall6(__NR_sendto, fd, message, size, LB_MSG_NOSIGNAL, 0, 0);
	if (rv < 0 || !answer)
		return rv < 0 ? (int)rv : 0;

	struct lb_rights control;
	struct iovec part = { answer, answer_size };
	struct lb_msghdr header = {
		.iov = &part,
		.iov_count = 1,
		.control = &control,
		.control_size = LB_RIGHTS_SIZE(LB_LOCAL_DESCRIPTORS_MAX),
	};
	_Static_assert(sizeof control.fds >= LB_LOCAL_DESCRIPTORS_MAX * sizeof control.fds[0], "room for all");
	memset(&control, 0, sizeof control);
	for (int i = 0; i < fds_max; i++)
		fds[i] = -1;
	rv = lb_syscall3(__NR_recvmsg, fd, &header, LB_MSG_CMSG_CLOEXEC);
	if (rv < 0)
		return (int)rv;
	int count = 0;
	if (header.control_size >= LB_RIGHTS_SIZE(0) && control.level == LB_SOL_SOCKET && control.type == LB_SCM_RIGHTS)
		count = (int)((control.size - LB_RIGHTS_SIZE(0)) / sizeof control.fds[0]);
	for (int i = 0; i < count; i++) {
		if (i < fds_max)
			fds[i] = control.fds[i];
		else
			lb_syscall1(__NR_close, control.fds[i]);
	}
	if ((size_t)rv != answer_size) {
		for (int i = 0; i < count && i < fds_max; i++)
			lb_syscall1(__NR_close, fds[i]);
		return -LB_E_WIRE;
	}
	return count < fds_max ? count : fds_max;
}
