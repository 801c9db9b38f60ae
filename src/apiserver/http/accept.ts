// Which form of an answer a client asks for. Clauses are tried by quality; the first that the server can give wins.
import { notAcceptable, StatusError } from '../../api/meta/status-error.ts';

export type MediaType = 'json' | 'yaml' | 'protobuf';
export type Transform = 'none' | 'table' | 'partial' | 'partialList';

export interface Accepted {
  readonly media: MediaType;
  readonly transform: Transform;
  /** Of Table and PartialObjectMetadata. */
  readonly metaVersion: 'v1' | 'v1beta1';
}

export const contentTypes: Record<MediaType, string> = {
  json: 'application/json',
  yaml: 'application/yaml',
  protobuf: 'application/vnd.kubernetes.protobuf',
};

const onlyThese = 'only the following media types are accepted:';
const knownTypes = Object.values(contentTypes).join(', ');

const watchTypes = [contentTypes.json, contentTypes.protobuf].map((type) => `${type};stream=watch`);

/** What a route says that produces none of what is asked for. */
export function unproducible(types: readonly string[]): StatusError {
  const { status } = notAcceptable(`406: Not Acceptable\n\nAvailable representations: ${types.join(', ')}`);
  const { code, ...rest } = status;
  return new StatusError({ ...rest, details: {}, code: code ?? 406 });
}

export const noneAcceptable = () => notAcceptable(`${onlyThese} ${knownTypes}`);

interface Clause {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
  readonly order: number;
}

const maxClauses = 64;

function parseClauses(header: string): Clause[] {
  const clauses: Clause[] = [];
  for (const part of header.split(',', maxClauses)) {
    const [type, ...rest] = part.split(';');
    if (!type?.trim()) continue;
    const parameters = new Map<string, string>();
    for (const piece of rest) {
      const [name, value, ...more] = piece.split('=');
      if (value && more.length === 0) parameters.set(name!.trim(), value.trim());
    }
    const quality = Number(parameters.get('q') ?? 1);
    clauses.push({
      type: type.trim() === '*' ? '*/*' : type.trim(),
      parameters,
      quality: Number.isFinite(quality) ? quality : 0,
      order: clauses.length,
    });
  }
  const wildness = (clause: Clause) => (clause.type === '*/*' ? 2 : clause.type.endsWith('/*') ? 1 : 0);
  // A quality of zero comes last, and is given if nothing else is asked for.
  return clauses.sort((a, b) => b.quality - a.quality || wildness(a) - wildness(b) || a.order - b.order);
}

function mediaOf(type: string): MediaType | undefined {
  switch (type) {
    case '*/*':
    case 'application/*':
    case 'application/json':
      return 'json';
    case 'application/yaml':
      return 'yaml';
    case contentTypes.protobuf:
      return 'protobuf';
    default:
      return undefined;
  }
}

const transforms: Record<string, Transform> = {
  Table: 'table',
  PartialObjectMetadata: 'partial',
  PartialObjectMetadataList: 'partialList',
};

function transformOf(parameters: ReadonlyMap<string, string>): Pick<Accepted, 'transform' | 'metaVersion'> | undefined {
  const as = parameters.get('as');
  const version = parameters.get('v');
  const group = parameters.get('g');
  if ((parameters.get('stream') || 'watch') !== 'watch' || (parameters.get('sv') || 'v1') !== 'v1') return undefined;
  if (as === undefined && version === undefined && group === undefined) return { transform: 'none', metaVersion: 'v1' };
  const transform = Object.hasOwn(transforms, as ?? '') ? transforms[as!] : undefined;
  if (!transform || group !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) return undefined;
  return { transform, metaVersion: version };
}

const plainJson: Accepted = { media: 'json', transform: 'none', metaVersion: 'v1' };

const cache = new Map<string, Accepted>();
const maxCached = 200;

