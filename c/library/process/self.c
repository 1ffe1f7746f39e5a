/* self.c - state of the process, part of an image. */
#include "fault.h"

#include "process/process.h"

struct lb_process lb_self;
struct lb_fault_plan lb_fault_plan;
bool lb_come_home;
