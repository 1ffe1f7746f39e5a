/* marshal.h - marshalling: makes a request of a table row and the program's arguments. */
#ifndef LB_MARSHAL_H
#define LB_MARSHAL_H

#include "home_call/table.h"
#include "trap/trap.h"

/* Makes the call at home, under this mask of the program's. Returns its result, or LB_AGAIN. */
int64_t lb_marshal_row(struct lb_trap *trap, const struct lb_row *row, uint64_t mask) LB_HIDDEN;

#endif
