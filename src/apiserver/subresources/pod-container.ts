import type { Pod } from '../../../generated/core-v1.ts';
import { podKind } from '../../../generated/kinds.ts';
import { badRequest, notFound } from '../../api/meta/status-error.ts';
import type { SubresourceRequest } from './handler.ts';

/** @throws NotFound */
export function podOf({ objects, info }: SubresourceRequest): Pod {
  const pod = objects.find(podKind, info.namespace, info.name);
  if (!pod) throw notFound({ group: '', name: 'pods' }, info.name);
  return pod;
}

/** The container meant: the one named, or the only one. @throws BadRequest */
export function containerOf({ metadata, spec }: Pod, named: string): string {
  const names = (containers: readonly { name: string }[] = []) => containers.map(({ name }) => name);
  const [main, init, ephemeral] = [spec.containers, spec.initContainers, spec.ephemeralContainers].map((each) =>
    names(each),
  );
  if (named) {
    if ([...main!, ...init!, ...ephemeral!].includes(named)) return named;
    throw badRequest(`container ${named} is not valid for pod ${metadata.name}`);
  }
  const [only, ...others] = main!;
  if (only === undefined) throw badRequest(`a container name must be specified for pod ${metadata.name}`);
  if (others.length === 0) return only;
  const more = init!.length > 0 ? ` or one of the init containers: [${init!.join(' ')}]` : '';
  const debugging = ephemeral!.length > 0 ? ` or one of the ephemeral containers: [${ephemeral!.join(' ')}]` : '';
  throw badRequest(
    `a container name must be specified for pod ${metadata.name}, choose one of: [${main!.join(' ')}]${more}${debugging}`,
  );
}

/** Undefined while the pod waits for a node. */
export const nodeOf = ({ spec }: Pod): string | undefined => spec.nodeName || undefined;

export const encodePath = (...parts: readonly string[]): string => `/${parts.map(encodeURIComponent).join('/')}`;
