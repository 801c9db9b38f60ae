// Whether a request is about a namespace and an object with the wanted labels.
import type { Namespace } from '../../../../generated/core-v1.ts';
import { namespaceKind } from '../../../../generated/kinds.ts';
import type { LabelSelector } from '../../../../generated/meta-v1.ts';
import { matchesSelector, type Selector } from '../../../api/meta/labels.ts';
import type { KubernetesObject } from '../../../api/meta/object.ts';
import { selectorOf } from '../../../api/meta/selectors.ts';
import { notFound } from '../../../api/meta/status-error.ts';
import type { AdmissionContext, AdmissionRequest } from '../plugin.ts';

/** Configurations are frozen: a selector is read once for as long as its configuration lives. */
const read = new WeakMap<LabelSelector, Selector>();

function compiled(selector: LabelSelector): Selector {
  let known = read.get(selector);
  if (!known) {
    known = selectorOf(selector) ?? [];
    read.set(selector, known);
  }
  return known;
}

const isNamespaces = ({ resource }: AdmissionRequest) =>
  resource.storage.group === '' && resource.storage.plural === 'namespaces';

/** The object's name as far as it is known; '' before one is generated. */
export const nameOf = ({ name, object }: AdmissionRequest): string => name || (object?.metadata?.name ?? '');

/** A namespace is in itself. '' for everything else that is in none. */
export const namespaceOf = (request: AdmissionRequest): string =>
  isNamespaces(request) ? nameOf(request) : request.namespace;

/** The namespace that the request is in, as stored; undefined for what is in none. @throws NotFound */
export function findNamespace(request: AdmissionRequest, { objects }: AdmissionContext): Namespace | undefined {
  const name = namespaceOf(request);
  if (!name) return undefined;
  const found = objects.find(namespaceKind, '', name);
  if (!found) throw notFound({ group: '', name: 'namespaces' }, name);
  return found;
}

function namespaceLabels(request: AdmissionRequest, context: AdmissionContext) {
  const isWritten = request.operation === 'CREATE' || request.operation === 'UPDATE';
  if (isNamespaces(request) && !request.subresource && isWritten) return request.object?.metadata.labels;
  return findNamespace(request, context)?.metadata.labels;
}

/** What is in no namespace is never left out. @throws NotFound for a namespace that is not there */
export function matchesNamespaceSelector(
  selector: LabelSelector | undefined,
  request: AdmissionRequest,
  context: AdmissionContext,
): boolean {
  if (!selector || (!namespaceOf(request) && !isNamespaces(request))) return true;
  const terms = compiled(selector);
  return terms.length === 0 || matchesSelector(terms, namespaceLabels(request, context));
}

/** The object as it is to be or as it was; one that has no labels at all (options of an exec) is not selected. */
export function matchesObjectSelector(selector: LabelSelector | undefined, request: AdmissionRequest): boolean {
  if (!selector) return true;
  const terms = compiled(selector);
  if (terms.length === 0) return true;
  const isSelected = (object: KubernetesObject | undefined) =>
    object?.metadata !== undefined && matchesSelector(terms, object.metadata.labels);
  return isSelected(request.object) || isSelected(request.oldObject);
}
