// Definitions of custom resources: names, versions and what each version serves. Upstream reports what all versions have
// in common as fields of the spec, and so does this.
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionSpec,
  CustomResourceDefinitionVersion,
} from '../../../generated/apiextensions-v1.ts';
import { validateClient } from '../admissionregistration/webhook.ts';
import { isConditionTrue } from '../meta/conditions.ts';
import { isEqual } from '../meta/equality.ts';
import { type FieldErrors, type FieldPath, path } from '../meta/field-errors.ts';
import { goForm } from '../meta/go-form.ts';
import { dns1035LabelProblems, dns1123SubdomainProblems } from '../meta/names.ts';
import { checkImmutable } from '../meta/strategy.ts';
import {
  hasDefaults,
  validateColumn,
  validateScale,
  validateSchema,
  validateSelectable,
} from './version-validation.ts';

const spec = path('spec');

function validateGroup(group: string, errors: FieldErrors): void {
  const at = spec.child('group');
  if (!group) {
    errors.required(at);
    return;
  }
  const problems = dns1123SubdomainProblems(group);
  if (problems.length > 0) errors.invalid(at, group, problems.join(','));
  else if (!group.includes('.')) errors.invalid(at, group, 'should be a domain with at least one dot');
}

function validateScope(scope: string, errors: FieldErrors): void {
  if (!scope) errors.required(spec.child('scope'));
  else if (scope !== 'Namespaced' && scope !== 'Cluster') {
    errors.notSupported(spec.child('scope'), scope, ['Cluster', 'Namespaced']);
  }
}

function validateNames(names: CustomResourceDefinitionNames, errors: FieldErrors): void {
  const at = spec.child('names');
  for (const name of ['plural', 'singular', 'kind', 'listKind'] as const) {
    if (!names[name]) errors.required(at.child(name));
  }
  const label = (value: string, place: FieldPath) => {
    const problems = dns1035LabelProblems(value);
    if (problems.length > 0) errors.invalid(place, value, problems.join(','));
  };
  const mixed = (value: string | undefined, place: FieldPath) => {
    const problems = value ? dns1035LabelProblems(value.toLowerCase()) : [];
    if (problems.length === 0) return;
    errors.invalid(place, value, `may have mixed case, but should otherwise match: ${problems.join(',')}`);
  };
  if (names.plural) label(names.plural, at.child('plural'));
  if (names.singular) label(names.singular, at.child('singular'));
  mixed(names.kind, at.child('kind'));
  mixed(names.listKind, at.child('listKind'));
  names.shortNames?.forEach((name, index) => {
    label(name ?? '', at.child('shortNames').index(index));
  });
  if (names.kind && names.kind === names.listKind) {
    errors.invalid(at.child('listKind'), names.listKind, 'kind and listKind may not be the same');
  }
  names.categories?.forEach((name, index) => {
    label(name ?? '', at.child('categories').index(index));
  });
}

/** What is the same in all versions is one field of the spec in upstream's eyes. */
function isShared(versions: readonly CustomResourceDefinitionVersion[], field: keyof CustomResourceDefinitionVersion) {
  return versions.every((version) => isEqual(version[field] ?? null, versions[0]?.[field] ?? null));
}

/** Versions as Go prints them in an error. */
function shown(versions: readonly CustomResourceDefinitionVersion[]) {
  const names = ['schema', 'subresources', 'additionalPrinterColumns', 'selectableFields'] as const;
  const shared = new Set<string>(names.filter((name) => isShared(versions, name)));
  const field = (version: CustomResourceDefinitionVersion, name: (typeof names)[number]) =>
    shared.has(name) ? null : (version[name] ?? null);
  return versions.map((version) =>
    goForm('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionVersion', {
      ...version,
      ...Object.fromEntries(names.map((name) => [name, field(version, name)])),
    }),
  );
}

interface Parts {
  /** Some version serves its status apart. */
  readonly hasStatus?: boolean;
  readonly schema?: FieldPath;
  readonly subresources?: FieldPath;
  readonly columns?: FieldPath;
  readonly selectable?: FieldPath;
}

type Place = keyof Omit<Parts, 'hasStatus'>;

function validateParts(version: CustomResourceDefinitionVersion, at: Parts, errors: FieldErrors): void {
  const { schema, subresources, additionalPrinterColumns, selectableFields } = version;
  if (at.schema && schema?.openAPIV3Schema)
    validateSchema(schema.openAPIV3Schema, at.hasStatus === true, at.schema, errors);
  if (at.subresources && subresources?.scale) validateScale(subresources.scale, at.subresources.child('scale'), errors);
  if (at.columns) {
    additionalPrinterColumns?.forEach((column, index) => {
      validateColumn(column, at.columns!.index(index), errors);
    });
  }
  if (!at.selectable || !selectableFields?.length) return;
  // Of all versions, a schema that says nothing is enough.
  const isShared = !String(at.selectable).startsWith('spec.versions');
  if (isShared ? !schema || !at.schema : !schema?.openAPIV3Schema) {
    const when = isShared ? 'validations.schema is included' : '`version.schema.openAPIV3Schema` is not included';
    errors.invalid(at.selectable, '', `may only be set when ${when}`);
  } else {
    validateSelectable(selectableFields, schema?.openAPIV3Schema, at.selectable, errors);
  }
}

