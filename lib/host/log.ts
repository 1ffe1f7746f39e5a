/**
 * The log: LogTape, one line per event, to standard error or to a file.
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
}

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

/** Writes the whole text, or nothing: a full disk must not stop the daemon. */
function makeSink(target: { writeSync(bytes: Uint8Array): number }): Sink {
  const encoder = new TextEncoder();
  return (record) => {
    try {
      const bytes = encoder.encode(formatLine(record));
      for (let sent = 0; sent < bytes.length;) sent += target.writeSync(bytes.subarray(sent));
    } catch {
      // Nowhere is left to tell it: the line is lost, the daemon goes on.
    }
  };
}

/** Sets up the log of this process; called once, before the first line. */
export async function configureLog(options: LogOptions = {}): Promise<void> {
  const target = options.file === undefined
    ? Deno.stderr
    : Deno.openSync(options.file, { append: true, create: true, mode: 0o600 });
  await configure({
    reset: true,
    sinks: { lb: makeSink(target) },
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
