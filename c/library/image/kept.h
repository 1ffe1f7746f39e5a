/* kept.h - tells which pages are as in the image that the shadow keeps. */
#ifndef LB_KEPT_H
#define LB_KEPT_H

#include <stdbool.h>
#include <stdint.h>

#include "process/process.h"

/* An image of which the shadow keeps a copy. id: of the last one; 0: it keeps none. */
void lb_kept_begin(uint64_t id) LB_HIDDEN;
enum lb_page { LB_PAGE_CHANGED, LB_PAGE_KEPT, LB_PAGE_EMPTY };
/* In the order of addresses. data: the page itself, or a copy of it as it counts, valid until the next call. */
enum lb_page lb_kept(uint64_t page, const char **data) LB_HIDDEN;
void lb_kept_end(bool whole) LB_HIDDEN;
bool lb_kept_has(uint64_t page) LB_HIDDEN; /* of the tables that this needs */
void lb_kept_drop(void) LB_HIDDEN;         /* at home, where nothing is kept */

#endif
