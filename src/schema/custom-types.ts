// Types that are defined while the server runs. codec.ts asks here for names that no fact table has. A name is never
// used twice, so that several servers in one process, and requests that began before a definition changed, are apart.
export interface CustomType {
  /**
   * Makes the canonical form of a parsed body; may take the tree over. Paths of fields that were dropped go to `unknown`.
   * @throws DecodeError
   */
  canonical(tree: unknown, unknown?: string[]): Record<string, unknown>;
}

const prefix = 'custom:';
const types = new Map<string, CustomType>();
let last = 0;

export interface CustomTypeHandle {
  readonly name: string;
  /** Requests may still be under way with the name: call it when they cannot be any longer. */
  drop(): void;
}

export function addCustomType(kind: string, type: CustomType): CustomTypeHandle {
  const name = `${prefix}${++last}:${kind}`;
  types.set(name, type);
  return { name, drop: () => types.delete(name) };
}

export const customTypeOf = (typeName: string): CustomType | undefined =>
  typeName.startsWith(prefix) ? types.get(typeName) : undefined;
