/**
 * Axes of a picture.
 *
 * Round ticks, short numbers, and what they are drawn with.
 *
 * @module
 */

/** Text without what would be markup. */
export function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Coordinates as short as they can be, the same everywhere. */
export function round(value: number): string {
  return String(Number(value.toFixed(1)));
}

/** A number for people: 1,500 or 0.25. */
export function show(value: number): string {
  if (value === 0) return "0";
  const [whole = "", rest] = String(Number(value.toPrecision(3))).split(".");
  if (Math.abs(value) >= 1e9 || Math.abs(value) < 1e-4) return value.toExponential(1);
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return rest === undefined ? grouped : `${grouped}.${rest}`;
}

/** Draws text; its anchor is where it begins unless it says otherwise. */
export function label(
  x: number,
  y: number,
  text: string,
  { kind = "tick", anchor = "start" }: {
    readonly kind?: "title" | "heading" | "tick" | "name" | "figure";
    readonly anchor?: "start" | "middle" | "end";
  } = {},
): string {
  const at = anchor === "start" ? "" : ` text-anchor="${anchor}"`;
  return `<text x="${round(x)}" y="${round(y)}" class="${kind}"${at}>${escape(text)}</text>`;
}

/** Round numbers from 0 up to at least `most`: some four of them. */
export function ticksUpTo(most: number, count = 4): number[] {
  if (!(most > 0)) return [0, 1];
  const raw = most / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((value) => value >= raw) ?? raw;
  const steps = Math.ceil(most / step - 1e-9);
  return Array.from({ length: steps + 1 }, (_, index) => Number((index * step).toPrecision(12)));
}

/** 1, 2 and 5 times the powers of ten between two numbers; only the powers if those are many. */
export function ticksByFactor(least: number, most: number): number[] {
  const ticks: number[] = [];
  const factors = most / least > 1e3 ? [1] : [1, 2, 5];
  for (let power = Math.floor(Math.log10(least)); power <= Math.log10(most); power++) {
    for (const factor of factors) {
      const tick = Number((factor * 10 ** power).toPrecision(12));
      if (tick >= least * 0.999 && tick <= most * 1.001) ticks.push(tick);
    }
  }
  return ticks;
}

/** Unit that times of a run are shown in. */
export function timeUnit(seconds: number): { readonly name: string; readonly seconds: number } {
  if (seconds > 3 * 86_400) return { name: "days", seconds: 86_400 };
  if (seconds > 3 * 3600) return { name: "hours", seconds: 3600 };
  return seconds > 300 ? { name: "minutes", seconds: 60 } : { name: "seconds", seconds: 1 };
}
