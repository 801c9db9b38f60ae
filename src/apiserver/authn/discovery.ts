// OpenID Connect discovery: others can check our tokens with the keys published here.
import type { BytesAnswer } from '../http/answer.ts';
import { keySet } from './jwt.ts';
import type { ServiceAccountTokens } from './service-account-tokens.ts';

/** Non-resource paths and what a GET of them answers. `serverUrl`: `https://host:port`, as others reach this server. */
export function openIdPaths(tokens: ServiceAccountTokens, serverUrl: string): ReadonlyMap<string, BytesAnswer> {
  const algorithms = [...new Set(tokens.keys.map((key) => key.algorithm))];
  const configuration = {
    issuer: tokens.issuer,
    jwks_uri: `${serverUrl}/openid/v1/jwks`,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: algorithms,
  };
  return new Map([
    ['/.well-known/openid-configuration', json(configuration, 'application/json')],
    ['/openid/v1/jwks', json(keySet(tokens.keys), 'application/jwk-set+json')],
  ]);
}

function json(body: object, contentType: string): BytesAnswer {
  const headers = { 'cache-control': 'public, max-age=3600' };
  return { type: 'bytes', status: 200, contentType, body: Buffer.from(JSON.stringify(body)), headers };
}
