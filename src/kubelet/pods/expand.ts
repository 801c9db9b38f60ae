// `$(NAME)` in commands, arguments and values: replaced when the variable is known, left as it is when not; `$$` is a dollar.

/** One pass, no recursion: what a variable holds is not expanded again. */
export function expandVariables(text: string, lookup: (name: string) => string | undefined): string {
  if (!text.includes('$')) return text;
  return text.replace(/\$\$|\$\(([^)]*)\)/g, (match, name: string | undefined) => {
    if (match === '$$') return '$';
    return lookup(name!) ?? match;
  });
}
