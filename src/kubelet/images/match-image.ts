// Whether a pattern of a registry, such as `*.example.com:5000/team`, is about an image.

interface Place {
  readonly labels: readonly string[];
  readonly port: string;
  readonly path: string;
}

/** Stars stand for any characters within one label of the host; the path must begin with the pattern's. */
export function matchesImage(pattern: string, image: string): boolean {
  const [wanted, given] = [split(pattern), split(image)];
  if (wanted.port !== given.port || wanted.labels.length !== given.labels.length) return false;
  if (!given.path.startsWith(wanted.path)) return false;
  return wanted.labels.every((label, index) => matchesLabel(label, given.labels[index]!));
}

function split(place: string): Place {
  const slash = place.indexOf('/');
  const host = slash < 0 ? place : place.slice(0, slash);
  const port = /:(\d*)$/.exec(host);
  return {
    labels: (port ? host.slice(0, port.index) : host).split('.'),
    port: port?.[1] ?? '',
    path: slash < 0 ? '' : place.slice(slash),
  };
}

/** `*` and `?`, in linear time. */
function matchesLabel(pattern: string, text: string): boolean {
  let at = 0;
  let star = -1;
  let mark = 0;
  let next = 0;
  while (next < text.length) {
    if (at < pattern.length && pattern[at] !== '*' && (pattern[at] === '?' || pattern[at] === text[next])) {
      at += 1;
      next += 1;
    } else if (pattern[at] === '*') {
      star = at;
      mark = next;
      at += 1;
    } else if (star >= 0) {
      at = star + 1;
      mark += 1;
      next = mark;
    } else return false;
  }
  while (pattern[at] === '*') at += 1;
  return at === pattern.length;
}
