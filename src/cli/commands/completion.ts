import { Argument, type Command } from 'commander';
import { clusterCommand } from '../cluster-options.ts';

const shells = ['bash', 'zsh', 'fish'] as const;

export const completionCommand = clusterCommand('completion')
  .description('print a completion script: source <(coracle completion bash)')
  .addArgument(new Argument('<shell>').choices(shells))
  .action((shell: (typeof shells)[number], _options, command: Command) => {
    const words = wordsOf(command.parent!);
    process.stdout.write(shell === 'fish' ? fishScript(words) : bashScript(words, shell === 'zsh'));
  });

/** Each command's path (`image ls`) with the words that may follow it. */
function wordsOf(root: Command): Map<string, string[]> {
  const words = new Map<string, string[]>();
  const waiting: { path: string; command: Command }[] = [{ path: '', command: root }];
  for (let entry = waiting.pop(); entry; entry = waiting.pop()) {
    const { path, command } = entry;
    const flags = command.options.map((option) => option.long ?? option.short ?? '').filter(Boolean);
    words.set(path, [...command.commands.map((sub) => sub.name()), ...flags]);
    for (const sub of command.commands) waiting.push({ path: `${path} ${sub.name()}`.trim(), command: sub });
  }
  return words;
}

function bashScript(words: Map<string, string[]>, isZsh: boolean): string {
  const cases = [...words].map(([path, next]) => `    '${path}') words='${next.join(' ')}' ;;`).join('\n');
  return `${isZsh ? 'autoload -U +X bashcompinit && bashcompinit\n' : ''}_coracle() {
  local path='' words='' word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) path="\${path:+$path }$word" ;; esac
  done
  case "$path" in
${cases}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _coracle coracle
`;
}

function fishScript(words: Map<string, string[]>): string {
  const lines = [...words].flatMap(([path, next]) => {
    const condition = path ? `__fish_seen_subcommand_from ${path.split(' ').at(-1)}` : '__fish_use_subcommand';
    return next.map((word) =>
      word.startsWith('--')
        ? `complete -c coracle -n '${condition}' -l ${word.slice(2)}`
        : `complete -c coracle -f -n '${condition}' -a ${word}`,
    );
  });
  return `${lines.join('\n')}\n`;
}
