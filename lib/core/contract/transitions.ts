/**
 * The life of a transfer as tables, one for each end.
 *
 * A row is a phase: the inputs that are legal in it, each with the phase that follows. What a row lacks
 * is not legal. An input from outside may come late, and then changes nothing; one of the balancer's
 * own is a bug, and asserted.
 *
 * @module
 */

/** Phases, each with the inputs that are legal in it and what follows. */
export type Transitions<Phase extends string, Input extends string> = Readonly<
  Record<Phase, Readonly<Partial<Record<Input, Phase>>>>
>;

/** Phases of a transfer where the process leaves. */
export const transferPhases = ["inspecting", "choosing", "offering", "moving", "ended"] as const;
/** One of {@linkcode transferPhases}. */
export type TransferPhase = typeof transferPhases[number];

/** What can happen to a transfer where the process leaves. */
export const transferInputs = [
  /** Fresh figures have come (event `sampled`). */
  "sampled",
  /** The periodic check: what was to be inspected is inspected again. */
  "checked",
  /** A process and a node fit together. */
  "chosen",
  /** No process and node do, or nothing has to leave any more. */
  "nobody",
  /** The other node keeps a place (event `offerAnswered`). */
  "accepted",
  /** It does not, or could not be reached (event `offerAnswered`). */
  "refused",
  /** The process runs there (event `moveEnded`). */
  "moved",
  /** It goes on here (event `moveEnded`). */
  "aborted",
  /** `offerTimeoutMs` or `moveTimeoutMs` is over. */
  "timedOut",
  /** The process has ended, or went home by itself. */
  "gone",
] as const;
/** One of {@linkcode transferInputs}. */
export type TransferInput = typeof transferInputs[number];

/** A transfer where the process leaves; it begins by `inspecting`. */
export const transferTransitions: Transitions<TransferPhase, TransferInput> = {
  /** Figures of what may leave are asked for (effect `inspect`). */
  inspecting: { sampled: "choosing", checked: "inspecting", gone: "ended" },
  /** Left in the step in which it is entered. */
  choosing: { chosen: "offering", nobody: "ended" },
  /** A node is asked for a place (effect `offer`). */
  offering: { accepted: "moving", refused: "choosing", timedOut: "choosing", gone: "ended" },
  /** The process has its order (effect `orderMove`). */
  moving: { moved: "ended", aborted: "ended", timedOut: "ended", gone: "ended" },
  ended: {},
};

/** Phases of a place where the process arrives. */
export const placePhases = ["free", "reserved", "arriving"] as const;
/** One of {@linkcode placePhases}. */
export type PlacePhase = typeof placePhases[number];

/** What can happen to a place where the process arrives. */
export const placeInputs = [
  /** An offer is accepted (effect `answerOffer`). */
  "reserved",
  /** The memory has begun to arrive (event `arrivalStarted`). */
  "started",
  /** The process runs here, or will not (events `arrivalConfirmed` and `arrivalFailed`). */
  "released",
  /** The sender has given up (event `offerWithdrawn`). */
  "withdrawn",
  /** The process has come some other way, or is offered again. */
  "superseded",
  /** `reservationTimeoutMs` or `moveTimeoutMs` is over. */
  "timedOut",
] as const;
/** One of {@linkcode placeInputs}. */
export type PlaceInput = typeof placeInputs[number];

/** A place where the process arrives. */
export const placeTransitions: Transitions<PlacePhase, PlaceInput> = {
  free: { reserved: "reserved" },
  reserved: {
    started: "arriving",
    released: "free",
    withdrawn: "free",
    superseded: "free",
    timedOut: "free",
  },
  /** A withdrawal comes too late: whether the process runs here is for its keeper to say. */
  arriving: { started: "arriving", released: "free", superseded: "free", timedOut: "free" },
};

/** The phase that follows, or null: the input is not legal in this one. */
export function nextPhase<Phase extends string, Input extends string>(
  transitions: Transitions<Phase, Input>,
  phase: Phase,
  input: Input,
): Phase | null {
  return transitions[phase][input] ?? null;
}
