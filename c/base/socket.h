/* socket.h - Socket numbers of the kernel for the freestanding parts.
 *
 * The kernel's own headers do not have them and libc's cannot be mixed with the kernel's signal headers.
 * Values: include/linux/socket.h, include/uapi/asm-generic/{socket,fcntl}.h, Linux 6.12.
 */
#ifndef LB_SOCKET_H
#define LB_SOCKET_H

#include <stddef.h>
#include <stdint.h>

struct lb_msghdr {
	void *name;
	int32_t name_size;
	void *iov; /* struct iovec */
	size_t iov_count;
	void *control;
	size_t control_size;
	uint32_t flags;
};
_Static_assert(sizeof(struct lb_msghdr) == 56, "struct user_msghdr");

struct lb_cmsghdr {
	size_t size;
	int32_t level;
	int32_t type;
};

/* One SCM_RIGHTS message with up to four descriptors. */
struct lb_rights {
	size_t size; /* LB_RIGHTS_SIZE(descriptors) */
	int32_t level;
	int32_t type;
	int32_t fds[4];
};
#define LB_RIGHTS_SIZE(count) (16 + 4 * (size_t)(count))

#define LB_AF_UNIX 1
#define LB_SOCK_SEQPACKET 5
#define LB_SOCK_CLOEXEC 02000000
#define LB_SOL_SOCKET 1
#define LB_SCM_RIGHTS 1
#define LB_SO_KEEPALIVE 9
#define LB_SO_OOBINLINE 10
#define LB_SO_RCVTIMEO 20
#define LB_SO_SNDTIMEO 21
#define LB_IPPROTO_TCP 6
#define LB_TCP_NODELAY 1
#define LB_TCP_KEEPIDLE 4
#define LB_TCP_KEEPINTVL 5
#define LB_TCP_USER_TIMEOUT 18
#define LB_MSG_DONTWAIT 0x40
#define LB_MSG_WAITALL 0x100
#define LB_MSG_NOSIGNAL 0x4000
#define LB_MSG_MORE 0x8000
#define LB_MSG_CMSG_CLOEXEC 0x40000000
#define LB_SHUT_RDWR 2
#define LB_F_SETOWN 8

#endif
