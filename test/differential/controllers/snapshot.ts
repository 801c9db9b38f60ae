// What is in a namespace, so that two of them can be compared: without times, uids and the letters that chance made.
import { X509Certificate } from 'node:crypto';
import type { Json } from './side.ts';

const dropped = new Set([
  'uid',
  'resourceVersion',
  'creationTimestamp',
  'managedFields',
  'selfLink',
  'deletionTimestamp',
  'lastHeartbeatTime',
]);

const masks: readonly (readonly [RegExp, string])[] = [
  [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<uid>'],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, '<time>'],
  [/-[bcdfghjklmnpqrstvwxz2456789]{5}(?=$|["\\\s,/:])/g, '-#####'],
  [/(?<=[-"])[bcdfghjklmnpqrstvwxz2456789]{8,10}(?=$|[-"\\\s,/:])/g, '<old>'],
  [/(?<=")n[123](?=")/g, '<node>'],
  [/10\.244\.\d+\.0\/24/g, '<cidr>'],
  [/10\.244\.9\.\d+/g, '<ip>'],
  [/-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\\n/g, '<certificate>'],
  [/(?<=")(?:LS0tLS1CRUdJTi|ZXlK|eyJ)[A-Za-z0-9+/=._-]+(?=")/g, '<secret>'],
  [/10\.96\.\d+\.\d+/g, '<service>'],
  [/(?<="(?:healthCheckN|n)odePort":)3\d{4}/g, '"<port>"'],
  [/"endpoints.kubernetes.io\/last-change-trigger-time":"<time>",?/g, ''],
  [/"annotations":\{\},/g, ''],
  // Which of many are combined is chance: upstream forgets any one of ten messages.
  [/\(combined from similar events\): .*/g, '(combined)'],
  [/-\d{8}(?=$|["\s,/:-])/g, '-<minute>'],
];

/** How often something is tried in vain is a matter of pace; each time a made name in the message makes another event. */
const isTriedAgain = /^Event (?:Pod .* default-scheduler: |.* Warning FailedCreate )/;

/** One line an object, one an event; sorted. */
export function snapshot(objects: readonly Json[], namespace: string): string[] {
  const hashes = revisionHashes(objects);
  return objects
    .filter(({ kind, metadata }) => !(kind === 'Event' && metadata.name.startsWith('n')))
    .map((object) => (object.kind === 'Event' ? eventLine(object) : stable(object)))
    .map((line) => masks.reduce((text, [mask, by]) => text.replaceAll(mask, by), plain(line, namespace, hashes)))
    .filter((line, at, all) => !isTriedAgain.test(line) || all.indexOf(line) === at)
    .sort();
}

/** Hashes of templates are a matter of taste: they are told apart by the revision they stand for. */
function revisionHashes(objects: readonly Json[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const { kind, metadata, revision } of objects) {
    const labels = metadata.labels ?? {};
    const hash =
      labels['pod-template-hash'] ?? labels['controller-revision-hash'] ?? labels['controller.kubernetes.io/hash'];
    const number = kind === 'ReplicaSet' ? metadata.annotations?.['deployment.kubernetes.io/revision'] : revision;
    if (hash && number && (kind === 'ReplicaSet' || kind === 'ControllerRevision')) found.set(hash, `<h${number}>`);
  }
  return found;
}

function plain(line: string, namespace: string, hashes: ReadonlyMap<string, string>): string {
  let text = line.replaceAll(namespace, '<ns>');
  for (const [hash, name] of hashes) text = text.replaceAll(hash, name);
  return text;
}

function eventLine({ involvedObject, type, reason, message, source, reportingComponent }: Json): string {
  return `Event ${involvedObject.kind} ${involvedObject.name} ${type} ${reason} ${source?.component ?? reportingComponent}: ${message}`;
}

function stable(object: Json): string {
  const { kind, metadata, ...rest } = object;
  const { generateName, ...meta } = metadata;
  // How many writes it took is a matter of pace.
  if (kind === 'EndpointSlice' || kind === 'ReplicaSet') delete meta.generation;
  if (kind === 'EndpointSlice')
    rest.endpoints?.sort((a: Json, b: Json) => (endpointName(a) < endpointName(b) ? -1 : 1));
  if (kind === 'Node') rest.spec?.taints?.sort((a: Json, b: Json) => (a.key < b.key ? -1 : 1));
  // Sorted by hashes of what holds uids.
  if (kind === 'Endpoints') rest.subsets?.sort((a: Json, b: Json) => (firstAddress(a) < firstAddress(b) ? -1 : 1));
  if (rest.status?.certificate)
    rest.status = { ...rest.status, certificate: certificateWords(rest.status.certificate) };
  // The two administrators have names of their own.
  if (kind === 'CertificateSigningRequest') rest.spec = { ...rest.spec, username: undefined, extra: undefined };
  if (kind === 'ReplicaSet') rest.status = { ...rest.status, observedGeneration: undefined };
  return `${kind} ${metadata.name} ${JSON.stringify(sorted({ ...rest, metadata: { ...meta, generateName } }))}`;
}

/** What a signed certificate says; a word of it as it is where it is none. */
function certificateWords(base64: string): Json {
  const pem = Buffer.from(base64, 'base64').toString();
  if (!pem.includes('BEGIN CERTIFICATE')) return pem;
  const { subject, subjectAltName, keyUsage, ca, validFromDate, validToDate } = new X509Certificate(pem);
  const minutes = Math.round((validToDate.getTime() - validFromDate.getTime()) / 60_000);
  return { subject, subjectAltName, keyUsage, ca, minutes };
}

const endpointName = ({ targetRef, addresses }: Json): string => targetRef?.name ?? addresses[0];

const firstAddress = ({ addresses, notReadyAddresses }: Json): string => {
  const { targetRef, ip } = (addresses ?? notReadyAddresses)[0];
  return targetRef?.name ?? ip;
};

/** Keys in order, without what is dropped; an explicit stack is not needed: it is our own servers' output. */
function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, each]) => !dropped.has(key) && each !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, each]) => [key, key === 'ownerReferences' ? sorted(each) : sorted(each)]),
  );
}

