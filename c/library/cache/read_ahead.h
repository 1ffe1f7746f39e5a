/* read_ahead.h - What was read ahead of the program. */
#ifndef LB_READ_AHEAD_H
#define LB_READ_AHEAD_H

#include "cache/known.h"

/* Where that of this descriptor is; NULL: nothing is. */
struct lb_ahead *lb_ahead_of(const struct lb_file *file) LB_HIDDEN;
struct lb_slot *lb_ahead_slot(const struct lb_file *file) LB_HIDDEN; /* where something is */
bool lb_ahead_is_old(const struct lb_file *file) LB_HIDDEN;
/* Something of that file was, through whatever descriptor. */
bool lb_ahead_has(const struct lb_file *file) LB_HIDDEN;
void lb_ahead_drop_file(const struct lb_file *file) LB_HIDDEN;
/* It is void; home knows what of it was used. */
void lb_ahead_release(struct lb_file *file) LB_HIDDEN;
/* All is void, and so is what is known of files otherwise: there may be news. */
void lb_ahead_drop_all(void) LB_HIDDEN;
/* Reads ahead for read(2) or, with an offset, pread(2). Returns whether that can be answered now. */
bool lb_ahead_read(uint32_t fd, uint64_t size, uint64_t offset) LB_HIDDEN;

#endif
