// OpenID Connect discovery: others can check our tokens with the keys published here.
import { StatusError } from '../../api/meta/status-error.ts';
import { unproducible } from '../http/accept.ts';
import type { BytesAnswer } from '../http/answer.ts';
import { header, type ServerRequest } from '../http/exchange.ts';
import { keySet } from './jwt.ts';
import type { ServiceAccountTokens } from './service-account-tokens.ts';

/** What a GET of these paths answers. `serverUrl`: `https://host:port`, as others reach this server. */
export function openIdPaths(tokens: ServiceAccountTokens, serverUrl: string): OpenIdPath[] {
  const algorithms = [...new Set(tokens.keys.map((key) => key.algorithm))];
  const configuration = {
    issuer: tokens.issuer,
    jwks_uri: `${serverUrl}/openid/v1/jwks`,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: algorithms,
  };
  return [
    document('/.well-known/openid-configuration', configuration, 'application/json'),
    document('/openid/v1/jwks', keySet(tokens.keys), 'application/jwk-set+json'),
  ];
}

export interface OpenIdPath {
  readonly path: string;
  answer(request: Pick<ServerRequest, 'method' | 'headers'>): BytesAnswer;
}

function document(path: string, content: object, contentType: string): OpenIdPath {
  const headers = { 'cache-control': 'public, max-age=3600' };
  const body = Buffer.from(JSON.stringify(content));
  return {
    path,
    /** @throws StatusError 405, 406 */
    answer(request) {
      if (request.method !== 'GET') throw onlyRead();
      const accept = header(request, 'accept');
      const isAccepted = accept.split(',').some((clause) => ['*/*', contentType, ''].includes(mediaTypeOf(clause)));
      if (!isAccepted) throw unproducible([contentType]);
      return { type: 'bytes', status: 200, contentType, body, headers };
    },
  };
}

const mediaTypeOf = (clause: string) => clause.split(';')[0]!.trim();

const onlyRead = () =>
  new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'the server does not allow this method on the requested resource',
    reason: 'MethodNotAllowed',
    details: {},
    code: 405,
  });
