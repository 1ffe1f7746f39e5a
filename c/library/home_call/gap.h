/* gap.h - Reads and writes whose memory is not there, or only in part. */
#ifndef LB_GAP_H
#define LB_GAP_H

#include "home_call/request.h"

/* In the lowest page, which vm.mmap_min_addr keeps empty. */
#define LB_NOWHERE 16

/* Both return what the kernel would have returned. */
int64_t lb_gap_write(struct lb_request *request, bool is_vector) LB_HIDDEN;
int64_t lb_gap_read(const struct lb_request *request) LB_HIDDEN;
/* -EFAULT, or what is wrong with the descriptor: the kernel looks at that first. */
int64_t lb_gap_error(int64_t fd, bool writes) LB_HIDDEN;

#endif