/** Lines that only one of the two has. */
export function differences(theirs: readonly string[], ours: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const line of theirs) counts.set(line, (counts.get(line) ?? 0) + 1);
  for (const line of ours) counts.set(line, (counts.get(line) ?? 0) - 1);
  const only = [...counts].filter(([, count]) => count !== 0);
  const lost = only.filter(([, count]) => count > 0).map(([line]) => line);
  const more = only.filter(([, count]) => count < 0).map(([line]) => line);
  const found: string[] = [];
  for (const line of lost) {
    const like = more.findIndex((other) => head(other) === head(line) && !line.startsWith('Event'));
    if (like >= 0) found.push(...fields(line, more.splice(like, 1)[0]!));
    else found.push(`upstream only: ${line}`);
  }
  return [...found, ...more.map((line) => `ours only: ${line}`)];
}

const head = (line: string) => line.split(' ', 2).join(' ');

/** Where two objects of one name differ, field by field. */
function fields(theirs: string, ours: string): string[] {
  const read = (line: string) => JSON.parse(line.slice(line.indexOf('{')));
  const found: string[] = [];
  const stack: [string, Json, Json][] = [['', read(theirs), read(ours)]];
  for (let next = stack.pop(); next; next = stack.pop()) {
    const [path, a, b] = next;
    if (JSON.stringify(a) === JSON.stringify(b)) continue;
    const isBoth = (test: (value: Json) => boolean) => test(a) && test(b);
    if (isBoth((value) => value !== null && typeof value === 'object' && !Array.isArray(value)))
      for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) stack.push([`${path}.${key}`, a[key], b[key]]);
    else if (isBoth(Array.isArray) && a.length === b.length)
      for (let index = 0; index < a.length; index++) stack.push([`${path}[${index}]`, a[index], b[index]]);
    else found.push(`${head(theirs)} ${path}: upstream ${JSON.stringify(a)}, ours ${JSON.stringify(b)}`);
  }
  return found;
}
