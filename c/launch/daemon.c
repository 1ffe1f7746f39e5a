/* daemon.c - Asks the node's daemon whether it is there.
 *
 * It is told of a program that will not register by itself.
 */
#include "launch.h"

#define AF_UNIX 1
#define SOCK_SEQPACKET 5
#define SOCK_CLOEXEC 02000000
#define SOL_SOCKET 1
#define SO_RCVTIMEO 20
#define SO_SNDTIMEO 21 /* of connect(2) as well, unix(7) */
#define MSG_NOSIGNAL 0x4000
#define ANSWER_TIMEOUT_S 2 /* as the library waits: c/library/entry/control.c */

int lb_connect_daemon(const char *control)
{
	struct {
		uint16_t family;
		char path[LB_CONTROL_PATH_SIZE_MAX];
	} address = { .family = AF_UNIX };
	int64_t timeout[2] = { ANSWER_TIMEOUT_S, 0 };
	int64_t fd, error;

	if (strlen(control) >= sizeof address.path)
		return -36; /* ENAMETOOLONG */
	memcpy(address.path, control, strlen(control) + 1);
	fd = lb_syscall3(__NR_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return (int)fd;
	lb_syscall5(__NR_setsockopt, fd, SOL_SOCKET, SO_RCVTIMEO, timeout, sizeof timeout);
	lb_syscall5(__NR_setsockopt, fd, SOL_SOCKET, SO_SNDTIMEO, timeout, sizeof timeout);
	error = lb_syscall3(__NR_connect, fd, &address, sizeof address);
	if (error < 0)
		lb_syscall1(__NR_close, fd);
	return error < 0 ? (int)error : (int)fd;
}

/* Field 22 of /proc/self/stat. 0: unknown, and then the daemon refuses. */
static uint64_t read_start_ticks(void)
{
	char text[1024];
	const char *at = text;
	uint64_t ticks = 0;
	int64_t fd = lb_syscall3(__NR_open, "/proc/self/stat", SOCK_CLOEXEC, 0);
	int64_t size = fd < 0 ? fd : lb_syscall3(__NR_read, fd, text, sizeof text - 1);

	if (fd >= 0)
		lb_syscall1(__NR_close, fd);
	text[size > 0 ? size : 0] = 0;
	for (const char *c = text; *c; c++)
		at = *c == ')' ? c : at; /* the name may hold blanks and parentheses */
	for (unsigned field = 2; *at && field < 22; at++)
		field += *at == ' ';
	for (; *at >= '0' && *at <= '9'; at++)
		ticks = ticks * 10 + (uint64_t)(*at - '0');
	return ticks;
}

void lb_tell_daemon(int fd, uint32_t obstacle, const char *path)
{
	struct lb_local_stays message = { .type = LB_LOCAL_STAYS,
		.size = sizeof message,
		.start_ticks = read_start_ticks(),
		.pid = (uint32_t)lb_syscall0(__NR_getpid),
		.obstacle = obstacle };
	struct lb_text program = { .at = message.program, .size = sizeof message.program };
	struct lb_local_ack answer;
	const char *name = path;

	for (const char *c = path; *c; c++)
		name = *c == '/' ? c + 1 : name;
	lb_text_add(&program, name);
	if (lb_syscall6(__NR_sendto, fd, &message, sizeof message, MSG_NOSIGNAL, 0, 0) > 0)
		lb_syscall6(__NR_recvfrom, fd, &answer, sizeof answer, 0, 0, 0);
}
