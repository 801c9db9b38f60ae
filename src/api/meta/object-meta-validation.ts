// The rules of ObjectMeta that every kind shares. The registry calls these once for a create and once for an update.
import type { ObjectMeta, OwnerReference } from '../../../generated/meta-v1.ts';
import { type FieldErrors, type FieldPath, goQuote, path } from './field-errors.ts';
import { validateLabels } from './labels.ts';
import { byteLength, labelNameRule, pathSegmentProblems, qualifiedNameProblems, subdomainNameRule } from './names.ts';

const maxAnnotationBytes = 256 * 1024;
const maxFieldManagerBytes = 128;
export const standardFinalizers: ReadonlySet<string> = new Set(['kubernetes', 'orphan', 'foregroundDeletion']);

export type NameRule = (name: string, isPrefix: boolean) => string[];

export interface MetadataRules {
  readonly namespaced: boolean;
  /** Default: DNS subdomain. */
  readonly nameRule?: NameRule | undefined;
  /** Finalizers without a prefix are taken too. */
  readonly takesAnyFinalizer?: boolean | undefined;
  /** What an update of the kind looks at, besides what all updates do; default: the change. */
  readonly looks?: readonly MetadataLook[] | undefined;
}

/** At the new metadata as if the object were created, or at what changed. */
export type MetadataLook = 'object' | 'change';

/** Errors of the metadata of an object to be created. `at`: for metadata of templates inside other objects. */
export function validateMetadata(
  metadata: ObjectMeta,
  rules: MetadataRules,
  errors: FieldErrors,
  at: FieldPath = path('metadata'),
): void {
  validateCommon(metadata, rules.namespaced, rules.nameRule ?? subdomainNameRule, errors, at);
  if (!rules.takesAnyFinalizer) validateStandardFinalizers(metadata, errors, at);
}

/**
 * Errors of an update. Upstream looks at the new metadata several times and reports each error as often as it met it;
 * clients see that, so it is kept.
 */
export function validateMetadataUpdate(
  next: ObjectMeta,
  current: ObjectMeta,
  rules: MetadataRules,
  errors: FieldErrors,
): void {
  const at = path('metadata');
  validateCommon(next, rules.namespaced, pathSegmentProblems, errors, at);
  validateChange(next, current, errors, at);
  for (const look of earlyLooks(rules)) lookAt(look, next, current, rules, errors);
}

/** What kinds that look at the object first say of the change: after all else of the object. */
export function validateMetadataLast(
  next: ObjectMeta,
  current: ObjectMeta,
  rules: MetadataRules,
  errors: FieldErrors,
): void {
  for (const look of (rules.looks ?? []).slice(earlyLooks(rules).length)) lookAt(look, next, current, rules, errors);
}

const earlyLooks = ({ looks = ['change'] }: MetadataRules): readonly MetadataLook[] =>
  looks[0] === 'object' ? ['object'] : looks;

function lookAt(
  look: MetadataLook,
  next: ObjectMeta,
  current: ObjectMeta,
  rules: MetadataRules,
  errors: FieldErrors,
): void {
  const at = path('metadata');
  if (look === 'change') validateChange(next, current, errors, at);
  else validateCommon(next, rules.namespaced, rules.nameRule ?? subdomainNameRule, errors, at);
  if (!rules.takesAnyFinalizer) validateStandardFinalizers(next, errors, at);
}

function validateCommon(
  metadata: ObjectMeta,
  namespaced: boolean,
  nameRule: NameRule,
  errors: FieldErrors,
  at: FieldPath,
): void {
  const { name, generateName, namespace, generation = 0 } = metadata;
  if (generateName) {
    for (const problem of nameRule(generateName, true)) errors.invalid(at.child('generateName'), generateName, problem);
  }
  if (!name) errors.required(at.child('name'), 'name or generateName is required');
  else for (const problem of nameRule(name, false)) errors.invalid(at.child('name'), name, problem);
  if (!namespaced) {
    if (namespace) errors.forbidden(at.child('namespace'), 'not allowed on this type');
  } else if (!namespace) {
    errors.required(at.child('namespace'));
  } else {
    for (const problem of labelNameRule(namespace, false)) errors.invalid(at.child('namespace'), namespace, problem);
  }
  if (generation < 0) errors.invalid(at.child('generation'), generation, 'must be greater than or equal to 0');
  validateLabels(metadata.labels, at.child('labels'), errors);
  validateAnnotations(metadata.annotations, at.child('annotations'), errors);
  validateOwnerReferences(metadata.ownerReferences, at.child('ownerReferences'), errors);
  validateFinalizers(metadata.finalizers, at.child('finalizers'), errors);
  validateManagedFields(metadata.managedFields, at.child('managedFields'), errors);
}

function validateChange(next: ObjectMeta, current: ObjectMeta, errors: FieldErrors, at: FieldPath): void {
  if (current.deletionTimestamp) validateNoNewFinalizers(next, current, errors, at.child('finalizers'));
  if (!next.resourceVersion) {
    errors.invalid(at.child('resourceVersion'), next.resourceVersion ?? '', 'must be specified for an update');
  }
  if ((next.generation ?? 0) < (current.generation ?? 0)) {
    errors.invalid(at.child('generation'), next.generation ?? 0, 'must not be decremented');
  }
  for (const field of ['name', 'namespace', 'uid'] as const) immutable(next[field] ?? '', current[field] ?? '', field);
  immutable(next.creationTimestamp, current.creationTimestamp, 'creationTimestamp');
  immutable(next.deletionTimestamp, current.deletionTimestamp, 'deletionTimestamp');
  immutable(next.deletionGracePeriodSeconds, current.deletionGracePeriodSeconds, 'deletionGracePeriodSeconds');
  validateLabels(next.labels, at.child('labels'), errors);
  validateAnnotations(next.annotations, at.child('annotations'), errors);
  validateOwnerReferences(next.ownerReferences, at.child('ownerReferences'), errors);
  validateManagedFields(next.managedFields, at.child('managedFields'), errors);

  function immutable(value: unknown, before: unknown, field: string): void {
    if ((value ?? null) !== (before ?? null)) errors.invalid(at.child(field), value, 'field is immutable');
  }
}

