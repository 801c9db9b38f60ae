// Operations of paths that belong to no version of a group: what groups there are, the server's version, its keys. In OpenAPI
// v3 each has a document of its own.
import { groupId, type OpenApiResource, type Operation, tagOf } from './openapi-operations.ts';

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';

const root = (name: string, tag: string, operationId: string, rest: Partial<Operation>): [string, Operation] => [
  name,
  {
    path: `/${name}/`,
    method: 'get',
    action: '',
    operationId,
    tag,
    gvk: undefined,
    query: [],
    body: undefined,
    answer: undefined,
    codes: [200],
    isStream: false,
    ...rest,
  },
];

/** Name in the index → its one operation. Custom groups have none. */
export function rootOperations(resources: readonly OpenApiResource[]): Map<string, Operation> {
  const groups = new Set(resources.filter(({ schema }) => !schema).map(({ group }) => group));
  groups.delete('');
  const json = { contentTypes: ['application/json'] };
  return new Map([
    root('.well-known/openid-configuration', 'WellKnown', 'getServiceAccountIssuerOpenIDConfiguration', json),
    root('api', 'core', 'getCoreAPIVersions', { answer: `${meta}.APIVersions` }),
    root('apis', 'apis', 'getAPIVersions', { answer: `${meta}.APIGroupList` }),
    ...[...groups].map((group) =>
      root(`apis/${group}`, tagOf(group, '').slice(0, -1), `get${groupId(group, '')}APIGroup`, {
        answer: `${meta}.APIGroup`,
      }),
    ),
    root('openid/v1/jwks', 'openid', 'getServiceAccountIssuerOpenIDKeyset', {
      contentTypes: ['application/jwk-set+json'],
    }),
    root('version', 'version', 'getCodeVersion', { ...json, answer: 'io.k8s.apimachinery.pkg.version.Info' }),
  ]);
}
