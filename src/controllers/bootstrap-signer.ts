// Signs the ConfigMap kube-public/cluster-info with every bootstrap token that is for this: who has a token can tell that
// the cluster whose address was given is the one the token is for.
import { createHmac } from 'node:crypto';
import type { ConfigMap, Secret } from '../../generated/core-v1.ts';
import { configMapKind, secretKind } from '../../generated/kinds.ts';
import {
  bootstrapTokenNamespace,
  bootstrapTokenOf,
  bootstrapTokenType,
  isExpired,
} from '../api/core/bootstrap-token.ts';
import { isConflict } from '../api/meta/status-error.ts';
import type { ControllerDefinition } from '../reconcile/controller.ts';

const place = { namespace: 'kube-public', name: 'cluster-info' };
const kubeconfigKey = 'kubeconfig';
const signaturePrefix = 'jws-kubeconfig-';

export const bootstrapSigner: ControllerDefinition = {
  name: 'bootstrap-signer',
  setup({ client, informers, clock }, queue) {
    const infos = informers.informer<ConfigMap>(configMapKind, {
      namespace: place.namespace,
      fieldSelector: `metadata.name=${place.name}`,
    });
    const secrets = informers.informer<Secret>(secretKind, {
      namespace: bootstrapTokenNamespace,
      fieldSelector: `type=${bootstrapTokenType}`,
    });
    const look = () => queue.add(place.name);
    infos.onChange({ added: look, updated: look });
    secrets.onChange({ added: look, updated: look, deleted: look });
    return {
      name: 'bootstrap-signer',
      workers: 1,
      async reconcile() {
        const info = infos.find(`${place.namespace}/${place.name}`);
        const content = info?.data?.[kubeconfigKey];
        if (!info || content === undefined) return;
        const tokens = secrets.list().flatMap((secret) => bootstrapTokenOf(secret) ?? []);
        const signing = tokens.filter((token) => token.usages.includes('signing') && !isExpired(token, clock.now()));
        const others = Object.entries(info.data ?? {}).filter(([key]) => !key.startsWith(signaturePrefix));
        const signatures = signing.map(({ id, secret }) => [
          `${signaturePrefix}${id}`,
          signDetached(content, id, secret),
        ]);
        const data = Object.fromEntries([...others, ...signatures]) as Record<string, string>;
        if (isSame(data, info.data ?? {})) return;
        await client
          .resource(configMapKind)
          .update({ ...info, data })
          .catch((error) => {
            if (!isConflict(error)) throw error; // its change makes us look again
          });
      },
    };
  },
};

/** A JWS without its content: `header..signature`. */
export function signDetached(content: string, id: string, secret: string): string {
  const encode = (text: string) => Buffer.from(text).toString('base64url');
  const header = encode(JSON.stringify({ alg: 'HS256', kid: id }));
  const signature = createHmac('sha256', secret)
    .update(`${header}.${encode(content)}`)
    .digest('base64url');
  return `${header}..${signature}`;
}

function isSame(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