function validateNoNewFinalizers(next: ObjectMeta, current: ObjectMeta, errors: FieldErrors, at: FieldPath): void {
  const added = (next.finalizers ?? []).filter((finalizer) => !current.finalizers?.includes(finalizer));
  if (added.length === 0) return;
  const shown = `[]string{${added.map((each) => goQuote(each)).join(', ')}}`;
  errors.forbidden(at, `no new finalizers can be added if the object is being deleted, found new finalizers ${shown}`);
}

/** Keys as label keys but for their case; all of it at most 256 KiB. */
export function validateAnnotations(
  annotations: Readonly<Record<string, string>> | undefined,
  at: FieldPath,
  errors: FieldErrors,
): void {
  let size = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    for (const problem of qualifiedNameProblems(key.toLowerCase())) errors.invalid(at, key, problem);
    size += byteLength(key) + byteLength(value);
  }
  if (size > maxAnnotationBytes) errors.tooLong(at, maxAnnotationBytes);
}

/** Metadata of a template from which objects are made: labels and annotations, and nothing else. */
export function validateTemplateMetadata(metadata: ObjectMeta | undefined, at: FieldPath, errors: FieldErrors): void {
  const { labels, annotations, ...others } = metadata ?? {};
  validateAnnotations(annotations, at.child('annotations'), errors);
  validateLabels(labels, at.child('labels'), errors);
  for (const [name, value] of Object.entries(others)) {
    const isThere = Array.isArray(value) ? value.length > 0 : value || value === 0;
    if (isThere) errors.forbidden(at.child(name === 'uid' ? 'uID' : name), 'cannot be set');
  }
}

function validateOwnerReferences(references: OwnerReference[] | undefined, at: FieldPath, errors: FieldErrors): void {
  let controller = '';
  for (const reference of references ?? []) {
    validateOwnerReference(reference, at, errors);
    if (!reference.controller) continue;
    const shown = `${reference.kind}/${reference.name}`;
    if (controller) {
      errors.invalid(
        at,
        references,
        `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${shown}`,
      );
    } else {
      controller = shown;
    }
  }
}

function validateOwnerReference(reference: OwnerReference, at: FieldPath, errors: FieldErrors): void {
  const parts = reference.apiVersion === '/' ? [] : reference.apiVersion.split('/');
  const [group, version] = parts.length > 2 ? ['', ''] : parts.length === 2 ? parts : ['', parts[0]];
  if (!version) errors.invalid(at.child('apiVersion'), reference.apiVersion, 'version must not be empty');
  for (const field of ['kind', 'name', 'uid'] as const) {
    if (!reference[field]) errors.invalid(at.child(field), reference[field], 'must not be empty');
  }
  if (!group && version === 'v1' && reference.kind === 'Event') {
    errors.invalid(at, reference, '/v1, Kind=Event is disallowed from being an owner');
  }
}

function validateFinalizers(finalizers: string[] | undefined, at: FieldPath, errors: FieldErrors): void {
  for (const finalizer of finalizers ?? []) {
    for (const problem of qualifiedNameProblems(finalizer)) errors.invalid(at, finalizer, problem);
  }
  if (finalizers?.includes('orphan') && finalizers.includes('foregroundDeletion')) {
    errors.invalid(at, finalizers, 'finalizer orphan and foregroundDeletion cannot be both set');
  }
}

function validateStandardFinalizers(metadata: ObjectMeta, errors: FieldErrors, at: FieldPath): void {
  metadata.finalizers?.forEach((finalizer, index) => {
    if (finalizer.includes('/') || standardFinalizers.has(finalizer)) return;
    errors.invalid(
      at.child('finalizers').index(index),
      finalizer,
      'name is neither a standard finalizer name nor is it fully qualified',
    );
  });
}

function validateManagedFields(entries: ObjectMeta['managedFields'], at: FieldPath, errors: FieldErrors): void {
  entries?.forEach((entry, index) => {
    const place = at.index(index);
    if (entry.operation !== 'Apply' && entry.operation !== 'Update') {
      errors.invalid(place.child('operation'), entry.operation ?? '', 'must be `Apply` or `Update`');
    }
    if (entry.fieldsType && entry.fieldsType !== 'FieldsV1') {
      errors.invalid(place.child('fieldsType'), entry.fieldsType, 'must be `FieldsV1`');
    }
    validateFieldManager(entry.manager ?? '', place.child('manager'), errors);
    if (entry.subresource && byteLength(entry.subresource) > 256) errors.tooLong(place.child('subresource'), 256);
  });
}

/** The name of who writes (`?fieldManager=`, managedFields). */
export function validateFieldManager(manager: string, at: FieldPath, errors: FieldErrors): void {
  if (byteLength(manager) > maxFieldManagerBytes) errors.tooLong(at, maxFieldManagerBytes);
  if (/[^\P{C}]|[^\P{Z} ]/u.test(manager)) errors.invalid(at, manager, 'should only contain printable characters');
}
