/* control.c - The library's end of the node's control socket.
 *
 * Connect, send one message, get the answer.
 */
#include <stdint.h>

#include "internal.h"

#define AF_UNIX 1
#define SOCK_SEQPACKET 5
#define SOCK_CLOEXEC 02000000
#define SOL_SOCKET 1
#define SO_RCVTIMEO 20
#define SO_SNDTIMEO 21
#define SCM_RIGHTS 1
#define MSG_NOSIGNAL 0x4000
#define MSG_CMSG_CLOEXEC 0x40000000
#define CONTROL_TIMEOUT_S 2 /* LB_ORDER_TIMEOUT_MS: by then the daemon has given the order up too */

struct control_header { /* struct cmsghdr */
	uint64_t length;
	int32_t level, type;
};

struct message_header { /* struct user_msghdr */
	void *name;
	uint64_t name_size;
	void *parts;
	uint64_t parts_count;
	void *control;
	uint64_t control_size;
	uint64_t flags;
};

int lb_control_connect(void)
{
	struct {
		uint16_t family;
		char path[LB_CONTROL_PATH_SIZE_MAX];
	} address;
	int64_t timeout[2] = { CONTROL_TIMEOUT_S, 0 };

	if (lb_self.control_path[0] == 0)
		return -2; /* ENOENT */
	int64_t fd = lb_syscall3(__NR_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return (int)fd;
	lb_syscall5(__NR_setsockopt, fd, SOL_SOCKET, SO_RCVTIMEO, timeout, sizeof timeout);
	lb_syscall5(__NR_setsockopt, fd, SOL_SOCKET, SO_SNDTIMEO, timeout, sizeof timeout);
	memset(&address, 0, sizeof address);
	address.family = AF_UNIX;
	lb_text_copy(address.path, lb_self.control_path, sizeof address.path);
	int64_t error = lb_syscall3(__NR_connect, fd, &address, sizeof address);
	if (error < 0) {
		lb_syscall1(__NR_close, fd);
		return (int)error;
	}
	return (int)fd;
}

int lb_control_ask(int fd, const void *message, size_t size, void *answer, size_t answer_size, int *fds, int fds_max)
{
	int64_t rv = lb_syscall6(__NR_sendto, fd, message, size, MSG_NOSIGNAL, 0, 0);
	if (rv < 0 || !answer)
		return rv < 0 ? (int)rv : 0;

	struct {
		struct control_header header;
		int32_t fds[LB_LOCAL_DESCRIPTORS_MAX];
	} control;
	struct {
		void *at;
		uint64_t size;
	} part = { answer, answer_size };
	struct message_header header = { 0, 0, &part, 1, &control, sizeof control, 0 };
	memset(&control, 0, sizeof control);
	for (int i = 0; i < fds_max; i++)
		fds[i] = -1;
	rv = lb_syscall3(__NR_recvmsg, fd, &header, MSG_CMSG_CLOEXEC);
	if (rv < 0)
		return (int)rv;
	int count = 0;
	if (header.control_size >= sizeof control.header && control.header.level == SOL_SOCKET &&
		control.header.type == SCM_RIGHTS)
		count = (int)((control.header.length - sizeof control.header) / sizeof(int32_t));
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