const partsAt = (at: FieldPath, schema: FieldPath): Record<Place, FieldPath> => ({
  schema,
  subresources: at.child('subresources'),
  columns: at.child('additionalPrinterColumns'),
  selectable: at.child('selectableFields'),
});

function warningProblems(warning: string): string[] {
  const problems: string[] = [];
  if (Buffer.byteLength(warning) > 256) problems.push('must be <= 256 characters long');
  if (warning === '') problems.push('must not be an empty string');
  const bad = /[^\P{C}]|[^\P{Z} ]/u.exec(warning);
  if (!bad) return problems;
  const at = Buffer.byteLength(warning.slice(0, bad.index));
  const problem = `must only contain printable UTF-8 characters; non-printable character found at index ${at}`;
  return [...problems, problem];
}

function validateVersion(
  version: CustomResourceDefinitionVersion,
  at: FieldPath,
  own: Parts,
  errors: FieldErrors,
): void {
  const problems = dns1035LabelProblems(version.name);
  if (problems.length > 0) errors.invalid(at.child('name'), version.name, problems.join(','));
  const { deprecationWarning } = version;
  if (deprecationWarning !== undefined && deprecationWarning !== null) {
    const place = at.child('deprecationWarning');
    if (!version.deprecated) errors.invalid(place, deprecationWarning, 'can only be set for deprecated versions');
    else for (const problem of warningProblems(deprecationWarning)) errors.invalid(place, deprecationWarning, problem);
  }
  validateParts(version, own, errors);
}

/** Which parts are errors of the version, and which of the spec. */
function split(
  all: Record<Place, FieldPath>,
  shared: Readonly<Record<Place, boolean>>,
  wantsShared: boolean,
  hasStatus: boolean,
): Parts {
  const kept = (Object.keys(all) as Place[]).filter((name) => shared[name] === wantsShared);
  return { ...Object.fromEntries(kept.map((name) => [name, all[name]])), hasStatus };
}

function validateVersions(
  { versions, preserveUnknownFields }: CustomResourceDefinitionSpec,
  errors: FieldErrors,
): () => void {
  const list = versions ?? [];
  const at = spec.child('versions');
  const hasStatus = list.some(({ subresources }) => Boolean(subresources?.status));
  const shared = {
    schema: isShared(list, 'schema'),
    subresources: isShared(list, 'subresources'),
    columns: isShared(list, 'additionalPrinterColumns'),
    selectable: isShared(list, 'selectableFields'),
  };
  list.forEach((version, index) => {
    if (version.schema?.openAPIV3Schema) return;
    errors.required(at.index(index).child('schema', 'openAPIV3Schema'));
  });
  const hasFallbacks = list.some(({ schema }) => schema?.openAPIV3Schema && hasDefaults(schema.openAPIV3Schema));
  if (preserveUnknownFields && hasFallbacks) {
    errors.invalid(spec.child('preserveUnknownFields'), true, 'must be false in order to use defaults in the schema');
  }
  list.forEach((version, index) => {
    const place = at.index(index);
    const own = split(
      partsAt(place, place.child('schema', 'openAPIV3Schema')),
      shared,
      false,
      Boolean(version.subresources?.status),
    );
    validateVersion(version, place, own, errors);
  });
  if (new Set(list.map(({ name }) => name)).size < list.length) {
    errors.invalid(at, shown(list), 'must contain unique version names');
  }
  if (list.filter(({ storage }) => storage).length !== 1) {
    errors.invalid(at, versions ? shown(list) : null, 'must have exactly one version marked as storage version');
  }
  const first = list[0];
  const problems = first?.name ? dns1035LabelProblems(first.name) : [];
  if (problems.length > 0) errors.invalid(spec.child('version'), first!.name, problems.join(','));
  return () => {
    const parts = partsAt(spec, spec.child('validation', 'openAPIV3Schema'));
    if (first) validateParts(first, split(parts, shared, true, hasStatus), errors);
  };
}

function validateConversion(
  { conversion, preserveUnknownFields }: CustomResourceDefinitionSpec,
  errors: FieldErrors,
): void {
  if (!conversion) return;
  const at = spec.child('conversion');
  const { strategy, webhook } = conversion;
  if (strategy !== 'None' && preserveUnknownFields) {
    errors.invalid(at.child('strategy'), strategy ?? '', 'must be None if spec.preserveUnknownFields is true');
  }
  if (!strategy) errors.required(at.child('strategy'));
  else if (strategy !== 'None' && strategy !== 'Webhook') {
    errors.notSupported(at.child('strategy'), strategy, ['None', 'Webhook']);
  }
  if (strategy !== 'Webhook') {
    const problem = 'should not be set when strategy is not set to Webhook';
    if (webhook?.clientConfig) errors.forbidden(at.child('webhookClientConfig'), problem);
    if (webhook?.conversionReviewVersions?.length) errors.forbidden(at.child('conversionReviewVersions'), problem);
    return;
  }
  const client = at.child('webhookClientConfig');
  if (!webhook?.clientConfig) errors.required(client, 'required when strategy is set to Webhook');
  else validateClient(webhook.clientConfig, client, errors);
  validateReviewVersions(webhook?.conversionReviewVersions ?? [], at.child('conversionReviewVersions'), errors);
}

