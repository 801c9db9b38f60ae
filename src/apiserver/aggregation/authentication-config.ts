// The ConfigMap by which servers behind this one learn whom to believe: kube-system/extension-apiserver-authentication. It
// comes back when somebody deletes it; what another API server has put there stays beside our own.
import type { ConfigMap } from '../../../generated/core-v1.ts';
import { configMapKind } from '../../../generated/kinds.ts';
import type { KubernetesObject } from '../../api/meta/object.ts';
import { isAlreadyExists } from '../../api/meta/status-error.ts';
import { requestHeaderNames } from '../authn/request-header.ts';
import { onChange } from '../registry/on-change.ts';
import { resourcePrefix } from '../registry/storage-key.ts';
import type { WriteContext } from '../subresources/handler.ts';
import { objectWriter } from '../subresources/handler-request.ts';
import type { ServerParts } from '../verbs/call.ts';

export interface TrustedAuthorities {
  /** PEM: signs certificates of users. */
  readonly clientCa: string;
  /** PEM: signs certificates of front proxies. */
  readonly requestHeaderCa: string;
  /** Common names of front proxies. */
  readonly allowedNames: readonly string[];
}

const namespace = 'kube-system';
const name = 'extension-apiserver-authentication';
const retryMs = 1_000;
const context: WriteContext = {
  user: { username: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] },
  isDryRun: false,
};

function wantedData({
  clientCa,
  requestHeaderCa,
  allowedNames,
}: TrustedAuthorities): Record<string, readonly string[] | string> {
  return {
    'client-ca-file': clientCa,
    'requestheader-allowed-names': allowedNames,
    'requestheader-client-ca-file': requestHeaderCa,
    'requestheader-extra-headers-prefix': requestHeaderNames.extraPrefix,
    'requestheader-group-headers': requestHeaderNames.group,
    'requestheader-uid-headers': requestHeaderNames.uid,
    'requestheader-username-headers': requestHeaderNames.username,
  };
}

const certificates = (pem: string) => pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];

/** What is there, and ours where it is missing. */
export function mergedData(current: Readonly<Record<string, string>>, own: TrustedAuthorities): Record<string, string> {
  const merged: Record<string, string> = { ...current };
  for (const [key, value] of Object.entries(wantedData(own))) {
    const now = current[key] ?? '';
    if (typeof value === 'string') {
      const all = new Set([...certificates(now), ...certificates(value)].map((each) => each.trim()));
      merged[key] = `${[...all].join('\n')}\n`;
    } else merged[key] = JSON.stringify([...new Set([...listIn(now), ...value])]);
  }
  return merged;
}

function listIn(text: string): string[] {
  try {
    const list: unknown = JSON.parse(text || '[]');
    return Array.isArray(list) ? list.filter((each) => typeof each === 'string') : [];
  } catch {
    return []; // somebody's edit: ours replaces it
  }
}

/** Until the signal; never rejects. */
export async function keepAuthenticationConfig(
  parts: ServerParts,
  own: TrustedAuthorities,
  signal: AbortSignal,
): Promise<void> {
  const { registry, clock, log } = parts;
  let wake = () => {};
  const cache = registry.hub.cache(resourcePrefix(configMapKind));
  let seen: ConfigMap | undefined;
  using _watched = onChange(cache, () => {
    if (registry.find(configMapKind, namespace, name) !== seen) wake();
  });
  const stop = () => wake();
  signal.addEventListener('abort', stop, { once: true });
  while (!signal.aborted) {
    const current = registry.find(configMapKind, namespace, name);
    seen = current;
    try {
      await ensure(parts, current, own);
    } catch (error) {
      log.debug('the authorities of clients could not be published', { problem: String(error) });
      await clock.sleep(retryMs, signal);
      continue;
    }
    if (signal.aborted || registry.find(configMapKind, namespace, name) !== seen) continue;
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
}

async function ensure(parts: ServerParts, current: ConfigMap | undefined, own: TrustedAuthorities): Promise<void> {
  const resource = parts.registry.table.stored('', 'configmaps')!;
  const writer = objectWriter(parts);
  const data = mergedData(current?.data ?? {}, own);
  if (current && Object.entries(data).every(([key, value]) => current.data?.[key] === value)) return;
  if (current) {
    await writer.update(
      resource,
      namespace,
      name,
      (now) => ({ ...now, data: mergedData((now as ConfigMap).data ?? {}, own) }) as KubernetesObject,
      context,
    );
    return;
  }
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data };
  await writer.create(resource, namespace, object as KubernetesObject, context).catch((error) => {
    if (!isAlreadyExists(error)) throw error;
  });
}
