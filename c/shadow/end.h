/* end.h - Ends the shadow as the guest has ended. */
#ifndef LB_SHADOW_END_H
#define LB_SHADOW_END_H

#include "state.h"

bool lb_end_tell_untold(void); /* one line to the user, if there is something to say */
_Noreturn void lb_end_exit(int64_t code);
_Noreturn void lb_end_status(uint32_t wait_status);
_Noreturn void lb_end_lost(const char *why);

#endif
