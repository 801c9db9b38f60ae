// References to images: whether they are well formed, their registry, their default tag.

const domain =
  /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)(?:\.(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?))*(?::[0-9]+)?$/;
const component = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const tagForm = /^[\w][\w.-]{0,127}$/;
const digestForm = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/;

export interface ImageName {
  readonly registry: string;
  readonly path: string;
  readonly tag?: string;
  readonly digest?: string;
}

/** Undefined when the reference is malformed. */
export function parseImageName(text: string): ImageName | undefined {
  const [named = '', digest, ...rest] = text.split('@');
  if (rest.length > 0 || (digest !== undefined && !digestForm.test(digest))) return undefined;
  const slash = named.indexOf('/');
  const first = slash < 0 ? '' : named.slice(0, slash);
  const hasRegistry = first.includes('.') || first.includes(':') || first === 'localhost';
  const tail = hasRegistry ? named.slice(slash + 1) : named;
  const colon = tail.indexOf(':', tail.lastIndexOf('/') + 1);
  const path = colon < 0 ? tail : tail.slice(0, colon);
  const tag = colon < 0 ? undefined : tail.slice(colon + 1);
  if (hasRegistry && !domain.test(first)) return undefined;
  if (!path.split('/').every((part) => component.test(part)) || (tag !== undefined && !tagForm.test(tag)))
    return undefined;
  return {
    registry: hasRegistry ? first : 'docker.io',
    path: hasRegistry || path.includes('/') ? path : `library/${path}`,
    ...(tag !== undefined ? { tag } : {}),
    ...(digest !== undefined ? { digest } : {}),
  };
}
