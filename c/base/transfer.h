/* transfer.h - all of some bytes to a socket that waits, or from one. Freestanding. */
#ifndef LB_TRANSFER_H
#define LB_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <asm/unistd.h>

#include "socket.h"
#include "syscall.h"

#define LB_INTERRUPTED (-4) /* EINTR */

/* Returns false when the connection is broken. */
static inline bool lb_send_all(int fd, const void *data, size_t size)
{
	for (size_t done = 0; done < size;) {
		int64_t sent =
			lb_syscall6(__NR_sendto, fd, (const uint8_t *)data + done, size - done, LB_MSG_NOSIGNAL, 0, 0);

		if (sent < 0 && sent != LB_INTERRUPTED)
			return false;
		done += sent > 0 ? (size_t)sent : 0;
	}
	return true;
}

/* The same, or ended. In a loop: even MSG_WAITALL stops at an urgent mark. */
static inline bool lb_receive_all(int fd, void *to, size_t size)
{
	for (size_t done = 0; done < size;) {
		int64_t got = lb_syscall6(__NR_recvfrom, fd, (uint8_t *)to + done, size - done, 0, 0, 0);

		if (got == 0 || (got < 0 && got != LB_INTERRUPTED))
			return false;
		done += got > 0 ? (size_t)got : 0;
	}
	return true;
}

#endif