function validateReviewVersions(versions: readonly string[], at: FieldPath, errors: FieldErrors): void {
  if (versions.length === 0) {
    errors.required(at);
    return;
  }
  versions.forEach((version, index) => {
    const place = at.index(index);
    if (versions.indexOf(version) !== index) errors.invalid(place, version, 'duplicate version');
    for (const problem of dns1035LabelProblems(version)) errors.invalid(place, version, problem);
  });
  if (!versions.some((version) => version === 'v1' || version === 'v1beta1')) {
    errors.invalid(at, versions, 'must include at least one of v1, v1beta1');
  }
}

const approval = 'api-approved.kubernetes.io';
const approvalPage = 'see https://github.com/kubernetes/enhancements/pull/1111';

function validateApproval({ metadata, spec: { group } }: CustomResourceDefinition, errors: FieldErrors): void {
  if (!/(^|\.)(k8s|kubernetes)\.io$/.test(group ?? '')) return;
  const at = path('metadata.annotations').key(approval);
  const reason = metadata.annotations?.[approval];
  const must = `protected groups must have approval annotation "${approval}"`;
  if (!reason) errors.required(at, `${must}, ${approvalPage}`);
  else if (!reason.startsWith('unapproved') && !isUrl(reason)) {
    errors.invalid(at, reason, `${must} with either a URL or a reason starting with "unapproved", ${approvalPage}`);
  }
}

const isUrl = (text: string): boolean => URL.canParse(text) && new URL(text).host !== '';

/** `current`: the stored definition that this one replaces. */
export function validateDefinition(
  object: CustomResourceDefinition,
  errors: FieldErrors,
  current?: CustomResourceDefinition,
): void {
  const wanted = object.spec ?? ({} as CustomResourceDefinitionSpec);
  const names = wanted.names ?? ({} as CustomResourceDefinitionNames);
  const required = `${names.plural ?? ''}.${wanted.group ?? ''}`;
  for (const field of current ? [] : (['generateName', 'name'] as const)) {
    const given = object.metadata[field];
    if (given && given !== required) {
      errors.invalid(path('metadata', field), given, 'must be spec.names.plural+"."+spec.group');
    }
  }
  validateGroup(wanted.group, errors);
  validateScope(wanted.scope, errors);
  const validateShared = validateVersions(wanted, errors);
  validateNames(names, errors);
  validateShared();
  validateConversion(wanted, errors);
  validateStoredVersions(object, errors);
  validateApproval(object, errors);
}

export function validateNewDefinition(object: CustomResourceDefinition, errors: FieldErrors): void {
  validateDefinition(object, errors);
  validatePreserving(object, errors);
}

function validatePreserving(object: CustomResourceDefinition, errors: FieldErrors): void {
  if (object.spec?.preserveUnknownFields !== true) return;
  const problem =
    'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead';
  errors.invalid(spec.child('preserveUnknownFields'), true, problem);
}

/** A version that objects may still be stored in cannot go. */
export function validateStoredVersions({ spec: wanted, status }: CustomResourceDefinition, errors: FieldErrors): void {
  const at = path('status.storedVersions');
  const stored = status?.storedVersions ?? [];
  if (stored.length === 0) {
    errors.invalid(at, null, 'must have at least one stored version');
    return;
  }
  const missing = new Map(stored.map((version, index) => [version, index]));
  for (const { name, storage } of wanted?.versions ?? []) {
    if (storage && !missing.has(name)) errors.invalid(at, stored, `must have the storage version ${name}`);
    missing.delete(name);
  }
  for (const [version, index] of missing) {
    const problem = `missing from spec.versions; ${version} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${version} and removes ${version} from status.storedVersions`;
    errors.invalid(at.index(index), version, problem);
  }
}

export function validateDefinitionUpdate(
  next: CustomResourceDefinition,
  current: CustomResourceDefinition,
  errors: FieldErrors,
): void {
  validateDefinition(next, errors, current);
  if (next.spec.preserveUnknownFields && !current.spec.preserveUnknownFields) validatePreserving(next, errors);
  if (isConditionTrue(current.status?.conditions ?? undefined, 'Established')) {
    checkImmutable(errors, spec.child('scope'), next.spec.scope, current.spec.scope);
    checkImmutable(errors, spec.child('names', 'kind'), next.spec.names.kind, current.spec.names.kind);
  }
  checkImmutable(errors, spec.child('group'), next.spec.group, current.spec.group);
  checkImmutable(errors, spec.child('names', 'plural'), next.spec.names.plural, current.spec.names.plural);
}
