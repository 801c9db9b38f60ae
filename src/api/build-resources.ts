// Joins the facts (names, verbs, fields) and the KindDefinitions (behaviour) into the ResourceInfos that the API server serves.
import { canonical } from '../schema/codec.ts';
import type { ResourceFact } from '../schema/facts.ts';
import { type ApiFacts, type FieldSelectorFact, loadApiFacts } from './facts.ts';
import { compileFieldLabels, metadataFieldLabels, selectableFields } from './field-labels.ts';
import type { KindDefinition, OtherVersion } from './kind.ts';
import { apiVersionOf, type KubernetesObject } from './meta/object.ts';
import { oldVersions } from './old-versions.ts';
import type { ResourceInfo, SubresourceInfo } from './resource-info.ts';

export interface BuildOptions {
  readonly facts?: ApiFacts;
  /** Serve the versions that upstream has removed, too; default true. */
  readonly servesOldVersions?: boolean;
}

const keyOfKind = (kind: { group: string; version: string; kind: string }) =>
  `${kind.group}/${kind.version}/${kind.kind}`;

/** Where a served version is kept: its definition, and its own entry there when it is not the storage version. */
interface Home {
  readonly rules: KindDefinition;
  readonly other?: OtherVersion<any>;
}

function findHomes(definitions: readonly KindDefinition[]): Map<string, Home> {
  const homes = new Map<string, Home>();
  for (const rules of definitions) {
    homes.set(keyOfKind(rules), { rules });
    for (const other of rules.otherVersions ?? []) homes.set(keyOfKind({ ...rules, ...pick(other) }), { rules, other });
  }
  return homes;
}

const pick = ({ group, version }: { group: string; version: string }) => ({ group, version });

/** Old versions that no definition mentions: the shape of the storage version, its rules and its defaults. */
function addOldVersions(homes: Map<string, Home>, facts: ApiFacts): void {
  const stored = new Map(
    facts.resources.filter((fact) => fact.served === 'default').map((fact) => [`${fact.group}/${fact.kind}`, fact]),
  );
  for (const old of oldVersions) {
    const fact = stored.get(`${old.storageGroup}/${old.kind}`);
    if (!fact || homes.has(keyOfKind(old))) continue;
    const rules = homes.get(keyOfKind(fact))?.rules ?? rulesOfFact(fact);
    homes.set(keyOfKind(fact), { rules });
    homes.set(keyOfKind(old), { rules, other: pick(old) });
  }
}

const rulesOfFact = ({ group, version, kind }: ResourceFact): KindDefinition => ({ group, version, kind });

/** Upstream's words; the release in which it went away is said although it is served here, since clients know that text. */
function deprecationWarning(fact: ResourceFact): string | undefined {
  if (!fact.deprecated || fact.served === 'opt-in') return undefined;
  const gone = fact.removed ? `, unavailable in v${fact.removed}+` : '';
  const [group, version, kind] = fact.replacement ?? [];
  // One of upstream's markers names the list kind.
  const instead = kind
    ? `; use ${apiVersionOf({ group: group!, version: version! })} ${kind.replace(/List$/, '')}`
    : '';
  return `${apiVersionOf(fact)} ${fact.kind} is deprecated in v${fact.deprecated}+${gone}${instead}`;
}

/** `rollback` went with extensions/v1beta1; clients have undone rollouts by themselves since v1.16. */
const isServedSubresource = ({ name }: SubresourceInfo) => name !== 'rollback';

interface Conversion {
  defaults(object: KubernetesObject): void;
  toStorage(object: KubernetesObject): KubernetesObject;
  fromStorage(object: KubernetesObject): KubernetesObject;
}

const identity = (object: KubernetesObject) => object;

function conversionOf({ rules, other }: Home, typeName: string, storageType: string): Conversion {
  const storageDefaults = (object: KubernetesObject) => rules.defaults?.(object);
  if (!other) return { defaults: storageDefaults, toStorage: identity, fromStorage: identity };
  const storageApiVersion = apiVersionOf(rules);
  const apiVersion = apiVersionOf(other);
  const to = other.toStorage ?? identity;
  const from = other.fromStorage ?? identity;
  return {
    // A version that converts is defaulted once it has the storage shape, unless it brings its own defaults.
    defaults: other.defaults ? (object) => other.defaults!(object) : other.toStorage ? () => {} : storageDefaults,
    toStorage(object) {
      const stored = canonical(storageType, { ...to(object), apiVersion: storageApiVersion });
      if (!other.defaults && other.toStorage) storageDefaults(stored);
      return stored;
    },
    fromStorage: (object) => canonical(typeName, { ...from(object), apiVersion }),
  };
}

function fieldLabelsOf(rules: KindDefinition, fact: FieldSelectorFact | undefined): ResourceInfo['fieldLabels'] {
  if (!rules.fieldLabels) return compileFieldLabels(fact);
  return (object) => ({ ...metadataFieldLabels(object), ...rules.fieldLabels!(object) });
}

/** Everything served, in the order of discovery: groups as the facts list them, versions by preference. */
export function buildResources(definitions: readonly KindDefinition[], options: BuildOptions = {}): ResourceInfo[] {
  const facts = options.facts ?? loadApiFacts();
  const homes = findHomes(definitions);
  if (options.servesOldVersions ?? true) addOldVersions(homes, facts);
  const factOf = new Map(facts.resources.map((fact) => [keyOfKind(fact), fact]));
  const selectors = new Map(facts.fieldSelectors.map((fact) => [`${fact.group}/${fact.version}/${fact.plural}`, fact]));

  return facts.resources
    .filter(
      (fact) =>
        fact.served === 'default' ||
        (fact.served === 'no' && homes.get(keyOfKind(fact))?.other && (options.servesOldVersions ?? true)),
    )
    .map((fact) => {
      const home = homes.get(keyOfKind(fact)) ?? { rules: rulesOfFact(fact) };
      const stored = factOf.get(keyOfKind(home.rules))!;
      const storedSelectors = selectors.get(`${stored.group}/${stored.version}/${stored.plural}`);
      const warning = home.other
        ? (home.other.deprecationWarning ?? deprecationWarning(fact))
        : home.rules.deprecationWarning;
      const isMoved = stored.group !== fact.group && fact.served === 'no';
      return {
        group: fact.group,
        version: fact.version,
        kind: fact.kind,
        listKind: fact.listKind,
        plural: fact.plural,
        singular: fact.singular,
        namespaced: fact.namespaced,
        verbs: fact.verbs,
        shortNames: isMoved ? [] : fact.shortNames,
        // `kubectl get all` would list what is in two groups twice.
        categories: isMoved ? [] : fact.categories,
        subresources: fact.subresources.filter(isServedSubresource),
        isDiscoverable: true,
        ...(warning ? { deprecationWarning: warning } : {}),
        typeName: fact.type,
        storage: { ...pick(stored), plural: stored.plural, typeName: stored.type },
        ...conversionOf(home, fact.type, stored.type),
        rules: home.other?.rules ? { ...home.rules, ...home.other.rules } : home.rules,
        fieldLabels: fieldLabelsOf(home.rules, storedSelectors),
        selectableFields: selectableFields(
          selectors.get(`${fact.group}/${fact.version}/${fact.plural}`) ?? storedSelectors,
        ),
      };
    });
}
