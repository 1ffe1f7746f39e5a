/* memory.h - The shadow's place in the program's memory. */
#ifndef LB_SHADOW_MEMORY_H
#define LB_SHADOW_MEMORY_H

#include <stdbool.h>

#include "load.h"

/* What was loaded, and not executed; NULL: this was executed. */
extern struct lb_loaded *lb_loaded;

/* Finds that out. All that libc allocates lies in the range from then on, but for what is large. */
void lb_memory_init(void);
/* Gives up all memory but this program's own, the kernel's vdso and what is sealed. Returns false when the list of it
 * cannot be read. */
bool lb_memory_take(void);
/* Makes what this program wants besides what was loaded. Returns false when there is no memory. */
bool lb_memory_make(void);
/* Gives that back, and tells what is to stay when the process comes home. */
struct lb_stay;
void lb_memory_lend(struct lb_stay *stay);
/* The program's soft limits on memory, as far as this program can live with them; or no soft ones. */
void lb_memory_limit(bool raise);

#endif
