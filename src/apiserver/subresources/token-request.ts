// Tokens of service accounts, on request.
import type { TokenRequest } from '../../../generated/authentication-v1.ts';
import { nodeKind, podKind, secretKind, serviceAccountKind } from '../../../generated/kinds.ts';
import { FieldErrors, path } from '../../api/meta/field-errors.ts';
import { badRequest, conflict, invalid, notFound } from '../../api/meta/status-error.ts';
import { rfc3339 } from '../../base/clock.ts';
import { canonical } from '../../schema/codec.ts';
import type { ServiceAccountTokens, TokenBinding } from '../authn/service-account-tokens.ts';
import { objectAnswer } from '../http/answer.ts';
import type { SubresourceHandler, SubresourceRequest } from './handler.ts';

const typeName = 'io.k8s.api.authentication.v1.TokenRequest';
const kind = { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' };
const defaultSeconds = 3600;
/** What admission asks for in pods. Programs that never read their token again get a year; what uses one past the hour is stale. */
const kubeletSeconds = 3607;
const extendedSeconds = 365 * 24 * 3600;

export function requestToken(tokens: ServiceAccountTokens): SubresourceHandler {
  return {
    group: '',
    resource: 'serviceaccounts',
    subresource: 'token',
    methods: ['POST'],
    async handle(request) {
      const asked = (await request.decode({ ...kind, typeName })) as TokenRequest;
      const { namespace, name } = request.info;
      const now = request.clock.now();
      asked.spec = { ...asked.spec, expirationSeconds: asked.spec?.expirationSeconds ?? defaultSeconds };
      // Plugins look at what was asked; what is left open is filled in after them.
      let uid = '';
      const complete = () => {
        uid = accountUid(request, asked);
        request.track(asked, { ...kind, typeName });
        const { spec } = asked;
        if (!spec.audiences?.length) spec.audiences = [...tokens.audiences];
        checkSpec(spec);
        asked.metadata = { ...asked.metadata, name, namespace, uid, creationTimestamp: rfc3339(now) };
      };
      await request.admit({ operation: 'CREATE', object: asked as never, kind: { ...kind, typeName }, complete });
      const { spec } = asked;
      const { audiences = [], expirationSeconds = defaultSeconds } = spec;
      const binding = bindingOf(request, spec);
      const isOurs = audiences.every((audience) => tokens.audiences.includes(audience));
      const isExtended = binding.pod && expirationSeconds === kubeletSeconds && isOurs;
      const issued = tokens.issue({
        namespace,
        serviceAccount: { name, uid },
        audiences,
        expirationSeconds: isExtended ? extendedSeconds : expirationSeconds,
        ...(isExtended ? { warnAfterSeconds: kubeletSeconds } : {}),
        binding,
      });
      const status = { token: issued.token, expirationTimestamp: rfc3339(now + expirationSeconds * 1000) };
      return objectAnswer(201, canonical(typeName, { ...asked, status }), typeName);
    },
  };
}

/** Of the service account in the path. @throws where it is not there, or not the one meant */
function accountUid({ objects, info: { namespace, name } }: SubresourceRequest, asked: TokenRequest): string {
  checkPlace(asked, namespace, name);
  const account = objects.find(serviceAccountKind, namespace, name);
  if (!account) throw notFound({ group: '', name: 'serviceaccounts' }, name);
  const uid = account.metadata.uid!;
  if (asked.metadata.uid && asked.metadata.uid !== uid) {
    const problem = `the UID in the token request (${asked.metadata.uid}) does not match the UID of the service account (${uid})`;
    throw conflict({ group: kind.group, name: kind.kind }, name, problem);
  }
  return uid;
}

function checkPlace({ metadata }: TokenRequest, namespace: string, name: string): void {
  const errors = new FieldErrors();
  const at = path('metadata');
  if (metadata.name && metadata.name !== name) {
    errors.invalid(at.child('name'), metadata.name, 'must match the service account name if specified');
  } else if (metadata.namespace && metadata.namespace !== namespace) {
    errors.invalid(at.child('namespace'), metadata.namespace, 'must match the service account namespace if specified');
  }
  if (!errors.isEmpty) throw invalid({ group: kind.group, name: kind.kind }, name, errors.summary(), errors.causes());
}

function checkSpec({ expirationSeconds = 0 }: TokenRequest['spec']): void {
  const errors = new FieldErrors();
  const at = path('spec', 'expirationSeconds');
  if (expirationSeconds < 600) errors.invalid(at, expirationSeconds, 'may not specify a duration less than 10 minutes');
  if (expirationSeconds > 2 ** 32)
    errors.invalid(at, expirationSeconds, 'may not specify a duration larger than 2^32 seconds');
  if (!errors.isEmpty) throw invalid({ group: kind.group, name: kind.kind }, '', errors.summary(), errors.causes());
}

/** What the token is to be bound to, which must be there and be the one meant. */
function bindingOf({ objects, info }: SubresourceRequest, { boundObjectRef }: TokenRequest['spec']): TokenBinding {
  if (!boundObjectRef) return {};
  const { apiVersion = '', kind: boundKind = '', name = '', uid } = boundObjectRef;
  const group = apiVersion.includes('/') ? apiVersion.split('/')[0]! : '';
  const kinds = { Pod: podKind, Node: nodeKind, Secret: secretKind } as const;
  const bound = group === '' && boundKind in kinds ? kinds[boundKind as keyof typeof kinds] : undefined;
  if (!bound) {
    const version = apiVersion.split('/').at(-1);
    throw badRequest(`cannot bind token to object of type ${group}/${version}, Kind=${boundKind}`);
  }
  const object = objects.find<any>(bound, bound.namespaced ? info.namespace : '', name);
  if (!object) throw notFound({ group: '', name: bound.plural }, name);
  if (bound === podKind && object.spec.serviceAccountName !== info.name) {
    throw badRequest(
      `cannot bind token for serviceaccount "${info.name}" to pod running with different serviceaccount name.`,
    );
  }
  if (uid && uid !== object.metadata.uid) {
    const problem = `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`;
    throw conflict({ group, name: boundKind }, name, problem);
  }
  const reference = { name, uid: object.metadata.uid as string };
  if (boundKind === 'Node') return { node: reference };
  if (boundKind === 'Secret') return { secret: reference };
  const nodeName: string | undefined = object.spec.nodeName;
  if (!nodeName) return { pod: reference };
  return { pod: reference, node: { name: nodeName, uid: objects.find(nodeKind, '', nodeName)?.metadata.uid ?? '' } };
}
