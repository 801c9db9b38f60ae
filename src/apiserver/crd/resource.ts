// From a definition to what the server serves: one ResourceInfo for each version, like those of built-in kinds.
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionVersion,
  JSONSchemaProps,
} from '../../../generated/apiextensions-v1.ts';
import { metadataFieldLabels } from '../../api/field-labels.ts';
import { apiVersionOf, type KubernetesObject } from '../../api/meta/object.ts';
import type { ObjectConversion, ResourceInfo, SubresourceInfo } from '../../api/resource-info.ts';
import { addCustomType, type CustomType, type CustomTypeHandle } from '../../schema/custom-types.ts';
import { applyDefaults, createCustomType } from '../../schema/structural/custom-object.ts';
import { type SchemaNode, toNode } from '../../schema/structural/node.ts';
import { compileJsonPath } from './json-path.ts';
import { rulesOf } from './rules.ts';

const verbs = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];
const anything: JSONSchemaProps = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

/** What a definition is served as, until it changes. */
export interface ServedDefinition {
  readonly resources: readonly ResourceInfo[];
  /** Forgets the types; requests that began before must have ended. */
  drop(): void;
}

interface Compiled {
  readonly version: CustomResourceDefinitionVersion;
  readonly node: SchemaNode;
  readonly type: CustomType;
  readonly handle: CustomTypeHandle;
}

function compile(definition: CustomResourceDefinition, version: CustomResourceDefinitionVersion): Compiled {
  let node = toNode(version.schema?.openAPIV3Schema ?? anything);
  // Stored definitions of old may say so for all of their versions at once.
  if (definition.spec.preserveUnknownFields === true) node = { ...node, preserves: true };
  const type = createCustomType(node);
  return { version, node, type, handle: addCustomType(definition.spec.names.kind, type) };
}

function subresourcesOf(version: CustomResourceDefinitionVersion, group: string, kind: string): SubresourceInfo[] {
  const partVerbs = ['get', 'patch', 'update'];
  const { status, scale } = version.subresources ?? {};
  return [
    ...(status ? [{ name: 'status', group, version: version.name, kind, verbs: partVerbs }] : []),
    ...(scale ? [{ name: 'scale', group: 'autoscaling', version: 'v1', kind: 'Scale', verbs: partVerbs }] : []),
  ];
}

function deprecationOf(version: CustomResourceDefinitionVersion, group: string, kind: string): string | undefined {
  if (!version.deprecated) return undefined;
  return version.deprecationWarning ?? `${group}/${version.name} ${kind} is deprecated`;
}

/** Labels that clients may select by, with where their values are. */
function selectableOf(version: CustomResourceDefinitionVersion) {
  return (version.selectableFields ?? []).map(({ jsonPath }) => ({
    label: jsonPath.replace(/^\./, ''),
    find: compileJsonPath(jsonPath),
  }));
}

/** Reversed like a Java package: `com.example.stable.v1.CronTab`. */
const openApiName = (group: string, version: string, kind: string) =>
  `${group.split('.').reverse().join('.')}.${version}.${kind}`;

/** What a conversion needs to know of each version, by apiVersion. */
export type VersionTypes = ReadonlyMap<string, { readonly type: CustomType; readonly node: SchemaNode }>;

/** `convert` makes the conversion of a definition whose versions a webhook converts. */
export function serveDefinition(
  definition: CustomResourceDefinition,
  convert: (types: VersionTypes) => ObjectConversion,
): ServedDefinition {
  const { spec, status, metadata } = definition;
  const names = status!.acceptedNames!;
  const { group } = spec;
  const { kind } = names;
  const compiled = spec.versions.map((version) => compile(definition, version));
  const stored = compiled.find(({ version }) => version.storage) ?? compiled[0]!;
  const common = { group, version: stored.version.name, plural: names.plural, typeName: stored.handle.name };
  const types: VersionTypes = new Map(
    compiled.map(({ version, type, node }) => [apiVersionOf({ group, version: version.name }), { type, node }]),
  );
  const conversion = spec.conversion?.strategy === 'Webhook' ? convert(types) : undefined;
  const resources = compiled
    .filter(({ version }) => version.served)
    .map(({ version, node, type, handle }): ResourceInfo => {
      const apiVersion = apiVersionOf({ group, version: version.name });
      // Where versions differ, each is worked with as it is, and converted when it is stored and read.
      const storage = conversion ? { ...common, version: version.name, typeName: handle.name } : common;
      const selectable = selectableOf(version);
      const deprecation = deprecationOf(version, group, kind);
      return {
        group,
        version: version.name,
        kind,
        listKind: names.listKind || `${kind}List`,
        plural: names.plural,
        singular: names.singular ?? '',
        namespaced: spec.scope === 'Namespaced',
        verbs,
        shortNames: names.shortNames ?? [],
        categories: names.categories ?? [],
        subresources: subresourcesOf(version, group, kind),
        isDiscoverable: true,
        ...(deprecation === undefined ? {} : { deprecationWarning: deprecation }),
        typeName: handle.name,
        storage,
        defaults: (object) => applyDefaults(object, node),
        toStorage: (object) => ({ ...object, apiVersion: apiVersionOf(storage) }) as KubernetesObject,
        fromStorage(object) {
          const converted = type.canonical({ ...object, apiVersion }) as unknown as KubernetesObject;
          if (!conversion) applyDefaults(converted, node);
          return converted;
        },
        rules: rulesOf({ group, version: storage.version, kind }, version, node),
        fieldLabels: (object) => ({
          ...metadataFieldLabels(object),
          ...Object.fromEntries(selectable.map(({ label, find }) => [label, labelText(find(object)[0])])),
        }),
        selectableFields: ['metadata.name', 'metadata.namespace', ...selectable.map(({ label }) => label)],
        custom: {
          openApiName: openApiName(group, version.name, kind),
          schema: (version.schema?.openAPIV3Schema ?? anything) as Record<string, unknown>,
          schemaId: `${metadata.uid}/${metadata.generation}/${version.name}`,
          isTerminating: Boolean(metadata.deletionTimestamp),
          ...(conversion ? { conversion } : {}),
        },
      };
    });
  return { resources, drop: () => compiled.forEach(({ handle }) => void handle.drop()) };
}

const labelText = (value: unknown): string => (value === undefined || value === null ? '' : String(value));
