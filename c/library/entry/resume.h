/* resume.h - the first thing that runs in a restored process. */
#ifndef LB_RESUME_H
#define LB_RESUME_H

#include "lb_image.h"
#include "process/process.h"

/* Where the restorer jumps to; calls lb_resume(). */
extern char lb_resume_entry[] LB_HIDDEN;
/* Goes on where lb_context_save() was called. */
__attribute__((noreturn)) void lb_resume(const struct lb_resume_args *args) LB_HIDDEN;

#endif
