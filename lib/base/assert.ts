/**
 * Assertions: what we promise ourselves. They stay on in release; what others send is checked
 * with typed errors instead.
 *
 * @module
 */

/** A broken promise of our own code. */
export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

/**
 * Asserts one condition that only a bug of ours can break.
 *
 * @throws {AssertionError} If `condition` is false.
 */
export function assert(condition: boolean, message = "a promise was broken"): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/**
 * Marks a branch that no value can reach; the type checker proves it, and a bug crashes.
 *
 * @throws {AssertionError} Always.
 */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable value: ${String(value)}`);
}
