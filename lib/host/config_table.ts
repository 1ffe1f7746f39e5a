/**
 * Reads one table of a config file by typed keys.
 *
 * Errors name the file and the line.
 *
 * @module
 */
import { ConfigError } from "../base/errors.ts";
import { type Address, parseAddress } from "./address.ts";

/** Reads one table of the file, remembering what was asked for so that the rest is an error. */
export class ConfigTable {
  readonly #values: Record<string, unknown>;
  readonly #known = new Set<string>();

  /**
   * @param file Path of the file, for messages.
   * @param text The whole file, to find lines in.
   * @param name Name of the table; null: the top.
   * @param values What the TOML parser made of it.
   */
  constructor(
    readonly file: string,
    readonly text: string,
    readonly name: string | null,
    values: Record<string, unknown>,
  ) {
    this.#values = values;
  }

  /** Line of a key of this table, counted from 1; 1 if it is written in some way we do not see. */
  #line(key: string): number {
    let table: string | null = null;
    const lines = this.text.split("\n");
    for (const [index, line] of lines.entries()) {
      const header = /^\s*\[\s*"?([^\]"]+?)"?\s*\]/.exec(line);
      if (header !== null) {
        table = header[1] ?? null;
        if (this.name === null && table === key) return index + 1;
        continue;
      }
      const bare = /^\s*"?([A-Za-z0-9_.-]+?)"?\s*=/.exec(line)?.[1];
      const path = table === null ? bare : `${table}.${bare}`;
      const wanted = this.name === null ? key : `${this.name}.${key}`;
      if (bare !== undefined && (path === wanted || path?.startsWith(`${wanted}.`))) {
        return index + 1;
      }
    }
    return 1;
  }

  /**
   * Says what is wrong with a key's value, and where.
   *
   * @throws {ConfigError} Always.
   */
  fail(key: string, wanted: string, current: unknown, fix: string): never {
    const shown = typeof current === "string" ? current : JSON.stringify(current) ?? "nothing";
    const path = this.name === null ? key : `${this.name}.${key}`;
    throw new ConfigError(
      `Cannot use ${path} as it must be ${wanted}: ${this.file}:${this.#line(key)} has ${shown}`,
      { fix },
    );
  }

  /** The value as the parser made it; undefined: it is not there. */
  take(key: string): unknown {
    this.#known.add(key);
    return this.#values[key];
  }

  /** A text that is not empty. */
  string(key: string, wanted: string): string | undefined {
    const value = this.take(key);
    if (value === undefined) return undefined;
    if (typeof value !== "string" || value === "") {
      this.fail(key, wanted, value, `Write ${key} = "..." with quotes`);
    }
    return value;
  }

  /** One of several words. */
  choice<T extends string>(key: string, choices: readonly T[]): T | undefined {
    const wanted = `one of ${choices.join(", ")}`;
    const value = this.string(key, wanted);
    const found = choices.find((choice) => choice === value);
    if (value !== undefined && found === undefined) {
      this.fail(key, wanted, value, `Choose ${wanted}`);
    }
    return found;
  }

  /** true or false. */
  boolean(key: string): boolean | undefined {
    const value = this.take(key);
    if (value === undefined || typeof value === "boolean") return value;
    this.fail(key, "true or false", value, `Write ${key} = true or ${key} = false`);
  }

  /** A number within limits. */
  number(key: string, options: { min: number; max: number; integer: boolean }): number | undefined {
    const value = this.take(key);
    if (value === undefined) return undefined;
    const kind = options.integer ? "a whole number" : "a number";
    if (
      typeof value !== "number" || (options.integer && !Number.isInteger(value)) ||
      !(value >= options.min && value <= options.max)
    ) {
      this.fail(
        key,
        `${kind} from ${options.min} to ${options.max}`,
        value,
        `Write ${key} = N with N from ${options.min} to ${options.max}`,
      );
    }
    return value;
  }

  /** An address, from a text of this key. */
  address(key: string, value: string): Address {
    const address = parseAddress(value);
    if (address === null) {
      this.fail(key, "HOST or HOST:PORT", value, `Write an address such as "192.168.0.1:9734"`);
    }
    return address;
  }

  /** Rejects every key that nobody asked for. */
  finish(): void {
    for (const key of Object.keys(this.#values)) {
      if (this.#known.has(key)) continue;
      const path = this.name === null ? key : `${this.name}.${key}`;
      throw new ConfigError(
        `Cannot read ${this.file}:${this.#line(key)} as every key must be known: ` +
          `'${path}' is not`,
        { fix: `Remove it, or correct it to one of ${[...this.#known].join(", ")}` },
      );
    }
  }
}
