/**
 * Every number and name that languages or nodes share.
 *
 * The schema: what both languages, or two nodes, must agree on, a table a file in `schema/`.
 * `tools/gen.ts` prints `c/include/lb_wire.h` from it; ids are append-only and never reused.
 *
 * @module
 */
import { errors } from "./schema/errors.ts";
import { obstacles, obstacleTexts } from "./schema/obstacles.ts";
import { faults } from "./schema/faults.ts";
import { frameFlags, frames, frameTypes } from "./schema/frames.ts";
import { limits, neverHeld } from "./schema/limits.ts";
import { local } from "./schema/local.ts";
import { names, variables } from "./schema/names.ts";
import {
  commands,
  gossipKinds,
  guestStates,
  memberFlags,
  memberStatuses,
  orders,
  outcomes,
  registration,
  roles,
  verdicts,
} from "./schema/numbers.ts";

export type { BodyFieldType, FrameSchema } from "./schema/frames.ts";
export type { FieldType, StructSchema } from "./schema/local.ts";
export {
  commands,
  errors,
  faults,
  frameFlags,
  frames,
  frameTypes,
  gossipKinds,
  guestStates,
  limits,
  local,
  memberFlags,
  memberStatuses,
  names,
  neverHeld,
  obstacles,
  obstacleTexts,
  orders,
  outcomes,
  registration,
  roles,
  variables,
  verdicts,
};

/** All of it under one name. */
export const schema = {
  protocolVersion: 2,
  abiVersion: 4,
  port: 9734,
  frameTypes,
  frameFlags,
  frames,
  roles,
  commands,
  orders,
  verdicts,
  guestStates,
  gossipKinds,
  memberStatuses,
  memberFlags,
  outcomes,
  local,
  limits,
  neverHeld,
  errors,
  registration,
  obstacles,
  faults,
  names,
  variables,
} as const;
