// What a connection asks for, as the object that admission is shown: PodExecOptions and its like.
import { goQuote } from '../../api/meta/field-errors.ts';
import type { KubernetesObject } from '../../api/meta/object.ts';
import { badRequest } from '../../api/meta/status-error.ts';
import { isAsked } from '../http/parse-request.ts';
import type { SubresourceRequest } from './handler.ts';

const streams = ['stdin', 'stdout', 'stderr', 'tty'] as const;

/** Field order is Go's. */
function streamFields(query: URLSearchParams): Record<string, unknown> {
  const container = query.get('container');
  return {
    ...Object.fromEntries(streams.filter((name) => isAsked(query.get(name))).map((name) => [name, true])),
    ...(container ? { container } : {}),
  };
}

function listField(name: string, values: readonly unknown[]): Record<string, unknown> {
  return values.length > 0 ? { [name]: values } : {};
}

export const execFields = (query: URLSearchParams) => ({
  ...streamFields(query),
  ...listField('command', query.getAll('command')),
});

export const attachFields = streamFields;

export const portForwardFields = (query: URLSearchParams) => listField('ports', portNumbers(query));

/** Of port-forward. @throws BadRequest */
export function portNumbers(query: URLSearchParams): number[] {
  return query
    .getAll('ports')
    .flatMap((text) => text.split(','))
    .map((text) => {
      const problem = !/^[0-9]+$/.test(text) ? 'invalid syntax' : Number(text) > 65535 ? 'value out of range' : '';
      if (problem)
        throw badRequest(`cannot convert to []int32: strconv.ParseUint: parsing ${goQuote(text)}: ${problem}`);
      return Number(text);
    });
}

/** Admission of a connection. @throws StatusError */
export async function admitConnection(
  request: SubresourceRequest,
  kind: string,
  fields: Record<string, unknown>,
): Promise<void> {
  if (request.isDryRun) throw badRequest('dryRun is not supported');
  const { path, ...others } = fields;
  const given = path ? { path } : others;
  await request.admit({
    operation: 'CONNECT',
    object: { kind, apiVersion: 'v1', ...given } as unknown as KubernetesObject,
    kind: { group: '', version: 'v1', kind, typeName: `io.k8s.api.core.v1.${kind}` },
  });
}
