/* children.h - children of this process, at home. */
#ifndef LB_CHILDREN_H
#define LB_CHILDREN_H

#include <stdbool.h>

#include "process/process.h"

bool lb_has_children(void) LB_HIDDEN;
bool lb_shares_memory(void) LB_HIDDEN; /* with one of them: CLONE_VM of clone(2) */

#endif
