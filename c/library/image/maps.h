/* maps.h - the mappings of a process. */
#ifndef LB_MAPS_H
#define LB_MAPS_H

#include <stdbool.h>
#include <stdint.h>

#include "lb_image.h"
#include "process/process.h"

struct lb_mapping {
	struct lb_image_segment segment;
	bool file;   /* a file's pages: all of them are sent, up to its end */
	bool device; /* [vvar]: pages that only the CPU can read, and not all of them */
	bool vdso;   /* the program's own, as the kernel has mapped it */
	bool skip;   /* [vsyscall], the node's own vdso, the hole */
	bool shared; /* MAP_SHARED */
	bool shared_writable;
	bool shared_anonymous; /* with relatives by fork(2) alone: no file of that name can be opened */
	bool counters; /* of a Java machine, which anybody may read and nobody but it writes: its own from now on */
	uint64_t offset, device_number, inode; /* of its file */
	const char *path;                      /* its name, "" if it has none; valid during the call */
};
/* Calls `each` for every mapping, in address order, until it returns non-zero. Returns that or a negative
 * error. */
int lb_each_mapping(int (*each)(const struct lb_mapping *mapping, void *context), void *context) LB_HIDDEN;
/* The same of another process, by the path of its file `maps`. */
int lb_each_mapping_of(
	const char *maps, int (*each)(const struct lb_mapping *mapping, void *context), void *context) LB_HIDDEN;
/* The same with attributes, for which the kernel looks at all pages: some 25 ms for each GiB of them. */
int lb_each_mapping_whole(int (*each)(const struct lb_mapping *mapping, void *context), void *context) LB_HIDDEN;

#endif
