import type { Preconditions } from '../../../generated/meta-v1.ts';
import { conflict, type GroupName } from '../../api/meta/status-error.ts';

export interface Identity {
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
}

/** Namespaces have words of their own. @throws Conflict */
export function checkNamespacePreconditions(
  name: string,
  { uid, resourceVersion }: Preconditions,
  found: Identity,
): void {
  for (const [what, asked, is] of [
    ['UID', uid, found.uid],
    ['ResourceVersion', resourceVersion, found.resourceVersion],
  ]) {
    if (asked === undefined || asked === null || asked === is) continue;
    const problem = `Precondition failed: ${what} in precondition: ${asked}, ${what} in object meta: ${is}`;
    throw conflict({ group: '', name: 'namespaces' }, name, problem);
  }
}

/** What a deletion asks of the object that it finds. `kind` is for the message. @throws Conflict */
export function checkPreconditions(
  kind: GroupName,
  name: string,
  { uid, resourceVersion }: Preconditions,
  found: Identity,
): void {
  if (uid !== undefined && uid !== null && uid !== found.uid) {
    throw conflict(
      kind,
      name,
      `the UID in the precondition (${uid}) does not match the UID in record (${found.uid}). The object might have been deleted and then recreated`,
    );
  }
  if (resourceVersion !== undefined && resourceVersion !== null && resourceVersion !== found.resourceVersion) {
    throw conflict(
      kind,
      name,
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${found.resourceVersion}). The object might have been modified`,
    );
  }
}
