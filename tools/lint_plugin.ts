/**
 * The project's lint rule of a pure core.
 *
 * No clock, no chance, no I/O in lib/base, lib/wire, lib/core and lib/sim, so that what the
 * simulator proves is the code that runs.
 *
 * @module
 */

/** Folders that are pure, and which of them may not wait either. */
const PURE = /\/lib\/(base|wire|core|sim)\//;
const NEVER_WAITS = /\/lib\/core\//;

/** Names that reach the world, and what to do instead; `process` is a word of ours. */
const BANNED_GLOBALS: Readonly<Record<string, string>> = {
  Deno: "Take what it would give as an argument",
  console: "Return the text",
  fetch: "Return an effect",
  performance: "Take nowMs as an argument",
  setInterval: "Return a deadline",
  setTimeout: "Return a deadline",
};

/** Members that reach the world. */
const BANNED_MEMBERS: Readonly<Record<string, string>> = {
  "Date.now": "Take nowMs as an argument",
  "Math.random": "Draw from lib/base/prng.ts with a seed",
};

const plugin: Deno.lint.Plugin = {
  name: "lb",
  rules: {
    "pure-core": {
      create(context) {
        // What a file prints when it is run as a script, and tests, may use all there is.
        if (!PURE.test(context.filename) || /_test\.ts$|_bench\.ts$/.test(context.filename)) {
          return {};
        }
        const neverWaits = NEVER_WAITS.test(context.filename);
        return {
          MemberExpression(node) {
            if (node.object.type !== "Identifier" || node.property.type !== "Identifier") return;
            const banned = BANNED_GLOBALS[node.object.name];
            const name = `${node.object.name}.${node.property.name}`;
            const hint = banned ?? BANNED_MEMBERS[name];
            if (hint !== undefined) context.report({ node, message: `${name} is I/O`, hint });
          },
          CallExpression(node) {
            if (node.callee.type !== "Identifier") return;
            const hint = BANNED_GLOBALS[node.callee.name];
            if (hint !== undefined) {
              context.report({ node, message: `${node.callee.name}() is I/O`, hint });
            }
          },
          NewExpression(node) {
            if (
              node.callee.type === "Identifier" && node.callee.name === "Date" &&
              node.arguments.length === 0
            ) {
              context.report({
                node,
                message: "new Date() reads the clock",
                hint: "Take nowMs as an argument",
              });
            }
          },
          AwaitExpression(node) {
            if (!neverWaits) return;
            context.report({
              node,
              message: "await lets time pass",
              hint: "Return an effect; its result comes back as an event",
            });
          },
        };
      },
    },
  },
};

export default plugin;
