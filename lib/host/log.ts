/**
 * The log, by LogTape.
 *
 * One line per event, to standard error or to a file. Equal lines are counted, and the file is
 * bounded.
 *
 * @module
 */
import { configure, getLogger, type Logger, type LogRecord, type Sink } from "@logtape/logtape";

/** Where the log goes. */
export interface LogOptions {
  /** Absolute path of a file to append to; without it the log goes to standard error. */
  readonly file?: string;
  /** Lowest level that is written. @default {"info"} */
  readonly level?: "debug" | "info" | "warning" | "error";
  /** The file with its predecessor, FILE.1, has at most so many bytes. @default 16 MiB */
  readonly sizeMax?: number;
}

const LOG_SIZE_MAX = 16 << 20;

/** Values that stand in one line as `name=value`. */
export type LogFields = Readonly<Record<string, string | number | bigint | boolean | null>>;

/** Formats one event as one line: time, level, message, then `name=value` pairs. */
export function formatLine(record: LogRecord): string {
  const time = new Date(record.timestamp).toISOString();
  const message = record.message.map((part) => String(part)).join("");
  const fields = Object.entries(record.properties).map(([name, value]) => {
    const text = value === null ? "-" : String(value);
    return ` ${name}=${/[\s"=]/.test(text) || text === "" ? JSON.stringify(text) : text}`;
  });
  const line = `${time} ${record.level} ${message}${fields.join("")}`;
  // A name that came from elsewhere must not make a second line.
  return line.replaceAll(/[\n\r]/g, " ") + "\n";
}

/** So many equal lines are written in a period; those that follow are counted. */
const EQUALS_MAX = 5;
const PERIOD_MS = 60_000;
/** Different lines of a period that are known; beyond them nothing is held back. */
const KNOWN_MAX = 1_000;

/** Lines that came too often in the last period. */
class Repeats {
  readonly #known = new Map<string, { sinceMs: number; count: number; last: LogRecord }>();

  /** The lines to write for an event: itself unless it has come too often, and what was counted. */
  take(record: LogRecord): string[] {
    const lines = this.#expire(record.timestamp);
    // What is asked for to find a fault is written as it comes.
    if (record.level === "debug" || record.level === "trace") return [...lines, formatLine(record)];
    const key = formatLine({ ...record, timestamp: 0 });
    const known = this.#known.get(key);
    if (known === undefined && this.#known.size < KNOWN_MAX) {
      this.#known.set(key, { sinceMs: record.timestamp, count: 1, last: record });
    } else if (known !== undefined) {
      [known.count, known.last] = [known.count + 1, record];
      if (known.count > EQUALS_MAX) return lines;
    }
    return [...lines, formatLine(record)];
  }

  #expire(nowMs: number): string[] {
    const lines: string[] = [];
    for (const [key, { sinceMs, count, last }] of this.#known) {
      if (nowMs - sinceMs < PERIOD_MS) break; // the first is the oldest
      this.#known.delete(key);
      const more = count - EQUALS_MAX;
      if (more > 0) lines.push(formatLine({ ...last, properties: { ...last.properties, more } }));
    }
    return lines;
  }
}

/** Writes whole lines, or nothing: a full disk must not stop the daemon. */
function makeSink(write: (bytes: Uint8Array) => void): Sink {
  const encoder = new TextEncoder();
  const repeats = new Repeats();
  return (record) => {
    for (const line of repeats.take(record)) {
      try {
        write(encoder.encode(line));
      } catch {
        // Nowhere is left to tell it: the line is lost, the daemon goes on.
      }
    }
  };
}

function writeAll(target: { writeSync(bytes: Uint8Array): number }, bytes: Uint8Array): void {
  for (let sent = 0; sent < bytes.length;) sent += target.writeSync(bytes.subarray(sent));
}

/**
 * Keeps the beginning of a file that has become too long as FILE.1 and empties it. It is not renamed: the
 * daemon's keepers have it open, too.
 */
export function rotate(path: string, sizeMax: number = LOG_SIZE_MAX): void {
  if (Deno.statSync(path).size <= sizeMax) return;
  Deno.copyFileSync(path, `${path}.1`);
  Deno.truncateSync(path, 0);
}

/** Appends to a file, which stays below a size. */
function openFile(path: string, sizeMax: number): (bytes: Uint8Array) => void {
  const file = Deno.openSync(path, { append: true, create: true, mode: 0o600 });
  let written = Infinity; // how long it is, is not known yet
  return (bytes) => {
    written += bytes.length;
    if (written > sizeMax / 2) {
      written = 0; // and others write to it: looked at twice before it can be full
      rotate(path, sizeMax / 2);
    }
    writeAll(file, bytes);
  };
}

/** Sets up the log of this process; called once, before the first line. */
export async function configureLog(options: LogOptions = {}): Promise<void> {
  const write = options.file === undefined
    ? (bytes: Uint8Array) => writeAll(Deno.stderr, bytes)
    : openFile(options.file, options.sizeMax ?? LOG_SIZE_MAX);
  await configure({
    reset: true,
    sinks: { lb: makeSink(write) },
    loggers: [
      { category: ["lb"], sinks: ["lb"], lowestLevel: options.level ?? "info" },
      { category: ["logtape", "meta"], sinks: [], lowestLevel: "error" },
    ],
  });
}

/** The logger of one part of lb. */
export function logger(part: string): Logger {
  return getLogger(["lb", part]);
}
