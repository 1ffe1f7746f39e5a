/* transfer.h - Sends all of some bytes to a socket that waits. Freestanding. */
#ifndef LB_TRANSFER_H
#define LB_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <asm/unistd.h>
#include <linux/errno.h>

#include "socket.h"
#include "syscall.h"

/* Returns false when the connection is broken. */
static inline bool lb_send_all(int fd, const void *data, size_t size)
{
	for (size_t done = 0; done < size;) {
		int64_t sent =
			lb_syscall6(__NR_sendto, fd, (const uint8_t *)data + done, size - done, LB_MSG_NOSIGNAL, 0, 0);

		if (sent < 0 && sent != -EINTR)
			return false;
		done += sent > 0 ? (size_t)sent : 0;
	}
	return true;
}

#endif
