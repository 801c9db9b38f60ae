// Every pod runs as a service account; unless it asks not to, it gets a token of it, the cluster's CA and its namespace's
// name as files.
import type { Container, Pod, PodSpec, ServiceAccount, Volume } from '../../../../generated/core-v1.ts';
import { podKind, serviceAccountKind } from '../../../../generated/kinds.ts';
import { podReferences } from '../../../api/core/pod-references.ts';
import { pathSegmentProblems } from '../../../api/meta/names.ts';
import { nameSuffix, type Random } from '../../../base/random.ts';
import type { AdmissionContext, AdmissionPlugin, AdmissionRequest } from '../plugin.ts';
import { isAbout, refuse } from '../refuse.ts';

const volumePrefix = 'kube-api-access-';
const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount';
const mirrorAnnotation = 'kubernetes.io/config.mirror';
const mountableAnnotation = 'kubernetes.io/enforce-mountable-secrets';

export function serviceAccount(random: Random): AdmissionPlugin {
  return {
    name: 'ServiceAccount',
    admit(request, context) {
      if (!isAbout(request, podKind) || request.operation !== 'CREATE') return;
      const pod = request.object as Pod;
      if (pod.metadata.annotations?.[mirrorAnnotation] === undefined) {
        pod.spec.serviceAccountName ||= 'default';
        pod.spec.serviceAccount = pod.spec.serviceAccountName;
        const account = accountOf(request, context, pod.spec.serviceAccountName);
        if (pod.spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true)
          mountToken(pod.spec, random);
        if (!pod.spec.imagePullSecrets?.length && account.imagePullSecrets?.length) {
          pod.spec.imagePullSecrets = account.imagePullSecrets.map(({ name = '' }) => ({ name }));
        }
      }
      check(request, context);
    },
    validate(request, context) {
      if (isAbout(request, podKind) && request.operation === 'CREATE') check(request, context);
    },
  };
}

function accountOf(request: AdmissionRequest, { objects }: AdmissionContext, name: string): ServiceAccount {
  const account = objects.find(serviceAccountKind, request.namespace, name);
  if (account) return account;
  const problems = pathSegmentProblems(name);
  const why = problems.length
    ? `invalid resource name "${name}": [${problems.join(' ')}]`
    : `serviceaccount "${name}" not found`;
  throw refuse(request, `error looking up service account ${request.namespace}/${name}: ${why}`);
}

function check(request: AdmissionRequest, context: AdmissionContext): void {
  const { metadata, spec } = request.object as Pod;
  if (metadata.annotations?.[mirrorAnnotation] !== undefined) {
    checkMirror(request, spec);
    return;
  }
  if (!spec.serviceAccountName)
    throw refuse(request, `no service account specified for pod ${request.namespace}/${metadata.name}`);
  const account = accountOf(request, context, spec.serviceAccountName);
  if (account.metadata.annotations?.[mountableAnnotation] === 'true') checkMountable(request, spec, account);
}

/** A mirror pod is a node's report of a static pod: through it nothing may be read. */
function checkMirror(request: AdmissionRequest, spec: PodSpec): void {
  if (spec.serviceAccountName) throw refuse(request, 'a mirror pod may not reference service accounts');
  if (podReferences(spec, '').secrets.size > 0) throw refuse(request, 'a mirror pod may not reference secrets');
  const sources = (spec.volumes ?? []).flatMap((volume) => volume.projected?.sources ?? []);
  if (sources.some((source) => source.serviceAccountToken)) {
    throw refuse(request, 'a mirror pod may not use ServiceAccountToken volume projections');
  }
}

function checkMountable(request: AdmissionRequest, spec: PodSpec, account: ServiceAccount): void {
  const mountable = new Set((account.secrets ?? []).map(({ name }) => name));
  const pullable = new Set((account.imagePullSecrets ?? []).map(({ name }) => name));
  const not = `is not allowed because service account ${account.metadata.name} does not reference that`;
  for (const { secret } of spec.volumes ?? []) {
    if (secret?.secretName && !mountable.has(secret.secretName)) {
      throw refuse(request, `volume with secret.secretName="${secret.secretName}" ${not} secret`);
    }
  }
  const kinds = [
    ['init container', spec.initContainers ?? []],
    ['container', spec.containers],
  ] as const;
  for (const [kind, containers] of kinds) {
    for (const container of containers) checkEnvironment(request, kind, container, mountable, `${not} secret`);
  }
  for (const [index, { name }] of (spec.imagePullSecrets ?? []).entries()) {
    if (!pullable.has(name)) throw refuse(request, `imagePullSecrets[${index}].name="${name}" ${not} imagePullSecret`);
  }
}

function checkEnvironment(
  request: AdmissionRequest,
  kind: string,
  container: Container,
  mountable: ReadonlySet<string | undefined>,
  not: string,
): void {
  for (const { name, valueFrom } of container.env ?? []) {
    const secret = valueFrom?.secretKeyRef?.name;
    if (secret === undefined || mountable.has(secret)) continue;
    throw refuse(
      request,
      `${kind} ${container.name} with envVar ${name} referencing secret.secretName="${secret}" ${not}`,
    );
  }
  for (const { secretRef } of container.envFrom ?? []) {
    if (secretRef?.name === undefined || mountable.has(secretRef.name)) continue;
    throw refuse(
      request,
      `${kind} ${container.name} with envFrom referencing secret.secretName="${secretRef.name}" ${not}`,
    );
  }
}

function mountToken(spec: PodSpec, random: Random): void {
  const existing = spec.volumes?.find((volume) => volume.name.startsWith(volumePrefix));
  const name = existing?.name ?? `${volumePrefix}${nameSuffix(random)}`;
  let isNeeded = false;
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) {
    if (container.volumeMounts?.some((mount) => mount.mountPath === mountPath)) continue;
    container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath }];
    isNeeded = true;
  }
  if (isNeeded && !existing) spec.volumes = [...(spec.volumes ?? []), tokenVolume(name)];
}

function tokenVolume(name: string): Volume {
  return {
    name,
    projected: {
      sources: [
        { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        {
          downwardAPI: {
            items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
          },
        },
      ],
      defaultMode: 420,
    },
  };
}
