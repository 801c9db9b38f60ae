// Which names a definition may have: the first definition of a group to ask for a name keeps it.
import type { CustomResourceDefinition, CustomResourceDefinitionNames } from '../../../generated/apiextensions-v1.ts';

export interface NameDecision {
  readonly accepted: CustomResourceDefinitionNames;
  /** Absent: nothing conflicts. */
  readonly conflict?: { readonly reason: string; readonly message: string };
}

interface Taken {
  readonly resources: ReadonlySet<string>;
  readonly kinds: ReadonlySet<string>;
}

const given = (names: readonly (string | undefined)[]): string[] =>
  names.filter((name): name is string => Boolean(name));

function namesTakenByOthers(definition: CustomResourceDefinition, all: readonly CustomResourceDefinition[]): Taken {
  const resources = new Set<string>();
  const kinds = new Set<string>();
  for (const other of all) {
    if (other.spec.group !== definition.spec.group || other.metadata.uid === definition.metadata.uid) continue;
    const names = other.status?.acceptedNames;
    if (!names) continue;
    for (const name of given([names.plural, names.singular, ...(names.shortNames ?? [])])) resources.add(name);
    for (const name of given([names.kind, names.listKind])) kinds.add(name);
  }
  return { resources, kinds };
}

const quoted = (name: string) => `${JSON.stringify(name)} is already in use`;

/** Decides about each name by itself; a name in conflict stays as it was accepted before. */
export function decideNames(
  definition: CustomResourceDefinition,
  all: readonly CustomResourceDefinition[],
): NameDecision {
  const wanted = definition.spec.names;
  const before: Partial<CustomResourceDefinitionNames> = definition.status?.acceptedNames ?? {};
  const taken = namesTakenByOthers(definition, all);
  const problems: { reason: string; message: string }[] = [];
  const one = (name: string | undefined, was: string | undefined, isTaken: ReadonlySet<string>, reason: string) => {
    if (!name || !isTaken.has(name)) return name;
    problems.push({ reason, message: quoted(name) });
    return was;
  };
  const plural = one(wanted.plural, before.plural, taken.resources, 'PluralConflict') ?? '';
  const singular = one(wanted.singular, before.singular, taken.resources, 'SingularConflict');
  const busy = (wanted.shortNames ?? []).filter((name) => taken.resources.has(name));
  if (busy.length > 0) problems.push({ reason: 'ShortNamesConflict', message: shortNamesMessage(busy) });
  const shortNames = busy.length > 0 ? before.shortNames : wanted.shortNames;
  const kind = one(wanted.kind, before.kind, taken.kinds, 'KindConflict') ?? '';
  const listKind = one(wanted.listKind, before.listKind, taken.kinds, 'ListKindConflict');
  const last = problems.at(-1);
  return {
    accepted: {
      plural,
      ...(singular ? { singular } : {}),
      ...(shortNames?.length ? { shortNames } : {}),
      kind,
      ...(listKind ? { listKind } : {}),
      ...(wanted.categories?.length ? { categories: wanted.categories } : {}),
    },
    ...(last ? { conflict: last } : {}),
  };
}

function shortNamesMessage(names: readonly string[]): string {
  return names.length === 1 ? quoted(names[0]!) : `[${names.map(quoted).join(', ')}]`;
}
