/**
 * Whether a watch may be asked how far it is. Before 3.4.25 and 3.5.8 the answer could come before events that belong in
 * front of it.
 */
export function answersProgress(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split('-')[0]!.split('.').map(Number);
  if (major !== 3) return major > 3;
  if (minor === 4) return patch >= 25;
  if (minor === 5) return patch >= 8;
  return minor > 5;
}
