/* transfer.h - Reads and writes at home, in pieces. */
#ifndef LB_LIBRARY_TRANSFER_H
#define LB_LIBRARY_TRANSFER_H

#include "home_call/request.h"
#include "home_call/table.h"

bool lb_is_iov(const struct lb_row *row) LB_HIDDEN; /* its data is a vector */
/* Moves piece after piece, as long as each is complete. */
int64_t lb_transfer_run(struct lb_request *request, const struct lb_row *row) LB_HIDDEN;

#endif
