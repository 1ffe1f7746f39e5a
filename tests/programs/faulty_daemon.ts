/**
 * `lb daemon` for tests, whose native calls fail at times.
 *
 * Run by Deno in place of main.ts. Each function of the native library fails once with each error
 * in turn, from the moment that READY was said.
 *
 * @module
 */

/** EMFILE, ENOMEM, EAGAIN, ENOSPC. */
const ERRORS = [24, 12, 11, 28];
/** What gives something back or stops is not one that fails. */
const NEVER = /_(close|abi_version|wake|umask|notify|close_on_exec|set_nofile|unwatch_pid)$/;
/** So many calls succeed before the next one fails. */
const CALLS_BETWEEN = 1;

type Native = (...parameters: unknown[]) => unknown;

let isFaulty = false;
const faults = new Map<string, number>();

function faulty(name: string, native: Native): Native {
  let calls = 0, next = 0;
  return (...parameters) => {
    const error = ERRORS[next];
    if (!isFaulty || error === undefined || calls++ < CALLS_BETWEEN) return native(...parameters);
    [calls, next] = [0, next + 1];
    faults.set(name, next);
    console.error(`FAULT ${name} ${error} ${next}`);
    if (/_(control_next|look)$/.test(name)) return Promise.resolve(-error);
    return /_(start_ticks|mem_available|monotonic_ns|boot_time)$/.test(name)
      ? BigInt(-error)
      : -error;
  };
}

const open = Deno.dlopen;
Object.assign(Deno, {
  dlopen: (path: string, wanted: Deno.ForeignLibraryInterface) => {
    const library = open(path, wanted);
    const symbols = Object.entries(library.symbols).map(([name, native]) => [
      name,
      NEVER.test(name) ? native : faulty(name, native as Native),
    ]);
    return { ...library, symbols: Object.fromEntries(symbols) };
  },
});

const say = console.log;
console.log = (...text: unknown[]) => {
  say(...text);
  isFaulty = true;
};

await import("../../main.ts");