export interface Offer {
  /** False for objects of which there is no protobuf message. */
  readonly hasProtobuf: boolean;
  /** False for what is never listed (reviews, bindings, tokens). Default true. */
  readonly hasTable?: boolean;
  /** Lists and watches, whose route names the types of streams too. Default false. */
  readonly isList?: boolean;
  /** False for what no route serves, which is asked in other words. Default: as `hasProtobuf`. */
  readonly hasRoute?: boolean;
  /** Answers in a stream, of which there is no YAML. Default false. */
  readonly isWatch?: boolean;
}

/** @throws StatusError 406 when nothing fits. */
export function negotiate(header: string, offer: Offer = { hasProtobuf: true }): Accepted {
  if (header === '' || header === 'application/json' || header === '*/*') return plainJson;
  const key = `${offer.hasProtobuf} ${offer.hasTable} ${offer.hasRoute} ${offer.isList} ${offer.isWatch} ${header}`;
  const known = cache.get(key);
  if (known) return known;
  const types = Object.values(contentTypes);
  const produced = offer.isList || offer.isWatch ? [...types, ...watchTypes] : types;
  // Custom resources have no routes of their own.
  if ((offer.hasRoute ?? offer.hasProtobuf) && !isProducible(header, produced)) throw unproducible(produced);
  const accepted = choose(header, offer);
  // What fits an object, and no stream of them.
  if (!accepted && offer.isWatch && choose(header, { ...offer, isWatch: false }))
    throw notAcceptable(`${onlyThese} ${watchTypes.join(', ')}`);
  if (!accepted) throw noneAcceptable();
  if (cache.size >= maxCached) cache.clear();
  cache.set(key, accepted);
  return accepted;
}

/** Whether the route of a resource that is built in takes the header. */
export function isRouted(header: string, isList: boolean): boolean {
  const types = Object.values(contentTypes);
  return isProducible(header, isList ? [...types, ...watchTypes] : types);
}

/** Whether a route takes the header: by exact names or anything at all, whatever the weights. */
export function isProducible(header: string, types: readonly string[]): boolean {
  if (header === '') return true;
  return header.split(',').some((clause) => {
    const type = clause.split(';')[0]!.trim();
    return type === '*/*' || types.includes(type);
  });
}

function choose(header: string, { hasProtobuf, hasTable = true, isWatch }: Offer): Accepted | undefined {
  for (const clause of parseClauses(header)) {
    const media = mediaOf(clause.type);
    const transform = media && transformOf(clause.parameters);
    if (!media || !transform) continue;
    if (isWatch && media === 'yaml') continue;
    if (transform.transform === 'table' && !hasTable) continue;
    // Rows hold values of any type, for which there is no protobuf message.
    if (media === 'protobuf' && transform.transform === 'table') continue;
    if (media === 'protobuf' && transform.transform === 'none' && !hasProtobuf) continue;
    return { media, ...transform };
  }
  return undefined;
}

/** The media type for answers that are not resources, and for errors; undefined when none of the header's fits. */
export function mediaForStatus(header: string): MediaType | undefined {
  if (header === '') return 'json';
  for (const clause of parseClauses(header)) {
    const media = mediaOf(clause.type);
    if (media && transformOf(clause.parameters)?.transform === 'none') return media;
  }
  return undefined;
}

/** Whether a client asks for one of the aggregated discovery documents, and which version. */
export function wantsAggregatedDiscovery(header: string): 'v2' | undefined {
  if (!header.includes('APIGroupDiscoveryList')) return undefined;
  for (const clause of parseClauses(header)) {
    const media = mediaOf(clause.type);
    if (!media) continue;
    const as = clause.parameters.get('as');
    if (as === undefined) return undefined;
    const fits = as === 'APIGroupDiscoveryList' && clause.parameters.get('g') === 'apidiscovery.k8s.io';
    if (fits && clause.parameters.get('v') === 'v2' && media === 'json') return 'v2';
  }
  return undefined;
}
