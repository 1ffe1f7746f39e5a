/* proc_content.h - See proc_content.c. */
#ifndef LB_PROC_CONTENT_H
#define LB_PROC_CONTENT_H

#include "process/process.h"

/* Reads the file of this name below /proc/self, or below task/TID for a thread, into lb_areas()->content. Returns its
 * size or a negative error. */
int64_t lb_proc_content(const char *name, const struct lb_thread *of) LB_HIDDEN;
size_t lb_put_number(uint8_t *to, uint64_t number) LB_HIDDEN; /* in decimal; returns how many digits */

#endif
