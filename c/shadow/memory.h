/* memory.h - The shadow's place in the program's memory. */
#ifndef LB_SHADOW_MEMORY_H
#define LB_SHADOW_MEMORY_H

#include <stdbool.h>

#include "load.h"

/* What was loaded, and not executed; NULL: this was executed. */
extern struct lb_loaded *lb_loaded;

/* Finds that out. All that libc allocates lies in the range from then on, but for what is large. */
void lb_memory_init(void);
/* Gives up all memory but this program's own and the kernel's vdso, and then makes what it wants besides. Returns false
 * when there is no memory. */
bool lb_memory_take(void);
/* The program's soft limits on memory, as far as this program can live with them; or no soft ones. */
void lb_memory_limit(bool raise);

#endif
