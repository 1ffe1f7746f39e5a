/**
 * The one writer of the live view.
 *
 * It paints lines over the last ones, on a terminal only.
 *
 * @module
 */

/** Where a painter paints; `Deno.stdout` is one. */
export interface Canvas {
  /** Whether anybody sees it as a picture. */
  isTerminal(): boolean;
  writeSync(bytes: Uint8Array): number;
}

const ESC = "\u001b[";
/** To the alternate screen, so that what was there comes back; without a cursor on the picture. */
const OPEN = `${ESC}?1049h${ESC}?25l`;
const CLOSE = `${ESC}?25h${ESC}?1049l`;
const HOME = `${ESC}H`;
const CLEAR_LINE = `${ESC}K`;
const CLEAR_BELOW = `${ESC}J`;

/** Paints pictures of lines in place; silent where there is no terminal. */
export class Painter implements Disposable {
  readonly #canvas: Canvas;
  readonly #encoder = new TextEncoder();
  #isOpen = false;

  constructor(canvas: Canvas) {
    this.#canvas = canvas;
  }

  /**
   * Paints one picture. It is written at once and line over line, so that nothing flickers.
   *
   * @param lines No longer, and no more, than the terminal shows.
   */
  paint(lines: readonly string[]): void {
    if (!this.#canvas.isTerminal()) return;
    const picture = lines.map((line) => `${line}${CLEAR_LINE}`).join("\r\n");
    this.#write(`${this.#isOpen ? "" : OPEN}${HOME}${picture}${CLEAR_BELOW}`);
    this.#isOpen = true;
  }

  /** Gives the terminal back as it was. */
  [Symbol.dispose](): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#write(CLOSE);
  }

  #write(text: string): void {
    let rest = this.#encoder.encode(text);
    while (rest.length > 0) rest = rest.subarray(this.#canvas.writeSync(rest));
  }
}
