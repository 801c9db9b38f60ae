// References to images: whether they are well formed, their registry, their default tag.

const domain =
  /^(?:\[[a-fA-F0-9:]+\]|(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)(?:\.(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?))*)(?::[0-9]+)?$/;
const component = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const tagForm = /^[\w][\w.-]{0,127}$/;
const digestForm = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/;
const maxPathLength = 255;
/** What Docker called its registry once. */
const formerDefault = 'index.docker.io';

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
  const { registry, tail } = splitRegistry(named);
  const colon = tail.indexOf(':', tail.lastIndexOf('/') + 1);
  const path = colon < 0 ? tail : tail.slice(0, colon);
  const tag = colon < 0 ? undefined : tail.slice(colon + 1);
  if (registry !== undefined && !domain.test(registry)) return undefined;
  if (!path.split('/').every((part) => component.test(part)) || (tag !== undefined && !tagForm.test(tag)))
    return undefined;
  if (path.length > maxPathLength) return undefined;
  const isDocker = registry === undefined || registry === 'docker.io' || registry === formerDefault;
  return {
    registry: isDocker ? 'docker.io' : registry,
    path: isDocker && !path.includes('/') ? `library/${path}` : path,
    ...(tag !== undefined ? { tag } : {}),
    ...(digest !== undefined ? { digest } : {}),
  };
}

/** What comes before the first slash is a registry when it looks like a host. */
function splitRegistry(named: string): { readonly registry?: string; readonly tail: string } {
  const slash = named.indexOf('/');
  const first = slash < 0 ? '' : named.slice(0, slash);
  const isHost = first.includes('.') || first.includes(':') || first === 'localhost' || first !== first.toLowerCase();
  return isHost ? { registry: first, tail: named.slice(slash + 1) } : { tail: named };
}

/** Why `parseImageName` refuses it. */
export function imageNameProblem(text: string): string {
  const path = splitRegistry(text).tail.split(':')[0]!;
  if (path !== path.toLowerCase()) {
    const whole = path.includes('/') || splitRegistry(text).registry ? path : `library/${path}`;
    return `invalid reference format: repository name (${whole}) must be lowercase`;
  }
  const name = text.split('@')[0]!;
  if (name.length > maxPathLength && parseImageName(name.slice(0, 100)))
    return `repository name must not be more than ${maxPathLength} characters`;
  return 'invalid reference format';
}

/** The reference without its tag and digest, as the user wrote it. */
export function withoutVersion(text: string): string {
  const named = text.split('@')[0]!;
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  return colon < 0 ? named : named.slice(0, colon);
}
