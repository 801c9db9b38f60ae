// Image references in the full form that containerd's CRI plugin looks images up by.

/** `nginx:1.7.9` → `docker.io/library/nginx:1.7.9`; a reference that names its registry stays as it is. */
export function normaliseReference(reference: string): string {
  if (!reference || /[\s"'\\]/.test(reference) || reference.startsWith('-')) {
    throw new Error(`image reference "${reference}" is not valid`);
  }
  const slash = reference.indexOf('/');
  const first = slash < 0 ? '' : reference.slice(0, slash);
  const hasRegistry = first.includes('.') || first.includes(':') || first === 'localhost';
  const full = hasRegistry ? reference : `docker.io/${slash < 0 ? 'library/' : ''}${reference}`;
  const lastPart = full.slice(full.lastIndexOf('/') + 1);
  return lastPart.includes(':') || lastPart.includes('@') ? full : `${full}:latest`;
}

/** `docker.io/library/nginx:1.7.9` → `nginx:1.7.9`, the form people write. */
export function familiarReference(reference: string): string {
  return reference.replace(/^docker\.io\/(library\/)?/, '');
}
