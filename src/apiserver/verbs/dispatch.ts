// From a parsed request to the verb that serves it.

import { methodNotSupported, notFound, StatusError } from '../../api/meta/status-error.ts';
import type { ResourceInfo } from '../../api/resource-info.ts';
import type { Answer } from '../http/answer.ts';
import type { RequestInfo } from '../request-info.ts';
import type { Call } from './call.ts';
import { create } from './create.ts';
import { deleteOne } from './delete.ts';
import { deleteCollection } from './delete-collection.ts';
import { get } from './get.ts';
import { list } from './list.ts';
import { patch } from './patch.ts';
import { scale } from './scale.ts';
import { update } from './update.ts';
import { watch } from './watch.ts';

type Verb = (call: Call) => Promise<Answer>;

const collectionVerbs: Record<string, Verb> = { list, watch, create, deletecollection: deleteCollection };
const objectVerbs: Record<string, Verb> = { get, update, patch, delete: deleteOne, watch };
const partVerbs: Record<string, Verb> = { get, update, patch };

function bare(code: number, reason: string, message: string): StatusError {
  return new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    details: {},
    code,
  });
}

export const noSuchResource = () => bare(404, 'NotFound', 'the server could not find the requested resource');
export const noSuchMethod = () =>
  bare(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource');

/** Whether the path's scope is the resource's: `…/namespaces/x/nodes` and `/api/v1/pods/name` name nothing. */
export function isScopeRight(info: RequestInfo, resource: ResourceInfo): boolean {
  if (resource.namespaced) return info.namespace !== '' || info.name === '';
  return (
    info.namespace === '' || (resource.plural === 'namespaces' && resource.group === '' && info.namespace === info.name)
  );
}

/** The verb's function. @throws StatusError 404 or 405 */
export function verbFor(info: RequestInfo, resource: ResourceInfo, method: string): Verb {
  if (method === 'HEAD' || method === 'OPTIONS') throw noSuchMethod();
  if (info.trailingPath) throw noSuchResource();
  if (info.subresource) return partVerb(info, resource);
  if (info.name === '') {
    const verb = collectionVerbs[info.verb];
    if (info.verb === 'watch' && !resource.verbs.includes('watch') && resource.verbs.includes('list')) {
      throw methodNotSupported({ group: resource.group, name: resource.plural }, 'watch');
    }
    if (resource.custom?.isTerminating && info.verb === 'create') throw terminating(resource);
    const needsNamespace = info.verb === 'create' || info.verb === 'deletecollection';
    if (!verb || !resource.verbs.includes(info.verb)) throw noSuchMethod();
    if (needsNamespace && resource.namespaced && !info.namespace) throw noSuchMethod();
    return verb;
  }
  const verb = objectVerbs[info.verb];
  if (!verb || !resource.verbs.includes(info.verb)) throw noSuchMethod();
  return verb;
}

function terminating({ group, plural }: ResourceInfo): StatusError {
  const error = methodNotSupported({ group, name: plural }, 'create');
  error.status.message = 'create not allowed while custom resource definition is terminating';
  return error;
}

function partVerb(info: RequestInfo, resource: ResourceInfo): Verb {
  const part = resource.subresources.find(({ name }) => name === info.subresource);
  if (!part && resource.custom && (info.subresource === 'status' || info.subresource === 'scale')) {
    throw notFound({ group: resource.group, name: resource.plural }, info.name);
  }
  if (!part) throw noSuchResource();
  const verb = partVerbs[info.verb];
  if (!verb || !part.verbs.includes(info.verb)) throw noSuchMethod();
  if (info.subresource === 'scale' && resource.rules.scale) return scale;
  // Parts that are no part of the object (log, exec…) are served by handlers or not at all.
  if (part.kind !== resource.kind || !part.verbs.includes('update')) throw noSuchMethod();
  return verb;
}
