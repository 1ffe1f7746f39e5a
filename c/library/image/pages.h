/* pages.h - which pages of this process exist. */
#ifndef LB_PAGES_H
#define LB_PAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "process/process.h"

enum lb_pages_way { LB_PAGES_SCANNED, LB_PAGES_SCANNED_BEFORE_6_15, LB_PAGES_ENTRIES };
enum lb_look {
	LB_LOOK_OWN,    /* pages with content that no file has, and guards */
	LB_LOOK_GUARDS, /* MADV_GUARD_INSTALL of madvise(2): memory that nobody may touch */
};
struct lb_pages {
	uint64_t start, end;
	bool guard;
};
typedef int lb_pages_each_fn(const struct lb_pages *row, void *context);
/* Begins a look at them; `best`: no better way than this one, for tests. Returns 0 or an error; to be ended always. */
int lb_pages_begin(enum lb_pages_way best) LB_HIDDEN;
void lb_pages_end(void) LB_HIDDEN;
/* Calls `each` for the rows of such pages in [start, end), a part of one mapping and behind the last one, until it
 * returns non-zero. Returns that or an error. */
int lb_pages_each(enum lb_look look, uint64_t start, uint64_t end, lb_pages_each_fn *each, void *context) LB_HIDDEN;
/* Reads what the program itself may not read. Returns how much, or an error. */
int64_t lb_pages_read(void *to, uint64_t at, uint64_t size) LB_HIDDEN;

#endif
