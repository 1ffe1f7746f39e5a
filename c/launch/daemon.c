/* daemon.c - Asks the node's daemon whether it is there.
 *
 * It is told of a program that will not register by itself.
 */
#include <linux/errno.h>

#include "launch.h"
#include "proc_stat.h"
#include "socket.h"

#define ANSWER_TIMEOUT_S 2 /* as the library waits: c/library/entry/control.c */

int lb_connect_daemon(const char *control)
{
	struct {
		uint16_t family;
		char path[LB_CONTROL_PATH_SIZE_MAX];
	} address = { .family = LB_AF_UNIX };
	int64_t timeout[2] = { ANSWER_TIMEOUT_S, 0 }; /* of connect(2) as well, unix(7) */
	int64_t fd, error;

	if (strlen(control) >= sizeof address.path)
		return -ENAMETOOLONG;
	memcpy(address.path, control, strlen(control) + 1);
	fd = lb_syscall3(__NR_socket, LB_AF_UNIX, LB_SOCK_SEQPACKET | LB_SOCK_CLOEXEC, 0);
	if (fd < 0)
		return (int)fd;
	lb_syscall5(__NR_setsockopt, fd, LB_SOL_SOCKET, LB_SO_RCVTIMEO, timeout, sizeof timeout);
	lb_syscall5(__NR_setsockopt, fd, LB_SOL_SOCKET, LB_SO_SNDTIMEO, timeout, sizeof timeout);
	error = lb_syscall3(__NR_connect, fd, &address, sizeof address);
	if (error < 0)
		lb_syscall1(__NR_close, fd);
	return error < 0 ? (int)error : (int)fd;
}

void lb_tell_daemon(int fd, uint32_t obstacle, const char *path)
{
	uint32_t pid = (uint32_t)lb_syscall0(__NR_getpid);
	struct lb_local_stays message = {
		.type = LB_LOCAL_STAYS, .size = sizeof message, .pid = pid, .obstacle = obstacle
	};
	struct lb_text program = { .at = message.program, .size = sizeof message.program };
	struct lb_local_ack answer;
	const char *name = path;
	char state;

	for (const char *c = path; *c; c++)
		name = *c == '/' ? c + 1 : name;
	lb_text_add(&program, name);
	lb_proc_stat(pid, &state, &message.start_ticks); /* else 0: the daemon refuses */
	if (lb_syscall6(__NR_sendto, fd, &message, sizeof message, LB_MSG_NOSIGNAL, 0, 0) > 0)
		lb_syscall6(__NR_recvfrom, fd, &answer, sizeof answer, 0, 0, 0);
}
