/**
 * The file of members, `RUNTIME-DIR/members.json`.
 *
 * What a node knows of its cluster, kept over a restart of the daemon and of the machine (where
 * the runtime directory lasts that long).
 *
 * @module
 */
import { describe } from "../base/errors.ts";
import { type Claim, type MembershipView, statuses } from "../core/membership/types.ts";
import { logger } from "../host/log.ts";

/** What an earlier run has left. */
export interface MemberState {
  /** Of that run; 0: there was none. */
  readonly incarnation: number;
  readonly hasJoined: boolean;
  readonly hasLeft: boolean;
  readonly claims: readonly Claim[];
}

const log = logger("members");

/** Ages are kept as points in time by the wall clock, milliseconds since 1970. */
interface File {
  readonly version: 1;
  /** This node's name then: under another one it is another member. */
  readonly node: string;
  readonly incarnation: number;
  readonly hasJoined: boolean;
  readonly hasLeft: boolean;
  readonly members: readonly (Omit<Claim, "ageMs"> & { readonly sinceMs: number })[];
}

const NOTHING: MemberState = { incarnation: 0, hasJoined: false, hasLeft: false, claims: [] };

/** Reads the file; one that cannot be read is logged, set aside and counts as none. */
export function loadMembers(path: string, node: string, wallMs: number): MemberState {
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) complain("read", path, error);
    return NOTHING;
  }
  try {
    const file = JSON.parse(text) as File;
    if (file.version !== 1) throw new Error(`its version is ${file.version}`);
    const claims = file.members.map(({ sinceMs, ...claim }): Claim => {
      if (!statuses.includes(claim.status) || !Number.isSafeInteger(claim.incarnation)) {
        throw new Error(`its line about ${claim.node} is none`);
      }
      return { ...claim, ageMs: Math.max(0, wallMs - sinceMs) };
    });
    const { incarnation, hasJoined, hasLeft } = file;
    if (!Number.isSafeInteger(incarnation)) throw new Error(`its incarnation is ${incarnation}`);
    return file.node === node ? { incarnation, hasJoined, hasLeft, claims } : NOTHING;
  } catch (error) {
    complain("read", path, error);
    try {
      Deno.renameSync(path, `${path}.unreadable`);
    } catch {
      // It will be overwritten; the cluster tells again who is in it.
    }
    return NOTHING;
  }
}

/** Writes the file under another name and renames it, so that a reader sees a whole one. */
export function saveMembers(
  path: string,
  node: string,
  view: MembershipView,
  wallMs: number,
): void {
  const { incarnation, hasJoined, hasLeft } = view;
  const members = view.members.filter((member) => member.node !== node)
    .map(({ ageMs, ...claim }) => ({ ...claim, sinceMs: wallMs - ageMs }));
  const file: File = { version: 1, node, incarnation, hasJoined, hasLeft, members };
  try {
    Deno.writeTextFileSync(`${path}.new`, JSON.stringify(file, null, 1), { mode: 0o600 });
    Deno.renameSync(`${path}.new`, path);
  } catch (error) {
    complain("write", path, error);
  }
}

function complain(verb: string, file: string, error: unknown): void {
  log.error(`cannot ${verb} the file of members`, { file, reason: describe(error) });
}
