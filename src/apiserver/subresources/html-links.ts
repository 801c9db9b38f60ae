// Links in an HTML page, each changed by a function; everything else stays as it is. One pass, no tree.

const byTag: Readonly<Record<string, readonly string[]>> = {
  a: ['href'],
  applet: ['codebase'],
  area: ['href'],
  audio: ['src'],
  base: ['href'],
  blockquote: ['cite'],
  body: ['background'],
  button: ['formaction'],
  command: ['icon'],
  del: ['cite'],
  embed: ['src'],
  form: ['action'],
  frame: ['longdesc', 'src'],
  head: ['profile'],
  html: ['manifest'],
  iframe: ['longdesc', 'src'],
  img: ['longdesc', 'src', 'usemap'],
  input: ['src', 'usemap', 'formaction'],
  ins: ['cite'],
  link: ['href'],
  object: ['classid', 'codebase', 'data', 'usemap'],
  q: ['cite'],
  script: ['src'],
  source: ['src'],
  video: ['poster', 'src'],
};
const attributes = new Map(Object.entries(byTag).map(([tag, names]) => [tag, new Set(names)]));

/** What is in these is no markup. */
const rawText = new Set([
  'iframe',
  'noembed',
  'noframes',
  'noscript',
  'plaintext',
  'script',
  'style',
  'textarea',
  'title',
  'xmp',
]);

const entities: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  '#34': '"',
  '#39': "'",
};
const resolved = (text: string) => text.replace(/&(#?\w{2,4});/g, (whole, name: string) => entities[name] ?? whole);
const codes: Readonly<Record<string, string>> = { '&': '&amp;', "'": '&#39;', '<': '&lt;', '>': '&gt;', '"': '&#34;' };
const quoted = (text: string) => text.replace(/[&'<>"]/g, (char) => codes[char]!);

/** `change` gets a link as it is meant, entities resolved. */
export function rewriteLinks(html: string, change: (link: string) => string): string {
  const parts: string[] = [];
  let at = 0;
  for (;;) {
    const open = html.indexOf('<', at);
    if (open < 0) break;
    parts.push(html.slice(at, open));
    if (html.startsWith('<!--', open)) {
      at = endOf(html, '-->', open + 4);
      parts.push(html.slice(open, at));
      continue;
    }
    const tag = readTag(html, open);
    if (tag === 'unclosed') {
      at = open;
      break;
    }
    if (!tag) {
      parts.push('<');
      at = open + 1;
      continue;
    }
    parts.push(printTag(html, tag, change));
    at = tag.end;
    if (!rawText.has(tag.name)) continue;
    const close = indexOfClosing(html, tag.name, at);
    parts.push(html.slice(at, close));
    at = close;
  }
  parts.push(html.slice(at));
  return parts.join('');
}

function endOf(text: string, mark: string, from: number): number {
  const found = text.indexOf(mark, from);
  return found < 0 ? text.length : found + mark.length;
}

function indexOfClosing(html: string, name: string, from: number): number {
  for (let at = html.indexOf('</', from); at >= 0; at = html.indexOf('</', at + 2)) {
    if (html.slice(at + 2, at + 2 + name.length).toLowerCase() === name) return at;
  }
  return html.length;
}

interface Attribute {
  readonly name: string;
  /** Where its value is, quotes included. */
  readonly start: number;
  readonly end: number;
  readonly value: string;
}

interface Tag {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  readonly links: readonly Attribute[];
}

const isSpace = (char: string | undefined) => char !== undefined && /[\s/]/.test(char);

/** A start tag at `open`; undefined for anything else. */
function readTag(html: string, open: number): Tag | 'unclosed' | undefined {
  let at = open + 1;
  if (!/[A-Za-z]/.test(html[at] ?? '')) return undefined;
  while (at < html.length && !isSpace(html[at]) && html[at] !== '>') at++;
  const name = html.slice(open + 1, at).toLowerCase();
  const wanted = attributes.get(name);
  const links: Attribute[] = [];
  while (at < html.length && html[at] !== '>') {
    if (isSpace(html[at])) {
      at++;
      continue;
    }
    const nameStart = at;
    while (at < html.length && !isSpace(html[at]) && html[at] !== '=' && html[at] !== '>') at++;
    const attribute = html.slice(nameStart, at).toLowerCase();
    while (/\s/.test(html[at] ?? '')) at++;
    if (html[at] !== '=') {
      if (at === nameStart) at++;
      continue;
    }
    at++;
    while (/\s/.test(html[at] ?? '')) at++;
    const start = at;
    const quote = html[at];
    if (quote === '"' || quote === "'") at = endOf(html, quote, at + 1);
    else while (at < html.length && !/[\s>]/.test(html[at]!)) at++;
    const isQuoted = quote === '"' || quote === "'";
    const value = isQuoted ? html.slice(start + 1, at - 1) : html.slice(start, at);
    if (wanted?.has(attribute)) links.push({ name: attribute, start, end: at, value });
  }
  if (at >= html.length) return 'unclosed';
  return { name, start: open, end: at + 1, links };
}

function printTag(html: string, { start, end, links }: Tag, change: (link: string) => string): string {
  if (links.length === 0) return html.slice(start, end);
  const parts: string[] = [];
  let at = start;
  for (const link of links) {
    parts.push(html.slice(at, link.start), `"${quoted(change(resolved(link.value)))}"`);
    at = link.end;
  }
  parts.push(html.slice(at, end));
  return parts.join('');
}
