/* shared.h - memory that is to be shared with children, at home. */
#ifndef LB_SHARED_H
#define LB_SHARED_H

#include <stdbool.h>

#include "image/maps.h"
#include "process/process.h"

/* 0, or an error: another process has some of this one's. What it finds holds as long as this process does nothing. */
int lb_shared_look(void) LB_HIDDEN;
bool lb_shared_is_alone(const struct lb_mapping *mapping) LB_HIDDEN;

#endif
