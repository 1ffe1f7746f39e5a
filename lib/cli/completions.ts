/**
 * `lb completions`: prints a completion script for a shell.
 *
 * It is made from the table of subcommands.
 *
 * @module
 */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { argument } from "@optique/core/primitives";
import { extractOptionNames } from "@optique/core/usage";
import { choice } from "@optique/core/valueparser";
import { exitCodes } from "../base/errors.ts";
import { type Command, defineCommand } from "./command.ts";
import { launchOptionNames } from "./launch.ts";

/** A subcommand as the scripts need it. */
export interface CompletionEntry {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly string[];
}

/** The shells that scripts are written for. */
export const shells = ["bash", "zsh", "fish"] as const;
/** One of {@linkcode shells}. */
export type Shell = (typeof shells)[number];

function bashScript(entries: readonly CompletionEntry[]): string {
  const cases = entries.map(({ name, options }) => `    ${name}) words="${options.join(" ")}" ;;`);
  return `# bash completion of lb: source it, or put it into /etc/bash_completion.d
_lb() {
  local current="\${COMP_WORDS[COMP_CWORD]}" words=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${
    entries.map(({ name }) => name).join(" ")
  } --help --version" -- "$current"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join("\n")}
  esac
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$words" -- "$current")) ;;
    *) [ "\${COMP_WORDS[1]}" = launch ] && COMPREPLY=($(compgen -c -- "$current")) ;;
  esac
}
complete -o default -o bashdefault -F _lb lb`;
}

function zshScript(entries: readonly CompletionEntry[]): string {
  const commands = entries.map(({ name, summary }) =>
    `    '${name}:${summary.replaceAll("'", "'\\''")}'`
  );
  const cases = entries.map(({ name, options }) =>
    `    ${name}) options=(${options.map((option) => `'${option}'`).join(" ")}) ;;`
  );
  return `#compdef lb
# zsh completion of lb: put it into a folder of $fpath as _lb, or source it
_lb() {
  local -a commands options
  commands=(
${commands.join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe 'subcommand' commands
    return
  fi
  case "$words[2]" in
${cases.join("\n")}
  esac
  if [[ "$words[CURRENT]" == -* ]]; then
    compadd -- $options
  elif [[ "$words[2]" == launch ]]; then
    _command_names -e
    _files
  else
    _files
  fi
}
if [ "$funcstack[1]" = "_lb" ]; then _lb "$@"; else compdef _lb lb; fi`;
}

function fishScript(entries: readonly CompletionEntry[]): string {
  const lines = ["# fish completion of lb: put it into ~/.config/fish/completions/lb.fish"];
  for (const { name, summary, options } of entries) {
    const text = summary.replaceAll("'", "\\'");
    lines.push(`complete -c lb -n __fish_use_subcommand -f -a ${name} -d '${text}'`);
    for (const option of options) {
      const kind = option.startsWith("--") ? `-l ${option.slice(2)}` : `-s ${option.slice(1)}`;
      lines.push(`complete -c lb -n '__fish_seen_subcommand_from ${name}' ${kind}`);
    }
  }
  lines.push(
    "complete -c lb -n '__fish_seen_subcommand_from launch' -a '(__fish_complete_command)'",
  );
  return lines.join("\n");
}

/** The completion script for a shell. */
export function completionScript(shell: Shell, entries: readonly CompletionEntry[]): string {
  return { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](entries);
}

/** Option names of a subcommand's module. */
function optionsOf(command: Partial<Command>): string[] {
  if (command.usage === undefined) return [...launchOptionNames];
  return [...extractOptionNames(command.usage), "--help", "--version"];
}

/** The subcommand. */
export const command = defineCommand({
  name: "completions",
  brief: "print a completion script for a shell",
  examples: [
    ['eval "$(lb completions bash)"', "completes in this bash"],
    ["lb completions fish > ~/.config/fish/completions/lb.fish", "completes in every fish"],
  ],
  parser: object({
    shell: argument(choice(shells, { metavar: "SHELL" }), { description: message`the shell` }),
  }),
  run: async ({ shell }) => {
    // Here and not above: the table loads this file.
    const { table } = await import("./table.ts");
    const entries: CompletionEntry[] = [];
    for (const [name, { summary, load }] of Object.entries(table)) {
      // Its parser has a file of its own.
      const loaded: { readonly command: Partial<Command> } = name === "daemon"
        ? await import("./daemon_options.ts")
        : await load();
      entries.push({ name, summary, options: optionsOf(loaded.command) });
    }
    console.log(completionScript(shell, entries));
    return exitCodes.ok;
  },
});
