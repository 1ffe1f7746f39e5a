/**
 * The live view.
 *
 * It asks a node again and again and paints the answer, until it is to stop.
 *
 * @module
 */
import { LbError } from "../base/errors.ts";
import type { Snapshot } from "../wire/snapshot.ts";
import { cut } from "./columns.ts";
import type { Painter } from "./painter.ts";
import { render, type Size } from "./render.ts";

/** What the live view works with. */
export interface LiveOptions {
  /** Asks for a fresh snapshot; a rejection by an {@linkcode LbError} is shown and tried again. */
  readonly ask: () => Promise<Snapshot>;
  readonly painter: Painter;
  /** The terminal's size now. */
  readonly size: () => Size;
  /** Resolves at the next moment to look; rejects or resolves early once `signal` has fired. */
  readonly pause: () => Promise<void>;
  /** Ends the view. */
  readonly signal: AbortSignal;
}

/**
 * Shows a node until the signal fires. A node that is lost stays on the picture as it was last seen,
 * under a line that says so, and is tried again at each turn.
 *
 * @throws What `ask` throws, if it is not an {@linkcode LbError}; and any failure of the first time,
 * as there is nothing to show then.
 */
export async function showLive({ ask, painter, size, pause, signal }: LiveOptions): Promise<void> {
  let last = await ask();
  let trouble: string | null = null;
  while (!signal.aborted) {
    painter.paint(picture(last, trouble, size()));
    await pause();
    if (signal.aborted) return;
    try {
      last = await ask();
      trouble = null;
    } catch (error) {
      if (!(error instanceof LbError)) throw error;
      trouble = error.message;
    }
  }
}

/** The snapshot over one line of help, or of what is wrong; the bottom line stays free. */
function picture(snapshot: Snapshot, trouble: string | null, { columns, rows }: Size): string[] {
  const foot = trouble === null ? "Ctrl-C ends" : `NOT UP TO DATE: ${trouble}`;
  return [...render(snapshot, { columns, rows: rows - 2 }), "", cut(foot, columns)].slice(0, rows);
}
