/**
 * Sizes and times as text for people, and back.
 *
 * @module
 */

const SIZE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/**
 * Formats a size with three digits or so: `24.0 MiB`.
 *
 * @param bytes From 0 up.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * assert.equal(formatBytes(24 * 2 ** 20), "24.0 MiB");
 * ```
 */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < SIZE_UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${value.toFixed(digits)} ${SIZE_UNITS[unit]}`;
}

/**
 * Formats a time span in its two largest units: `12.5 s`, `3 min 4 s`, `2 h 5 min`.
 *
 * @param seconds From 0 up.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * assert.equal(formatSeconds(184), "3 min 4 s");
 * ```
 */
export function formatSeconds(seconds: number): string {
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  const hours = Math.round(seconds / 3600);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}
