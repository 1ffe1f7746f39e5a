/**
 * Runs the commands that build a testbed, and waits for conditions.
 *
 * @module
 */

// Where a test fails and then the disposal of what it used as well, Deno tells neither of the two. As the
// cause of the SuppressedError both are told, the test's own first.
Object.defineProperty(SuppressedError.prototype, "cause", {
  configurable: true,
  get(this: SuppressedError): Error {
    return new AggregateError(
      [this.suppressed, this.error],
      "First in the test, then in its disposal",
    );
  },
});

/** What a finished command left. */
export interface Result {
  /** Exit status; 128 + N when a signal ended it. */
  readonly code: number;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * How long a test waits for what must come. It costs nothing where it comes, and a machine whose processors
 * are shared by thirty others is no failure.
 */
export const PATIENCE_MS = 120_000;

/** No command of a test takes longer by itself; one that does hangs. */
const COMMAND_MS_MAX = 600_000;

/**
 * Runs one command to its end, with nothing on standard input.
 *
 * @param timeoutMs After it the command is killed, and an error thrown.
 */
export async function capture(
  argv: readonly string[],
  timeoutMs: number = COMMAND_MS_MAX,
): Promise<Result> {
  const [program = "", ...args] = argv;
  const child = new Deno.Command(program, {
    args,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let timer: number | undefined;
  // The program itself may be out of reach behind what was started, and keep the output open.
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      child.kill("SIGKILL");
      child.unref();
      reject(new Error(`\`${argv.join(" ")}\` did not end in ${timeoutMs} ms`));
    }, timeoutMs);
  });
  const output = await Promise.race([child.output(), late]).finally(() => clearTimeout(timer));
  const text = new TextDecoder();
  return {
    code: output.code,
    signal: output.signal,
    stdout: text.decode(output.stdout),
    stderr: text.decode(output.stderr),
  };
}

/** Like {@linkcode capture}, but throws an error that tells the command and what it said. */
export async function must(argv: readonly string[]): Promise<string> {
  const result = await capture(argv);
  if (result.code !== 0) {
    throw new Error(
      `Cannot run \`${argv.join(" ")}\`: exit status ${result.code}\n${result.stderr}`,
    );
  }
  return result.stdout;
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Waits until `probe` gives something other than undefined or false, and returns that.
 *
 * @param what What is waited for, as the error names it.
 * @param timeoutMs @default {PATIENCE_MS}
 */
export async function waitFor<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  { timeoutMs = PATIENCE_MS, intervalMs = 50 }: { timeoutMs?: number; intervalMs?: number } = {},
): Promise<T> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > end) throw new Error(`Waited ${timeoutMs} ms in vain for ${what}`);
    await sleep(intervalMs);
  }
}
