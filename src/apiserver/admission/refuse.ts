import type { KindRef } from '../../api/meta/object.ts';
import { forbidden, type StatusError } from '../../api/meta/status-error.ts';
import type { AdmissionRequest } from './plugin.ts';

/** The 403 of a plugin: `pods "web" is forbidden: …`. What has no name yet, and never gets one, is "Unknown". */
export function refuse(request: AdmissionRequest, problem: string): StatusError {
  const { resource, object } = request;
  const name = request.name || object?.metadata?.name || object?.metadata?.generateName || 'Unknown';
  return forbidden({ group: resource.group, name: resource.plural }, name, problem);
}

/** Whether the request is about a kind itself or one of its subresources, in whatever version. */
export function isAbout(request: AdmissionRequest, kind: KindRef<any>, subresource = ''): boolean {
  const { storage } = request.resource;
  return storage.plural === kind.plural && storage.group === kind.group && request.subresource === subresource;
}
