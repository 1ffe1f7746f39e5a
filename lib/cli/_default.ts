/**
 * Options that have a default.
 *
 * Help shows it as a person would type it.
 *
 * @module
 */
import { text } from "@optique/core/message";
import { withDefault as withQuotedDefault } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";

/** Optique's `withDefault()`, without the quotation marks around the default in the help text. */
export function withDefault<T, S, const D extends string | number | boolean>(
  parser: Parser<"sync", T, S>,
  value: D,
) {
  if (typeof value === "boolean") return withQuotedDefault(parser, value);
  return withQuotedDefault(parser, value, { message: [text(String(value))] });
}
