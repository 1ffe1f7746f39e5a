/* transfers.h - Reads and writes. */
#ifndef LB_SHADOW_TRANSFERS_H
#define LB_SHADOW_TRANSFERS_H

#include <sys/uio.h>

#include "state.h"

struct lb_transfer {
	bool is_regular; /* of a regular file */
	size_t count;    /* pieces */
	struct iovec *pieces;
	struct iovec piece; /* if there is one */
	uint8_t *out;       /* NULL: it writes */
	uint8_t *scattered; /* memory of the pieces; NULL: they are in the messages */
	size_t scattered_size;
};
/* Where in a page the call's output begins. */
unsigned lb_transfer_offset(const struct lb_link_call *call);
/* May it wait for somebody? A regular file does not. */
bool lb_transfer_waits(const struct lb_link_call *call);
/* From the call's arguments to those of the system call, which lie in *transfer; nothing for another call. Returns 0 or
 * -ENOMEM. */
int lb_transfer_make(const struct lb_link_call *call, int64_t *arguments, uint8_t *out, struct lb_transfer *transfer);
void lb_transfer_done(const struct lb_transfer *transfer, int64_t result);

#endif
