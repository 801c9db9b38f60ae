// Files that ship beside the code (facts/): the code runs from src/ as it is, or from dist/ as bundles.

/** `path` from the package's root: `facts/rbac-policy.json`. */
export function packageFile(path: string): URL {
  const root = import.meta.url.endsWith('.ts') ? '../../' : '../';
  return new URL(`${root}${path}`, import.meta.url);
}
