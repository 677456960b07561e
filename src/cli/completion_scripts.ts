import { type Command, COMMON_OPTIONS } from "./command.ts";

export const SHELLS = ["bash", "zsh", "fish", "pwsh"] as const;
export type Shell = typeof SHELLS[number];

/** What a shell can complete after a command's name. */
interface Completable {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly { readonly name: string; readonly doc: string; readonly takesValue: boolean }[];
  /** Words that an operand may be: `bash|zsh|fish|pwsh`. */
  readonly words: readonly string[];
}

/** The completion script of a shell for the program `mailtee` with these commands. */
export function completionScript(shell: Shell, commands: readonly Command[]): string {
  const completables = commands.map(completable);
  switch (shell) {
    case "bash":
      return bashScript(completables);
    case "zsh":
      return zshScript(completables);
    case "fish":
      return fishScript(completables);
    case "pwsh":
      return pwshScript(completables);
  }
}

function completable({ name, summary, operands, options }: Command): Completable {
  return {
    name,
    summary,
    options: Object.entries({ ...options, ...COMMON_OPTIONS }).map(([option, spec]) => ({
      name: option,
      doc: spec.doc,
      takesValue: spec.value !== undefined,
    })),
    words: [...operands.matchAll(/[a-z]+(?:\|[a-z]+)+/g)].flatMap(([choice]) => choice.split("|")),
  };
}

function flags({ options }: Completable): string {
  return options.map(({ name }) => `--${name}`).join(" ");
}

function bashScript(commands: readonly Completable[]): string {
  const cases = commands.map((command) =>
    `    ${command.name}) options="${flags(command)}"; words="${command.words.join(" ")}" ;;\n`
  );
  return `# mailtee completions for bash: source this file, or put it into /etc/bash_completion.d/mailtee.
_mailtee() {
  local current="\${COMP_WORDS[COMP_CWORD]}" options="" words=""
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(" ")} --help --version" -- "$current"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join("")}    *) return ;;
  esac
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$options" -- "$current")) ;;
    *) COMPREPLY=($(compgen -W "$words" -- "$current")) ;;
  esac
}
complete -o default -F _mailtee mailtee
`;
}

function zshScript(commands: readonly Completable[]): string {
  const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  const described = (text: string) => text.replaceAll(/[\\\[\]:]/g, (special) => `\\${special}`);
  const cases = commands.map((command) => {
    const options = command.options.map(({ name, doc, takesValue }) =>
      `      ${quote(`--${name}[${described(doc)}]${takesValue ? ":value:_files" : ""}`)} \\\n`
    );
    const operand = command.words.length > 0 ? `*:what:(${command.words.join(" ")})` : "*:file:_files";
    return `    ${command.name})\n      _arguments \\\n${options.join("")}      ${quote(operand)}\n      ;;\n`;
  });
  const list = commands.map(({ name, summary }) => `    ${quote(`${name}:${described(summary)}`)}\n`);
  return `#compdef mailtee
# mailtee completions for zsh: put this file as _mailtee into a folder of $fpath.
_mailtee() {
  local -a commands
  commands=(
${list.join("")}  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command="\${words[2]}"
  shift words
  (( CURRENT-- ))
  case "$command" in
${cases.join("")}  esac
}
if [ "$funcstack[1]" = _mailtee ]; then _mailtee "$@"; else compdef _mailtee mailtee; fi
`;
}

function fishScript(commands: readonly Completable[]): string {
  const quote = (text: string) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  const lines = commands.flatMap((command) => {
    const here = `complete -c mailtee -n '__fish_seen_subcommand_from ${command.name}'`;
    return [
      `complete -c mailtee -n __fish_use_subcommand -f -a ${command.name} -d ${quote(command.summary)}`,
      ...command.options.map(({ name, doc, takesValue }) =>
        `${here} -l ${name}${takesValue ? " -r" : ""} -d ${quote(doc)}`
      ),
      ...command.words.length > 0 ? [`${here} -f -a ${quote(command.words.join(" "))}`] : [],
    ];
  });
  return [
    "# mailtee completions for fish: put this file into ~/.config/fish/completions/mailtee.fish.",
    ...lines,
    "",
  ].join("\n");
}

function pwshScript(commands: readonly Completable[]): string {
  const quote = (text: string) => `'${text.replaceAll("'", "''")}'`;
  const list = (items: readonly string[]) => `@(${items.map(quote).join(", ")})`;
  const rows = commands.map((command) =>
    `    ${quote(command.name)} = ${list([...command.words, ...command.options.map(({ name }) => `--${name}`)])}\n`
  );
  return `# mailtee completions for PowerShell: dot-source this file in $PROFILE.
Register-ArgumentCompleter -Native -CommandName mailtee -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $commands = [ordered]@{
${rows.join("")}  }
  $elements = @($commandAst.CommandElements | ForEach-Object { "$_" })
  $position = if ($wordToComplete -eq '') { $elements.Count } else { $elements.Count - 1 }
  $candidates = if ($position -le 1) { $commands.Keys } else { $commands[$elements[1]] }
  $candidates | Where-Object { $_ -like "$wordToComplete*" } | ForEach-Object {
    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
  }
}
`;
}
