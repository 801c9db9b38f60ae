// Secrets of type service-account-token: people make them to get a token that does not end. It is bound to the Secret, and
// ends with it.
import type { TokenRequest } from '../../generated/authentication-v1.ts';
import type { Secret, ServiceAccount } from '../../generated/core-v1.ts';
import { secretKind, serviceAccountKind } from '../../generated/kinds.ts';
import { isEqual } from '../api/meta/equality.ts';
import { keyOf } from '../api/meta/object.ts';
import { isNotFound } from '../api/meta/status-error.ts';
import type { Client } from '../client/client.ts';
import type { ControllerDefinition } from '../reconcile/controller.ts';
import type { Informer } from '../reconcile/informer.ts';

const type = 'kubernetes.io/service-account-token';
const nameAnnotation = 'kubernetes.io/service-account.name';
const uidAnnotation = 'kubernetes.io/service-account.uid';
const byAccount = 'service-account';
/** The longest that may be asked for: 136 years. */
const longestSeconds = 2 ** 32;

const accountKey = ({ metadata }: Secret) => `${metadata.namespace}/${metadata.annotations?.[nameAnnotation] ?? ''}`;
const base64 = (text: string) => Buffer.from(text).toString('base64');

/** Fills token Secrets, and deletes those whose account is gone. */
export function serviceAccountTokenController(rootCa: string | undefined): ControllerDefinition {
  return {
    name: 'serviceaccount-token',
    setup({ client, informers }, queue) {
      const accounts = informers.informer(serviceAccountKind);
      const secrets = informers.informer<Secret>(secretKind, { fieldSelector: `type=${type}` });
      secrets.addIndex(byAccount, (secret) => [accountKey(secret)]);
      const add = (secret: Secret) => queue.add(keyOf(secret));
      const addAll = (account: ServiceAccount) => secrets.byIndex(byAccount, keyOf(account)).forEach(add);
      secrets.onChange({ added: add, updated: add });
      accounts.onChange({ added: addAll, deleted: addAll });
      return {
        name: 'serviceaccount-token',
        async reconcile(key) {
          const secret = secrets.find(key);
          if (!secret || secret.metadata.deletionTimestamp || !secret.metadata.annotations?.[nameAnnotation]) return;
          const account = await findAccount(client, accounts, secret);
          if (account) await fill(client, secret, account, rootCa);
          else await remove(client, secret);
        },
      };
    },
  };
}

/** The account that is meant: of that name, and with the uid if one is named. The server has the last word. */
async function findAccount(
  client: Client,
  accounts: Informer<ServiceAccount>,
  secret: Secret,
): Promise<ServiceAccount | undefined> {
  const uid = secret.metadata.annotations?.[uidAnnotation];
  const isMeant = (account: ServiceAccount | undefined) => account && (!uid || account.metadata.uid === uid);
  const cached = accounts.find(accountKey(secret));
  if (isMeant(cached)) return cached;
  const { namespace = '', annotations } = secret.metadata;
  const found = await client
    .resource(serviceAccountKind)
    .find({ namespace, name: annotations?.[nameAnnotation] ?? '' });
  return isMeant(found) ? found : undefined;
}

async function fill(
  client: Client,
  secret: Secret,
  account: ServiceAccount,
  rootCa: string | undefined,
): Promise<void> {
  const { namespace = '', name, uid = '', annotations } = secret.metadata;
  const data: Record<string, string> = {
    ...secret.data,
    ...(rootCa ? { 'ca.crt': base64(rootCa) } : {}),
    namespace: secret.data?.['namespace'] || base64(namespace),
  };
  const named = { ...annotations, [uidAnnotation]: account.metadata.uid ?? '' };
  if (data['token'] && isEqual(data, secret.data) && isEqual(named, annotations)) return;
  if (!data['token']) {
    const boundObjectRef = { kind: 'Secret', apiVersion: 'v1', name, uid };
    const request = { spec: { audiences: [], expirationSeconds: longestSeconds, boundObjectRef } };
    const key = { namespace, name: account.metadata.name };
    const { status } = await client.resource(serviceAccountKind).post<TokenRequest>(key, 'token', request);
    data['token'] = base64(status?.token ?? '');
  }
  await client.resource(secretKind).update({ ...secret, metadata: { ...secret.metadata, annotations: named }, data });
}

async function remove(client: Client, { metadata }: Secret): Promise<void> {
  const { namespace = '', name, uid = '' } = metadata;
  try {
    await client.resource(secretKind).delete({ namespace, name }, { preconditions: { uid } });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
