/* write.h - writes the image of this process. */
#ifndef LB_WRITE_H
#define LB_WRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "process/process.h"

struct lb_image_sink {
	int fd;
	bool socket;
	bool home;  /* fault points of the way home do not fire at the source */
	bool keeps; /* the shadow keeps the last image: only what has changed is sent (kept.c) */
	bool child; /* of a child that begins with it, and inherits less */
	uint64_t bytes;
};
/* Writes the image of this process. Everything it needs lies in memory that does not change meanwhile.
 * Returns 0 or a negative error. */
int lb_image_write(struct lb_image_sink *sink, uint64_t ticket) LB_HIDDEN;

#endif
