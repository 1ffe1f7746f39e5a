/* stat.h - Results of fstat(2) and its like, cached. */
#ifndef LB_STAT_CACHE_H
#define LB_STAT_CACHE_H

#include "cache/known.h"
#include "trap/trap.h"

/* A call is about to go home that may tell. */
void lb_status_ask(void) LB_HIDDEN;
/* It has told. */
void lb_status_told(const struct lb_trap *trap) LB_HIDDEN;
void lb_status_keep(uint64_t fd, const void *bytes) LB_HIDDEN; /* struct stat of a regular file */
/* What still holds of it; NULL: nothing. */
const uint8_t *lb_status_find(uint64_t fd, uint32_t number, uint32_t flags, uint32_t mask) LB_HIDDEN;
bool lb_status_size(uint64_t fd, uint64_t *size) LB_HIDDEN;
void lb_status_forget(uint64_t fd) LB_HIDDEN;

#endif
