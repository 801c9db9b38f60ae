// Writes generated/: TypeScript types and kind references, from the fact tables. Run by `make generate`.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Field {
  name: string | null;
  type: string;
  wrap?: 'list' | 'map';
  inline?: boolean;
  pointer?: boolean;
  required?: boolean;
  optionalMarker?: 'optional' | 'required';
  omitempty?: boolean;
  omitzero?: boolean;
  named?: string;
}
interface Type {
  gvk?: [string, string, string];
  custom?: string;
  fields: Field[];
}
interface Resource {
  group: string;
  version: string;
  kind: string;
  plural: string;
  namespaced: boolean;
  type: string;
}

const root = join(import.meta.dirname, '..');
const facts = JSON.parse(readFileSync(join(root, 'facts/kubernetes-types.json'), 'utf8')) as {
  types: Record<string, Type>;
  enums: Record<string, { closed?: boolean; values: (string | number)[] }>;
};
const { resources } = JSON.parse(readFileSync(join(root, 'facts/kubernetes-resources.json'), 'utf8')) as {
  resources: Resource[];
};

const header = '// Generated from facts/ by scripts/generate-types.ts. Do not edit.\n';
const scalars: Record<string, string> = {
  string: 'string',
  bool: 'boolean',
  int32: 'number',
  int64: 'number',
  double: 'number',
  bytes: 'string',
  any: 'unknown',
};
const customs: Record<string, string> = {
  time: 'string',
  microtime: 'string',
  duration: 'string',
  quantity: 'string',
  intorstring: 'number | string',
  rawjson: 'unknown',
  rawextension: 'Record<string, unknown>',
  list: 'string[]',
};

const packageOf = (name: string) => name.slice(0, name.lastIndexOf('.'));
const shortName = (name: string) => name.slice(name.lastIndexOf('.') + 1);
/** `io.k8s.api.core.v1` becomes `core-v1`: the file that holds the package's types. */
function moduleOf(pkg: string): string {
  const parts = pkg.replace(/^io\.k8s\./, '').split('.');
  const known = [
    'api',
    'apimachinery',
    'pkg',
    'apis',
    'apiextensions-apiserver',
    'kube-aggregator',
    'apiserver',
    'util',
    'metrics',
  ];
  const rest = parts.filter((part, index) => index >= parts.length - 2 || !known.includes(part));
  return rest.slice(-2).join('-');
}

const modules = new Map<string, { lines: string[]; imports: Map<string, Set<string>> }>();
for (const [name, type] of Object.entries(facts.types)) {
  const pkg = packageOf(name);
  const module = modules.get(pkg) ?? { lines: [] as string[], imports: new Map<string, Set<string>>() };
  modules.set(pkg, module);
  const reference = (target: string): string => {
    if (packageOf(target) !== pkg) {
      const file = moduleOf(packageOf(target));
      // Versions borrow each other's types; a local one of the same name keeps the short name.
      const alias = facts.types[`${pkg}.${shortName(target)}`] ? `Other${shortName(target)}` : shortName(target);
      const names = module.imports.get(file) ?? new Set<string>();
      names.add(alias === shortName(target) ? alias : `${shortName(target)} as ${alias}`);
      module.imports.set(file, names);
      return alias;
    }
    return shortName(target);
  };
  const plain = (field: Field): string => {
    if (field.named && facts.enums[field.named]?.closed) {
      return facts.enums[field.named]!.values.map((value) => JSON.stringify(value)).join(' | ');
    }
    return scalars[field.type] ?? reference(field.type);
  };
  if (type.custom && customs[type.custom]) {
    module.lines.push(`export type ${shortName(name)} = ${customs[type.custom]};\n`);
    continue;
  }
  if (type.custom?.startsWith('schemaor')) {
    module.lines.push(`export type ${shortName(name)} = unknown;\n`);
    continue;
  }
  const parents = type.fields.filter((field) => field.inline && field.type && !field.type.endsWith('.TypeMeta'));
  const extending = parents.map((field) => reference(field.type));
  const members = type.fields
    .filter((field) => field.name)
    .map((field) => {
      const inner = plain(field);
      const shape =
        field.wrap === 'list'
          ? inner.includes('|')
            ? `(${inner})[]`
            : `${inner}[]`
          : field.wrap === 'map'
            ? `Record<string, ${inner}>`
            : inner;
      const always =
        field.required ||
        (type.gvk && (field.name === 'metadata' || (field.name === 'spec' && !field.pointer))) ||
        (shortName(name) === 'ObjectMeta' && field.name === 'name') ||
        (field.name === 'items' && name.endsWith('List'));
      return `  ${JSON.stringify(field.name)}${always ? '' : '?'}: ${shape};`.replace(
        /^ {2}"([A-Za-z_$][\w$]*)"/,
        '  $1',
      );
    });
  if (type.gvk) members.unshift('  apiVersion?: string;', '  kind?: string;');
  const heritage = extending.length ? ` extends ${extending.join(', ')}` : '';
  module.lines.push(`export interface ${shortName(name)}${heritage} {\n${members.join('\n')}\n}\n`);
}

// Another folder may be named, which the freshness check does.
const out = process.argv[2] ?? join(root, 'generated');
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
for (const [pkg, module] of modules) {
  const imports = [...module.imports].map(
    ([file, names]) => `import type { ${[...names].sort().join(', ')} } from './${file}.ts';\n`,
  );
  writeFileSync(join(out, `${moduleOf(pkg)}.ts`), `${header}${imports.join('')}\n${module.lines.join('\n')}`);
}

const camel = (text: string) => text.replace(/^[A-Z]+(?=[A-Z][a-z])|^[A-Z]+$|^[A-Z]/, (head) => head.toLowerCase());
// One reference a kind: the first version listed is the preferred one; the retired `extensions` copies are left out.
const refs = new Map<string, string>();
for (const { group, version, kind, plural, namespaced, type } of resources) {
  if (group === 'extensions') continue;
  const constant = `${camel(group === 'events.k8s.io' ? `Events${kind}` : kind)}Kind`;
  if (refs.has(constant)) continue;
  refs.set(
    constant,
    `export const ${constant}: KindRef<import('./${moduleOf(packageOf(type))}.ts').${shortName(type)}> = ${JSON.stringify({ group, version, kind, plural, namespaced })};`,
  );
}
writeFileSync(
  join(out, 'kinds.ts'),
  `${header}import type { KindRef } from '../src/api/meta/object.ts';\n\n${[...refs.values()].join('\n')}\n`,
);
