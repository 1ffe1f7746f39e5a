/* execute.h - Executes a CALL. */
#ifndef LB_SHADOW_EXECUTE_H
#define LB_SHADOW_EXECUTE_H

#include "state.h"

/* Executes one CALL; the reply (with `out_size` output bytes, at most LB_LINK_DATA_SIZE_MAX) goes to *reply and
 * `out`, which is so far behind a page as lb_transfer_offset() says. Returns false when the request is malformed. */
bool lb_execute(const struct lb_link_call *call, const uint8_t *in, struct lb_link_reply *reply, uint8_t *out);

#endif
