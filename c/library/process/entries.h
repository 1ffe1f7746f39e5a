/* entries.h - where the kernel, or the restorer, enters this library. */
#ifndef LB_ENTRIES_H
#define LB_ENTRIES_H

#include "process/process.h"

struct lb_entries {
	void *trigger; /* signals that lb stands in front of */
	void *signal;  /* signals of the program away from home */
	void *sigsys;  /* its trapped calls */
	void *traps;   /* the end of the library's text, where calls are trapped as the program's */
	uint64_t traps_size;
	void *resume; /* from the restorer, in a restored process, on any stack */
};
extern const struct lb_entries lb_entries LB_HIDDEN;

#endif
