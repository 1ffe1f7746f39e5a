/* read.h - Reads exactly so many bytes. Freestanding. */
#ifndef LB_READ_H
#define LB_READ_H

#include <stdint.h>

#include <asm/unistd.h>
#include <linux/errno.h>

#include "lb_wire.h"
#include "syscall.h"

/* From a file, or from a socket that waits, in a loop: even MSG_WAITALL stops at an urgent mark. Returns 0,
 * -LB_E_PEER_LOST where it ends before, or the kernel's error. */
static inline int lb_read_exactly(int fd, void *to, uint64_t size)
{
	for (uint64_t done = 0; done < size;) {
		int64_t got = lb_syscall3(__NR_read, fd, (char *)to + done, size - done);

		if (got == -EINTR)
			continue;
		if (got <= 0)
			return got == 0 ? -LB_E_PEER_LOST : (int)got;
		done += (uint64_t)got;
	}
	return 0;
}

#endif
